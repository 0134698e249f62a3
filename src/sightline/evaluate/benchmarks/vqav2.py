"""VQAv2's layout: a folder with one *questions.json, one *annotations.json, and the pictures under their COCO
names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sightline.core.errors import InputError
from sightline.evaluate.benchmarks.benchmark import Benchmark, picture, short
from sightline.evaluate.benchmarks.json_file import records
from sightline.evaluate.examples import Example, made


def read(folder: Path) -> Iterator[Example]:
    """Raises InputError for another layout and for a question without answers."""
    questions, annotations = (_only(folder, f"*{kind}.json") for kind in ("questions", "annotations"))
    panels = {row["question_id"]: row for row in records(annotations, "annotations", ("question_id", "answers"))}
    names = {int(path.stem[-12:]): path.name for path in folder.rglob("*.jpg") if path.stem[-12:].isdigit()}
    places = {path.name: path.parent for path in folder.rglob("*.jpg")}
    for row in records(questions, "questions", ("question_id", "question", "image_id")):
        panel = panels.get(row["question_id"])
        name = names.get(row["image_id"])
        if panel is None or name is None:
            raise InputError("a question without answers or picture", subject=row["question_id"])
        fields = {
            "id": str(row["question_id"]), "question": row["question"], "group": str(row["image_id"]),
            "references": [one.get("answer") if isinstance(one, dict) else one for one in panel["answers"]],
            "category": str(panel.get("answer_type", "")), "pictures": (picture(places[name], name),),
        }  # fmt: skip
        yield made(fields, f"question {row['question_id']}", questions)


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise InputError(f"{len(found)} files {pattern} in the folder", subject=folder, remedy="one is needed")
    return found[0]


VQAV2 = Benchmark("vqav2", read, lambda e: short(e.question), metrics=("vqa",))
