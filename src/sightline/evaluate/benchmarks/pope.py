"""POPE's layout: JSON lines {"question_id", "image", "text", "label"}; pictures beside the file. One file = one
split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sightline.core.errors import InputError
from sightline.evaluate.benchmarks.benchmark import Benchmark, Scored, picture
from sightline.evaluate.examples import Example, made, rows
from sightline.evaluate.hallucination.pope import pope, read_answer


def read(path: Path) -> Iterator[Example]:
    """Raises InputError with the number of the first bad line."""
    for number, row in rows(path):
        if row.get("label") not in ("yes", "no") or not isinstance(row.get("image"), str) or "text" not in row:
            raise InputError(f"line {number}: needs text, image and a label yes or no", subject=path)
        fields = {
            "id": f"{path.stem}/{row.get('question_id', number)}", "question": row["text"],
            "references": (row["label"],), "group": row["image"], "category": path.stem,
            "pictures": (picture(path.parent, row["image"]),),
        }  # fmt: skip
        yield made(fields, f"line {number}", path)


def scoring(examples: Sequence[Example], replies: Sequence[str]) -> Scored:
    """Official figures, and accuracy and F1 by the strict parser beside them."""
    labels = [e.references[0] == "yes" for e in examples]
    groups = [e.group for e in examples]
    official, strict = (pope(replies, labels, parser=p, groups=groups) for p in ("official", "strict"))
    again = [s.model_copy(update={"name": f"{s.name}/strict"}) for s in (strict.accuracy, strict.f1)]
    states = [{True: "yes", False: "no", None: "none"}[read_answer(reply, "strict")] for reply in replies]
    ratio = official.yes_ratio.model_copy(update={"per_item": ()})  # no metric of an item
    return Scored([official.accuracy, official.precision, official.recall, official.f1, ratio, *again], states)


POPE = Benchmark("pope", read, lambda e: f"{e.question}\nAnswer yes or no.", scoring=scoring)
