"""Relaxed accuracy (ChartQA, Masry et al. 2022): numbers within 5 % of the target, everything else by equality.

As in the evaluations in use: a per cent sign divides by 100, a target of 0 falls to text equality ("0.0" is wrong),
"1,234" and "$5" are no numbers, a year is a number (1920 passes for 2019). The best reference counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from sightline.core.score import Score
from sightline.evaluate.statistics import Groups, score
from sightline.evaluate.totals import Totals, checked, signature


def relaxed(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    tolerance: float = 0.05,
    groups: Groups | None = None,
) -> Score:
    """Share of answers that are right within `tolerance`. Raises InputError on missing or non-text input.

    >>> relaxed(["10.4", "12"], [["10"], ["10"]]).per_item
    (1.0, 0.0)
    """
    words = signature("relaxed", tolerance=tolerance, case="lower", references="any")
    return score("relaxed", totals(predictions, references, tolerance=tolerance), words, groups)


def totals(predictions: Sequence[str], references: Sequence[Sequence[str]], *, tolerance: float = 0.05) -> Totals:
    """1 or 0 per question."""
    checked(predictions, references)
    pairs = zip(predictions, references, strict=True)
    return Totals.of_mean([float(any(_right(p, target, tolerance) for target in targets)) for p, targets in pairs])


def _right(prediction: str, target: str, tolerance: float) -> bool:
    given, true = _number(prediction), _number(target)
    if given is not None and true:
        return abs(given - true) / abs(true) <= tolerance
    return prediction.lower() == target.lower()


def _number(text: str) -> float | None:
    try:
        return float(text.rstrip("%")) / 100.0 if text.endswith("%") else float(text)
    except ValueError:
        return None
