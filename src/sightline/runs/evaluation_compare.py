"""Two runs on the same examples: paired differences, flips, equivalence; and a judge against people."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from sightline.core.door import load
from sightline.core.errors import InputError
from sightline.core.score import Interval
from sightline.evaluate.examples import rows
from sightline.evaluate.metrics import TOTALS
from sightline.evaluate.raters import Agreement, agreement
from sightline.evaluate.statistics import (
    ANY,
    Flips,
    Paired,
    cluster_ids,
    equivalence,
    holm,
    mcnemar,
    needed,
    paired_bootstrap,
    paired_t,
)
from sightline.runs.evaluation_records import Record, read_records, read_summary


class Difference(BaseModel):
    """b - a in one metric."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    a: float
    b: float
    difference: float
    interval: Interval | None
    """95 %, paired."""
    p: float
    p_holm: float
    """Adjusted for the number of metrics compared; nan where p is."""
    test: str
    flips: Flips | None
    """For right/wrong figures."""
    equivalent_p: float | None
    """p of |difference| >= margin; below .05 = equivalent. None without a margin."""
    n: int
    n_needed: int | None
    """Examples, in groups as large as these, that would show this difference with power 0.8; None where there is no
    difference or how much groups differ is unknown."""


class Comparison(BaseModel):
    """All metrics that both runs have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    a: str
    b: str
    differences: tuple[Difference, ...]
    common: int
    only_a: int
    """Examples answered in run a only; they are compared with nothing."""
    only_b: int
    clusters: int | None
    """Documents, images or videos; None where examples are taken as independent."""


def compare(run_a: Path, run_b: Path, *, margin: float | None = None, seed: int = 0) -> Comparison:
    """Compare on the examples that both answered. Raises InputError where there are fewer than two, or no common
    metric."""
    a, b = ({r.id: r for r in read_records(run) if r.prediction is not None} for run in (run_a, run_b))
    both = [i for i in a if i in b]
    if len(both) < 2:
        raise InputError(f"{len(both)} examples were answered in both runs", subject=f"{run_a}, {run_b}")
    groups = [a[i].group or b[i].group for i in both]
    clustered = any(g is not None for g in groups)
    scales = {score.name: score.limits for run in (run_a, run_b) if run.is_dir() for score in read_summary(run).scores}
    found = []
    for name in dict.fromkeys(name for i in both for name in a[i].figures):
        ids = [i for i in both if name in a[i].figures and name in b[i].figures]
        if len(ids) > 1:
            mine = [a[i].group or b[i].group for i in ids] if clustered else None
            pairs = [a[i] for i in ids], [b[i] for i in ids]
            found.append(_difference(name, *pairs, mine, scales.get(name, ANY), margin, seed))
    if not found:
        raise InputError("the runs have no metric in common", subject=f"{run_a}, {run_b}")
    tested = [d for d in found if not isnan(d.p)]
    adjusted = {d.metric: p for d, p in zip(tested, holm([d.p for d in tested]), strict=True)}
    return Comparison(
        a=str(run_a), b=str(run_b),
        differences=tuple(d.model_copy(update={"p_holm": adjusted.get(d.metric, d.p)}) for d in found),
        common=len(both), only_a=len(a) - len(both), only_b=len(b) - len(both),
        clusters=int(cluster_ids(groups, len(groups)).max()) + 1 if clustered else None,
    )  # fmt: skip


def _difference(
    name: str,
    a: list[Record],
    b: list[Record],
    groups: list[str | None] | None,
    limits: Interval,
    margin: float | None,
    seed: int,
) -> Difference:
    x, y = (np.array([r.figures[name] for r in run], float) for run in (a, b))
    maker = TOTALS.get(name.partition("-")[0])
    if maker is not None:
        first, second = (load(maker)([r.prediction for r in run], [r.references for r in run]) for run in (a, b))
        paired = paired_bootstrap(first, second, groups, seed=seed)
        values = first.result, second.result
    else:
        paired = paired_t(x, y, groups, limits)
        values = float(x.mean()), float(y.mean())
    binary = set(np.unique([x, y])) <= {0.0, 1.0}
    flips = mcnemar(x == 1, y == 1) if binary else None
    p, test = paired.p, paired.test
    if flips is not None and groups is None:
        p, test = flips.p, "McNemar exact"
    return Difference(
        metric=name, a=values[0], b=values[1], difference=paired.difference, interval=paired.interval, p=p, p_holm=p,
        test=test, flips=flips, n=paired.n, n_needed=_needed(paired),
        equivalent_p=None if margin is None or maker is not None else equivalence(x, y, margin, groups),
    )  # fmt: skip


def _needed(paired: Paired) -> int | None:
    """From the standard error of the difference as it was measured, groups and all."""
    if paired.interval is None or paired.difference == 0 or paired.error == 0:
        return None
    return needed(paired.difference, paired.error * paired.n**0.5)


def agree(run: Path, human: Path) -> Agreement:
    """The judge of a run against people's ratings in JSON lines {"id", "rating": 1..3}.

    Raises InputError with the line's number for a bad rating or a double id, and where fewer than two items meet.
    """
    ratings: dict[str, int] = {}
    for number, row in rows(human):
        rating, identity = row.get("rating"), row.get("id")
        if rating not in (1, 2, 3) or isinstance(rating, bool) or identity is None:
            raise InputError(f"line {number}: needs an id and a rating 1, 2 or 3", subject=human)
        if str(identity) in ratings:
            raise InputError(f"line {number}: id {identity!r} is there already", subject=human)
        ratings[str(identity)] = int(rating)
    kept = [r for r in read_records(run) if r.judge_state in ("1", "2", "3") and r.id in ratings]
    return agreement(
        [int(r.judge_state or 0) for r in kept], [ratings[r.id] for r in kept],
        answers=[r.prediction or "" for r in kept],
        groups=None if all(r.group is None for r in kept) else [r.group for r in kept],
    )  # fmt: skip


def disagreements(records: Sequence[Record]) -> list[Record]:
    """Answers that the run's first string metric scores 0 and the judge rates 3."""
    return [
        r
        for r in records
        if r.judge_state == "3" and next((value for name, value in r.figures.items() if name != "lave"), None) == 0
    ]
