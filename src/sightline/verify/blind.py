"""Can a multiple-choice question be answered without its context? Orders of its options, the weak test over a blind
judge's votes, and what chance alone would do: pure functions, exact figures.

A blind judge sees question and options only. It is asked once for each of k cyclic rotations of the options, so that
the right one stands in k different places; the question is *weak* where more than half of its valid votes are right
(CinePile 2.0: 3 of 5). A judge that always names the same letter is right once at most and never finds one weak.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeVar

from sightline.core.errors import InputError
from sightline.core.score import Ballot

T = TypeVar("T")


def rotations(options: int, k: int = 5) -> tuple[tuple[int, ...], ...]:
    """The first `k` cyclic orders: orders[r][place] = option. There are no more than there are options, so fewer are
    given where `k` is greater. Raises InputError for less than two options or orders: one order cannot tell knowing
    from loving a letter.

    >>> rotations(3)
    ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    """
    if options < 2 or k < 2:
        raise InputError(f"{options} options in {k} orders", remedy="two options or more, two orders or more")
    return Ballot.orders(options, k)


def rotated(options: Sequence[T], order: Sequence[int]) -> tuple[T, ...]:
    """The options as they stand in that order."""
    return tuple(options[i] for i in order)


def share_right(votes: Sequence[bool | None]) -> Fraction | None:
    """Right votes among the valid ones; None (a missing vote) counts neither way. None without a valid vote.

    >>> share_right([True, True, False, None])
    Fraction(2, 3)
    """
    return Ballot(tuple(votes)).share


def is_weak(votes: Sequence[bool | None]) -> bool | None:
    """More than half of the valid votes are right; None without a valid vote.

    >>> is_weak([True, True, False, False, False]), is_weak([True, True, True, False, False])
    (False, True)
    """
    return Ballot(tuple(votes)).weak


def flagged_by(accuracy: Fraction, votes: int) -> Fraction:
    """Probability that a judge which is right with probability `accuracy`, each vote by itself, finds a question weak.

    >>> [round(float(flagged_by(Fraction(n, 10), 5)), 3) for n in (4, 5, 6)]
    [0.317, 0.5, 0.683]
    """
    return Ballot.flagged_by(accuracy, votes)


def flagged_by_chance(options: int, votes: int) -> Fraction:
    """Probability that a uniform guesser finds a good question weak.

    >>> flagged_by_chance(5, 5), round(float(flagged_by_chance(5, 5)), 4)
    (Fraction(181, 3125), 0.0579)
    """
    return flagged_by(Fraction(1, options), votes)


def passes_by_luck(accuracy: Fraction, votes: int, tries: int) -> Fraction:
    """Probability that a leak which lets the judge be right with probability `accuracy` is never mended and yet found
    not weak in one of `tries` tests: why success is measured on a judge that the rewriting did not see.

    >>> round(float(passes_by_luck(Fraction(3, 5), 5, 5)), 3)
    0.852
    """
    return 1 - flagged_by(accuracy, votes) ** tries
