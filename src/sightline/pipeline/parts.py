"""Part files: what a step gave, as Parquet. A part appears under its name complete, or not at all; that it lasts is
seen to later (`make_last`).

Columns: item_key (of the input), index (place among what the step yielded for it), key, json, blob, blob_sha256.
"""

from __future__ import annotations

import os
import uuid
from bisect import bisect_right
from collections import OrderedDict
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.core.errors import StorageError
from sightline.pipeline.columns import column
from sightline.pipeline.rows import Encoded

SCHEMA = pa.schema(
    [
        pa.field("item_key", pa.string()),
        pa.field("index", pa.int32()),
        pa.field("key", pa.string()),
        pa.field("json", pa.string()),
        pa.field("blob", pa.large_binary()),
        pa.field("blob_sha256", pa.string()),
    ]
)
COMPRESSION = {name: "none" if name == "blob" else "zstd" for name in SCHEMA.names}
"""Blobs are encoded pictures: compressing them again costs time and gains nothing."""

GROUP_BYTES = 4 << 20
"""A row group is written when it holds this much: bounds the writer's memory and what one look-up must read."""
GROUP_ROWS = 4096

TEMPORARY = ".writing"


class PartWriter:
    """Writes one part; the file is made with the first row, and only `close` gives it its name.

    >>> with PartWriter(folder) as part:
    ...     part.add(item_key, 0, encoded, blob_sha256)
    >>> part.name      # "3f2a....parquet"; None where no row came
    """

    def __init__(self, folder: Path) -> None:
        self.name: str | None = None
        self.rows = 0
        self._folder = folder
        self._file: BinaryIO | None = None
        self._writer: Any = None
        self._columns: tuple[list[Any], ...] = tuple([] for _ in SCHEMA)
        self._bytes = 0

    def add(self, item_key: str, index: int, row: Encoded, blob_sha256: str | None) -> None:
        """Append a row. Raises OSError where the disk does."""
        for values, value in zip(
            self._columns, (item_key, index, row.key, row.json, row.blob, blob_sha256), strict=True
        ):
            values.append(value)
        self.rows += 1
        self._bytes += len(row.json) + len(row.blob or b"")
        if self._bytes >= GROUP_BYTES or len(self._columns[0]) >= GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Write the rest and give the file its name. Nothing here waits for the disk."""
        self._flush()
        if self._file is None:
            return
        self._writer.close()
        self._file.close()
        assert self.name is not None
        os.replace(self._folder / (self.name + TEMPORARY), self._folder / self.name)

    def discard(self) -> None:
        """Drop what was written so far."""
        if self._file is not None:
            with suppress(OSError):  # a full disk refuses the buffered rest once more
                self._file.close()
            (self._folder / f"{self.name}{TEMPORARY}").unlink(missing_ok=True)
        self.name = None

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _flush(self) -> None:
        if not self._columns[0]:
            return
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self.name = f"{uuid.uuid4().hex}.parquet"
            self._file = (self._folder / (self.name + TEMPORARY)).open("wb")
            self._writer = pq.ParquetWriter(
                self._file, SCHEMA, compression=COMPRESSION, use_dictionary=["item_key"], write_statistics=False
            )
        columns = [column(values, field.type) for values, field in zip(self._columns, SCHEMA, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=SCHEMA))
        for values in self._columns:
            values.clear()
        self._bytes = 0


class PartReader:
    """Looks up single rows of parts; keeps the row groups read last, up to `cache_bytes`."""

    def __init__(self, folder: Path, cache_bytes: int = 64 << 20) -> None:
        self._folder = folder
        self._limit = cache_bytes
        self._held = 0
        self._groups: OrderedDict[tuple[str, int, str], Any] = OrderedDict()
        self._files: OrderedDict[str, tuple[Any, list[int]]] = OrderedDict()

    def json(self, path: str, row: int) -> str:
        """The item's JSON. Raises StorageError where the part cannot be read."""
        return str(self._value(path, row, "json"))

    def blob(self, path: str, row: int) -> bytes | None:
        """The item's blob; None where it has none. Raises StorageError where the part cannot be read."""
        value = self._value(path, row, "blob")
        assert value is None or isinstance(value, bytes)
        return value

    def _value(self, path: str, row: int, column: str) -> Any:
        try:
            file, starts = self._open(path)
            group = bisect_right(starts, row) - 1
            return self._group(path, file, group, column)[row - starts[group]].as_py()
        except (OSError, pa.ArrowException) as error:
            raise StorageError(
                f"a part file cannot be read ({error})",
                subject=self._folder / path,
                remedy="delete this file and run again: its rows are computed anew",
            ) from error

    def _open(self, path: str) -> tuple[Any, list[int]]:
        if path in self._files:
            self._files.move_to_end(path)
            return self._files[path]
        file = pq.ParquetFile(self._folder / path)
        sizes = (file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups))
        self._files[path] = file, [0, *accumulate(sizes)]
        if len(self._files) > 16:
            _, (oldest, _) = self._files.popitem(last=False)
            oldest.close()
        return self._files[path]

    def _group(self, path: str, file: Any, group: int, column: str) -> Any:
        at = (path, group, column)
        if at in self._groups:
            self._groups.move_to_end(at)
            return self._groups[at]
        table = file.read_row_group(group, columns=[column], use_threads=False)
        values = table.column(0).combine_chunks()
        self._groups[at] = values
        self._held += values.nbytes
        while self._held > self._limit and len(self._groups) > 1:
            _, dropped = self._groups.popitem(last=False)
            self._held -= dropped.nbytes
        return values


def sync(path: Path) -> None:
    """Make the bytes of a file, or the names in a folder, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
