"""What a run came to: the funnel, the items of each step, and every refused row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sightline.core.errors import SightlineError
from sightline.core.sample import Item, Rejected
from sightline.pipeline.plan import SOURCE, Plan, step_key
from sightline.pipeline.store import Store


class StepCount(NamedTuple):
    """One line of the funnel, over distinct items."""

    step: str
    took: int
    gave: int
    rejected: int
    """Reject rows: a step may refuse parts of an item it took."""
    reused: int
    """Items taken that an earlier run had already done."""
    seconds: float
    """Wall time of this run."""


@dataclass(frozen=True)
class RunResult:
    """Valid until the next run into the same folder."""

    store: Store
    plan: Plan
    barrier_keys: tuple[str | None, ...]
    """For each step that ran: the key of all it took where it is a barrier, else None."""
    funnel: tuple[StepCount, ...]
    """The sources first (step "source": took = found, gave = distinct and accepted), then the steps that ran."""
    complete: bool
    """Every step is done with every item."""
    stopped_by: SightlineError | None
    work_done: int
    """Items that a step worked on in this run; 0 where all were known."""
    seconds: float

    def items(self, step: str) -> Iterator[Item]:
        """What the step gave, in the order of the source items, then as yielded; `blob` is None. "source" names the
        items that entered. A step that did not run gives nothing; raises KeyError for a name not in the plan."""
        kinds = {SOURCE: self.plan.steps[0].takes} | {step.name: step.gives for step in self.plan}
        if step not in kinds:
            raise KeyError(f"no step {step!r}; this plan has {', '.join(kinds)}")
        return iter(self.store.stage(list(kinds).index(step), kinds[step]))

    def rejected(self) -> Iterator[Rejected]:
        """Every refused row: of the sources first, then step by step, each in the order of its items."""
        ran = zip(self.plan, self.barrier_keys, strict=False)
        return self.store.refused([(step_key(step), step.name, only) for step, only in ran])

    def item(self, key: str) -> Item:
        """The item of that key, whatever step gave it. Raises KeyError where none of this plan did."""
        kinds = {SOURCE: self.plan.steps[0].takes} | {step_key(step): step.gives for step in self.plan}
        for maker in self.store.makers(key):
            if maker in kinds:
                return self.store.item(key, kinds[maker])
        raise KeyError(f"no item {key} in this run")

    def blob(self, sha256: str) -> bytes:
        """Bytes by content hash. Raises KeyError where there are none."""
        return self.store.blob(sha256)
