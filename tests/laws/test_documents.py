"""Laws of a documents dataset over real files: answers in their boxes, groups together, rows without loss."""

from __future__ import annotations

import io
from collections import defaultdict
from pathlib import Path

import pytest
from PIL import Image

from sightline.core.media import Box
from sightline.media import text_in_boxes
from sightline.recipes.dataset import COLUMNS, Dataset, from_row, to_row
from sightline.verify import fold


@pytest.fixture(scope="module", params=["built_examples", "built_samples"])
def built(request: pytest.FixtureRequest) -> Path:
    folder = request.getfixturevalue(request.param)
    assert isinstance(folder, Path)
    return folder


def letters(text: str) -> str:
    """Folded and without blanks: PDFium puts blanks where letters stand apart."""
    return "".join(fold(text).split())


def test_the_boxes_of_an_answer_cut_out_of_the_pdf_again_hold_it(built: Path) -> None:
    seen = 0
    for row in Dataset(built).rows(["source", "texts", "evidence", "image_pages", "image_scales"]):
        evidence = row["evidence"][0]
        assert evidence["match"] in ("exact", "normalised"), "the layout writer copies"
        assert evidence["boxes"]
        boxes = [Box(*box) for box in evidence["boxes"]]
        cut = text_in_boxes(row["source"]["uri"], evidence["page"], boxes)
        assert letters(row["texts"][0]["assistant"]) in letters(cut), (row["source"]["name"], row["texts"], cut)
        image = row["image_pages"][evidence["image"]]
        assert image["page"] == evidence["page"]
        scale = row["image_scales"][evidence["image"]]
        for box in boxes:
            assert 0 <= box.left < box.right <= image["width"] / scale + 0.5
            assert 0 <= box.top < box.bottom <= image["height"] / scale + 0.5
        seen += 1
    assert seen > 30


def test_no_group_and_no_page_stands_in_two_splits(built: Path) -> None:
    by_group, by_picture = defaultdict(set), defaultdict(set)
    for row in Dataset(built).rows(["split", "group", "image_pages"]):
        by_group[row["group"]].add(row["split"])
        for image in row["image_pages"]:
            by_picture[image["sha256"]].add(row["split"])
    assert {split for splits in by_group.values() for split in splits} == {"train", "test"}
    assert all(len(splits) == 1 for splits in (*by_group.values(), *by_picture.values()))


def test_a_row_goes_to_a_record_and_back_without_loss(built: Path) -> None:
    dataset = Dataset(built)
    for row in dataset.rows():
        assert set(row) == set(COLUMNS)
        record = from_row(row)
        blobs = {
            about["sha256"]: image["bytes"] for about, image in zip(row["image_pages"], row["images"], strict=True)
        }
        again = to_row(record, blobs.__getitem__)
        assert again == row
        assert from_row(again) == record


def test_pictures_are_of_the_stated_size_and_scale(built: Path) -> None:
    sizes: set[tuple[int, int]] = set()
    seen: set[str] = set()
    for row in Dataset(built).rows(["images", "image_pages", "image_scales"]):
        for image, about, scale in zip(row["images"], row["image_pages"], row["image_scales"], strict=True):
            if about["sha256"] in seen:
                continue
            seen.add(about["sha256"])
            with Image.open(io.BytesIO(image["bytes"])) as picture:
                assert (picture.width, picture.height) == (about["width"], about["height"])
            assert max(about["width"], about["height"]) <= 2940
            assert scale <= 150 / 72 + 1e-9
            if scale < 150 / 72 - 1e-9:
                assert max(about["width"], about["height"]) == 2940, "only the cap on the long side lowers the scale"
            sizes.add((about["width"], about["height"]))
    assert sizes
