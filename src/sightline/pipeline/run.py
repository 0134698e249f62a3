"""A whole run: sources in, stage after stage, result out. The same for every crew."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from sightline.core.errors import BudgetReached, InputError, PlanError, SightlineError, StorageError
from sightline.core.sample import Item, Rejected
from sightline.pipeline.execution import Batches, Crew, ExecutorConfig
from sightline.pipeline.ledger import Ledger, Settled, lock
from sightline.pipeline.parts import PartReader, PartWriter
from sightline.pipeline.plan import SOURCE, AnyStep, Plan, kind_of, step_key
from sightline.pipeline.progress import Progress
from sightline.pipeline.result import RunResult, StepCount
from sightline.pipeline.rows import encode
from sightline.pipeline.stages import Desk, GroupStage, Outcome, WorkerStage, run_barrier
from sightline.pipeline.store import Store
from sightline.pipeline.work import unwritable

ENTER = 4096
"""Source items entered at a time."""


def run_plan(
    plan: Plan, items: Iterable[Item | Rejected], store: Store, config: ExecutorConfig, progress: Progress, crew: Crew
) -> RunResult:
    """Run a checked plan. Holds the folder's lock, closes the crew however it ends.

    Raises StorageError where results cannot be kept, PlanError where a step cannot be loaded or breaks its own
    contract, InputError where an item is not what the first step takes; any other SightlineError of a step is in the
    result.
    """
    began = time.monotonic()
    barrier_keys: list[str | None] = []
    stopped_by: SightlineError | None = None
    worked = 0
    kindly = False
    try:
        with opened(store, config, progress) as desk:
            funnel = [enter(desk, plan, items)]
            for stage, step in enumerate(plan):
                if stopped_by is not None and not isinstance(stopped_by, BudgetReached):
                    break
                outcome, key, seconds = run_stage(desk, step, stage, crew)
                barrier_keys.append(key)
                funnel.append(counted(desk, step, stage, outcome, key, seconds))
                worked += outcome.worked
                if isinstance(outcome.stopped_by, (StorageError, PlanError)):
                    raise outcome.stopped_by
                stopped_by = stopped_by or outcome.stopped_by
        kindly = True
    finally:
        crew.close(kindly)
        progress.close()
    seconds = time.monotonic() - began
    return RunResult(store, plan, tuple(barrier_keys), tuple(funnel), stopped_by is None, stopped_by, worked, seconds)


@contextmanager
def opened(store: Store, config: ExecutorConfig, progress: Progress) -> Iterator[Desk]:
    """The folder locked, the ledger open and in agreement with the parts on disk, nothing visible."""
    with lock(store.lock):
        ledger = Ledger(store.ledger)
        try:
            _, missing = ledger.reconcile(store.parts)
            if missing:
                progress.note(f"{missing} part files are gone; what they held is computed anew")
            ledger.begin_run()
            yield Desk(ledger, store, PartReader(store.parts), config, progress)
        finally:
            ledger.close()


def enter(desk: Desk, plan: Plan, items: Iterable[Item | Rejected]) -> StepCount:
    """Keep the source items and their refusals, and make them stage 0."""
    began = time.monotonic()
    takes = plan.steps[0].takes
    number = desk.ledger.step(SOURCE, SOURCE)
    stream = iter(items)
    found = refused = reused = 0
    while chunk := list(islice(stream, ENTER)):
        rejected = [thing for thing in chunk if isinstance(thing, Rejected)]
        accepted = [_checked(thing, takes) for thing in chunk if not isinstance(thing, Rejected)]
        keys, known = _keep_sources(desk, number, accepted)
        desk.ledger.enter(number, keys, rejected)
        found += len(chunk)
        refused += len(rejected)
        reused += known
    gave = desk.ledger.count(0)
    return StepCount(SOURCE, found, gave, refused, reused, time.monotonic() - began)


def run_stage(desk: Desk, step: AnyStep, stage: int, crew: Crew) -> tuple[Outcome, str | None, float]:
    """Run one step over stage `stage` and make its results visible as the next; key of a barrier's input, seconds."""
    began = time.monotonic()
    number = desk.ledger.step(step_key(step), step.name)
    desk.ledger.forget(number, desk.config.retry, desk.config.time_limit)
    kind = kind_of(step)
    key: str | None = None
    work: Any = step
    if kind == "barrier":
        outcome, key = run_barrier(desk, work, number, stage)
    else:
        total, pending = desk.ledger.count(stage), desk.ledger.count_pending(stage, number)
        desk.progress.stage(step.name, total, total - pending)
        refs = desk.ledger.pending(stage, number)
        if not pending:
            outcome = Outcome(0, None)
        elif kind == "batch":
            outcome = GroupStage(desk, work, number).run(refs)
        else:
            outcome = WorkerStage(desk, work, number, Batches(refs, pending, desk.config)).run(crew)
    desk.ledger.show(stage + 1, number, key)
    return outcome, key, time.monotonic() - began


def counted(desk: Desk, step: AnyStep, stage: int, outcome: Outcome, key: str | None, seconds: float) -> StepCount:
    """The step's line of the funnel."""
    number = desk.ledger.step(step_key(step), step.name)
    took = desk.ledger.count(stage)
    if key is not None:
        done = took if desk.ledger.known(number, key) else 0
    else:
        done = took - desk.ledger.count_pending(stage, number)
    rejected = desk.ledger.count_rejects(stage, number, key)
    return StepCount(step.name, took, desk.ledger.count(stage + 1), rejected, done - outcome.worked, seconds)


def _keep_sources(desk: Desk, number: int, items: list[Item]) -> tuple[list[str], int]:
    """Store those that are new. Returns the keys of all, and how many were known."""
    encoded = {row.key: row for row in map(encode, items)}
    fresh = [row for row in encoded.values() if not desk.ledger.known(number, row.key)]
    try:
        with PartWriter(desk.store.parts / SOURCE) as part:
            for row in fresh:
                part.add(row.key, 0, row._replace(blob=None), None)
    except OSError as error:
        raise unwritable(error, desk.store.parts) from error
    if fresh:
        desk.commit(number, f"{SOURCE}/{part.name}", [Settled(row.key, ((0, row.key, None),)) for row in fresh])
    return list(encoded), len(encoded) - len(fresh)


def _checked(item: Item, takes: type[Item]) -> Item:
    if type(item) is not takes:
        raise InputError(
            f"the plan takes {takes.__name__}, got {type(item).__name__}", remedy="see Plan.steps[0].takes"
        )
    return item
