"""What checks catch: planted errors refused, untouched pairs refused wrongly, each with its interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from sightline.core.score import Proportion
from sightline.verify.page_index import PageIndex
from sightline.verify.planting import PLANTS, Case, Plant, Pool, plant

Check = Callable[[str, str, PageIndex], bool]
"""`check(question, answer, page)`: true where it refuses the pair."""
UNTOUCHED = "untouched"


class CatchRate(BaseModel):
    """One row: of `planted` errors of a kind a check refused `caught`; kind "untouched" counts false alarms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    check: str
    caught: int
    planted: int
    low: float
    """Wilson interval, 95 %."""
    high: float

    @property
    def rate(self) -> Proportion:
        return Proportion(self.caught, self.planted)


class CatchTable(BaseModel):
    """Rows by kind in the order of `PLANTS`, the untouched pairs last. `skipped`: cases a kind did not apply to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[CatchRate, ...]
    skipped: dict[str, int]
    seed: int

    def rate(self, kind: str, check: str) -> Proportion:
        """Caught of planted; false alarms of untouched pairs for kind "untouched"."""
        found = [row.rate for row in self.rows if (row.kind, row.check) == (kind, check)]
        assert len(found) == 1, f"no row for {kind} by {check}"
        return found[0]


def catch_rates(
    cases: Iterable[Case],
    checks: Mapping[str, Check],
    *,
    kinds: Sequence[Plant] = PLANTS,
    seed: int = 0,
    limit: int | None = None,
) -> CatchTable:
    """Plants each kind into every case it applies to and asks each check about plant and original.

    Wrong answers are borrowed from `cases` too. `limit`: errors planted per kind at most (and untouched pairs asked
    about), drawn by their place in the sorted pool in equal steps.
    """
    pool = Pool(cases)
    caught: Counter[tuple[str, str]] = Counter()
    planted: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    chosen = _spread(pool.cases, limit)
    for kind in kinds:
        for case in chosen:
            wrong = plant(kind, case, pool, seed)
            if wrong is None:
                skipped[kind] += 1
                continue
            planted[kind] += 1
            for name, check in checks.items():
                caught[kind, name] += check(wrong.question, wrong.answer, case.index)
    for case in chosen:
        planted[UNTOUCHED] += 1
        for name, check in checks.items():
            caught[UNTOUCHED, name] += check(case.question, case.answer, case.index)
    rows = [_row(kind, name, caught[kind, name], planted[kind]) for kind in (*kinds, UNTOUCHED) for name in checks]
    return CatchTable(rows=tuple(rows), skipped=dict(skipped), seed=seed)


def _spread(cases: list[Case], limit: int | None) -> list[Case]:
    if limit is None or len(cases) <= limit:
        return cases
    return [cases[k * len(cases) // limit] for k in range(limit)]


def _row(kind: str, check: str, caught: int, planted: int) -> CatchRate:
    low, high = Proportion(caught, planted).interval
    return CatchRate(kind=kind, check=check, caught=caught, planted=planted, low=low, high=high)
