"""The same question with its options in other orders: weak questions, circular accuracy, and a model's love of a
place.

Weak (CinePile 2.0): a model that sees no picture answers most rotations right, so the text gives the answer away.
Circular (MMBench): a question counts only if every rotation is answered right.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from pydantic import BaseModel, ConfigDict

from sightline.core.errors import InputError
from sightline.core.fingerprint import seeded
from sightline.core.score import Ballot, Proportion
from sightline.evaluate.choice import Choice


def orders(item: str, options: int, k: int = 5, *, seed: int = 0) -> list[tuple[int, ...]]:
    """`k` orders of the options of one item: orders[r][place] = option. As long as they last these are rotations of
    one seeded shuffle, so that the right option stands once in each place; further ones are seeded shuffles.

    >>> sorted(order.index(2) for order in orders("q1", 5))
    [0, 1, 2, 3, 4]
    """
    if options < 2 or k < 1:
        raise InputError(f"{options} options in {k} orders", remedy="two options or more, one order or more")
    rng = random.Random(seeded(seed, "orders", item))
    first = list(range(options))
    rng.shuffle(first)
    out = [tuple(first[i] for i in order) for order in Ballot.orders(options, k)]
    while len(out) < k:
        rng.shuffle(first)
        out.append(tuple(first))
    return out


class Rotated(BaseModel):
    """What was chosen for one item in each order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    answer: int
    """Index of the right option in the item's own order."""
    orders: tuple[tuple[int, ...], ...]
    choices: tuple[Choice, ...]
    """One per order; `index` is the place in that order."""
    category: str = ""

    @property
    def chosen(self) -> tuple[int | None, ...]:
        """Options in the item's own order, None where a reply was not readable."""
        pairs = zip(self.orders, self.choices, strict=True)
        return tuple(None if c.index is None else order[c.index] for order, c in pairs)

    @property
    def weak(self) -> bool | None:
        """More than half of the valid votes are right; None without a valid vote."""
        return Ballot(tuple(None if c is None else c == self.answer for c in self.chosen)).weak


class RotationReport(BaseModel):
    """Figures over all items."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weak: Proportion
    """Items flagged as weak, of those with a valid vote."""
    weak_by_chance: float
    """Share of these questions, were they good, that guessing alone would flag: 5.8 % for 5 options and 5 orders."""
    weak_items: tuple[str, ...]
    weak_by_category: dict[str, Proportion]
    undecided: int
    """Items without a single readable vote."""
    circular: Proportion
    """Items right in every order; an unreadable reply is not right."""
    vote: Proportion
    """Single votes right, of all."""
    consistent: Proportion
    """Items with the same option chosen in every order."""
    places: dict[int, Proportion]
    """How often each place was chosen, of the readable votes: equal shares = no bias."""
    right_by_place: dict[int, Proportion]
    """Accuracy by the place where the right option stood."""
    bias: float
    """Total variation distance between chosen places and the places of the right option, 0..1."""


def report(items: Sequence[Rotated]) -> RotationReport:
    """Weak items, circular accuracy and position bias. Raises InputError without items."""
    if not items:
        raise InputError("no rotated items")
    decided = [item for item in items if item.weak is not None]
    weak = [item for item in decided if item.weak]
    votes = [(order.index(i.answer), c.index) for i in items for order, c in zip(i.orders, i.choices, strict=True)]
    valid = [(true, place) for true, place in votes if place is not None]
    chosen, truth = Counter(place for _, place in valid), Counter(true for true, _ in valid)
    places = range(max(len(order) for item in items for order in item.orders))
    guessed = [Ballot.flagged_by(Fraction(1, len(item.orders[0])), len(item.orders)) for item in items]
    return RotationReport(
        weak=Proportion(len(weak), len(decided)),
        weak_by_chance=float(sum(guessed) / len(guessed)),
        weak_items=tuple(item.id for item in weak),
        weak_by_category={
            name: Proportion(sum(i.category == name for i in weak), sum(i.category == name for i in decided))
            for name in sorted({item.category for item in decided})
        },
        undecided=len(items) - len(decided),
        circular=Proportion(sum(set(i.chosen) == {i.answer} for i in items), len(items)),
        vote=Proportion(sum(t == p for t, p in votes), len(votes)),
        consistent=Proportion(sum(len(set(i.chosen)) == 1 and None not in i.chosen for i in items), len(items)),
        places={p: Proportion(chosen[p], len(valid)) for p in places},
        right_by_place={
            p: Proportion(sum(t == p == c for t, c in votes), sum(t == p for t, _ in votes)) for p in places
        },
        bias=sum(abs(chosen[p] - truth[p]) for p in places) / (2 * max(1, len(valid))),
    )
