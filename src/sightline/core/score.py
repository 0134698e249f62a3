"""Figures that say how sure they are: a `Score` carries its interval, a `Proportion` computes its own, a `Ballot` says
whether a question gave itself away."""

from __future__ import annotations

from fractions import Fraction
from math import comb, sqrt
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

Z_95 = 1.959963984540054


class Interval(NamedTuple):
    """Lower and upper bound."""

    low: float
    high: float


class Prediction(BaseModel):
    """One thing to score: what was said and what counts as right."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    prediction: str
    references: tuple[str, ...]
    group: str | None = None
    """Document, image or video: items of one group are not independent."""


class Score(BaseModel):
    """A metric's value with its interval and the exact variant that was computed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: float
    interval: Interval | None = None
    """95 % unless the signature says otherwise; None where n is too small to say."""
    limits: Interval = Interval(0.0, 1.0)
    """The ends of the metric's scale, for plots and intervals: (0, 10) for CIDEr."""
    n: int
    signature: str = ""
    """The variant in words: tokenizer, smoothing, level, case, version."""
    per_item: tuple[float, ...] = Field(default=(), repr=False)

    def __str__(self) -> str:
        bounds = "" if self.interval is None else f" [{self.interval.low:.4f}, {self.interval.high:.4f}]"
        return f"{self.name} {self.value:.4f}{bounds} n={self.n}"


def wilson(share: float, n: int) -> Interval:
    """The score interval of a share seen in `n` independent items, 95 % (Wilson 1927)."""
    z = Z_95
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(0.0 if share == 0 else centre - half, 1.0 if share == 1 else centre + half)


class Proportion(NamedTuple):
    """`hits` of `n`, with the Wilson score interval (Wilson 1927), which holds at 0 % and 100 % too.

    >>> Proportion(95, 100).interval.low > 0.88
    True
    """

    hits: int
    n: int

    @property
    def value(self) -> float:
        """nan where n = 0."""
        return self.hits / self.n if self.n else float("nan")

    @property
    def interval(self) -> Interval:
        """95 %; (0, 1) where n = 0."""
        return wilson(self.value, self.n) if self.n else Interval(0.0, 1.0)

    def __str__(self) -> str:
        if self.n == 0:
            return "none to count"
        low, high = self.interval
        return f"{self.value:.1%} [{low:.1%}, {high:.1%}] ({self.hits}/{self.n})"


class Ballot(NamedTuple):
    """One multiple-choice question asked in several orders of its options, without what it is about: right, wrong, or
    None where the reply was not readable. Weak (CinePile 2.0): more than half of the valid votes are right."""

    votes: tuple[bool | None, ...]

    @property
    def share(self) -> Fraction | None:
        """Right votes among the valid ones; None without a valid vote."""
        valid = [vote for vote in self.votes if vote is not None]
        return Fraction(sum(valid), len(valid)) if valid else None

    @property
    def weak(self) -> bool | None:
        """None without a valid vote."""
        return None if self.share is None else self.share > Fraction(1, 2)

    @staticmethod
    def orders(options: int, k: int) -> tuple[tuple[int, ...], ...]:
        """The first `k` cyclic orders, at most as many as options: orders[r][place] = option, so that the right one
        stands in another place each time."""
        return tuple(tuple((place + r) % options for place in range(options)) for r in range(min(k, options)))

    @staticmethod
    def flagged_by(accuracy: Fraction, votes: int) -> Fraction:
        """Probability that a voter who is right with probability `accuracy`, each time by itself, makes it weak."""
        at_least = range(votes // 2 + 1, votes + 1)
        return sum((comb(votes, n) * accuracy**n * (1 - accuracy) ** (votes - n) for n in at_least), Fraction(0))
