"""How work is spread: the options, the crew that does it (local processes or a cluster), and how pending items are cut
into batches.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from sightline.pipeline.ledger import Ref
from sightline.pipeline.work import Report


class ExecutorConfig(BaseModel):
    """How the work is spread; nothing here changes results, so nothing here is part of a ledger key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int = Field(default_factory=lambda: len(os.sched_getaffinity(0)), ge=1)
    """Worker processes; default: the cores this process may use."""
    time_limit: float = Field(default=120.0, gt=0)
    """Seconds of processor time that one item may take in one worker step, and three times as many by the clock for one
    that waits; above, its process is killed and the item becomes Rejected("time-limit")."""
    batch_seconds: float = Field(default=1.0, gt=0)
    """Work handed to a worker at once: what a kill can cost, against the price of a part file (milliseconds)."""
    batch_items: int = Field(default=4096, ge=1)
    """Most items in a batch."""
    attempts: int = Field(default=3, ge=1)
    """Workers that may die under one item before it becomes Rejected("worker-died")."""
    group_items: int = Field(default=256, ge=1)
    """Items that a BatchStep sees at once; 32 MB of JSON is the other bound."""
    commit_seconds: float = Field(default=2.0, ge=0)
    """Between two commits of a BatchStep's outcomes, at least; what a kill can cost. Slower ones are committed one by
    one, and whatever else ends a run commits what was yielded."""
    worker_memory: int = Field(default=2 << 30, ge=0)
    """Bytes; a worker that holds more after a batch is replaced by a fresh one (leaks of native libraries)."""
    retry: tuple[str, ...] = ()
    """Reasons of refused rows from earlier runs to try again, e.g. ("time-limit", "lm-error")."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker that came to its end with a batch."""

    running: int
    """Index of the item it was on; -1 before the first, len(batch) while it wrote its part."""
    how: str
    """"SIGKILL", "SIGSEGV", "exit 1", "node lost"."""
    overtime: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """News of one batch."""

    batch: tuple[Ref, ...]
    news: Report | Lost


class Crew(Protocol):
    """Those who do the work of a worker step."""

    def begin(self, step: str, pickled: bytes) -> None:
        """From now on batches are for this step; `step` is the name of its folder of parts."""

    def free(self) -> int:
        """Batches that could be taken at once."""

    def busy(self) -> int:
        """Batches under work."""

    def start(self, batch: tuple[Ref, ...]) -> None:
        """Take a batch; only while `free()`."""

    def wait(self) -> list[Event]:
        """News, after at most a fraction of a second; may be none."""

    def stop(self) -> None:
        """Finish the running items, then report; `wait` gives those reports."""

    def close(self, kind: bool) -> None:
        """End all workers; `kind=False` at once."""


LEAST_SHARE = 0.1
"""Of a full batch: below, handing it out and keeping what came of it costs more than all ending together gains."""


class Batches:
    """Cuts pending items into batches of consecutive items that take about `batch_seconds`."""

    def __init__(self, pending: Iterator[Ref], total: int, config: ExecutorConfig) -> None:
        self._pending = pending
        self._left = total
        self._config = config
        self._size = 1.0
        self._again: deque[tuple[Ref, ...]] = deque()

    def next(self) -> tuple[Ref, ...]:
        """Empty where nothing is left."""
        if self._again:
            return self._again.popleft()
        fair = self._left // (2 * self._config.workers)  # towards the end smaller, so that all end together
        least = int(self._size * LEAST_SHARE)
        count = min(int(self._size), max(1, fair, least), self._config.batch_items)
        batch = tuple(islice(self._pending, count))
        self._left -= len(batch)
        return batch

    def learn(self, items: int, seconds: float) -> None:
        """How long a batch took. Sizes grow at most fourfold at a time: the first items may be easy ones."""
        if items:
            fitting = items * self._config.batch_seconds / max(seconds, 1e-4)
            self._size = max(1.0, min(fitting, 4 * max(self._size, items)))

    def again(self, *batches: Sequence[Ref]) -> None:
        """These are to be done once more, before others."""
        self._again.extend(tuple(batch) for batch in batches if batch)
