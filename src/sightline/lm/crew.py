"""Threads that work for one call and never keep a process alive: after Ctrl-C, or an error that ends the run, nobody
waits for a server that hangs (a ThreadPoolExecutor would be joined when the interpreter ends)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Crew(Generic[T]):
    """Up to `size` daemon threads; each is started when there is work for it."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._started = 0
        self._jobs: SimpleQueue[tuple[Future[T], Callable[[], T]] | None] = SimpleQueue()

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """The job's result, or what it raised, some day."""
        future: Future[T] = Future()
        self._jobs.put((future, job))
        if self._started < self._size:
            self._started += 1
            threading.Thread(target=self._work, name=f"{self._name}-{self._started}", daemon=True).start()
        return future

    def dismiss(self) -> None:
        """Each thread ends after the jobs that were submitted before."""
        for _ in range(self._started):
            self._jobs.put(None)

    def _work(self) -> None:
        while (given := self._jobs.get()) is not None:
            future, job = given
            with _Delivered(future):
                future.set_result(job())


class _Delivered:
    """Whatever the block raises goes to whoever waits for the future, not to the thread."""

    def __init__(self, future: Future[Any]) -> None:
        self._future = future

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is not None:
            self._future.set_exception(error)
        return True
