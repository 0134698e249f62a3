"""The report of a documents dataset, on a small dataset made by hand; opened in headless Chromium if there is one."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pypdfium2 as pdfium
import pytest
from PIL import Image
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

import sightline
from sightline.core.errors import InputError
from sightline.core.score import Proportion
from sightline.recipes.dataset import Dataset
from sightline.recipes.document_digest import digest
from sightline.recipes.document_reasons import REASONS
from sightline.recipes.document_report import write_report
from sightline.verify.filters import FILTERS

HOSTILE = (
    "<script>document.title='RUN'</script><img src=x onerror=\"document.title='RUN'\"></style>"
    "<svg onload=\"document.title='RUN'\">{{7*7}}{% raw %}\" ' --> ]]>"
)
TEXT, WHOLE, REAL = pa.string(), pa.int64(), pa.float64()
SCHEMA = pa.schema(
    {
        "id": TEXT,
        "images": pa.list_(pa.struct({"bytes": pa.binary(), "path": TEXT})),
        "image_scales": pa.list_(REAL),
        "texts": pa.list_(pa.struct({"user": TEXT, "assistant": TEXT, "source": TEXT})),
        "evidence": pa.list_(
            pa.struct(
                {"page": WHOLE, "image": WHOLE, "boxes": pa.list_(pa.list_(REAL))}
                | {"unit": TEXT, "match": TEXT, "confidence": REAL, "quote": TEXT}
            )
        ),
        "scores": pa.struct({"located": REAL, "judge": REAL, "blind": REAL}),
        **dict.fromkeys(("style", "writer", "language", "split", "group", "licence"), TEXT),
        "source": pa.struct(dict.fromkeys(("name", "uri", "sha256", "media_type", "licence"), TEXT) | {"size": WHOLE}),
    }
)
REJECTS = pa.schema(dict.fromkeys(("reason", "step", "item", "origin", "evidence"), TEXT))
WORDS = (0.0, 0.8, 0.0)
"""Answer words are drawn in green, a colour that nothing else of the page has."""
WIDTH, HEIGHT, SCALE = 420.0, 300.0, 2.0
LINES = [("Invoice total:", "529.87 EUR"), ("Payable until:", "2026-03-14"), ("Ship to:", "Sample Trading Co.")]


def pdf_page(number: int) -> tuple[bytes, list[list[float]]]:
    """A picture of a page, and the box of each answer in points from the top left."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(WIDTH, HEIGHT))
    canvas.setFont("Helvetica", 9)
    canvas.drawString(40, HEIGHT - 40, f"Specimen sheet {number}, made for a test")
    boxes = []
    for n, (key, answer) in enumerate(LINES):
        baseline = 90 + 55 * n
        canvas.setFillColorRGB(0, 0, 0)
        canvas.setFont("Helvetica", 14)
        canvas.drawString(60, HEIGHT - baseline, key)
        canvas.setFillColorRGB(*WORDS)
        canvas.drawString(200, HEIGHT - baseline, answer)
        boxes.append([200.0, baseline - 11.0, 200.0 + stringWidth(answer, "Helvetica", 14), baseline + 3.0])
    canvas.save()
    page = pdfium.PdfDocument(out.getvalue())[0]
    picture = io.BytesIO()
    page.render(scale=SCALE).to_pil().save(picture, "PNG")
    return picture.getvalue(), boxes


def record(document: str, number: int, line: int, **changes: object) -> dict:
    picture, boxes = pdf_page(number)
    question, answer = f"What does “{LINES[line][0]}” say?", LINES[line][1]
    sha = document.encode().hex().ljust(64, "0")[:64]
    source = {"name": document, "uri": f"in/{document}", "sha256": sha, "media_type": "application/pdf", "size": 5120}
    evidence = {"page": number, "image": 0, "boxes": [boxes[line]], "unit": "pt", "match": "exact", "confidence": 1.0}
    return {
        "id": f"{document}-{number}-{line}",
        "images": [{"bytes": picture, "path": "p.png"}],
        "image_scales": [SCALE],
        "texts": [{"user": question, "assistant": answer, "source": document}],
        "evidence": [evidence | {"quote": answer}],
        "scores": {"located": 1.0, "judge": None, "blind": None},
        "style": "layout/key-value",
        "writer": "layout",
        "language": "en",
        "split": "train",
        "group": sha,
        "licence": None,
        "source": source | {"licence": None},
    } | changes


RUN = {
    "recipe": "document_qa",
    "version": 1,
    "config": {"seed": 0, "read": {"page": {"dpi": 144}}},
    "models": {"writer": "layout", "judge": "none", "blind": "none"},
    "versions": {"sightline": "0.1.0"},
    "figures": {
        "pages": 9,
        "seconds": 12.5,
        "pages_per_second": 0.72,
        "requests": 0,
        "cost_usd": 0.0,
        "funnel": [
            {"step": "count-pages", "took": 3, "gave": 9, "rejected": 1, "reused": 0, "seconds": 0.1},
            {"step": "read-pages", "took": 9, "gave": 7, "rejected": 2, "reused": 0, "seconds": 9.0},
        ],
    },
}


def dataset(folder: Path, records: list[dict], rejects: list[dict] | None = None, run: dict = RUN) -> Path:
    (folder / "data").mkdir(parents=True)
    for split in ("train", "test"):
        rows = [row for row in records if row["split"] == split]
        table = pa.Table.from_pylist(rows, SCHEMA)
        pq.write_table(table, folder / "data" / f"{split}-00000.parquet", row_group_size=2)
    pq.write_table(pa.Table.from_pylist(rejects or [], REJECTS), folder / "rejects.parquet")
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return folder


def rejected(reason: str, origin: str = "scan.pdf page 2", evidence: str = '{"words": 0}') -> dict:
    return {"reason": reason, "step": "read-pages", "item": "k", "origin": origin, "evidence": evidence}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    records = [record(f"sample-{d}.pdf", page, line) for d in "ab" for page in range(2) for line in range(3)]
    records[-1]["split"] = "test"
    records.append(record("안내문.pdf", 0, 0, language="ko"))
    rejects = [rejected("no-text-layer"), rejected("no-text-layer"), rejected("brand-new-reason")]
    return dataset(tmp_path / "invoices", records, rejects)


def test_the_digest_counts_what_was_stored(small: Path) -> None:
    made = digest(small)
    assert (made.records, made.pairs, len(made.sources), len(made.pages)) == (13, 13, 3, 5)
    assert made.counts["language"] == {"en": 12, "ko": 1}
    assert made.counts["split"] == {"train": 12, "test": 1}
    assert sorted(made.pages.values()) == [1, 3, 3, 3, 3]
    assert made.rejects.reasons == {"no-text-layer": 2, "brand-new-reason": 1}
    assert made.prompts[0][:2] == ("layout/key-value", 13)


def test_every_document_is_seen_before_one_is_seen_twice(small: Path) -> None:
    assert {sample.source.name for sample in digest(small, pages=3).samples} == {
        "sample-a.pdf",
        "sample-b.pdf",
        "안내문.pdf",
    }
    assert all(len(sample.pairs) == 3 for sample in digest(small, pages=9).samples if sample.source.name[0] == "s")


def test_the_chosen_pages_depend_on_the_seed_alone(small: Path) -> None:
    chosen = [[(s.source.name, s.page) for s in digest(small, pages=4, seed=seed).samples] for seed in (0, 0, 1, 2, 3)]
    assert chosen[0] == chosen[1]
    assert any(other != chosen[0] for other in chosen[2:])


def test_the_same_dataset_gives_the_same_page(small: Path) -> None:
    first = write_report(small).read_bytes()
    assert write_report(small).read_bytes() == first
    assert not list(small.glob("*.part"))


def test_the_page_says_what_matters(small: Path) -> None:
    html = write_report(small).read_text(encoding="utf-8")
    for words in (
        "layout writer: rule-made questions, no language model",
        "529.87 EUR",
        "안내문.pdf",
        "The page is a picture of text (a scan)",
        "Brand new reason.",
        "Not audited yet",
        "0 USD: no language model was asked",
        "Licence not stated for 3 of 3 files",
        "The labels are synthetic.",
    ):
        assert words in html, words
    assert len(html) < 3_000_000


def write_audit(folder: Path, **said: Any) -> None:
    audit = {"dataset": Dataset(folder).fingerprint, "checks": {}, "pairs": 60, "drafts": 200, "seed": 0, "skipped": {}}
    audit |= said
    (folder / "audit.json").write_text(json.dumps(audit))


def test_the_audit_is_shown_with_its_intervals(small: Path) -> None:
    low, high = Proportion(57, 60).interval
    row = {"kind": "number-changed", "check": "located", "caught": 57, "planted": 60, "low": low, "high": high}
    alarm = {"located": {"refused": 1, "checked": 200}}
    write_audit(small, rows=[row], false_alarms=alarm)
    html = write_report(small).read_text(encoding="utf-8")
    assert "Not audited yet" not in html
    assert f"95.0% ({low:.1%} – {high:.1%})" in html
    assert "1 of 200" in html


def test_a_dataset_in_which_everything_was_refused_still_has_a_report(tmp_path: Path) -> None:
    html = write_report(dataset(tmp_path / "none", [], [rejected("no-text-layer")])).read_text(encoding="utf-8")
    assert "Nothing was kept" in html


def test_an_unfinished_run_and_a_paid_one_say_so(tmp_path: Path) -> None:
    figures = {"complete": False, "stopped_by": "the spend cap was met", "requests": 12, "cost_usd": 0.25}
    run = RUN | {"figures": figures, "models": {"writer": "some-model", "judge": "other-model"}}
    row = record("a.pdf", 0, 0, writer="some-model", style="lm/broad")
    html = write_report(dataset(tmp_path / "paid", [row], run=run)).read_text(encoding="utf-8")
    assert "This run is not finished" in html
    assert "the spend cap was met" in html
    assert "0.2500 USD" in html
    assert "Written by the language model some-model" in html
    assert "rule-made" not in html


def test_every_reason_of_the_code_is_said_in_words() -> None:
    package = Path(sightline.__file__).parent
    files = [
        *(package / "media").glob("pdf*.py"),
        *(package / "media").glob("ocr*.py"),
        *(package / "pipeline").glob("*.py"),
        *(package / "recipes" / "document_qa").rglob("*.py"),
    ]
    given = re.compile(r'(?:Reject\(|Rejected\(\s*reason=|_refused\(page, )\s*"([a-z-]+)"')
    reasons = {reason for file in files for reason in given.findall(file.read_text(encoding="utf-8"))}
    assert len(reasons) > 10
    unsaid = sorted((reasons | set(FILTERS)) - set(REASONS))
    assert not unsaid, "say these in recipes/document_reasons.py"


def test_nothing_but_the_chosen_pictures_is_read(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    original = pq.ParquetFile.iter_batches

    def counting(self, batch_size, row_groups=None, columns=None, **rest):
        for batch in original(self, batch_size, row_groups=row_groups, columns=columns, **rest):
            if "images" in columns:
                read.append(len(batch))
            yield batch

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", counting)
    digest(small, pages=2)
    assert sum(read) <= 2 * 2, "at most the row group (two rows here) of each chosen page"


@pytest.mark.parametrize("broken", ["run.json", "rejects.parquet", "data/train-00000.parquet", "audit.json"])
def test_a_damaged_dataset_is_one_clear_error(small: Path, broken: str) -> None:
    (small / broken).write_bytes(b"{ not a file")
    with pytest.raises(InputError) as error:
        write_report(small)
    assert Path(broken).name in str(error.value)


def test_a_folder_without_dataset_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no dataset in this folder"):
        write_report(tmp_path)


def test_an_unreadable_picture_is_one_clear_error(tmp_path: Path) -> None:
    bad = record("sample.pdf", 0, 0, images=[{"bytes": b"not a picture", "path": "p.png"}])
    with pytest.raises(InputError, match=r"sample\.pdf, page 1"):
        write_report(dataset(tmp_path / "bad", [bad]))


def hostile(folder: Path) -> Path:
    one = record(f"{HOSTILE}.pdf", 0, 0, style=HOSTILE, language=HOSTILE, writer=HOSTILE)
    one["texts"][0] |= {"user": HOSTILE, "assistant": HOSTILE}
    one["source"]["licence"] = HOSTILE
    evidence = json.dumps({HOSTILE: HOSTILE, "surrogate": "\ud800", "nul": "\x00"})
    run = RUN | {"config": {HOSTILE: HOSTILE}, "models": {"writer": HOSTILE, HOSTILE: HOSTILE}}
    run["figures"] = RUN["figures"] | {
        "funnel": [{"step": HOSTILE, "took": 1, "gave": 1, "rejected": 0, "reused": 0, "seconds": 0.0}]
    }
    made = dataset(folder, [one], [rejected(HOSTILE, HOSTILE, evidence)], run)
    row = {"kind": HOSTILE, "check": HOSTILE, "caught": 1, "planted": 2, "low": 0.1, "high": 0.9}
    write_audit(made, rows=[row], false_alarms={}, checks={HOSTILE: HOSTILE})
    return made


class Elements(HTMLParser):
    """What a browser would make of a page, as far as it matters here."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.handlers: list[str] = []
        self.urls: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.urls += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action", "data")]


def test_text_of_documents_stays_text(tmp_path: Path) -> None:
    html = write_report(hostile(tmp_path / "<script>alert(1)<")).read_text(encoding="utf-8")
    page = Elements(html)
    assert not page.tags & {"script", "iframe", "object", "embed", "link", "base", "form"}
    assert page.handlers == []
    assert all(url.startswith(("#", "data:image/")) for url in page.urls)
    assert html.count("</style>") == 1
    assert "{{7*7}}" in html
    assert "\ufffd" in html


CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
]
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


def chromium(page: Path, profile: Path, *options: str) -> str:
    assert CHROMIUM is not None
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, check=True, timeout=120, text=True).stdout


@needs_chromium
def test_nothing_of_a_document_runs_in_a_browser(tmp_path: Path) -> None:
    report = write_report(hostile(tmp_path / "hostile"))
    assert "<title>hostile</title>" in chromium(report, tmp_path / "profile", "--dump-dom")


@needs_chromium
def test_the_policy_stops_even_a_script_that_got_in(tmp_path: Path) -> None:
    html = write_report(dataset(tmp_path / "kept", [record("a.pdf", 0, 0)])).read_text(encoding="utf-8")
    let_in = html.replace("<main>", "<main><script>document.title='RUN'</script>")
    guarded, open_ = tmp_path / "guarded.html", tmp_path / "open.html"
    guarded.write_text(let_in, encoding="utf-8")
    open_.write_text(let_in.replace("Content-Security-Policy", "X-None"), encoding="utf-8")
    assert "<title>kept</title>" in chromium(guarded, tmp_path / "profile", "--dump-dom")
    assert "<title>RUN</title>" in chromium(open_, tmp_path / "profile", "--dump-dom"), "this test could not fail"


def places(picture: np.ndarray, wanted: np.ndarray, gap: int = 12) -> list[tuple[int, int, int, int]]:
    """Bounding boxes of the wanted pixels, one per group of rows that lie at most `gap` apart."""
    rows = np.flatnonzero(wanted.any(axis=1))
    groups = np.split(rows, np.flatnonzero(np.diff(rows) > gap) + 1)
    found = []
    for group in groups:
        columns = np.flatnonzero(wanted[group].any(axis=0))
        found.append((int(columns[0]), int(group[0]), int(columns[-1]), int(group[-1])))
    return found


@needs_chromium
@pytest.mark.parametrize("width", [1280, 480])
def test_the_boxes_lie_over_the_answer_words(tmp_path: Path, width: int) -> None:
    report = write_report(dataset(tmp_path / "boxes", [record("a.pdf", 0, line) for line in range(3)]))
    shot = tmp_path / "shot.png"
    chromium(report, tmp_path / "profile", f"--window-size={width},2400", f"--screenshot={shot}")
    picture = np.asarray(Image.open(shot).convert("RGB")).astype(int)
    red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
    words = places(picture, (green - red > 60) & (green - blue > 60))
    assert len(words) == 3, "the three green answers of the page"
    left = min(box[0] for box in words) - 30
    right = max(box[2] for box in words) + 30
    stroke = (red - green > 60) & (green - blue > 15)  # vermilion, paler where a line falls between two pixels
    stroke[:, :left] = stroke[:, right:] = False
    for x0, y0, x1, y1 in words:
        near = stroke.copy()
        near[: y0 - 14] = near[y1 + 14 :] = False
        columns = np.flatnonzero(near[y0 : y1 + 1].sum(axis=0) > (y1 - y0) * 0.8)
        rows = np.flatnonzero(near[:, x0 : x1 + 1].sum(axis=1) > (x1 - x0) * 0.8)
        assert columns.size, "no upright strokes beside the words"
        assert rows.size, "no lying strokes above and below the words"
        assert columns[0] < x0 + 2, (columns, x0)
        assert columns[-1] > x1 - 2, (columns, x1)
        assert rows[0] < y0, (rows, y0)
        assert rows[-1] > y1, (rows, y1)
        assert columns[-1] - columns[0] < (x1 - x0) + 14, "and the box is no larger than the words need"
