"""Takes items out of a results folder for good: their rows are gone from the ledger and overwritten in the parts."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.pipeline.ledger import Ledger, lock
from sightline.pipeline.parts import COMPRESSION, SCHEMA, TEMPORARY, sync
from sightline.pipeline.plan import SOURCE
from sightline.pipeline.store import Store


def entered(store: Store) -> Iterator[str]:
    """The JSON of every item that ever entered a plan here; nothing where no run has written."""
    for path in sorted((store.parts / SOURCE).glob("*.parquet")):
        yield from (text for text in pq.read_table(path, columns=["json"]).column(0).to_pylist() if text)


def erase(store: Store, hashes: Collection[str]) -> int:
    """Erase every item, of any step and run, whose JSON holds one of `hashes` (SHA-256 of a source), with its blob and
    its refusals; returns how many. A crash midway leaves nothing half known: the next call finds the rest.

    Raises StorageError where another run is at work in the folder.
    """
    if not store.ledger.exists():
        return 0
    with lock(store.lock):
        store.close()
        found = {path: _rows(path, hashes) for path in sorted(store.parts.glob("*/*.parquet"))}
        ledger = Ledger(store.ledger)
        try:
            ledger.erase({key for rows in found.values() for key in rows.values()})
        finally:
            ledger.close()
        for path, rows in found.items():
            if rows:
                _blank(path, rows)
    return sum(map(len, found.values()))


def _rows(path: Path, hashes: Collection[str]) -> dict[int, str]:
    """Row -> key of the items meant."""
    table = pq.read_table(path, columns=["key", "json"])
    pairs = zip(table.column("key").to_pylist(), table.column("json").to_pylist(), strict=True)
    return {row: key for row, (key, text) in enumerate(pairs) if any(one in text for one in hashes)}


def _blank(path: Path, rows: Collection[int]) -> None:
    """Write the part anew with nothing in these rows; the others keep their places, by which the ledger finds them."""
    fresh = path.with_name(path.name + TEMPORARY)
    with pq.ParquetFile(path) as old, fresh.open("wb") as file:
        with pq.ParquetWriter(file, SCHEMA, compression=COMPRESSION, write_statistics=False) as writer:
            begin = 0
            for group in range(old.metadata.num_row_groups):
                table = old.read_row_group(group, use_threads=False)
                gone = [begin + n in rows for n in range(table.num_rows)]
                columns = [
                    _without(table.column(field.name).to_pylist(), gone, field) if field.name not in KEPT
                    else table.column(field.name)
                    for field in SCHEMA
                ]  # fmt: skip
                writer.write_table(pa.Table.from_arrays(columns, schema=SCHEMA))
                begin += table.num_rows
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    sync(path.parent)


KEPT = ("item_key", "index", "key")


def _without(values: list[object], gone: list[bool], field: pa.Field) -> pa.Array:
    empty = "" if field.name == "json" else None
    return pa.array([empty if out else value for value, out in zip(values, gone, strict=True)], field.type)
