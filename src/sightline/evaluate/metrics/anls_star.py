"""ANLS*: ANLS for lists, dicts and nested answers (Peer et al. 2024, arXiv 2402.03848).

Equal to the package anls_star 1.0.1. In a reference a tuple holds alternatives; lists are matched by optimal
assignment; missing and superfluous entries count against the score; strings keep a similarity of at least one half.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

from sightline.core.errors import InputError
from sightline.core.score import Score
from sightline.evaluate.statistics import Groups, score
from sightline.evaluate.totals import Totals, signature

Answer = str | float | bool | list[Any] | dict[str, Any] | tuple[Any, ...] | None


class _Points(NamedTuple):
    got: float
    of: float

    @property
    def share(self) -> float:
        return self.got / self.of if self.of else 1.0


def anls_star(predictions: Sequence[Answer], references: Sequence[Answer], *, groups: Groups | None = None) -> Score:
    """ANLS* in 0..1. A list of texts against a single predicted text counts as alternatives, as in question answering.
    Raises InputError where there is nothing to score or a tuple is empty.

    >>> round(anls_star([["b", "a"]], [["a", "b", "c"]]).value, 4)
    0.6667
    """
    if len(predictions) != len(references):
        raise InputError(f"{len(predictions)} predictions but {len(references)} references")
    if not len(predictions):
        raise InputError("nothing to score: there are no predictions")
    values = []
    for prediction, reference in zip(predictions, references, strict=True):
        alternatives = isinstance(prediction, str) and isinstance(reference, list) and bool(reference)
        values.append(_match(prediction, tuple(reference) if alternatives else reference).share)  # type: ignore[arg-type]
    return score("anls-star", Totals.of_mean(values), signature("anls-star", tau=0.5, case="lower"), groups)


def _match(prediction: Any, reference: Any) -> _Points:
    match reference:
        case tuple():
            return max((_match(prediction, option) for option in _some(reference)), key=lambda points: points.share)
        case None:
            return _Points(float(prediction in (None, "", [], {})), max(1, _size(prediction)))
        case dict() if isinstance(prediction, dict):
            return _match_dicts(prediction, reference)
        case list() if isinstance(prediction, list):
            return _match_lists(prediction, reference)
        case dict() | list():
            return _Points(0, max(_size(prediction), _size(reference)))
    if prediction is None or isinstance(prediction, (dict, list)):
        return _Points(0, max(1, _size(prediction)))
    one, two = (" ".join(str(value).lower().split()) for value in (prediction, reference))
    longer = max(len(one), len(two))
    near = 1 - Levenshtein.distance(one, two) / longer if longer else 1.0
    return _Points(near if near >= 0.5 else 0.0, 1)


def _match_dicts(prediction: dict[str, Any], reference: dict[str, Any]) -> _Points:
    pairs = [_match(prediction.get(key), value) for key, value in reference.items()]
    invented = [_Points(0, max(1, _size(value))) for key, value in prediction.items() if key not in reference]
    return _sum([*pairs, *invented])


def _match_lists(prediction: list[Any], reference: list[Any]) -> _Points:
    table = [[_match(given, true) for given in prediction] for true in reference]
    rows, columns = [], []
    if prediction and reference:
        shares = np.array([[points.share for points in row] for row in table])
        exact = np.array([[given == true for given in prediction] for true in reference])
        rows, columns = (list(map(int, side)) for side in linear_sum_assignment(-(shares + 1e-12 * exact)))
    unmatched = [true for i, true in enumerate(reference) if i not in rows]
    unmatched += [given for j, given in enumerate(prediction) if j not in columns]
    matched = [table[i][j] for i, j in zip(rows, columns, strict=True)]
    return _sum([*matched, *(_Points(0, _size(value)) for value in unmatched)])


def _sum(points: Sequence[_Points]) -> _Points:
    return _Points(sum(p.got for p in points), sum(p.of for p in points))


def _size(value: Any) -> int:
    match value:
        case dict():
            return sum(_size(v) for v in value.values())
        case list():
            return sum(_size(v) for v in value)
        case tuple():
            return max(map(_size, _some(value)))
    return 1


def _some(options: tuple[Any, ...]) -> tuple[Any, ...]:
    if not options:
        raise InputError("an empty tuple holds no alternative", remedy="None says that no answer is expected")
    return options
