"""Our own plain layout: JSON lines of questions with references, pictures beside the file.

{"id": "q1", "question": "What is the total?", "references": ["529.87 EUR"], "images": ["invoice.png"], "group":
"doc-1"}
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sightline.core.errors import InputError
from sightline.evaluate.benchmarks.benchmark import Benchmark, picture, short
from sightline.evaluate.examples import Example, example, rows


def read(path: Path) -> Iterator[Example]:
    """Raises InputError with the number of the first bad line."""
    seen: dict[str, int] = {}
    for number, row in rows(path):
        names = row.pop("images", None) or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError(f"line {number}: 'images' must be a list of file names", subject=path)
        made = example(row, number, path, seen)
        yield made.model_copy(update={"pictures": tuple(picture(path.parent, name) for name in names)})


QUESTIONS = Benchmark("questions", read, lambda e: short(e.question), metrics=("anls", "exact"))
