"""DocVQA's layout: one JSON file {"data": [{"questionId", "question", "image", "docId", "answers"}]}, pictures
beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sightline.evaluate.benchmarks.benchmark import Benchmark, picture, short
from sightline.evaluate.benchmarks.json_file import records
from sightline.evaluate.examples import Example, made


def read(path: Path) -> Iterator[Example]:
    """Raises InputError for another layout."""
    for row in records(path, "data", ("questionId", "question", "image", "answers")):
        group = row.get("docId") or row["image"]
        fields = {
            "id": str(row["questionId"]), "question": row["question"], "references": row["answers"],
            "group": str(group), "pictures": (picture(path.parent, row["image"]),),
        }  # fmt: skip
        yield made(fields, f"question {row['questionId']}", path)


DOCVQA = Benchmark("docvqa", read, lambda e: short(e.question), metrics=("anls",))
