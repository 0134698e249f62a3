"""Does a judge agree with people? Measured before its scores are believed.

Percent agreement alone overstates; kappa corrects it for chance, its quadratic form and Krippendorff's ordinal alpha
count how far two ratings lie apart. Length bias: does the judge give more than people do when the answer is longer?
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy import stats  # type: ignore[import-untyped]

from sightline.core.errors import InputError
from sightline.core.score import Interval
from sightline.evaluate.statistics import Groups, cluster_ids
from sightline.evaluate.totals import Array

RESAMPLES = 1000


class Agreement(BaseModel):
    """Judge against people on the same items."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    raw: float
    """Share of equal ratings."""
    kappa: float
    quadratic_kappa: float
    quadratic_kappa_interval: Interval | None
    alpha: float
    """Krippendorff's alpha, ordinal."""
    spearman: float
    """nan where one side never varies."""
    labels: tuple[int, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Rows: people; columns: judge."""
    mean_difference: float
    """Judge minus people, in rating steps: above 0 the judge is lenient."""
    length_bias: float | None
    """Spearman of (judge - people) with the answer's length in characters; None without answers."""
    length_bias_p: float | None


def agreement(
    judge: Sequence[int],
    human: Sequence[int],
    *,
    answers: Sequence[str] | None = None,
    groups: Groups | None = None,
    seed: int = 0,
) -> Agreement:
    """Agreement of whole-number ratings. Raises InputError on different lengths or fewer than two items."""
    if len(judge) != len(human):
        raise InputError(f"{len(judge)} ratings of the judge, {len(human)} of people")
    if len(judge) < 2:
        raise InputError("agreement needs at least two items rated by both")
    labels = tuple(sorted({*judge, *human}))
    at = {label: i for i, label in enumerate(labels)}
    table = np.zeros((len(labels), len(labels)))
    np.add.at(table, ([at[h] for h in human], [at[j] for j in judge]), 1)
    steps = np.asarray(judge, float) - np.asarray(human, float)
    bias = None
    if answers is not None:
        lengths = np.array([len(answer) for answer in answers])
        bias = stats.spearmanr(steps, lengths) if np.ptp(steps) and np.ptp(lengths) else None
    return Agreement(
        n=len(judge),
        raw=float(np.trace(table) / table.sum()),
        kappa=float(_kappa(table[None], _unequal(labels))[0]),
        quadratic_kappa=float(_kappa(table[None], _squared(labels))[0]),
        quadratic_kappa_interval=_kappa_interval(judge, human, labels, groups, seed),
        alpha=ordinal_alpha(table),
        spearman=float(stats.spearmanr(judge, human).statistic) if len(set(judge)) > 1 < len(set(human)) else np.nan,
        labels=labels,
        confusion=tuple(tuple(int(v) for v in row) for row in table),
        mean_difference=float(steps.mean()),
        length_bias=None if bias is None else float(bias.statistic),
        length_bias_p=None if bias is None else float(bias.pvalue),
    )


def _unequal(labels: Sequence[int]) -> Array:
    return 1.0 - np.eye(len(labels))


def _squared(labels: Sequence[int]) -> Array:
    values = np.asarray(labels, float)
    return np.asarray((values[:, None] - values[None]) ** 2)


def _kappa(tables: Array, distance: Array) -> Array:
    """(b, k, k) -> (b,): 1 - observed / expected disagreement (Cohen 1968); 1 where both are constant and equal."""
    total = tables.sum(axis=(1, 2))
    observed = (tables * distance).sum(axis=(1, 2)) / total
    expected = np.einsum("bi,ij,bj->b", tables.sum(2), distance, tables.sum(1)) / total**2
    return np.asarray(1 - np.divide(observed, expected, out=np.zeros_like(observed), where=expected > 0))


def _kappa_interval(
    judge: Sequence[int], human: Sequence[int], labels: Sequence[int], groups: Groups | None, seed: int
) -> Interval | None:
    k = len(labels)
    at = {label: i for i, label in enumerate(labels)}
    cell = np.array([at[h] * k + at[j] for h, j in zip(human, judge, strict=True)])
    ids = cluster_ids(groups, len(cell))
    clusters = int(ids.max()) + 1
    if clusters < 3 or k < 2:
        return None
    sums = np.zeros((clusters, k * k))
    np.add.at(sums, (ids, cell), 1)
    draws = np.random.default_rng(seed).multinomial(clusters, np.full(clusters, 1 / clusters), size=RESAMPLES)
    low, high = np.percentile(_kappa((draws @ sums).reshape(RESAMPLES, k, k), _squared(labels)), [2.5, 97.5])
    return Interval(float(low), float(high))


def ordinal_alpha(table: Array) -> float:
    """Krippendorff's alpha for two raters (Krippendorff 2011), ordinal distance; 1 where nothing varies."""
    coincidences = table + table.T
    n = coincidences.sum(axis=0)
    middle = np.cumsum(n) - n / 2
    distance = (middle[:, None] - middle[None]) ** 2
    observed = (coincidences * distance).sum()
    expected = (np.outer(n, n) * distance).sum() / (n.sum() - 1)
    return float(1 - observed / expected) if expected > 0 else 1.0
