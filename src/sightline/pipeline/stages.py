"""One stage of a run, for each kind of step: what is pending goes in, what comes out is committed.

Each returns how many items it worked on, and the SightlineError of the step that ended it early, if one did.
"""

from __future__ import annotations

import hashlib
import pickle
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import ValidationError

from sightline.core.errors import PlanError, SightlineError
from sightline.core.ports import Barrier, BatchStep, Step
from sightline.core.sample import Item, Rejected
from sightline.pipeline.execution import Batches, Crew, Event, ExecutorConfig, Lost
from sightline.pipeline.ledger import Ledger, Ref, Settled
from sightline.pipeline.parts import PartReader, PartWriter
from sightline.pipeline.plan import AnyStep, step_key
from sightline.pipeline.progress import Progress
from sightline.pipeline.rows import reject_row
from sightline.pipeline.store import Store
from sightline.pipeline.work import Report, described, keep, load, make_last, prepared, unwritable

STARTS = 3
"""Times in a row that each worker may die before its first item; after that they cannot start at all."""

GROUP_BYTES = 32 << 20
"""JSON and blobs in one group of a BatchStep, whatever the number of items."""


class Outcome(NamedTuple):
    """How a stage ended."""

    worked: int
    stopped_by: SightlineError | None


@dataclass(frozen=True, slots=True)
class Desk:
    """What every stage works with."""

    ledger: Ledger
    store: Store
    reader: PartReader
    config: ExecutorConfig
    progress: Progress

    def commit(self, step: int, part: str | None, settled: Sequence[Settled]) -> None:
        """Make the part last, then name it and what is settled in the ledger. Raises StorageError."""
        make_last(self.store.parts, part)
        self.ledger.commit(step, part, settled)


class WorkerStage:
    """A `Step` over its pending items, done by a crew."""

    def __init__(self, desk: Desk, step: Step[Any, Any], number: int, batches: Batches) -> None:
        self._desk = desk
        self._step = step
        self._number = number
        self._batches = batches
        self._deaths: Counter[str] = Counter()
        self._false_starts = 0
        self._worked = 0
        self._failure: SightlineError | None = None

    def run(self, crew: Crew) -> Outcome:
        """Until nothing is pending, or a step's SightlineError ends it. On KeyboardInterrupt what workers have
        finished is committed before it goes on."""
        crew.begin(folder_name(self._step), pickle.dumps(self._step))
        try:
            self._feed(crew)
        except KeyboardInterrupt:
            self._drain(crew)
            raise
        return Outcome(self._worked, self._failure)

    def _feed(self, crew: Crew) -> None:
        """Workers get their next batch before the last one is committed, so that they do not wait for the disk."""
        events: list[Event] = []
        while True:
            while self._failure is None and crew.free() and (batch := self._batches.next()):
                crew.start(batch)
            if events:
                for event in events:
                    self._settle(event)
                events = []
                continue
            if not crew.busy():
                return
            if self._failure is not None:
                self._drain(crew)
                return
            events = crew.wait()
            for event in events:
                if isinstance(event.news, Report):
                    self._batches.learn(len(event.news.settled), event.news.seconds)

    def _drain(self, crew: Crew) -> None:
        crew.stop()
        while crew.busy():
            for event in crew.wait():
                if isinstance(event.news, Report):
                    self._settle(event)

    def _settle(self, event: Event) -> None:
        if isinstance(event.news, Lost):
            self._lost(event.batch, event.news)
            return
        report = event.news
        self._false_starts = 0
        self._commit(report.part, report.settled)
        self._failure = self._failure or report.failure
        if report.failure is None:
            self._batches.again(event.batch[len(report.settled) :])

    def _lost(self, batch: tuple[Ref, ...], lost: Lost) -> None:
        at = lost.running
        if at < 0:
            self._false_starts += 1
            if self._false_starts >= STARTS * self._desk.config.workers:
                raise PlanError(
                    f"worker processes die before they begin ({lost.how})",
                    subject=self._step.name,
                    remedy="does its module import in a plain Python process, and is there memory enough?",
                )
            self._batches.again(batch)
        elif at >= len(batch) > 1:
            self._batches.again(batch[: len(batch) // 2], batch[len(batch) // 2 :])
        else:
            at = min(at, len(batch) - 1)
            self._batches.again(batch[:at], batch[at + 1 :])
            self._suspect(batch[at], lost)

    def _suspect(self, ref: Ref, lost: Lost) -> None:
        """The item under which a worker ended: too slow, it is refused; otherwise it is tried again, alone."""
        self._deaths[ref.key] += 1
        deaths = self._deaths[ref.key]
        if lost.overtime:
            refused = Rejected(reason="time-limit", evidence={"seconds": self._desk.config.time_limit})
        elif deaths < self._desk.config.attempts:
            self._batches.again([ref])
            return
        else:
            refused = Rejected(reason="worker-died", evidence={"attempts": deaths, "how": lost.how})
        item = self._step.takes.model_validate_json(self._desk.reader.json(ref.path, ref.row))
        self._commit(None, (Settled(ref.key, rejects=(reject_row(0, refused, ref.key, item),)),))

    def _commit(self, part: str | None, settled: Sequence[Settled]) -> None:
        if settled:
            self._desk.commit(self._number, part, settled)
            self._worked += len(settled)
            self._desk.progress.advance(len(settled), sum(len(item.rejects) for item in settled))


class GroupStage:
    """A `BatchStep` over its pending items, in this process; outcomes are committed as they come."""

    def __init__(self, desk: Desk, step: BatchStep[Any, Any], number: int) -> None:
        self._desk = desk
        self._step = step
        self._number = number
        self._worked = 0
        self._waiting: list[Settled] = []
        self._committed = time.monotonic()
        self._part = self._new_part()

    def run(self, pending: Iterator[Ref]) -> Outcome:
        """Until nothing is pending or the step raises. Whatever ends it, what was yielded is committed."""
        try:
            for group in self._groups(pending):
                self._answer(group)
        except SightlineError as error:
            return Outcome(self._worked + len(self._waiting), error)
        finally:
            self._commit()
        return Outcome(self._worked, None)

    def _answer(self, group: list[tuple[Ref, Item]]) -> None:
        given = 0
        for given, outcomes in enumerate(self._step.batch([item for _, item in group]), start=1):
            if given > len(group):
                break
            self._take(*group[given - 1], outcomes)
        if given != len(group):
            raise PlanError(
                f"batch() gave {'more' if given > len(group) else given} outcomes for {len(group)} items",
                subject=self._step.name,
                remedy="yield one sequence of outcomes for each item, in order",
            )

    def _take(self, ref: Ref, item: Item, outcomes: Sequence[Item | Rejected]) -> None:
        self._waiting.append(keep(ref.key, prepared(self._step, ref.key, item, outcomes), self._part))
        if time.monotonic() - self._committed >= self._desk.config.commit_seconds or len(self._waiting) >= 4096:
            self._commit()

    def _commit(self) -> None:
        settled, part = self._waiting, self._part
        if not settled:
            part.discard()
            return
        try:
            part.close()
        except OSError as error:
            raise unwritable(error, self._desk.store.parts) from error
        self._waiting, self._part = [], self._new_part()
        self._committed = time.monotonic()
        self._desk.commit(self._number, part_path(self._step, part), settled)
        self._worked += len(settled)
        self._desk.progress.advance(len(settled), sum(len(item.rejects) for item in settled))

    def _groups(self, pending: Iterator[Ref]) -> Iterator[list[tuple[Ref, Item]]]:
        group: list[tuple[Ref, Item]] = []
        size = 0
        for ref in pending:
            try:
                item = load(self._step, ref, self._desk.reader)
            except ValidationError as error:
                row = reject_row(0, Rejected(reason="step-error", evidence=described(error)), ref.key, None)
                self._waiting.append(Settled(ref.key, rejects=(row,)))
                continue
            group.append((ref, item))
            size += len(self._desk.reader.json(ref.path, ref.row)) + len(item.blob or b"")
            if len(group) >= self._desk.config.group_items or size >= GROUP_BYTES:
                yield group
                group, size = [], 0
        if group:
            yield group

    def _new_part(self) -> PartWriter:
        return PartWriter(self._desk.store.parts / folder_name(self._step))


def run_barrier(desk: Desk, step: Barrier[Any, Any], number: int, stage: int) -> tuple[Outcome, str]:
    """A `Barrier` over all items of a stage, in this process. The second value is the key of all its input."""
    digest = hashlib.sha256()
    count = 0
    for ref in desk.store.refs(stage):
        digest.update(bytes.fromhex(ref.key))
        count += 1
    key = digest.hexdigest()[:32]
    known = desk.ledger.known(number, key)
    desk.progress.stage(step.name, count, count if known else 0)
    if known:
        return Outcome(0, None), key
    items = desk.store.stage(stage, step.takes)
    try:
        with PartWriter(desk.store.parts / folder_name(step)) as part:
            settled = keep(key, prepared(step, "", None, step.all(items)), part)
    except SightlineError as error:
        return Outcome(0, error), key
    except ValidationError as error:
        raise PlanError(
            f"an item cannot be read back ({str(error).splitlines()[0]})",
            subject=step.name,
            remedy="a step before it gave a value that JSON cannot hold, such as NaN",
        ) from error
    except OSError as error:
        raise unwritable(error, desk.store.parts) from error
    desk.commit(number, part_path(step, part), [settled])
    desk.progress.advance(count, len(settled.rejects))
    return Outcome(count, None), key


def folder_name(step: AnyStep) -> str:
    """Folder of a step's parts."""
    return f"{step.name}-{step_key(step)[:8]}"


def part_path(step: AnyStep, part: PartWriter) -> str | None:
    """Path of a part below the folder of parts; None where nothing was written."""
    return None if part.name is None else f"{folder_name(step)}/{part.name}"
