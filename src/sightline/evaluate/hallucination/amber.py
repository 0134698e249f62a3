"""AMBER (Wang et al. 2023, arXiv 2311.07397), both halves and its score, over annotations in the official layout.

The official program needs a tagger and word vectors; here both are arguments: `nouns` finds object words, `similar`
is a table of word pairs that count as the same. The order of rules for one noun is the official one:

    safe word everywhere -> skipped, no credit;  true object or an association of one -> covers it
    hallucination target or an association -> hits it, and goes on;  similar to a target -> hits it, and goes on
    similar to a true object -> covers it;  else -> hallucinated
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from sightline.core.errors import InputError
from sightline.core.score import Interval, Score
from sightline.evaluate.hallucination.words import Nouns, vocabulary_words
from sightline.evaluate.statistics import Groups, interval, interval_name
from sightline.evaluate.totals import Array, Totals, signature

Rounding = Literal["official", "none"]
Similar = Callable[[str, str], bool]
GENERATIVE = "generative"
EXISTENCE = "discriminative-hallucination"
KINDS = {
    "existence": (EXISTENCE,),
    "state": ("discriminative-attribute-state",),
    "number": ("discriminative-attribute-number",),
    "action": ("discriminative-attribute-action",),
    "attribute": tuple(f"discriminative-attribute-{kind}" for kind in ("state", "number", "action")),
    "relation": ("discriminative-relation", "relation"),
}
PER_CENT = Interval(0.0, 100.0)
_START = 0.001
"""The official denominators begin here, so that an empty half gives 0; that of all attributes is a sum of three of
them."""


class Annotation(BaseModel):
    """One line of annotations.json."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: int
    type: str
    truth: tuple[str, ...] | Literal["yes", "no"]
    hallu: tuple[str, ...] = ()


class Amber(NamedTuple):
    """The benchmark's files."""

    annotations: dict[int, Annotation]
    association: dict[str, list[str]]
    safe: frozenset[str]

    @property
    def vocabulary(self) -> frozenset[str]:
        return frozenset(self.association) | {word for words in self.association.values() for word in words}


def read_amber(folder: str | Path) -> Amber:
    """annotations.json, relation.json and safe_words.txt of the official `data/` folder. Raises InputError."""
    folder = Path(folder)
    for name in ("annotations.json", "relation.json", "safe_words.txt"):
        if not (folder / name).is_file():
            raise InputError(f"no {name} in the AMBER folder", subject=folder, remedy="give the official data/ folder")
    try:
        rows = [Annotation.model_validate(row) for row in json.loads((folder / "annotations.json").read_text("utf-8"))]
        association: dict[str, list[str]] = json.loads((folder / "relation.json").read_text("utf-8"))
    except (ValidationError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not in AMBER's layout: {str(error).splitlines()[0]}", subject=folder) from error
    safe = frozenset((folder / "safe_words.txt").read_text("utf-8").splitlines())
    return Amber({row.id: row for row in rows}, association, safe)


def similarity_table(pairs: Iterable[Sequence[str]]) -> Similar:
    """Pairs of different words that count as one, from any model, computed once; a word always equals itself."""
    known = {frozenset(pair) for pair in pairs}
    return lambda a, b: a == b or frozenset((a, b)) in known


class Half(BaseModel):
    """The discriminative figures of one kind of question, in per cent; the positive answer is "No"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accuracy: float
    precision: float
    recall: float
    f1: float
    n: int
    f1_interval: Interval | None = None
    accuracy_interval: Interval | None = None


class AmberResult(BaseModel):
    """All figures in per cent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    generative: dict[str, Score]
    """chair, cover, hal, cog (over annotated targets, the program's) and cog-paper (over objects in the responses)."""
    discriminative: dict[str, Half]
    """overall, existence, attribute, state, number, action, relation."""
    amber: float | None
    """(100 - CHAIR + F1) / 2; None unless both halves are there."""
    amber_interval: Interval | None
    other_answers: int
    """Discriminative replies that are neither "Yes" nor "No": wrong, and not counted as a No."""
    signature: str


def amber(
    responses: Mapping[int, str],
    data: Amber,
    *,
    nouns: Nouns | None = None,
    similar: Similar | None = None,
    rounding: Rounding = "official",
    groups: Mapping[int, str | None] | None = None,
) -> AmberResult:
    """Score responses by AMBER id. Without `nouns` the vocabulary's own words are looked up; without `similar` only
    equal words and associations match. `groups`: each id's picture, about which there are many questions. Raises
    InputError for an id that has no annotation, or no response at all."""
    unknown = [i for i in responses if i not in data.annotations]
    if unknown or not responses:
        raise InputError("responses without an annotation" if unknown else "no responses", subject=unknown[:5])
    find, same = nouns or vocabulary_words(data.vocabulary), similar or similarity_table([])
    told = [(text, data.annotations[i]) for i, text in sorted(responses.items())]
    free = [(text, note) for text, note in told if note.type == GENERATIVE]
    asked = [(text, note) for text, note in told if note.type != GENERATIVE]
    rows = np.array([_generative(find(text), note, data, same) for text, note in free], float)
    table = _answers(asked)
    names = [None if groups is None else [groups[note.id] for _, note in half] for half in (free, asked)]
    facts = signature(
        "amber", nouns="given" if nouns else "vocabulary", similar="table" if similar else "none", rounding=rounding
    )
    generative = _generative_scores(rows, rounding, facts, names[0]) if free else {}
    halves = _halves(table, [note.type for _, note in asked], rounding, names[1]) if asked else {}
    both = generative and halves
    return AmberResult(
        generative=generative,
        discriminative=halves,
        amber=(100 - generative["chair"].value + halves["overall"].f1) / 2 if both else None,
        amber_interval=_whole(rows, table, names) if both else None,
        other_answers=sum(text not in ("Yes", "No") for text, _ in asked),
        signature=facts,
    )


def _generative(found: Sequence[str], note: Annotation, data: Amber, same: Similar) -> tuple[float, ...]:
    """Hallucinated, objects, covered, true objects, hit, targets, clean, 1."""
    vocabulary = data.vocabulary
    truth = _places(note.truth if isinstance(note.truth, tuple) else (), data)
    targets = _places(note.hallu, data)
    kept = [noun for noun in found if noun in vocabulary]
    covered, hit, wrong = set(), set(), 0
    for noun in kept:
        if noun in data.safe:
            continue
        at = next((i for word, i in truth if word == noun), None)
        if at is not None:
            covered.add(at)
            continue
        hit |= {i for i in [next((i for word, i in targets if word == noun), None)] if i is not None}
        hit |= {i for i in [next((i for word, i in targets if same(noun, word)), None)] if i is not None}
        at = next((i for word, i in truth if same(noun, word)), None)
        if at is not None:
            covered.add(at)
        else:
            wrong += 1
    return wrong, len(kept), len(covered), len(note.truth), len(hit), len(note.hallu), float(wrong == 0), 1.0


def _places(objects: Sequence[str], data: Amber) -> list[tuple[str, int]]:
    """(word, object) pairs in the official order: all associations first, then the objects themselves."""
    around = [(word, i) for i, name in enumerate(objects) for word in data.association.get(name, [])]
    return around + [(name, i) for i, name in enumerate(objects)]


def _share(top: Array, bottom: Array) -> Array:
    """In per cent; 0 where there is nothing to count."""
    return np.asarray(100 * np.divide(top, bottom, out=np.zeros_like(np.asarray(top, float)), where=bottom > 0))


def _official(top: float, bottom: float, start: float = _START) -> float:
    """In per cent before rounding, as the official program computes it."""
    return float(top) / (float(bottom) + start) * 100


def _generative_scores(rows: Array, rounding: Rounding, facts: str, groups: Groups | None) -> dict[str, Score]:
    columns = {"chair": (0, 1), "cover": (2, 3), "hal": (6, 7), "cog": (4, 5), "cog-paper": (4, 1)}
    out = {}
    for name, (top, bottom) in columns.items():

        def value(sums: Array, name: str = name) -> Array:
            share = _share(sums[..., 0], sums[..., 1])
            return 100 - share if name == "hal" else share

        totals = Totals(rows[:, [top, bottom]], value, shown=rows[:, top])
        sums = rows.sum(axis=0)
        shown = totals.result
        if rounding == "official":
            exact = _official(sums[top], sums[bottom])
            shown = round(100 - exact if name == "hal" else exact, 1)
        out[name] = Score(
            name=name, value=shown, interval=interval(totals, groups), limits=PER_CENT, n=len(rows),
            signature=f"{facts}|interval:{interval_name(totals, groups)}",
        )  # fmt: skip
    return out


def _answers(asked: Sequence[tuple[str, Annotation]]) -> Array:
    """(questions, 5): right; said "No" rightly; said "No"; "No" is true; 1."""
    rows = [
        [
            (text == "Yes") if note.truth == "yes" else (text == "No"),
            text == "No" and note.truth == "no",
            text == "No",
            note.truth == "no",
            True,
        ]
        for text, note in asked
    ]
    return np.array(rows, float).reshape(-1, 5)


def _halves(table: Array, kinds: Sequence[str], rounding: Rounding, groups: Groups | None) -> dict[str, Half]:
    out = {"overall": _half(table, rounding, groups)}
    for name, types in KINDS.items():
        mine = np.flatnonzero(np.isin(kinds, types))
        if len(mine):
            guard = 0.001 if name == "existence" else 0.0001
            among = None if groups is None else [groups[at] for at in mine.tolist()]
            out[name] = _half(table[mine], rounding, among, guard, start=3 * _START if name == "attribute" else _START)
    return out


def _half(
    table: Array, rounding: Rounding, groups: Groups | None, guard: float = 0.0001, start: float = _START
) -> Half:
    right, both, said, true, n = table.sum(axis=0)
    shares = ((right, n), (both, said), (both, true))
    if rounding == "official":
        accuracy, precision, recall = (round(_official(top, bottom, start), 1) for top, bottom in shares)
        p, r = precision / 100, recall / 100
        f1 = round(2 * p * r / (p + r + guard) * 100, 1)
    else:
        accuracy, precision, recall = (float(_share(top, bottom)) for top, bottom in shares)
        f1 = float(_f1(table.sum(axis=0)))
    return Half(
        accuracy=accuracy,
        precision=precision,
        recall=recall,
        f1=f1,
        n=len(table),
        f1_interval=interval(Totals(table, _f1), groups),
        accuracy_interval=interval(Totals(table, lambda sums: _share(sums[..., 0], sums[..., 4])), groups),
    )


def _f1(sums: Array) -> Array:
    """In per cent; 0 where no "No" was said or true."""
    return np.asarray(200 * sums[..., 1] / np.maximum(sums[..., 2] + sums[..., 3], 1e-9))


def _whole(rows: Array, table: Array, names: Sequence[Sequence[str | None] | None]) -> Interval | None:
    """Of the score over both halves: a picture is drawn with its description and its questions."""
    items = np.zeros((len(rows) + len(table), 7))
    items[: len(rows), :2], items[len(rows) :, 2:] = rows[:, :2], table
    groups = None if names[0] is None or names[1] is None else [*names[0], *names[1]]

    def value(sums: Array) -> Array:
        return np.asarray((100 - _share(sums[..., 0], sums[..., 1]) + _f1(sums[..., 2:])) / 2)

    return interval(Totals(items, value), groups)


def read_responses(rows: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """{"id": 1, "response": "..."} rows, as AMBER wants them. Raises InputError on a missing or double id."""
    out: dict[int, str] = {}
    for at, row in enumerate(rows):
        number, text = row.get("id"), row.get("response")
        if not isinstance(number, int) or not isinstance(text, str):
            raise InputError(f"row {at}: needs a whole number 'id' and a text 'response'", subject=dict(row))
        if number in out:
            raise InputError(f"row {at}: id {number} is there twice")
        out[number] = text
    return out
