"""How well two answers to one question agree, without a model."""

from __future__ import annotations

from rapidfuzz import fuzz

from sightline.verify.folding import fold
from sightline.verify.fuzzy import hard_tokens, swapped
from sightline.verify.locating import PUNCTUATION
from sightline.verify.values import same_value, value_of, values_in

_CONTAINED = 0.9


def agreement(first: str, second: str) -> float:
    """0..1: 1 for the same folded text or the same value; 0 for different values or where numbers, months, units or
    negations differ or values change places; 0.9 where one holds the other whole ("529.87", "The total is 529.87.");
    else the indel ratio.

    >>> agreement("1,234.50 EUR", "€1234.5"), agreement("12 March 2024", "13 March 2024")
    (1.0, 0.0)
    """
    one, other = fold(first).strip(PUNCTUATION), fold(second).strip(PUNCTUATION)
    if not one or not other:
        return 0.0
    if one == other:
        return 1.0
    value, said = value_of(one), value_of(other)
    if value is not None and said is not None:
        return float(same_value(value, said))
    for whole, text in ((value, other), (said, one)):
        if whole is not None:
            return _CONTAINED * any(same_value(whole, found.value) for found in values_in(text))
    if hard_tokens(one) != hard_tokens(other) or swapped(one, other):
        return 0.0
    shorter, longer = sorted((one, other), key=len)
    if f" {shorter} " in f" {longer} ":
        return _CONTAINED
    return fuzz.ratio(one, other) / 100
