"""Every page of every file is in the dataset or among the refused rows, with a true reason."""

from __future__ import annotations

import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pypdfium2 as pdfium
import pytest

from sightline.recipes.dataset import Dataset
from sightline.recipes.document_reasons import REASONS

SCANS = {"ko_scan_vertical_1p.pdf": 1, "scan_huckfinn_1p.pdf": 1, "scan_rotated_pages_4p.pdf": 4}
CHINESE = "zh_scan_report_1p.pdf"
KOREAN = {"ko_debian_install_guide_151p.pdf", "국회입법조사처_이슈와논점_1695호.pdf"}
Pages = dict[str, set[int]]


def pages_of(folder: Path) -> Pages:
    """Pages (from 1) of each PDF, counted by PDFium alone."""
    found: Pages = {}
    for path in sorted(folder.glob("*.pdf")):
        with pdfium.PdfDocument(path) as document:
            found[path.name] = set(range(1, len(document) + 1))
    return found


def shown(dataset: Dataset) -> Pages:
    """Pages that are an image of a record."""
    found: Pages = defaultdict(set)
    for row in dataset.rows(["source", "image_pages"]):
        found[row["source"]["name"]] |= {image["page"] + 1 for image in row["image_pages"]}
    return found


def refused(dataset: Dataset) -> Pages:
    """Pages that a refused row names."""
    found: Pages = defaultdict(set)
    for row in dataset.rejects():
        match = re.fullmatch(r"(.*\.pdf) pages? (\d+)(?:-(\d+))?", row.origin)
        if match is not None:
            found[match[1]] |= set(range(int(match[2]), int(match[3] or match[2]) + 1))
    return found


def unaccounted(folder: Path, built: Path) -> Pages:
    kept, gone = shown(Dataset(built)), refused(Dataset(built))
    return {name: lost for name, pages in pages_of(folder).items() if (lost := pages - kept[name] - gone[name])}


def test_every_page_of_every_sample_is_kept_or_refused(samples: Path, built_samples: Path) -> None:
    assert sum(map(len, pages_of(samples / "docs").values())) == 282
    assert unaccounted(samples / "docs", built_samples) == {}


def test_every_page_of_every_example_is_kept_or_refused(examples: Path, built_examples: Path) -> None:
    assert unaccounted(examples, built_examples) == {}
    assert set(shown(Dataset(built_examples))) == {path.name for path in examples.glob("*.pdf")} - {"scan.pdf"}


def test_every_refusal_has_a_known_reason_and_says_to_what(built_samples: Path) -> None:
    for row in Dataset(built_samples).rejects():
        assert row.reason in REASONS
        assert row.reason not in ("step-error", "worker-died", "time-limit")
        assert row.origin, row


def test_what_is_no_pdf_is_refused_by_its_content(built_samples: Path) -> None:
    rows = [row for row in Dataset(built_samples).rejects() if row.reason == "not-a-pdf"]
    assert [row.origin for row in rows] == ["invoice_mustang_508.xml"]


def test_scans_are_refused_by_name_where_no_ocr_was_asked(built_samples: Path) -> None:
    rows = Counter(
        row.origin.partition(" page")[0] for row in Dataset(built_samples).rejects() if row.reason == "no-text-layer"
    )
    assert rows == SCANS | {CHINESE: 1}
    assert not set(rows) & set(shown(Dataset(built_samples)))


def test_korean_pages_give_korean_questions_and_no_others(built_samples: Path) -> None:
    languages: dict[str, set[str]] = defaultdict(set)
    for row in Dataset(built_samples).rows(["source", "language", "texts"]):
        languages[row["source"]["name"]].add(row["language"])
        hangul = re.search("[가-힣]", row["texts"][0]["user"]) is not None
        assert hangul == (row["language"] == "ko"), row["texts"]
    assert {name for name, found in languages.items() if "ko" in found} == KOREAN
    assert all(len(found) == 1 for found in languages.values())


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
@pytest.mark.parametrize(("language", "names"), [("en", ["scan_huckfinn_1p.pdf", "scan_rotated_pages_4p.pdf"]),
                                                ("ko", ["ko_scan_vertical_1p.pdf"])])  # fmt: skip
def test_scans_give_an_ocr_result_or_a_named_refusal(
    samples: Path, tmp_path: Path, cli: Callable[..., tuple[int, str, str]], language: str, names: list[str]
) -> None:
    (tmp_path / "in").mkdir()
    for name in names:
        shutil.copy(samples / "docs" / name, tmp_path / "in")
    out = tmp_path / "out"
    code, _, err = cli("build", "documents", tmp_path / "in", "--out", out, "--ocr", "auto", "--ocr-language", language)
    assert code == 0, err
    dataset = Dataset(out)
    assert unaccounted(tmp_path / "in", out) == {}
    assert {row.reason for row in dataset.rejects()} <= {"nothing-to-ask", "ocr-unsure", "ocr-cannot-read",
                                                         "repeated-question", "unsupported"}  # fmt: skip
    read = next(step for step in dataset.run.figures["funnel"] if step["step"] == "read-pages")
    if language == "en":
        assert read["gave"] >= 4, "printed English is read"
