"""A built dataset as its users see it: the shape of a record, `datasets.load_dataset`, and the card."""

from __future__ import annotations

import errno
import re
import shutil
from collections import Counter
from pathlib import Path

import datasets
import pytest
import yaml  # type: ignore[import-untyped]

from sightline.core.errors import InputError, StorageError
from sightline.recipes.card import write_card
from sightline.recipes.dataset import Dataset


def invoice_row(built: Path) -> dict:
    return next(
        row
        for row in Dataset(built).rows()
        if row["source"]["name"] == "invoice.pdf" and row["style"] == "layout/key-value"
    )


def test_a_record_has_the_promised_shape(built_examples: Path) -> None:
    row = invoice_row(built_examples)
    assert {"id", "images", "texts", "messages", "evidence", "scores", "style", "writer", "language", "split", "group",
            "licence", "source", "provenance"} <= set(row)  # fmt: skip
    text = row["texts"][0]
    assert set(text) == {"user", "assistant", "source"}
    assert text["source"] == "invoice.pdf"
    assert [message["role"] for message in row["messages"]] == ["user", "assistant"]
    assert row["messages"][0]["content"] == [{"type": "image", "text": None}, {"type": "text", "text": text["user"]}]
    assert row["messages"][1]["content"] == [{"type": "text", "text": text["assistant"]}]
    evidence = row["evidence"][0]
    assert {"page", "boxes", "unit", "match", "confidence"} <= set(evidence)
    assert (evidence["page"], evidence["unit"]) == (0, "pt")
    assert all(len(box) == 4 for box in evidence["boxes"])
    assert 0.5 < evidence["confidence"] <= 1.0
    assert set(row["scores"]) == {"located", "judge", "blind"}
    assert row["scores"]["located"] == evidence["confidence"]
    assert row["scores"]["judge"] is None
    assert row["scores"]["blind"] is None
    assert re.fullmatch(r"layout/[\w-]+", row["style"])
    assert (row["writer"], row["language"]) == ("layout", "en")


def test_where_a_record_comes_from_is_in_it(examples: Path, built_examples: Path) -> None:
    run = Dataset(built_examples).run
    row = invoice_row(built_examples)
    path = examples / "invoice.pdf"
    assert row["licence"] == row["source"]["licence"] == "CC0-1.0"
    assert row["source"]["size"] == path.stat().st_size
    assert Path(row["source"]["uri"]).samefile(path)
    assert row["source"]["media_type"] == "application/pdf"
    provenance = row["provenance"]
    assert (provenance["recipe"], provenance["version"], provenance["seed"]) == ("document_qa", run.version, 0)
    assert provenance["run"] == run.fingerprint
    assert len(provenance["parents"]) == 2


def test_ids_are_unique(built_samples: Path) -> None:
    ids = [row["id"] for row in Dataset(built_samples).rows(["id"])]
    assert len(set(ids)) == len(ids)


def test_hugging_face_opens_it_with_decoded_pictures(
    built_examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = datasets.load_dataset(str(built_examples), cache_dir=str(tmp_path))
    counts = Counter(row["split"] for row in Dataset(built_examples).rows(["split"]))
    assert {name: len(split) for name, split in loaded.items()} == dict(counts)
    assert set(counts) == {"train", "test"}
    for split in loaded.values():
        assert split.features["images"] == datasets.List(datasets.Image())
        row = split[0]
        for picture, about, scale in zip(row["images"], row["image_pages"], row["image_scales"], strict=True):
            assert picture.size == (about["width"], about["height"])
            assert picture.mode == "RGB" or picture.getbands()
            assert scale == pytest.approx(150 / 72), "150 dots per inch unless the long side would pass 2940"
            assert max(picture.size) <= 2940


def front_matter(folder: Path) -> tuple[dict, str]:
    card = (folder / "README.md").read_text(encoding="utf-8")
    _, front, body = card.split("---\n", 2)
    return yaml.safe_load(front), body


def table(body: str, head: str) -> dict[str, int]:
    block = body.partition(f"| {head} |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (.+?) \| ([\d,]+) \|$", block, re.MULTILINE)
    return {name: int(count.replace(",", "")) for name, count in rows}


def test_the_card_counts_what_is_there(built_examples: Path) -> None:
    front, body = front_matter(built_examples)
    dataset = Dataset(built_examples)
    rows = list(dataset.rows(["split", "language", "style", "licence"]))
    assert table(body, "Split") == Counter(row["split"] for row in rows)
    assert table(body, "Language") == Counter(row["language"] for row in rows)
    assert table(body, "Style") == Counter(row["style"] for row in rows)
    assert table(body, "Licence") == {"CC0-1.0": len(rows)}
    assert table(body, "Refused for") == Counter(one.reason for one in dataset.rejects())
    assert sorted(front["language"]) == ["en", "ko"]
    assert front["license"] == "CC0-1.0"
    assert front["size_categories"] == ["n<1K"]
    files = {entry["split"]: entry["path"] for entry in front["configs"][0]["data_files"]}
    assert files == {"train": "data/train-*.parquet", "test": "data/test-*.parquet"}
    assert "no language model" in body


def test_a_licence_text_cannot_break_the_card(built_examples: Path, tmp_path: Path) -> None:
    import json
    import shutil

    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    from sightline.pipeline import write_parquet
    from sightline.recipes.dataset import COLUMNS

    evil = 'own: "terms" | <b>x</b>\n---\nlicense: mit # é'
    shutil.copytree(built_examples, tmp_path / "d", ignore=shutil.ignore_patterns(".sightline"))
    rows = [row | {"licence": evil} for row in Dataset(built_examples).rows()]
    write_parquet(rows, tmp_path / "d", COLUMNS)
    write_card(tmp_path / "d")
    card = (tmp_path / "d" / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("\n---\n", 1)[0].removeprefix("---\n"))
    assert front["license"] == evil
    assert json.dumps(evil) in card
    assert "<b>" not in card.split("\n---\n", 1)[1]
    assert pq.read_table(tmp_path / "d" / "data" / "train-00000.parquet").num_rows


@pytest.mark.parametrize(
    ("name", "content", "remedy"),
    [
        ("a", b"%PDF-1.7\n", "`sightline build documents"),
        ("b", b"\x1a\x45\xdf\xa3\x00\x00webm", "`sightline build videos"),
        ("c", b"\xff\xd8\xff\xe0", "a JSON-lines file with their names in `images`"),
        ("d", b"words", "`sightline build documents`, `build videos` or `build questions`"),
    ],
)
def test_a_folder_that_is_no_dataset_names_the_command_that_makes_one(
    tmp_path: Path, name: str, content: bytes, remedy: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=re.escape(f"build one: {remedy}")):
        Dataset(tmp_path)


def test_a_training_is_told_from_a_broken_dataset(tmp_path: Path) -> None:
    for name in ("begun.json", "run.json"):
        (tmp_path / name).write_text('{"stages": []}')
    with pytest.raises(InputError, match="a model's training, no dataset"):
        Dataset(tmp_path)


def test_the_card_appears_whole_under_its_folders_name(
    built_examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(built_examples, tmp_path / "mine", ignore=shutil.ignore_patterns(".sightline"))
    monkeypatch.chdir(tmp_path / "mine")
    (tmp_path / "mine" / "README.md").unlink()
    write_card(Path())
    assert "\n# mine\n" in Path("README.md").read_text(encoding="utf-8")
    before = Path("README.md").read_bytes()

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StorageError):
        write_card(Path())
    assert Path("README.md").read_bytes() == before
