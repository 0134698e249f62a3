"""What one evaluation left on disk, and reading it again; also the per-sample files of lmms-eval and VLMEvalKit.

DIR/records.parquet   one row per example: question, references, prediction or failure, figures, judge's words
DIR/scores.json       every score with interval and signature, counts of failures
DIR/run.json          what the run was                DIR/replies.sqlite   the cache from which it can be replayed
DIR/report.html       for people                      DIR/pictures/        by hash
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, Field

from sightline.core.door import require
from sightline.core.errors import InputError, StorageError
from sightline.core.score import Score
from sightline.evaluate.examples import clean, rows


class Record(BaseModel):
    """One example of one run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    question: str = ""
    references: tuple[str, ...] = ()
    prediction: str | None = None
    """None where the model gave none: a failure is no answer and has no figures."""
    error: str | None = None
    reading: str = ""
    """How the reply was read, for metrics with states: "letter", "none" ..."""
    group: str | None = None
    category: str = ""
    language: str = ""
    pictures: tuple[str, ...] = ()
    """File names in DIR/pictures."""
    judge_state: str | None = None
    judge_text: str | None = None
    figures: dict[str, float] = Field(default_factory=dict)
    """Metric -> what this example scores alone."""


class Summary(BaseModel):
    """scores.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    benchmark: str
    model: str
    scores: tuple[Score, ...]
    examples: int
    failed: dict[str, int]
    """Reason -> examples without an answer; they stand in no score."""
    judge: str | None = None
    ratings: dict[str, int] = Field(default_factory=dict)
    cost: float = 0.0
    """USD, by the stated price list."""


_SCHEMA = pa.schema(
    [
        (name, pa.string())
        for name in ("id", "question", "prediction", "error", "reading", "group", "category", "language")
    ]
    + [(name, pa.list_(pa.string())) for name in ("references", "pictures")]
    + [("judge_state", pa.string()), ("judge_text", pa.string()), ("figures", pa.map_(pa.string(), pa.float64()))]
)


def write_run(out: Path, records: Sequence[Record], summary: Summary) -> None:
    """records.parquet and scores.json, each there in full or as before. Raises StorageError."""
    plain = [record.model_dump() | {"figures": list(record.figures.items())} for record in records]
    fresh = out / ".records.writing"
    try:
        pq.write_table(pa.Table.from_pylist(plain, schema=_SCHEMA), fresh)
        os.replace(fresh, out / "records.parquet")
        write_whole(
            out / "scores.json", summary.model_dump_json(indent=1, exclude={"scores": {"__all__": {"per_item"}}})
        )
    except OSError as error:
        raise StorageError(f"the records cannot be written ({error})", subject=out) from error


def write_whole(path: Path, text: str) -> None:
    """A text file that is there in full or as it was before."""
    fresh = path.with_name(f".{path.name}.writing")
    try:
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, path)
    except OSError as error:
        raise StorageError(f"the file cannot be written ({error})", subject=path) from error


def read_summary(out: Path) -> Summary:
    """scores.json of a run. Raises InputError where there is none."""
    path = out / "scores.json"
    if not path.is_file():
        raise InputError("no evaluation here", subject=out, remedy="make one with `sightline evaluate`")
    try:
        return Summary.model_validate_json(path.read_bytes())
    except ValueError as error:
        raise InputError("not the scores of an evaluation", subject=path) from error


def read_records(run: Path) -> list[Record]:
    """The examples of a sightline run (folder), of lmms-eval (*_samples_*.jsonl) or of VLMEvalKit (.xlsx, .tsv,
    .csv, .json).

    Raises InputError for anything else, and for an id that is there twice.
    """
    if run.is_dir():
        path = run / "records.parquet"
        if not path.is_file():
            raise InputError("no records.parquet in the run's folder", subject=run)
        try:
            found = [
                Record.model_validate(row | {"figures": dict(row["figures"])})
                for row in pq.read_table(path).to_pylist()
            ]
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            raise InputError("not the records of an evaluation", subject=path) from error
    elif not run.is_file():
        raise InputError("no such run", subject=run)
    elif run.suffix == ".jsonl":
        found = [_lmms_eval(row, number, run) for number, row in rows(run)]
    elif run.suffix in (".xlsx", ".tsv", ".csv", ".json"):
        found = [_vlmevalkit(row, number, run) for number, row in enumerate(_table(run), 1)]
    else:
        raise InputError("a run's file must be .jsonl, .xlsx, .tsv, .csv or .json", subject=run)
    ids = [record.id for record in found]
    if len(set(ids)) < len(ids):
        twice = next(i for i in ids if ids.count(i) > 1)
        raise InputError(f"id {twice!r} is there twice", subject=run)
    return found


_LMMS_OTHER = frozenset(["doc_id", "doc_hash", "prompt_hash", "target_hash", "doc", "input", "arguments", "target"])


def _lmms_eval(row: dict[str, Any], number: int, path: Path) -> Record:
    if "doc_id" not in row or not ({"filtered_resps", "resps"} & set(row)):
        raise InputError(f"line {number}: not a per-sample line of lmms-eval", subject=path)
    reply = row.get("filtered_resps", row.get("resps"))
    while isinstance(reply, list):
        reply = reply[0] if reply else ""
    target = row.get("target")
    figures = {}
    for name, value in row.items():
        if isinstance(value, dict) and name not in _LMMS_OTHER:
            value = value.get("score", value.get("accuracy"))
        if name not in _LMMS_OTHER and isinstance(value, int | float) and not isinstance(value, str):
            figures[name] = float(value)
    return Record(
        id=str(row["doc_id"]),
        references=tuple(clean(str(t)) for t in (target if isinstance(target, list) else [target]) if t is not None),
        prediction="" if reply is None else clean(str(reply)),
        figures=figures,
    )


def _table(path: Path) -> Iterable[dict[str, Any]]:
    if path.suffix == ".xlsx":
        return _sheet(path)
    try:
        if path.suffix == ".json":
            found = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
                raise InputError("no list of records in the file", subject=path)
            return [{name: None if value != value else value for name, value in row.items()} for row in found]
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))
    except (ValueError, csv.Error) as error:
        raise InputError(f"cannot be read as {path.suffix} ({error})", subject=path) from error


def _sheet(path: Path) -> list[dict[str, Any]]:
    """The first sheet, its first row as names."""
    openpyxl = require("openpyxl", "sheets")
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        lines = iter(book.worksheets[0].iter_rows(values_only=True))
        names = next(lines, ())
        found = [dict(zip(names, line, strict=False)) for line in lines if any(cell is not None for cell in line)]
        book.close()
    except (ValueError, KeyError, OSError, BadZipFile) as error:
        raise InputError(f"cannot be read as .xlsx ({error})", subject=path) from error
    return found


def _vlmevalkit(row: dict[str, Any], number: int, path: Path) -> Record:
    if "index" not in row or "prediction" not in row:
        raise InputError(f"row {number}: needs index and prediction, as VLMEvalKit writes them", subject=path)
    figures = {}
    for name in ("hit", "score", "eval_score"):
        try:
            figures[name] = float(row[name])
        except (KeyError, ValueError, TypeError):
            continue
    figures = {name: value for name, value in figures.items() if isfinite(value)}
    answer, prediction = row.get("answer"), row["prediction"]
    return Record(
        id=str(row["index"]),
        question=clean(str(row.get("question") or "")),
        references=() if answer is None else (clean(str(answer)),),
        prediction=None if prediction is None else clean(str(prediction)),
        error="no prediction" if prediction is None else None,
        category=str(row.get("category") or ""),
        figures={} if prediction is None else figures,
    )
