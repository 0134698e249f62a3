"""A worker process and its handle. The supervisor can kill it at any moment, and it dies with the supervisor.

The process is started from nothing but a Python executable (no fork: threads and open files of the main process stay
there; no import of the main script either, so a script needs no `if __name__ == "__main__"`). Over a pipe it gets steps
and batches and answers with reports. What it is working on *now* stands in 40 bytes of shared memory: readable at no
cost to either side, and still there when the process is not.
"""

from __future__ import annotations

import ctypes
import gc
import math
import mmap
import os
import pickle
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pyarrow as pa  # type: ignore[import-untyped]

from sightline.core.errors import PlanError, SightlineError
from sightline.pipeline.ledger import Ref
from sightline.pipeline.parts import PartReader
from sightline.pipeline.work import Report, described, run_batch

BOOT = """
import os, pickle, sys
from multiprocessing.connection import Connection
pipe = Connection(int(sys.argv[1]))
sys.path[:] = pickle.loads(pipe.recv_bytes())
from sightline.pipeline.worker import serve
serve(pipe, int(sys.argv[2]), int(sys.argv[3]))
"""

SLOT = struct.Struct("<ddqqq")
"""Start of the running item (monotonic seconds, inf between items), processor time that the worker had used by then,
the item's index in the batch, number of the batch, and 1 where the worker is to stop."""
PATIENCE = 3
"""An item that waits (for a disk, another program) may take this many times its limit by the clock: what counts is
processor time, so that no sound item is refused on a machine that is busy or was stopped."""
IDLE = -1
CACHE = 8 << 20
"""Bytes of input rows that a worker keeps: one row group."""
GARBAGE = 20_000
"""Objects made before the next look for garbage. An item may be thousands of small tuples, none of them in a cycle: at
Python's own 700 a sixth of the time of checking a page went into looking."""


class Worker:
    """Handle of one worker process; one batch at a time."""

    def __init__(self, parts: Path, path: Sequence[str] = ()) -> None:
        """`path`: folders to import steps from, besides those of this process."""
        self.batch: tuple[Ref, ...] = ()
        """What it works on; empty where it is free."""
        self._number = 0
        self._step: str | None = None
        with tempfile.TemporaryFile() as shared:
            shared.write(bytes(SLOT.size))  # real bytes: a hole in a file on a full disk would kill who writes to it
            shared.flush()
            self._slot = mmap.mmap(shared.fileno(), SLOT.size)
            SLOT.pack_into(self._slot, 0, math.inf, 0.0, IDLE, IDLE, 0)
            self.pipe, theirs = Pipe()
            handles = [theirs.fileno(), shared.fileno()]
            self.process = subprocess.Popen(
                [sys.executable, "-c", BOOT, *map(str, handles), str(os.getpid())],
                pass_fds=handles,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is the supervisor's; and `kill` takes along what a step has started
                stdout=sys.stderr.fileno() if _has_fileno(sys.stderr) else subprocess.DEVNULL,
            )
            theirs.close()
        self._send(pickle.dumps(list(dict.fromkeys([*sys.path, *path]))))
        self._send(pickle.dumps(str(parts)))

    def prepare(self, pickled: bytes) -> None:
        """Let it import what these steps need; errors come when they are to be run."""
        self._send(pickle.dumps((IDLE, ("", pickled), ())))

    def start(self, step: str, pickled: bytes, batch: Sequence[Ref]) -> None:
        """Give it a batch; `step` names what `pickled` holds, so that it is sent only once."""
        assert not self.batch
        self.batch = tuple(batch)
        self._number += 1
        SLOT.pack_into(self._slot, 0, math.inf, 0.0, IDLE, IDLE, 0)
        self._send(pickle.dumps((self._number, None if step == self._step else (step, pickled), self.batch)))
        self._step = step

    def report(self) -> Report | None:
        """The report on its batch, once its pipe is readable; None where the process has died."""
        try:
            report = self.pipe.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            return None
        assert isinstance(report, Report)
        self.batch = ()
        return report

    def running(self) -> int:
        """Index of the running item; -1 before the first, n after the last of n."""
        _, _, index, number, _ = SLOT.unpack_from(self._slot)
        return index if number == self._number else IDLE

    def overdue(self, limit: float) -> int | None:
        """Index of the running item, where it has used more than `limit` seconds of processor time, or has waited
        `PATIENCE` times as long."""
        began, used, index, number, _ = SLOT.unpack_from(self._slot)
        seconds = time.monotonic() - began
        if number != self._number or seconds <= limit:
            return None
        with suppress(psutil.Error):
            times = psutil.Process(self.process.pid).cpu_times()
            if seconds > PATIENCE * limit or times.user + times.system - used > limit:
                return int(index)
        return None

    def stop(self) -> None:
        """Ask it to finish with the running item and report."""
        struct.pack_into("<q", self._slot, SLOT.size - 8, 1)

    def kill(self) -> int:
        """End the process and those it started, now; returns its exit code (-9: SIGKILL)."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        self.pipe.close()
        return code

    def _send(self, data: bytes) -> None:
        try:
            self.pipe.send_bytes(data)
        except (BrokenPipeError, ConnectionResetError):
            return  # it died; the pipe's end says so to whoever waits for its report


def serve(pipe: Connection, slot_handle: int, parent: int) -> None:
    """The worker process: batches in, reports out, until the pipe closes."""
    die_with(parent)
    for handle in (pipe.fileno(), slot_handle):
        os.set_inheritable(handle, False)
    slot = mmap.mmap(slot_handle, SLOT.size)
    gc.set_threshold(GARBAGE)
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own pool keeps what a part was made of
    parts = Path(pickle.loads(pipe.recv_bytes()))
    reader = PartReader(parts, CACHE)
    me = psutil.Process()
    step: Any = None
    folder = parts
    while True:
        try:
            number, fresh, refs = pickle.loads(pipe.recv_bytes())
        except EOFError:
            return

        def mark(index: int, number: int = number, count: int = len(refs)) -> bool:
            began = time.monotonic() if index < count else math.inf
            struct.pack_into("<ddqq", slot, 0, began, time.process_time(), index, number)
            return slot[SLOT.size - 8] == 0

        if number == IDLE:
            with suppress(SightlineError, ImportError, AttributeError, TypeError):
                pickle.loads(fresh[1])
            continue
        if fresh is not None:
            name, pickled = fresh
            folder = parts / name
            reader = PartReader(parts, CACHE)  # what it keeps is of no use to another step
            try:
                step = pickle.loads(pickled)
            except SightlineError as error:
                pipe.send(Report((), None, 0.0, failure=sendable(error)))
                continue
            except (ImportError, AttributeError, TypeError) as error:
                pipe.send(Report((), None, 0.0, failure=unloadable(name, error)))
                continue
            gc.freeze()  # modules stay anyway: no look for garbage goes through them
        report = run_batch(step, refs, reader, folder, mark)
        failure = None if report.failure is None else sendable(report.failure)
        pipe.send(Report(report.settled, report.part, report.seconds, me.memory_info().rss, failure))


def die_with(parent: int) -> None:
    """Be killed by the system when the parent ends, however it ends (Linux; elsewhere the closed pipe ends us)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def sendable(error: SightlineError) -> SightlineError:
    """The error with its object as text, which every process can read."""
    if error.subject is not None:
        error.subject = str(error.subject)
    error.__cause__ = error.__context__ = None
    return error


def unloadable(name: str, error: Exception) -> PlanError:
    """A step that a worker process cannot import."""
    return PlanError(
        f"a worker process cannot load the step ({described(error)['error']}: {error})",
        subject=name,
        remedy="its module must be importable by name from anywhere; is its folder on PYTHONPATH?",
    )


def _has_fileno(stream: Any) -> bool:
    try:
        return int(stream.fileno()) >= 0
    except (AttributeError, OSError, ValueError):
        return False
