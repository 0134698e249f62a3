"""ChartQA's layout: test_human.json or test_augmented.json [{"imgname", "query", "label"}], pictures in png/ beside
it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sightline.evaluate.benchmarks.benchmark import Benchmark, picture, short
from sightline.evaluate.benchmarks.json_file import records
from sightline.evaluate.examples import Example, made


def read(path: Path) -> Iterator[Example]:
    """Raises InputError for another layout."""
    for at, row in enumerate(records(path, None, ("imgname", "query", "label"))):
        fields = {
            "id": f"{path.stem}/{at}", "question": row["query"], "references": (str(row["label"]),),
            "group": row["imgname"], "category": path.stem,
            "pictures": (picture(path.parent / "png", row["imgname"]),),
        }  # fmt: skip
        yield made(fields, f"record {at}", path)


CHARTQA = Benchmark("chartqa", read, lambda e: short(e.question), metrics=("relaxed",))
