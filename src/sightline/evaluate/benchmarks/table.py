"""A dataset in the Hugging Face layout: a folder with Parquet files (anywhere in it), one question a row.

Columns: question (or query); answers, answer or label; image or images where there are pictures; id where there is
one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.core.errors import InputError
from sightline.evaluate.benchmarks.benchmark import Benchmark, short
from sightline.evaluate.examples import Example, clean

_QUESTION = ("question", "query")
_ANSWERS = ("answers", "answer", "label")
_PICTURES = ("images", "image")
_IDS = ("id", "question_id", "questionId")
_GROUPS = ("group", "docId", "image_id", "video_id")


def read(folder: Path) -> Iterator[Example]:
    """Test files where their names say so, else validation files, else all. Raises InputError for other columns."""
    files = sorted(folder.rglob("*.parquet"))
    for split in ("test", "validation", ""):
        chosen = [file for file in files if split in file.name]
        if chosen:
            break
    if not files:
        raise InputError("no Parquet file in the folder", subject=folder)
    for file in chosen:
        with pq.ParquetFile(file) as parquet:
            groups = (parquet.read_row_group(at).to_pylist() for at in range(parquet.num_row_groups))
            if parquet.metadata.num_rows:
                yield from examples(chain.from_iterable(groups), file.stem)


def examples(rows: Iterable[dict[str, Any]], name: str) -> Iterator[Example]:
    """Rows with these columns as examples, named `name`/number where they have no id. Raises InputError for others."""
    for number, row in enumerate(rows):
        question, answers = _column(row, _QUESTION), _column(row, _ANSWERS)
        if question is None or answers is None:
            raise InputError(f"no question and answers among the columns {list(row)}", subject=name)
        yield _example(row, f"{name}/{number}", question, answers)


def _example(row: dict[str, Any], fallback: str, question: str, answers: str) -> Example:
    given = row[answers] if isinstance(row[answers], list) else [row[answers]]
    references = tuple(clean(str(a["answer"] if isinstance(a, dict) else a)) for a in given if a is not None)
    if row[question] is None or not references:
        raise InputError("a row without question or answers", subject=fallback)
    name, group, seen = _column(row, _IDS), _column(row, _GROUPS), _column(row, _PICTURES)
    pictures = [] if seen is None or row[seen] is None else row[seen] if isinstance(row[seen], list) else [row[seen]]
    if any(not isinstance(p, dict) or not p.get("bytes") for p in pictures):
        raise InputError(
            "a picture without its bytes", subject=fallback, remedy="embed the pictures in the Parquet file"
        )
    return Example(
        id=fallback if name is None or row[name] is None else str(row[name]),
        question=clean(str(row[question])),
        references=references,
        group=None if group is None or row[group] is None else str(row[group]),
        pictures=tuple(p["bytes"] for p in pictures),
    )


def _column(names: Any, wanted: tuple[str, ...]) -> str | None:
    return next((name for name in wanted if name in names), None)


TABLE = Benchmark("table", read, lambda e: short(e.question), metrics=("anls", "exact"))
