"""The local executor: worker processes of this machine, restarted when they die, killed when an item takes too long."""

from __future__ import annotations

import pickle
import signal
import time
from collections.abc import Iterable, Sequence
from multiprocessing.connection import wait
from pathlib import Path

from sightline.core.sample import Item, Rejected
from sightline.pipeline.execution import Event, ExecutorConfig, Lost
from sightline.pipeline.ledger import Ref
from sightline.pipeline.plan import AnyStep, Plan, kind_of
from sightline.pipeline.progress import Progress
from sightline.pipeline.result import RunResult
from sightline.pipeline.run import run_plan
from sightline.pipeline.store import Store
from sightline.pipeline.worker import Worker

TICK = 0.2
"""Seconds between two looks at the clock of the running items."""
GRACE = 5.0
"""Seconds that workers asked to stop have for the item they are on; then they are killed and the item is not done."""


def run_local(
    plan: Plan,
    items: Iterable[Item | Rejected],
    out: str | Path,
    config: ExecutorConfig | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """Run the plan over `items` in processes of this machine; state and results lie in `<out>/.sightline`.

    Items that the ledger knows are not worked on again. Raises PlanError (before anything ran, or where a step breaks
    its own contract), StorageError (disk full, not writable, another run in the same folder) and InputError; any other
    SightlineError that a step raises is in the result (`stopped_by`). KeyboardInterrupt goes on to the caller. Whatever
    ends a run, what is finished was kept.
    """
    plan.check()
    config = config or ExecutorConfig()
    store = Store(out)
    crew = LocalCrew(store.parts, config)
    if not store.ledger.exists():
        crew.prepare([step for step in plan if kind_of(step) == "step"])
    return run_plan(plan, items, store, config, progress or Progress(), crew)


class LocalCrew:
    """Up to `config.workers` processes, started when there is work for them."""

    def __init__(self, parts: Path, config: ExecutorConfig) -> None:
        self._parts = parts
        self._config = config
        self._workers: list[Worker] = []
        self._step = ("", b"")
        self._killed_after: float | None = None

    def prepare(self, steps: Sequence[AnyStep]) -> None:
        """Start all workers at once, and let them import what these steps need while sources are still looked at."""
        pickled = pickle.dumps(steps)
        for _ in range(self._config.workers):
            self._workers.append(Worker(self._parts))
            self._workers[-1].prepare(pickled)

    def begin(self, step: str, pickled: bytes) -> None:
        self._step = (step, pickled)

    def free(self) -> int:
        return self._config.workers - self.busy()

    def busy(self) -> int:
        return sum(bool(worker.batch) for worker in self._workers)

    def start(self, batch: tuple[Ref, ...]) -> None:
        worker = next((worker for worker in self._workers if not worker.batch), None)
        if worker is None:
            worker = Worker(self._parts)
            self._workers.append(worker)
        worker.start(*self._step, batch)

    def wait(self) -> list[Event]:
        busy = [worker for worker in self._workers if worker.batch]
        speaking = wait([worker.pipe for worker in busy], TICK)
        late = self._killed_after is not None and time.monotonic() > self._killed_after
        events = []
        for worker in busy:
            # a pipe may be held open by a process that the step started: ask for the worker itself too
            if worker.pipe in speaking or worker.process.poll() is not None:
                events.append(self._heard(worker))
            elif (overdue := worker.overdue(self._config.time_limit)) is not None or late:
                events.append(self._cut(worker, overdue))
        return events

    def stop(self) -> None:
        self._killed_after = time.monotonic() + GRACE
        for worker in self._workers:
            worker.stop()

    def close(self, kind: bool) -> None:
        for worker in self._workers:
            worker.kill()  # an idle one holds nothing that could be lost, and its orderly end takes half a second
        self._workers.clear()

    def _heard(self, worker: Worker) -> Event:
        batch = worker.batch
        report = worker.report()
        if report is None:
            return self._lost(worker, overdue=None)
        if report.memory > self._config.worker_memory:
            self._workers.remove(worker)
            worker.kill()
        return Event(batch, report)

    def _cut(self, worker: Worker, overdue: int | None) -> Event:
        if worker.pipe.poll():  # it has just made it
            return self._heard(worker)
        return self._lost(worker, overdue)

    def _lost(self, worker: Worker, overdue: int | None) -> Event:
        self._workers.remove(worker)
        code = worker.kill()
        overtime = self._killed_after is None and overdue == worker.running()
        return Event(worker.batch, Lost(worker.running(), ended(code), overtime))


def ended(code: int) -> str:
    """How a process ended, in words: "SIGKILL", "exit 1"."""
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
