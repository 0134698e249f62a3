"""Writes a finished run as a dataset folder: Parquet, rejects and run.json. Each file appears whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.core.record import RunRecord
from sightline.core.sample import Conversation, Rejected
from sightline.pipeline import RunResult, write_parquet
from sightline.pipeline.columns import table
from sightline.pipeline.work import unwritable
from sightline.recipes.dataset import COLUMNS, to_row

_REJECTS = pa.schema([(name, pa.string()) for name in ("reason", "step", "item", "origin", "evidence")])

PICTURES = 16
"""Kept while rows are written: those of one page follow each other."""


def write_dataset(result: RunResult, out: Path, record: RunRecord) -> None:
    """Write `result`'s last step (Conversations) and all its rejects. Raises StorageError where the disk is full."""
    last = result.plan.steps[-1].name
    write_parquet(_rows(result, last), out, COLUMNS)
    write_rejects(result.rejected(), out / "rejects.parquet")
    write_whole(out / "run.json", record.model_dump_json(indent=2) + "\n")


def _rows(result: RunResult, step: str) -> Iterator[dict[str, Any]]:
    blob = lru_cache(maxsize=PICTURES)(result.blob)
    for record in result.items(step):
        assert isinstance(record, Conversation)
        yield to_row(record, blob)


def write_rejects(rejected: Iterator[Rejected], path: Path) -> None:
    """One row per refused row; `evidence` as JSON text, as its fields differ by reason."""
    fresh = path.with_name(f".{path.name}.writing")
    try:
        with pq.ParquetWriter(fresh, _REJECTS, compression="zstd") as writer:
            rows: list[dict[str, str]] = []
            for one in rejected:
                evidence = json.dumps(one.evidence, ensure_ascii=False, default=str)
                rows.append(one.model_dump(include={"reason", "step", "item", "origin"}) | {"evidence": evidence})
                if len(rows) == 4096:
                    writer.write_table(table(rows, _REJECTS))
                    rows = []
            writer.write_table(table(rows, _REJECTS))
        os.replace(fresh, path)
    except OSError as error:
        raise unwritable(error, path) from error


def write_whole(path: Path, text: str) -> None:
    """A text file that is there in full or as it was before."""
    fresh = path.with_name(f".{path.name}.writing")
    try:
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, path)
    except OSError as error:
        raise unwritable(error, path) from error
