"""The distributed executor: the very same plan on a Ray cluster (extra `[ray]`).

A batch is a Ray task. The task hands it to a worker process of its own (the one of the local executor, kept for the
next task), so that crashes and time limits of single items are met in the same way; the part goes to the results
folder, which all nodes must share under the same path, and only metadata travels back. The driver holds the ledger. Ray
tries a task again when its node is lost; when Ray gives up, the batch is handed out anew.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from sightline.core.door import require
from sightline.core.errors import InputError, StorageError
from sightline.core.sample import Item, Rejected
from sightline.pipeline.execution import Event, ExecutorConfig, Lost
from sightline.pipeline.ledger import Ref
from sightline.pipeline.local import GRACE, TICK, ended
from sightline.pipeline.plan import Plan
from sightline.pipeline.progress import Progress
from sightline.pipeline.result import RunResult
from sightline.pipeline.run import run_plan
from sightline.pipeline.store import Store
from sightline.pipeline.work import Report, make_last
from sightline.pipeline.worker import Worker


def run_ray(
    plan: Plan,
    items: Iterable[Item | Rejected],
    out: str | Path,
    config: ExecutorConfig | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """As `run_local`, on the Ray cluster that is connected, that RAY_ADDRESS names or that runs on this machine; where
    there is none, one is started for the run. `config.workers` is the number of tasks at a time.

    Raises MissingExtra without Ray, and what `run_local` raises.
    """
    plan.check()
    ray = require("ray", "ray")
    config = config or ExecutorConfig()
    store = Store(Path(out).absolute())
    ours = connect(ray, config)
    try:
        return run_plan(plan, items, store, config, progress or Progress(), RayCrew(ray, store.parts, config))
    finally:
        if ours:
            ray.shutdown()


def connect(ray: Any, config: ExecutorConfig) -> bool:
    """Make sure that a cluster is connected; whether this call did it."""
    if ray.is_initialized():
        return False
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "warning"}
    try:
        ray.init(address="auto", log_to_driver=False, logging_level="warning")
    except ConnectionError:
        ray.init(num_cpus=config.workers, **quiet)
    return True


class RayCrew:
    """Batches as Ray tasks, `config.workers` at a time."""

    def __init__(self, ray: Any, parts: Path, config: ExecutorConfig) -> None:
        self._ray = ray
        self._parts = parts
        self._config = config
        self._step = ("", b"")
        self._flying: dict[Any, tuple[Ref, ...]] = {}
        self._cut_after: float | None = None
        self._task = ray.remote(num_cpus=1, max_retries=3, scheduling_strategy="SPREAD")(work_remotely)

    def begin(self, step: str, pickled: bytes) -> None:
        self._step = (step, pickled)

    def free(self) -> int:
        return self._config.workers - len(self._flying)

    def busy(self) -> int:
        return len(self._flying)

    def start(self, batch: tuple[Ref, ...]) -> None:
        limits = (self._config.time_limit, self._config.worker_memory)
        task = self._task.remote(str(self._parts), sys.path, self._step, batch, limits)
        self._flying[task] = batch

    def wait(self) -> list[Event]:
        ready, flying = self._ray.wait(list(self._flying), num_returns=len(self._flying), timeout=TICK)
        if self._cut_after is not None and time.monotonic() > self._cut_after:
            for task in flying:
                self._ray.cancel(task, force=True)
        return [Event(self._flying.pop(task), self._news(task)) for task in ready]

    def stop(self) -> None:
        """Batches are short: those under way may end by themselves."""
        self._cut_after = time.monotonic() + GRACE + self._config.batch_seconds

    def close(self, kind: bool) -> None:
        for task in self._flying:
            self._ray.cancel(task, force=not kind)
        self._flying.clear()

    def _news(self, task: Any) -> Report | Lost:
        try:
            news: Report | Lost = self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            raise InputError(
                f"a node of the cluster cannot do the work ({str(error).splitlines()[-1]})",
                remedy="every node needs this version of sightline and sees the results folder under the same path",
            ) from error
        except self._ray.exceptions.RayError as error:
            return Lost(-1, type(error).__name__)
        return news


_worker: tuple[str, Worker] | None = None
"""The worker process that this Ray process keeps between tasks, and the folder of parts it writes to."""


def work_remotely(
    parts: str, path: Sequence[str], step: tuple[str, bytes], batch: tuple[Ref, ...], limits: tuple[float, int]
) -> Report | Lost:
    """The Ray task. `limits`: seconds for an item, bytes that the worker process may hold after a batch."""
    global _worker
    if _worker is not None and _worker[0] != parts:
        _worker[1].kill()
        _worker = None
    if _worker is None:
        _worker = parts, Worker(Path(parts), path)
    worker = _worker[1]
    worker.start(*step, batch)
    time_limit, memory = limits
    overdue = None
    while not wait([worker.pipe], TICK) and worker.process.poll() is None and overdue is None:
        overdue = worker.overdue(time_limit)
    report = worker.report() if worker.pipe.poll() else None
    if report is not None:
        report = on_disk(report, Path(parts))
    if report is not None and report.memory <= memory:
        return report
    _worker = None
    code = worker.kill()
    return report or Lost(worker.running(), ended(code), overdue == worker.running())


def on_disk(report: Report, parts: Path) -> Report:
    """The report once its part will last: not every shared file system lets another node see to that."""
    try:
        make_last(parts, report.part)
    except StorageError as error:
        return Report((), None, report.seconds, failure=error)
    return report
