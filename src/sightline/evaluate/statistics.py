"""Intervals, tests and sample sizes for every metric.

Nothing here knows a metric: it works on `Totals` (a row of sums per item) or on one figure per item. Items that
share a document, image or video are not independent; with `groups` given, whole groups are resampled and standard
errors are clustered (Liang and Zeger 1986).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isnan, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special  # type: ignore[import-untyped]

from sightline.core.errors import InputError
from sightline.core.score import Interval, Score, wilson
from sightline.evaluate.totals import Array, Totals

Groups = Sequence[str | None]
RESAMPLES = 1000
UNIT = Interval(0.0, 1.0)
ANY = Interval(-inf, inf)
_AT_ONCE = 4_000_000
"""Resampled counts held in memory at a time (32 MB)."""


def score(
    name: str,
    totals: Totals,
    signature: str,
    groups: Groups | None = None,
    *,
    limits: Interval = UNIT,
    seed: int = 0,
) -> Score:
    """Value, 95 % interval and per-item figures of a metric whose scale ends at `limits`."""
    return Score(
        name=name,
        value=totals.result,
        interval=interval(totals, groups, limits=limits, seed=seed),
        limits=limits,
        n=len(totals.items),
        signature=signature + f"|interval:{interval_name(totals, groups)}",
        per_item=tuple(totals.per_item.tolist()),
    )


def interval(
    totals: Totals, groups: Groups | None = None, *, limits: Interval = UNIT, seed: int = 0
) -> Interval | None:
    """95 %: Wilson for yes/no figures, Student's t for means, percentile bootstrap for everything else."""
    if not totals.is_mean:
        return bootstrap(totals, groups, seed=seed)
    return mean_interval(totals.items[:, 0], groups, limits)


def interval_name(totals: Totals, groups: Groups | None) -> str:
    """How the interval was made, for signatures."""
    figures = totals.items[:, 0]
    how = "wilson" if _is_binary(figures) and (groups is None or not standard_error(figures, groups)) else "t"
    if not totals.is_mean:
        how = "bootstrap"
    return f"{how}-95" + ("-clustered" if groups is not None else "")


def mean_interval(
    values: Sequence[float] | Array, groups: Groups | None = None, limits: Interval = ANY
) -> Interval | None:
    """95 % interval of a mean, never beyond the `limits` of its scale. Yes/no figures whose share is the same in every
    group have Wilson's, with groups for items. None with fewer than two items or groups."""
    x = np.asarray(values, dtype=np.float64)
    ids = cluster_ids(groups, len(x))
    clusters = int(ids.max()) + 1 if len(ids) else 0
    if clusters < 2:
        return None
    if groups is None and _is_binary(x):
        return wilson(float(x.mean()), len(x))
    error = standard_error(x, groups)
    if error == 0 and _is_binary(x):
        return wilson(float(x.mean()), clusters)
    half = float(special.stdtrit(clusters - 1, 0.975)) * error
    centre = float(x.mean())
    return Interval(max(limits.low, centre - half), min(limits.high, centre + half))


def crossed_interval(runs: Array, groups: Groups | None = None, limits: Interval = ANY) -> Interval | None:
    """95 % interval of the mean of `runs` (runs, items): the same items answered by models of several seeds, so that it
    holds for other seeds and other items. The variance is that of the runs' means plus the (clustered) one of the
    items' means, which counts their residual twice; degrees of freedom by Satterthwaite (1946). One run alone has its
    `mean_interval`. None with fewer than two items or groups."""
    figures = np.asarray(runs, dtype=np.float64)
    means, many = figures.mean(axis=0), len(figures)
    clusters = len(set(cluster_ids(groups, len(means)).tolist()))
    if clusters < 2 or many == 1:
        return mean_interval(means, groups, limits)
    of_items, of_runs = standard_error(means, groups) ** 2, float(figures.mean(axis=1).var(ddof=1)) / many
    if of_items + of_runs == 0:
        return mean_interval(means, groups, limits)
    freedom = (of_items + of_runs) ** 2 / (of_items**2 / (clusters - 1) + of_runs**2 / (many - 1))
    half = float(special.stdtrit(freedom, 0.975)) * sqrt(of_items + of_runs)
    centre = float(means.mean())
    return Interval(max(limits.low, centre - half), min(limits.high, centre + half))


def standard_error(values: Array, groups: Groups | None = None) -> float:
    """Of the mean; clustered where groups are given: sqrt(G/(G-1) sum_g (sum_i in g (x_i - mean))^2) / n."""
    ids = cluster_ids(groups, len(values))
    residuals = np.bincount(ids, weights=values - values.mean())
    count = len(residuals)
    if count < 2:
        return float("nan")
    return sqrt(count / (count - 1) * float((residuals**2).sum())) / len(values)


def bootstrap(
    totals: Totals, groups: Groups | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval | None:
    """95 % percentile interval (Efron 1979) over resampled sums. None with fewer than two items or groups, or where a
    value cannot be computed in more than 1 % of resamples."""
    draws = resampled(totals, groups, resamples=resamples, seed=seed)
    if not len(draws) or np.isnan(draws).mean() > 0.01:
        return None
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return Interval(float(low), float(high))


def resampled(totals: Totals, groups: Groups | None = None, *, resamples: int = RESAMPLES, seed: int = 0) -> Array:
    """(resamples,): the metric on as many draws of whole groups with replacement."""
    sums = _cluster_sums(totals.items, groups)
    if len(sums) < 2:
        return np.empty(0)
    return totals.value(_drawn_sums(sums, resamples, seed))


def _drawn_sums(sums: Array, resamples: int, seed: int) -> Array:
    """(resamples, k): the total of as many draws of whole rows with replacement. Equal rows are drawn together, since
    how often each kind comes is multinomial: right and wrong answers are few kinds, whatever their number."""
    rng = np.random.default_rng(seed)
    rows = len(sums)
    kinds, number = np.unique(sums, axis=0, return_counts=True)
    if 8 * len(kinds) < rows:
        return np.asarray(rng.multinomial(rows, number / rows, size=resamples) @ kinds)
    block = max(1, _AT_ONCE // rows)
    out = []
    for start in range(0, resamples, block):
        count = min(block, resamples - start)
        flat = rng.integers(0, rows, size=(count, rows)) + np.arange(count)[:, None] * rows
        out.append(np.bincount(flat.ravel(), minlength=count * rows).reshape(count, rows).astype(np.float64) @ sums)
    return np.concatenate(out)


def cluster_ids(groups: Groups | None, n: int) -> NDArray[np.int64]:
    """0, 1, 2 ... for each item's group; an item whose group is None stands alone. Raises InputError on another
    length."""
    if groups is None:
        return np.arange(n, dtype=np.int64)
    if len(groups) != n:
        raise InputError(f"{len(groups)} groups for {n} items")
    seen: dict[object, int] = {}
    return np.array([seen.setdefault(at if g is None else (g,), len(seen)) for at, g in enumerate(groups)], np.int64)


def _cluster_sums(items: Array, groups: Groups | None) -> Array:
    if groups is None:
        return items
    ids = cluster_ids(groups, len(items))
    out = np.zeros((int(ids.max()) + 1, items.shape[1]))
    np.add.at(out, ids, items)
    return out


def _is_binary(values: Array) -> bool:
    return bool(((values == 0) | (values == 1)).all())


class Paired(NamedTuple):
    """Difference b - a of two systems on the same items."""

    difference: float
    interval: Interval | None
    p: float
    """Two-sided; nan where it cannot be computed."""
    test: str
    n: int
    error: float = float("nan")
    """Standard error of the difference; clustered where groups were given."""


def paired_bootstrap(
    a: Totals, b: Totals, groups: Groups | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> Paired:
    """Both systems on the same resamples; p = share of draws on the far side of zero, doubled (Efron and
    Tibshirani)."""
    if len(a.items) != len(b.items):
        raise InputError(f"{len(a.items)} items against {len(b.items)}: a paired test needs the same items")
    difference = b.result - a.result
    sums = _cluster_sums(np.concatenate([a.items, b.items], axis=1), groups)
    k = a.items.shape[1]
    if len(sums) < 2:
        return Paired(difference, None, float("nan"), "paired bootstrap", len(a.items))
    drawn = _drawn_sums(sums, resamples, seed)
    draws = b.value(drawn[:, k:]) - a.value(drawn[:, :k])
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    tail = min(float((draws <= 0).sum()), float((draws >= 0).sum()))
    p = min(1.0, 2 * (tail + 1) / (resamples + 1))
    error = float(np.nanstd(draws, ddof=1))
    return Paired(difference, Interval(float(low), float(high)), p, "paired bootstrap", len(a.items), error)


def paired_t(a: Array, b: Array, groups: Groups | None = None, limits: Interval = ANY) -> Paired:
    """Student's t on the per-item differences, clustered where groups are given; the interval never goes beyond what
    the scale's `limits` allow. Independent yes/no figures, and those that differ alike in every group, have the
    interval of `paired_proportions`; p of what differs alike everywhere is the sign test's."""
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    delta = y - x
    clusters = int(cluster_ids(groups, len(x)).max()) + 1
    difference = float(delta.mean())
    error = standard_error(delta, groups)
    if isnan(error):
        return Paired(difference, None, float("nan"), "paired t", len(delta))
    if error == 0:
        p = 1.0 if difference == 0 else 0.5 ** (clusters - 1)
    else:
        p = 2 * float(special.stdtr(clusters - 1, -abs(difference / error)))
    binary = _is_binary(x) and _is_binary(y)
    if binary and (groups is None or error == 0):
        return Paired(difference, paired_proportions(x == 1, y == 1, clusters), p, "paired t", len(delta), error)
    half = float(special.stdtrit(clusters - 1, 0.975)) * error
    most = 1.0 if binary else limits.high - limits.low
    bounds = Interval(max(-most, difference - half), min(most, difference + half))
    return Paired(difference, bounds, p, "paired t", len(delta), error)


def paired_proportions(a: Sequence[bool], b: Sequence[bool], n: int) -> Interval:
    """95 % interval of share(b) - share(a) on the same items, from the Wilson intervals of both shares (Newcombe 1998,
    Statistics in Medicine 17:2635, method 10): never beyond -1 and 1, and of some width where no item flips. `n`: how
    many of them are independent."""
    flips, items = mcnemar(a, b), len(a)
    first, second = (flips.both + flips.only_a) / items, (flips.both + flips.only_b) / items
    (low_a, high_a), (low_b, high_b) = wilson(first, n), wilson(second, n)
    below_a, above_a, below_b, above_b = first - low_a, high_a - first, second - low_b, high_b - second
    moment = (flips.both * flips.neither - flips.only_a * flips.only_b) / items**2
    spread = sqrt(first * (1 - first) * second * (1 - second))
    phi = (min(moment, 0) + max(moment - 1 / (2 * n), 0)) / spread if spread else 0.0
    down = below_b**2 - 2 * phi * below_b * above_a + above_a**2
    up = above_b**2 - 2 * phi * above_b * below_a + below_a**2
    return Interval(second - first - sqrt(down), second - first + sqrt(up))


class Flips(NamedTuple):
    """Items right in one system only, and the exact two-sided McNemar test on them."""

    only_a: int
    only_b: int
    both: int
    neither: int
    p: float


def mcnemar(a: Sequence[bool], b: Sequence[bool]) -> Flips:
    """Exact binomial form (McNemar 1947): are the flips as often one way as the other?"""
    x, y = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    only_a, only_b = int((x & ~y).sum()), int((~x & y).sum())
    n = only_a + only_b
    p = 1.0 if n == 0 else min(1.0, 2 * float(special.bdtr(min(only_a, only_b), n, 0.5)))
    return Flips(only_a, only_b, int((x & y).sum()), int((~x & ~y).sum()), p)


def equivalence(a: Array, b: Array, margin: float, groups: Groups | None = None) -> float:
    """p of the two one-sided tests (Schuirmann 1987) that |mean(b) - mean(a)| < margin; below .05 = equivalent. Where
    items or groups differ alike, the chance that all do although a share `margin` of them does not."""
    if margin <= 0:
        raise InputError("an equivalence margin must be above 0", subject=margin)
    delta = np.asarray(b, dtype=np.float64) - np.asarray(a, dtype=np.float64)
    clusters = int(cluster_ids(groups, len(delta)).max()) + 1
    error, difference = standard_error(delta, groups), float(delta.mean())
    if error == 0:
        return max(0.0, 1 - margin) ** clusters if abs(difference) < margin else 1.0
    lower = float(special.stdtr(clusters - 1, -(difference + margin) / error))
    upper = float(special.stdtr(clusters - 1, (difference - margin) / error))
    return max(lower, upper)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (Holm 1979): reject where below .05, whatever the number of comparisons."""
    order = np.argsort(p_values)
    out = [0.0] * len(p_values)
    before = 0.0
    for rank, at in enumerate(order):
        before = max(before, min(1.0, (len(p_values) - rank) * p_values[at]))
        out[at] = before
    return out


def needed(difference: float, deviation: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Items needed so that a paired test sees `difference` with this power: (z_a/2 + z_power)^2
    (deviation/difference)^2.

    `deviation` is the standard deviation of the per-item differences; where items share a group, the standard error
    times the root of n, which holds the design effect (Kish 1965): items are then needed in groups as large as these.
    """
    if difference == 0:
        raise InputError("no number of items shows a difference of 0")
    z = -float(special.ndtri(alpha / 2)) + float(special.ndtri(power))
    return max(2, int(np.ceil((z * deviation / difference) ** 2)))
