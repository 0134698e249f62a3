"""What every story does around its plan: where it runs, what is recorded of it, what it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from sightline.core.ports import LM
from sightline.core.record import RunRecord
from sightline.core.sample import Item, Rejected
from sightline.lm import Cached
from sightline.lm.tally import Tally
from sightline.pipeline import ExecutorConfig, Plan, Progress, RunResult, run_local, run_ray

LIBRARIES = ("sightline", "pyarrow", "numpy", "pydantic")
"""Whose versions decide a result: kept in run.json."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Where a plan runs."""

    kind: Literal["local", "ray"] = "local"
    executor: ExecutorConfig = field(default_factory=ExecutorConfig)
    progress: Progress = field(default_factory=Progress)

    def run(self, plan: Plan, items: Iterable[Item | Rejected], out: Path, retried: Sequence[str]) -> RunResult:
        """Run (or go on running) the plan; rows refused for a reason in `retried` are tried again by the next run."""
        executor = self.executor.model_copy(update={"retry": (*self.executor.retry, *retried)})
        runs = {"local": run_local, "ray": run_ray}
        return runs[self.kind](plan, items, out, executor, self.progress)


def begun(record: RunRecord, *libraries: str) -> RunRecord:
    """The record of a run that begins now, with the versions of `LIBRARIES` and of these."""
    versions = {name: version(name) for name in (*LIBRARIES, *libraries)}
    return record.model_copy(update={"versions": versions, "started": datetime.now(UTC)})


def ended(record: RunRecord, figures: Mapping[str, Any]) -> RunRecord:
    """The same with its end."""
    return record.model_copy(update={"finished": datetime.now(UTC), "figures": dict(figures)})


def run_figures(result: RunResult, roles: Mapping[str, LM | None]) -> dict[str, Any]:
    """Funnel, time and cost as measured, by role too, of models that are tallied. `cost_usd` is what all replies that
    the folder keeps have cost, in whichever run they were asked for."""
    counts = {role: lm.counts.model_dump() for role, lm in roles.items() if isinstance(lm, Tally)}
    totals: Counter[str] = Counter()
    for count in counts.values():
        totals.update(count)
    stores = [lm.lm.store for lm in roles.values() if isinstance(lm, Tally) and isinstance(lm.lm, Cached)]
    paid = {"cost_usd": stores[0].paid} if stores else {}
    return {
        "funnel": [step._asdict() for step in result.funnel],
        "seconds": result.seconds,
        "complete": result.complete,
        "stopped_by": None if result.stopped_by is None else str(result.stopped_by),
        "roles": counts,
        **totals,
        **paid,
    }
