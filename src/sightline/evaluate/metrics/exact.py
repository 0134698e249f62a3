"""Exact match: the prediction equals a reference, after the stated cleaning and nothing more."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from sightline.core.score import Score
from sightline.evaluate.statistics import Groups, score
from sightline.evaluate.totals import Totals, checked, signature


def exact_match(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    strict: bool = False,
    groups: Groups | None = None,
) -> Score:
    """Share of predictions that equal one of their references: NFC, lower case and blanks collapsed, or `strict` as
    is.

    >>> exact_match(["  Paris "], [["paris"]]).value
    1.0
    """
    words = signature("exact", clean="none" if strict else "nfc-lower-blanks")
    return score("exact", totals(predictions, references, strict=strict), words, groups)


def totals(predictions: Sequence[str], references: Sequence[Sequence[str]], *, strict: bool = False) -> Totals:
    """1 or 0 per question."""
    checked(predictions, references)
    clean = str if strict else _clean
    pairs = zip(predictions, references, strict=True)
    return Totals.of_mean([float(clean(p) in {clean(text) for text in texts}) for p, texts in pairs])


def _clean(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).lower().split())
