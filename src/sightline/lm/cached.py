"""Answers kept on disk: nothing that was answered is asked, or paid for, twice."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sightline.core.errors import InputError, StorageError
from sightline.core.fingerprint import fingerprint
from sightline.core.message import Reply, Request
from sightline.core.ports import LM
from sightline.lm.answer import failed
from sightline.lm.arrivals import Announcing

BUSY_S = 60.0
"""Longest wait for another process that is writing."""
LOOK_AHEAD = 4096
"""Replies kept back at most while an earlier one is still on its way."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, lm TEXT NOT NULL, reply TEXT NOT NULL, cost REAL NOT NULL
) WITHOUT ROWID
"""


class ReplyStore:
    """The SQLite file (write-ahead log) behind `Cached` and `Replay`; several processes and threads may share it.

    A reply is in it, and survives a kill, as soon as `save` returns. Holds answers and hashes of requests, not the
    requests. Raises StorageError where the file cannot be used.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error

    def _prepare(self) -> None:
        """SQLite does not wait for others while it changes to the write-ahead log, as it does elsewhere; we do."""
        deadline = time.monotonic() + BUSY_S
        while True:
            try:
                for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", _SCHEMA):
                    self._db.execute(statement)
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def find(self, key: str) -> Reply | None:
        """The saved reply as a hit: `cached`, no cost, no time."""
        row = self._execute("SELECT reply FROM replies WHERE key = ?", key)
        if row is None:
            return None
        return Reply.model_validate_json(row[0]).model_copy(update={"cached": True, "cost": 0.0, "seconds": 0.0})

    def save(self, key: str, lm: str, reply: Reply) -> None:
        """The first reply to a request stays."""
        self._execute("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?)", key, lm, reply.model_dump_json(), reply.cost)

    def forget(self, keys: Iterable[str]) -> int:
        """Remove the replies of these keys, overwritten on disk too; how many there were."""
        self._execute("PRAGMA secure_delete=ON")
        removed = sum(self._execute("DELETE FROM replies WHERE key = ? RETURNING 1", key) is not None for key in keys)
        self._execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return removed

    @property
    def paid(self) -> float:
        """USD that the replies in it have cost: what `Purse(spent=...)` of a resumed run begins with."""
        row = self._execute("SELECT coalesce(sum(cost), 0.0) FROM replies")
        assert row is not None
        return float(row[0])

    @property
    def names(self) -> list[str]:
        """Names of the LMs that answered."""
        row = self._execute("SELECT coalesce(group_concat(lm, char(10)), '') FROM (SELECT DISTINCT lm FROM replies)")
        assert row is not None
        return sorted(row[0].splitlines())

    def _execute(self, statement: str, *values: object) -> tuple[Any, ...] | None:
        try:
            with self._lock:
                row: tuple[Any, ...] | None = self._db.execute(statement, values).fetchone()
                return row
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> StorageError:
        return StorageError(
            f"the reply cache cannot be used ({error})", subject=self.path, remedy="name another file, or free its disk"
        )


class Cached:
    """`lm` with a memory at `path`: an answered request is never sent again, by any process that shares the file.

    The key is the LM's name and everything that decides the answer (`Request.key`); give two servers that call
    different models by one name a file each. Only answers are kept: a failure is asked again next time. Hits that no
    miss stands before are given at once; of equal requests under way only one is sent. An answer is on disk when it
    arrives, not when its turn comes, where the LM announces (`Endpoint`, and `Budgeted` around it). Two processes that
    ask the same at the same moment both send it; the first answer stays.
    """

    def __init__(self, lm: LM, path: str | Path) -> None:
        self.lm = lm
        self.store = ReplyStore(path)

    def __repr__(self) -> str:
        return f"Cached({self.lm!r}, {str(self.store.path)!r})"

    @property
    def name(self) -> str:
        return self.lm.name

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """One reply per request, in order; `cached` where no request left this machine."""
        call = _Call(self.store, self.name, requests)
        for request in call.source:  # here nothing is under way
            if call.place(request):
                yield from self._misses(call, request)
            yield from call.ready()

    def _misses(self, call: _Call, first: Request) -> Iterator[Reply]:
        """From a miss on, until the LM is done with all it was given."""
        if isinstance(self.lm, Announcing):
            inner, saved = self.lm.announced(call.feed(first), self._save), True
        else:
            inner, saved = self.lm.replies(call.feed(first)), False
        for reply in inner:
            request = call.settle(reply)
            if not saved:
                self._save(request, reply)
            yield from call.ready()

    def _save(self, request: Request, reply: Reply) -> None:
        if reply.ok:
            self.store.save(reply_key(self.name, request), self.name, reply)


class Replay:
    """The answers of a cache file and nothing else: a request it does not hold is an error reply "not-in-cache".

    `name` is the LM whose answers are meant; None where the file holds those of one only. Raises InputError.
    """

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        if not Path(path).is_file():
            raise InputError("no such reply cache", subject=path)
        self.store = ReplyStore(path)
        names = self.store.names
        if name is None and len(names) != 1:
            raise InputError("which model's answers?", subject=path, remedy=f"name one of {names}")
        self.name = names[0] if name is None else name

    def __repr__(self) -> str:
        return f"Replay({str(self.store.path)!r}, {self.name!r})"

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """One reply per request, in order."""
        for request in requests:
            found = self.store.find(reply_key(self.name, request))
            yield failed("not-in-cache", model=self.name) if found is None else found


def reply_key(name: str, request: Request) -> str:
    """What a saved reply is found by."""
    return fingerprint([name, request.key])


class _Slot:
    """A place in the order of replies."""

    def __init__(self) -> None:
        self.reply: Reply | None = None


class _Call:
    """One call of `Cached.replies`: requests taken in but not yet answered in their turn."""

    def __init__(self, store: ReplyStore, name: str, requests: Iterable[Request]) -> None:
        self.source = iter(requests)
        self._store = store
        self._name = name
        self._slots: deque[_Slot] = deque()
        self._asked: deque[tuple[str, Request]] = deque()
        self._under_way: dict[str, list[_Slot]] = {}

    def place(self, request: Request) -> bool:
        """Give it a place; True where it must be asked."""
        key = reply_key(self._name, request)
        slot = _Slot()
        self._slots.append(slot)
        if key in self._under_way:
            self._under_way[key].append(slot)
            return False
        slot.reply = self._store.find(key)
        if slot.reply is not None:
            return False
        self._under_way[key] = [slot]
        self._asked.append((key, request))
        return True

    def feed(self, first: Request) -> Iterator[Request]:
        """The misses, from `first` on; ends where too many replies are kept back."""
        yield first
        while len(self._slots) < LOOK_AHEAD:
            request = next(self.source, None)
            if request is None:
                return
            if self.place(request):
                yield request

    def settle(self, reply: Reply) -> Request:
        """The reply to the miss that was asked first; equal requests share it."""
        key, request = self._asked.popleft()
        first, *equal = self._under_way.pop(key)
        first.reply = reply
        for slot in equal:
            slot.reply = reply.model_copy(update={"cached": True, "cost": 0.0, "seconds": 0.0})
        return request

    def ready(self) -> Iterator[Reply]:
        """Replies whose turn has come."""
        while self._slots and (reply := self._slots[0].reply) is not None:
            self._slots.popleft()
            yield reply
