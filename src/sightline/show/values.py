"""What is shown: small values that the page and the terminal both draw."""

from __future__ import annotations

from typing import NamedTuple

from sightline.core.media import Box
from sightline.core.score import Proportion


class StepFlow(NamedTuple):
    """What one step of a run did, in items."""

    step: str
    took: int
    gave: int
    rejected: int
    """Items, or parts of items, that it refused."""
    reused: int = 0
    """Taken from an earlier run without work."""
    seconds: float = 0.0

    @property
    def kept(self) -> float:
        """Share of what came out that was not refused; 1 where nothing came out."""
        seen = self.gave + self.rejected
        return self.gave / seen if seen else 1.0


class Estimate(NamedTuple):
    """A figure that says how sure it is."""

    label: str
    value: float
    low: float
    high: float


class CatchRate(NamedTuple):
    """How many planted errors of one kind one check caught."""

    kind: str
    check: str
    rate: Proportion


class Tile(NamedTuple):
    """One headline figure."""

    value: str
    label: str
    note: str = ""


class Mark(NamedTuple):
    """A numbered place on a picture."""

    number: int
    boxes: tuple[Box, ...]
    """In the unit of the picture's `width` and `height`."""
    hint: str = ""
    """Tooltip."""


class Note(NamedTuple):
    """What stands beside a picture about the `Mark` of the same number."""

    number: int
    question: str
    answer: str
    language: str = ""
    """ISO 639-1, so that the browser picks the right letters; empty where unknown."""
    tags: tuple[str, ...] = ()
    placed: bool = True
    """False where no mark belongs to it."""
