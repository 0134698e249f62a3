"""A dataset that sightline built: a folder with data/*.parquet. Its test rows, or all rows where it has no test split.

`SIGHTLINE_ALL` asks about every row: for a dataset too small to be split, and for one the model was not trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.core.errors import InputError
from sightline.evaluate.benchmarks.benchmark import Benchmark, short
from sightline.evaluate.examples import Example

_NEEDED = ["id", "images", "texts"]


def read(folder: Path) -> Iterator[Example]:
    """One example per question of a test row. Raises InputError where the folder holds no such rows."""
    return _read(
        folder, sorted((folder / "data").glob("test-*.parquet")) or sorted((folder / "data").glob("*.parquet"))
    )


def read_all(folder: Path) -> Iterator[Example]:
    """One example per question of any row. Raises InputError where the folder holds no such rows."""
    return _read(folder, sorted((folder / "data").glob("*.parquet")))


def _read(folder: Path, files: list[Path]) -> Iterator[Example]:
    if not files:
        raise InputError("no data/*.parquet in the folder", subject=folder)
    for file in files:
        with pq.ParquetFile(file) as parquet:
            missing = [name for name in _NEEDED if name not in parquet.schema_arrow.names]
            if missing:
                raise InputError(
                    f"not a dataset of pairs: no column {missing}",
                    subject=file,
                    remedy="multiple choice: --benchmark mcq; videos: `sightline build questions` makes such of them",
                )
            extra = [n for n in ("group", "language", "style") if n in parquet.schema_arrow.names]
            for index in range(parquet.num_row_groups):
                for row in parquet.read_row_group(index, columns=_NEEDED + extra).to_pylist():
                    yield from _examples(row)


def _examples(row: dict[str, object]) -> Iterator[Example]:
    texts, images = row["texts"], row["images"]
    assert isinstance(texts, list)
    assert isinstance(images, list)
    for turn, text in enumerate(texts):
        yield Example(
            id=f"{row['id']}" if len(texts) == 1 else f"{row['id']}/{turn}",
            question=text["user"],
            references=(text["assistant"],),
            group=str(row["group"]) if row.get("group") else text.get("source"),
            category=str(row.get("style") or ""),
            language=str(row.get("language") or "en"),
            pictures=tuple(image["bytes"] for image in images),
        )


SIGHTLINE = Benchmark("sightline", read, lambda e: short(e.question), metrics=("anls", "exact"))
SIGHTLINE_ALL = Benchmark("sightline-all", read_all, lambda e: short(e.question), metrics=("anls", "exact"))
