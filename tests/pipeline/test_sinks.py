"""Shards that Hugging Face `datasets` opens, and the folder that is replaced in one act."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from sightline.core.errors import InputError, StorageError
from sightline.pipeline import sinks
from sightline.pipeline.sinks import arrow_schema, write_parquet

COLUMNS = {
    "id": "string",
    "images": ["image"],
    "cover": "image",
    "texts": [{"user": "string", "assistant": "string"}],
    "boxes": [["float64"]],
    "score": "float64",
    "source": {"name": "string", "size": "int64"},
}


def png(seed: int, side: int = 64) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "PNG")
    return out.getvalue()


def row(number: int, *pictures: bytes, split: str = "train") -> dict[str, Any]:
    return {
        "split": split,
        "id": str(number),
        "images": list(pictures),
        "cover": {"bytes": pictures[0], "path": None} if pictures else None,
        "texts": [{"user": f"question {number}", "assistant": "답"}],
        "boxes": [[1.0, 2.0], []],
        "score": None if number % 2 else 0.5,
        "source": {"name": "a.pdf", "size": number},
    }


def test_datasets_opens_it_with_decoded_images(tmp_path: Path) -> None:
    pictures = [png(0), png(1)]
    rows = [row(n, *pictures, split="test" if n == 3 else "train") for n in range(5)]
    shards = write_parquet(rows, tmp_path, COLUMNS)
    assert [(shard.path.relative_to(tmp_path).as_posix(), shard.split, shard.rows) for shard in shards] == [
        ("data/train-00000.parquet", "train", 4),
        ("data/test-00000.parquet", "test", 1),
    ]
    assert all(shard.bytes == shard.path.stat().st_size for shard in shards)
    found = datasets.load_dataset(str(tmp_path), cache_dir=str(tmp_path / "cache"))
    assert {name: len(split) for name, split in found.items()} == {"train": 4, "test": 1}
    third = found["test"][0]
    assert np.array_equal(np.asarray(third["images"][1]), np.asarray(Image.open(io.BytesIO(pictures[1]))))
    assert third["cover"].size == (64, 64)
    expected = row(3, *pictures)
    assert {name: third[name] for name in ("id", "texts", "boxes", "score", "source")} == {
        name: expected[name] for name in ("id", "texts", "boxes", "score", "source")
    }


def test_the_schema_is_the_one_that_datasets_makes() -> None:
    text, number = datasets.Value("string"), datasets.Value("float64")
    features = datasets.Features(
        {
            "id": text,
            "images": [datasets.Image()],
            "cover": datasets.Image(),
            "texts": [{"user": text, "assistant": text}],
            "boxes": [[number]],
            "score": number,
            "source": {"name": text, "size": datasets.Value("int64")},
        }
    )
    ours = arrow_schema(COLUMNS)
    assert datasets.Features.from_arrow_schema(ours) == features
    assert ours.remove_metadata() == features.arrow_schema.remove_metadata()


def test_a_picture_of_several_rows_is_stored_once(tmp_path: Path) -> None:
    pictures = [png(n, 200) for n in range(4)]
    rows = [row(n, pictures[n // 10], pictures[n // 10]) for n in range(40)]
    (shard,) = write_parquet(rows, tmp_path, {"id": "string", "images": ["image"]})
    assert shard.bytes < 1.1 * sum(map(len, pictures))


def test_row_groups_and_files_are_bounded(tmp_path: Path) -> None:
    rows = (row(n, png(n)) for n in range(50))
    shards = write_parquet(rows, tmp_path, COLUMNS, rows_per_group=4, max_bytes_per_file=100_000)
    assert len(shards) > 2
    assert [shard.path.name for shard in shards][:2] == ["train-00000.parquet", "train-00001.parquet"]
    ids = [name for shard in shards for name in pq.read_table(shard.path)["id"].to_pylist()]
    assert ids == [str(n) for n in range(50)]
    assert all(pq.ParquetFile(shard.path).metadata.row_group(0).num_rows <= 4 for shard in shards)


def test_whole_files_in_rows_are_not_gathered_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "GROUP_BYTES", 1000)
    rows = [{"split": "train", "video": bytes(600)} for _ in range(6)]
    (shard,) = write_parquet(rows, tmp_path, {"video": "large_binary"})
    assert [pq.ParquetFile(shard.path).metadata.row_group(n).num_rows for n in range(3)] == [2, 2, 2]


def test_new_data_takes_the_place_of_the_old_wholly(tmp_path: Path) -> None:
    write_parquet([row(n, split=split) for n in range(4) for split in ("train", "test")], tmp_path, COLUMNS)
    write_parquet([row(7)], tmp_path, COLUMNS)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["train-00000.parquet"]
    assert pq.read_table(tmp_path / "data")["id"].to_pylist() == ["7"]


@pytest.mark.parametrize("split", ["../train", "dev-test", "a/b", ""])
def test_a_split_whose_name_is_a_path_is_refused(tmp_path: Path, split: str) -> None:
    with pytest.raises(InputError, match="cannot bear this name"):
        write_parquet([row(0, split=split)], tmp_path / "out", COLUMNS)
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_crash_midway_leaves_the_old_data(tmp_path: Path) -> None:
    def crash() -> Iterator[dict[str, Any]]:
        yield row(1)
        yield row(2, png(0))
        raise ZeroDivisionError

    write_parquet([row(0)], tmp_path, COLUMNS)
    with pytest.raises(ZeroDivisionError):
        write_parquet(crash(), tmp_path, COLUMNS, rows_per_group=1)
    assert pq.read_table(tmp_path / "data")["id"].to_pylist() == ["0"]
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_what_a_killed_writer_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".data-0123.writing").mkdir()
    (tmp_path / ".data-0123.writing" / "train-00000.parquet").write_bytes(b"half")
    write_parquet([row(0)], tmp_path, COLUMNS)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_no_rows_is_an_empty_folder(tmp_path: Path) -> None:
    assert write_parquet([], tmp_path, COLUMNS) == ()
    assert list((tmp_path / "data").iterdir()) == []


def test_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown column type: picture"):
        arrow_schema({"x": "picture"})
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_parquet([row(0)], tmp_path / "file", COLUMNS)
