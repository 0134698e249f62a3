"""Writes a dataset: Parquet shards that `datasets.load_dataset(folder)` opens with decoded images.

    write_parquet(rows, "my-dataset", {"id": "string", "images": ["image"], "texts": [{"user": "string"}]})
    -> my-dataset/data/train-00000.parquet, my-dataset/data/test-00000.parquet, ...

The new data/ takes the old one's place in one act: a crash midway leaves the old one as it was.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.core.errors import InputError
from sightline.pipeline.columns import table
from sightline.pipeline.parts import sync
from sightline.pipeline.work import unwritable

Columns = Mapping[str, Any]
"""Column name -> type: a scalar's name ("string", "bool", "int64", "float64" ...), "image" (rows give
`{"bytes": ..., "path": None}` or bytes), `[type]` for a list, `{name: type}` for a struct."""

SCALARS = {
    "string": pa.string(),
    "bool": pa.bool_(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "large_binary": pa.large_binary(),
}
IMAGE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])

GROUP_BYTES = 32 << 20
"""A row group is written when its pictures, repeated ones included, and files reach this: bounds memory, also the
reader's."""


class Shard(NamedTuple):
    """One file of the dataset."""

    path: Path
    split: str
    rows: int
    bytes: int


def write_parquet(
    rows: Iterable[Mapping[str, Any]],
    folder: str | Path,
    columns: Columns,
    rows_per_group: int = 64,
    max_bytes_per_file: int = 512 << 20,
) -> tuple[Shard, ...]:
    """Write rows to `<folder>/data/<split>-00000.parquet`, replacing all of data/; each row names its "split".

    A picture that several rows of a row group show is stored once in it (Parquet's dictionary encoding). "split" is a
    column only where `columns` has it. Raises StorageError where the disk is full or the folder not writable, and
    InputError for a split whose name is no `is_split`.
    """
    schema = arrow_schema(columns)
    target = Path(folder) / "data"
    with _replacing(target) as fresh:
        files: dict[str, _Split] = {}
        for row in rows:
            split = str(row["split"])
            if split not in files:
                if not is_split(split):
                    raise InputError("a split cannot bear this name", subject=split, remedy="letters, digits, _ and .")
                files[split] = _Split(fresh, split, schema, max_bytes_per_file)
            files[split].add(row, rows_per_group)
        shards = [shard for split in files.values() for shard in split.close()]
    return tuple(shard._replace(path=target / shard.path.name) for shard in shards)


def is_split(name: str) -> bool:
    """Whether `datasets` takes it for the name of a split, which becomes a part of file names.

    >>> is_split("test_2"), is_split("../test"), is_split("dev-test")
    (True, False, False)
    """
    return re.fullmatch(r"\w+(\.\w+)*", name) is not None


def arrow_schema(columns: Columns) -> pa.Schema:
    """The Arrow schema, with the features for Hugging Face `datasets` in its metadata.

    Raises InputError for an unknown type name.
    """
    features = {name: _feature(kind) for name, kind in columns.items()}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema([pa.field(name, _arrow(kind)) for name, kind in columns.items()], metadata=metadata)


class _Split:
    """The files of one split, one after the other."""

    def __init__(self, folder: Path, split: str, schema: pa.Schema, max_bytes: int) -> None:
        self._folder = folder
        self._split = split
        self._schema = schema
        self._max_bytes = max_bytes
        self._pictures = [path for path in _leaves(schema) if path.endswith("bytes")]
        self._large = {path.partition(".")[0] for path in self._pictures}
        self._large |= {field.name for field in schema if pa.types.is_large_binary(field.type)}
        self._shards: list[Shard] = []
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0
        self._writer: Any = None
        self._file: Any = None
        self._in_file = 0

    def add(self, row: Mapping[str, Any], rows_per_group: int) -> None:
        shaped = {field.name: _shaped(row.get(field.name), field.type) for field in self._schema}
        self._rows.append(shaped)
        self._bytes += sum(_bytes_in(shaped[name]) for name in self._large)
        if len(self._rows) >= rows_per_group or self._bytes >= GROUP_BYTES:
            self._flush()

    def close(self) -> list[Shard]:
        self._flush()
        self._end_file()
        return self._shards

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._writer is None:
            self._begin_file()
        self._writer.write_table(table(self._rows, self._schema))
        self._in_file += len(self._rows)
        self._rows, self._bytes = [], 0
        if self._file.tell() >= self._max_bytes:
            self._end_file()

    def _begin_file(self) -> None:
        path = self._folder / f"{self._split}-{len(self._shards):05}.parquet"
        self._file = path.open("wb")
        self._shards.append(Shard(path, self._split, 0, 0))
        self._writer = pq.ParquetWriter(
            self._file,
            self._schema,
            compression={path: "none" if path in self._pictures else "zstd" for path in _leaves(self._schema)},
            use_dictionary=self._pictures or False,
            dictionary_pagesize_limit=2 * GROUP_BYTES,
            write_statistics=False,
        )

    def _end_file(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        size = self._file.tell()
        self._file.close()
        self._shards[-1] = self._shards[-1]._replace(rows=self._in_file, bytes=size)
        self._writer, self._in_file = None, 0


def _arrow(kind: Any) -> pa.DataType:
    if isinstance(kind, Mapping):
        return pa.struct([pa.field(name, _arrow(inner)) for name, inner in kind.items()])
    if isinstance(kind, (list, tuple)):
        return pa.list_(_arrow(kind[0]))
    if kind == "image":
        return IMAGE
    if kind not in SCALARS:
        raise InputError("unknown column type", subject=kind, remedy=f"one of image, {', '.join(SCALARS)}")
    return SCALARS[kind]


def _feature(kind: Any) -> Any:
    """As `datasets.Features.to_dict` writes it."""
    if isinstance(kind, Mapping):
        return {name: _feature(inner) for name, inner in kind.items()}
    if isinstance(kind, (list, tuple)):
        return {"feature": _feature(kind[0]), "_type": "List"}
    return {"_type": "Image"} if kind == "image" else {"dtype": kind, "_type": "Value"}


def _shaped(value: Any, kind: pa.DataType) -> Any:
    """Plain bytes become an image struct, wherever one stands."""
    if value is None:
        return None
    if kind == IMAGE:
        return {"bytes": value, "path": None} if isinstance(value, bytes) else value
    if pa.types.is_list(kind):
        return [_shaped(inner, kind.value_type) for inner in value]
    return value


def _bytes_in(value: Any) -> int:
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_bytes_in, value.values()))
    return sum(map(_bytes_in, value)) if isinstance(value, list) else 0


def _leaves(schema: pa.Schema) -> list[str]:
    """Parquet's names of the leaf columns: "images.list.element.bytes"."""
    return [leaf for field in schema for leaf in _leaves_of(field.name, field.type)]


def _leaves_of(path: str, kind: pa.DataType) -> Iterator[str]:
    if pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves_of(f"{path}.{field.name}", field.type)
    elif pa.types.is_list(kind):
        yield from _leaves_of(f"{path}.list.element", kind.value_type)
    else:
        yield path


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A folder to fill that takes the place of `target` when all went well."""
    fresh = target.with_name(f".{target.name}-{uuid.uuid4().hex}.writing")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in target.parent.glob(f".{target.name}-*.writing"):
            shutil.rmtree(left)
        fresh.mkdir()
        yield fresh
        sync(fresh)
        _exchange(fresh, target)
        sync(target.parent)
    except OSError as error:
        raise unwritable(error, target) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _exchange(fresh: Path, target: Path) -> None:
    """Swap two folders in one act where the system can (Linux); else put the old one aside first."""
    if not target.exists():
        fresh.rename(target)
        return
    swap = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    here, exchange = -100, 2
    if swap is not None and swap(here, os.fsencode(fresh), here, os.fsencode(target), exchange) == 0:
        return
    aside = fresh.with_name(fresh.name.replace(".writing", ".old.writing"))
    target.rename(aside)
    fresh.rename(target)
    shutil.rmtree(aside)
