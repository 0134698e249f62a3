"""A metric is a row of sums for each item and a function of their total.

Everything that a number needs besides its value follows from that alone: its interval, its merging over parts, and its
paired comparison between two systems. `statistics.py` does those for all metrics alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.core.errors import InputError

Array = NDArray[np.float64]


def mean(sums: Array) -> Array:
    """First column over second: (..., 2) -> (...)."""
    blank = np.full(sums.shape[:-1], np.nan)
    return np.asarray(np.divide(sums[..., 0], sums[..., 1], out=blank, where=sums[..., 1] > 0))


@dataclass(frozen=True, slots=True)
class Totals:
    """Sufficient statistics of one metric over n items."""

    items: Array
    """(n, k): what each item adds to the k sums."""
    value: Callable[[Array], Array] = mean
    """Sums (..., k) -> values (...); vectorised, so that a thousand resamples are one call."""
    shown: Array | None = None
    """(n,): each item's own figure, where it is not the first column (sentence BLEU beside corpus BLEU)."""

    @classmethod
    def of_mean(cls, values: Sequence[float] | Array) -> Totals:
        """The plain mean of one figure per item."""
        column = np.asarray(values, dtype=np.float64)
        return cls(np.stack([column, np.ones_like(column)], axis=1))

    @property
    def is_mean(self) -> bool:
        """True for a plain mean, whose interval needs no resampling."""
        return self.value is mean and bool((self.items[:, 1] == 1).all())

    @property
    def per_item(self) -> Array:
        """(n,): what each item scores alone; (0,) where the metric is a ratio of sums, of which an item has none."""
        if self.shown is None:
            return self.items[:, 0] if self.is_mean else np.empty(0)
        return self.shown

    @property
    def result(self) -> float:
        """The metric's value over all items; nan where there is none."""
        return float(self.value(self.items.sum(axis=0)))

    def __add__(self, other: Totals) -> Totals:
        """The same metric over both sets of items. Raises InputError where the metrics differ."""
        if self.items.shape[1] != other.items.shape[1]:
            raise InputError("sums of different metrics cannot be merged")
        shown = None if self.shown is None or other.shown is None else np.concatenate([self.shown, other.shown])
        return Totals(np.concatenate([self.items, other.items]), self.value, shown)


def checked(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    """Every prediction is a text and has at least one reference text.

    Raises InputError that names the first place where it is not so.
    """
    if len(predictions) != len(references):
        raise InputError(
            f"{len(predictions)} predictions but {len(references)} lists of references",
            remedy="one list of references per prediction",
        )
    if not len(predictions):
        raise InputError("nothing to score: there are no predictions")
    if not set(map(type, predictions)) <= {str}:
        at = next(i for i, text in enumerate(predictions) if type(text) is not str)
        raise InputError(f"prediction {at} is no text but {type(predictions[at]).__name__}", subject=predictions[at])
    for at, texts in enumerate(references):
        if isinstance(texts, str):
            raise InputError(f"references {at} are one text, not a list of texts", subject=texts[:60])
        if not len(texts):
            raise InputError(f"references {at} are an empty list", remedy="an item without a reference has no score")
        for text in texts:
            if type(text) is not str:
                raise InputError(f"references {at} hold a {type(text).__name__}", subject=text)


def signature(name: str, **facts: object) -> str:
    """The exact variant in words.

    >>> signature("anls", rule="paper", tau=0.5)
    'anls|rule:paper|tau:0.5|v:1'
    """
    return "|".join([name, *(f"{key}:{value}" for key, value in facts.items()), "v:1"])
