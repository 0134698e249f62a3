"""Parquet files for the layouts that keep pictures inside the rows; `datasets.load_dataset(folder)` opens them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.core.errors import InputError
from sightline.pipeline import write_parquet
from sightline.recipes.dataset import COLUMNS
from sightline.recipes.layouts.layout import Row


def writer(*fields: str) -> Callable[[Iterator[Row], Path], list[Path]]:
    """A writer of Parquet shards with these of our columns."""
    columns = {name: COLUMNS[name] for name in fields}

    def write(rows: Iterator[Row], folder: Path) -> list[Path]:
        return [shard.path for shard in write_parquet(rows, folder, columns)]

    return write


def read(folder: Path) -> Iterator[tuple[str, Row]]:
    """Rows of an exported folder, one row group in memory at a time. Raises InputError for a broken file."""
    for path in sorted(folder.glob("data/*.parquet")):
        try:
            parquet = pq.ParquetFile(path)
        except (OSError, ValueError) as error:
            raise InputError("not a Parquet file", subject=path) from error
        with parquet:
            number = 0
            for group in range(parquet.num_row_groups):
                for row in parquet.read_row_group(group).to_pylist():
                    yield f"{path.name} row {number} ({row.get('id', '')})", row
                    number += 1
