"""AMBER's layout: a folder with data/ (annotations, relations, safe words, query/query_all.json) and image/."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sightline.core.errors import InputError
from sightline.core.score import Score
from sightline.evaluate.benchmarks.benchmark import Benchmark, Scored, picture
from sightline.evaluate.benchmarks.json_file import records
from sightline.evaluate.examples import Example, made
from sightline.evaluate.hallucination.amber import GENERATIVE, PER_CENT, Amber, Annotation, amber, read_amber


def read(folder: Path) -> Iterator[Example]:
    """Each example carries its annotation, and a generative one the word lists, so that the scoring needs no file.

    Raises InputError for another layout.
    """
    data = read_amber(folder / "data")
    shared = json.dumps({"association": data.association, "safe": sorted(data.safe)})
    for row in records(folder / "data" / "query" / "query_all.json", None, ("id", "image", "query")):
        note = data.annotations.get(row["id"])
        if note is None:
            raise InputError("a query without an annotation", subject=row["id"])
        fields = {
            "id": str(row["id"]),
            "question": row["query"],
            "references": (note.model_dump_json(), shared)[: 1 + (note.type == GENERATIVE)],
            "group": row["image"],
            "category": note.type,
            "pictures": (picture(folder / "image", row["image"]),),
        }
        yield made(fields, f"query {row['id']}", folder)


def prompt(example: Example) -> str:
    """Discriminative questions ask for the exact words that the program counts."""
    return example.question if example.category == GENERATIVE else f"{example.question} Answer Yes or No."


def scoring(examples: Sequence[Example], replies: Sequence[str]) -> Scored:
    """All figures, officially rounded. A reply's first word counts as Yes or No where it is one, in any case."""
    notes = [Annotation.model_validate_json(example.references[0]) for example in examples]
    lists = next((e.references[1] for e in examples if len(e.references) > 1), '{"association": {}, "safe": []}')
    shared: dict[str, Any] = json.loads(lists)
    data = Amber({n.id: n for n in notes}, shared["association"], frozenset(shared["safe"]))
    said = [r if n.type == GENERATIVE else _word(r) for r, n in zip(replies, notes, strict=True)]
    groups = {note.id: example.group for note, example in zip(notes, examples, strict=True)}
    found = amber({note.id: text for note, text in zip(notes, said, strict=True)}, data, groups=groups)
    scores = list(found.generative.values())
    clustered = f"{found.signature}|interval:bootstrap-95-clustered"
    for name, half in found.discriminative.items():
        told = {"n": half.n, "limits": PER_CENT, "signature": clustered}
        scores.append(Score(name=f"f1/{name}", value=half.f1, interval=half.f1_interval, **told))
        scores.append(Score(name=f"accuracy/{name}", value=half.accuracy, interval=half.accuracy_interval, **told))
    if found.amber is not None:
        whole = {"n": len(notes), "limits": PER_CENT, "signature": clustered}
        scores.append(Score(name="amber", value=found.amber, interval=found.amber_interval, **whole))
    return Scored(
        scores,
        ["read" if n.type == GENERATIVE or t in ("Yes", "No") else "none" for t, n in zip(said, notes, strict=True)],
    )


def _word(reply: str) -> str:
    word = reply.strip().split(" ")[0].strip(".,!\n").capitalize()
    return word if word in ("Yes", "No") else reply


AMBER = Benchmark("amber", read, prompt, scoring=scoring)
