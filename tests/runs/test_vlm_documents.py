"""Crops of a dataset's answers, and the run that reads them with every document left out in turn - at toy sizes."""

from __future__ import annotations

import json
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from sightline.core.errors import InputError
from sightline.runs.vlm_documents import Sizes, crops, read_documents
from sightline.runs.vlm_lines import LINE, LONGEST, length, rendered
from sightline.vlm.pixels import opened

torch.set_num_threads(1)


def _row(index, document, answer, boxes):
    page = Image.new("RGB", (400, 300), "white")
    page.paste((200, 0, 0), (100, 100, 200, 120))  # where the answer stands, at two pixels a point
    page.paste((0, 0, 200), (0, 200, 400, 300))
    out = BytesIO()
    page.save(out, "PNG")
    return {
        "id": f"r{index}",
        "group": document,
        "images": [{"bytes": out.getvalue(), "path": "p.png"}],
        "image_scales": [2.0],
        "texts": [{"user": "What?", "assistant": answer}],
        "evidence": [{"image": 0, "boxes": boxes}],
    }


ONE = [[50.0, 50.0, 100.0, 60.0]]


def _dataset(folder, rows):
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / "train-00000.parquet")
    return folder


def test_a_crop_is_the_place_of_the_answer(tmp_path):
    rows = [
        _row(0, "a", "42 EUR", ONE),
        _row(1, "a", "x" * (LONGEST + 1), ONE),
        _row(2, "b", "two lines", ONE * 2),
        _row(3, "b", "가격", ONE),
    ]
    lines, refused = crops(_dataset(tmp_path / "set", rows))
    assert [(line.id, line.document, line.answer) for line in lines] == [("r0", "a", "42 EUR")]
    assert refused == {"answer-too-long": 1, "answer-in-several-places": 1, "letters-never-rendered": 1}
    seen = np.asarray(opened(lines[0].data)).astype(int)
    assert seen.shape == (LINE[1], LINE[0], 3)
    assert (seen[..., 0] > 150).all(), "red or white: nothing of the blue elsewhere on the page"
    red = (seen[..., 1] < 100).mean()
    assert 0.3 < red < 0.9


def test_rendered_lines_are_varied_legible_and_the_same_again():
    lines = rendered(60, LONGEST, 1)
    assert [line.data for line in rendered(60, LONGEST, 1)] == [line.data for line in lines]
    assert len({line.answer for line in lines}) > 50
    for line in lines:
        assert len(line.answer) <= LONGEST
        assert opened(line.data).size == LINE
        shades = np.asarray(opened(line.data).convert("L")).astype(int)
        assert shades.max() - shades.min() > 60, line.answer


def test_lines_grow_longer():
    lengths = [length(done / 100) for done in range(100)]
    assert lengths == sorted(lengths)
    assert (lengths[0], lengths[9], lengths[60], lengths[99]) == (2, 2, LONGEST, LONGEST)
    assert max(len(line.answer) for line in rendered(80, 2, 3)) == 6


def test_every_document_is_answered_by_a_model_that_never_saw_it(tmp_path, monkeypatch):
    data = _dataset(tmp_path / "set", [_row(i, "ab"[i % 2], f"{i} EUR", ONE) for i in range(4)])
    trained = []
    from sightline.runs import vlm_documents

    tune = vlm_documents._tuned
    monkeypatch.setattr(
        vlm_documents,
        "_tuned",
        lambda out, n, kept, left, sizes, watch: (
            trained.append(({one.document for one in kept}, {one.document for one in left}))
            or tune(out, n, kept, left, sizes, watch)
        ),
    )
    table = read_documents(data, tmp_path / "out", Sizes(steps=1, tuning=1, tests=2))
    assert trained == [({"b"}, {"a"}), ({"a"}, {"b"})]
    assert json.loads((tmp_path / "out" / "documents.json").read_text()) == table
    assert (table["answers"], table["documents"], len(table["replies"])) == (4, 2, 4)
    assert 0 <= table["zero_shot"][0] <= 1
    assert 0 <= table["rendered"][0] <= 1
    alone = _dataset(tmp_path / "alone", [_row(0, "a", "1", ONE)])
    with pytest.raises(InputError, match="fewer than two documents"):
        read_documents(alone, tmp_path / "none")
    with pytest.raises(InputError, match="no dataset"):
        crops(tmp_path)
