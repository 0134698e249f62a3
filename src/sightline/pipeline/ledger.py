"""The ledger: which item went through which step, what came out, where it lies. One SQLite file, one writer.

Key of a row: hash(item) x hash(step name, version, config). Order of writing: the part file is complete and on disk
first, then its rows are committed here; so the ledger never names what does not exist, and a part it does not name is
waste.

WAL with synchronous=FULL: one fsync per commit, and there is about one commit per worker and two seconds; at that price
a power cut, not only a kill, loses no committed row.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import disk_usage
from typing import Any, NamedTuple

from sightline.core.errors import StorageError
from sightline.core.sample import Rejected
from sightline.pipeline.rows import RejectRow

FORMAT = 1
"""Raised when the tables change; a ledger of another format is refused, not guessed at."""

NO_ROOM = 1 << 20
"""Bytes left on the disk below which SQLite's unspecific "disk I/O error" means that it is full."""

TABLES = """
CREATE TABLE steps(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL);
CREATE TABLE parts(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE done(step INTEGER, item BLOB, PRIMARY KEY(step, item)) WITHOUT ROWID;
CREATE TABLE outputs(step INTEGER, item BLOB, idx INTEGER, key BLOB NOT NULL, part INTEGER NOT NULL,
    row INTEGER NOT NULL, blob BLOB, PRIMARY KEY(step, item, idx)) WITHOUT ROWID;
CREATE INDEX outputs_key ON outputs(key);
CREATE INDEX outputs_blob ON outputs(blob) WHERE blob IS NOT NULL;
CREATE TABLE rejects(step INTEGER, item BLOB, idx INTEGER, reason TEXT NOT NULL, refused TEXT NOT NULL,
    origin TEXT NOT NULL, evidence TEXT NOT NULL, PRIMARY KEY(step, item, idx)) WITHOUT ROWID;
CREATE TABLE visible(stage INTEGER, pos INTEGER, key BLOB NOT NULL, part INTEGER NOT NULL, row INTEGER NOT NULL,
    PRIMARY KEY(stage, pos)) WITHOUT ROWID;
CREATE UNIQUE INDEX visible_key ON visible(stage, key);
CREATE TABLE refused_sources(pos INTEGER PRIMARY KEY, row TEXT NOT NULL);
"""
# visible: the items of the latest run; stage 0 entered the plan, stage n came out of its n-th step.


class Ref(NamedTuple):
    """An item by key, and where its row lies."""

    key: str
    path: str
    row: int


class Settled(NamedTuple):
    """One item a step has dealt with. `outputs` are (index, key, blob hash or None); their rows stand in the part one
    after the other, in the order of all the settled items of a commit."""

    key: str
    outputs: tuple[tuple[int, str, str | None], ...] = ()
    rejects: tuple[RejectRow, ...] = ()


class Ledger:
    """Open for writing; `lock(folder)` must be held. Every method raises StorageError where SQLite cannot go on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._translated():
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            found = self._db.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, FORMAT):
                raise StorageError(
                    f"ledger of another format ({found}, this version writes {FORMAT})",
                    subject=path,
                    remedy="use the sightline version that made it, or another --out",
                )
            if found == 0:
                self._db.executescript(f"BEGIN; {TABLES} PRAGMA user_version={FORMAT}; COMMIT;")
            self._steps = dict(self._db.execute("SELECT key, id FROM steps"))

    def close(self) -> None:
        self._db.close()

    def step(self, key: str, name: str) -> int:
        """The step's number in this ledger, given on first sight."""
        if key not in self._steps:
            with self._transaction() as db:
                self._steps[key] = db.execute("INSERT INTO steps(key, name) VALUES(?, ?)", (key, name)).lastrowid
        return int(self._steps[key])

    def commit(self, step: int, part: str | None, settled: Iterable[Settled]) -> None:
        """Record finished items. An item that is already done is left as it is (its rows in `part` are never seen)."""
        with self._transaction() as db:
            number = None if part is None else db.execute("INSERT INTO parts(path) VALUES(?)", (part,)).lastrowid
            row = 0
            for item in settled:
                key = bytes.fromhex(item.key)
                if db.execute("INSERT OR IGNORE INTO done VALUES(?, ?)", (step, key)).rowcount:
                    db.executemany(
                        "INSERT INTO outputs VALUES(?, ?, ?, ?, ?, ?, ?)",
                        [
                            (step, key, index, bytes.fromhex(out), number, row + at, blob and bytes.fromhex(blob))
                            for at, (index, out, blob) in enumerate(item.outputs)
                        ],
                    )
                    db.executemany(
                        "INSERT INTO rejects VALUES(?, ?, ?, ?, ?, ?, ?)",
                        [(step, key, r.place, r.reason, r.item, r.origin, r.evidence) for r in item.rejects],
                    )
                row += len(item.outputs)

    def begin_run(self) -> None:
        """Nothing is visible any more."""
        with self._transaction() as db:
            db.execute("DELETE FROM visible")
            db.execute("DELETE FROM refused_sources")

    def enter(self, source: int, keys: Sequence[str], refused: Sequence[Rejected]) -> None:
        """Append to stage 0 the items of these keys, whose rows were committed under step `source`; a key that entered
        before is not entered again."""
        with self._transaction() as db:
            pos = db.execute("SELECT coalesce(max(pos) + 1, 0) FROM visible WHERE stage = 0").fetchone()[0]
            db.executemany(
                "INSERT OR IGNORE INTO visible SELECT 0, ?, key, part, row FROM outputs WHERE step = ? AND item = ?",
                [(pos + at, source, bytes.fromhex(key)) for at, key in enumerate(keys)],
            )
            db.executemany("INSERT INTO refused_sources(row) VALUES(?)", [(row.model_dump_json(),) for row in refused])

    def known(self, step: int, key: str) -> bool:
        """Whether the step is done with this item."""
        query = "SELECT 1 FROM done WHERE step = ? AND item = ?"
        return self._db.execute(query, (step, bytes.fromhex(key))).fetchone() is not None

    def pending(self, stage: int, step: int) -> Iterator[Ref]:
        """Items of a stage that the step is not done with, in order; what is committed meanwhile may be left out."""
        query = """SELECT v.pos, v.key, p.path, v.row FROM visible v JOIN parts p ON p.id = v.part
            WHERE v.stage = ? AND v.pos > ? AND NOT EXISTS(SELECT 1 FROM done d WHERE d.step = ? AND d.item = v.key)
            ORDER BY v.pos LIMIT 8192"""
        last = -1
        while rows := self._db.execute(query, (stage, last, step)).fetchall():
            yield from (Ref(key.hex(), path, row) for _, key, path, row in rows)
            last = rows[-1][0]

    def count(self, stage: int) -> int:
        """Items of a stage."""
        return int(self._db.execute("SELECT count(*) FROM visible WHERE stage = ?", (stage,)).fetchone()[0])

    def count_rejects(self, stage: int, step: int, only: str | None = None) -> int:
        """Reject rows of the step for the items of a stage; for a barrier, for the one key `only`."""
        query = "SELECT count(*) FROM visible v JOIN rejects r ON r.item = v.key AND r.step = ? WHERE v.stage = ?"
        values: tuple[object, ...] = (step, stage)
        if only is not None:
            query, values = "SELECT count(*) FROM rejects WHERE step = ? AND item = ?", (step, bytes.fromhex(only))
        return int(self._db.execute(query, values).fetchone()[0])

    def count_pending(self, stage: int, step: int) -> int:
        """Items of a stage that the step is not done with."""
        query = """SELECT count(*) FROM visible v
            WHERE v.stage = ? AND NOT EXISTS(SELECT 1 FROM done d WHERE d.step = ? AND d.item = v.key)"""
        return int(self._db.execute(query, (stage, step)).fetchone()[0])

    def show(self, stage: int, step: int, only: str | None = None) -> None:
        """Make visible what the step gave for the items of stage `stage - 1`; a barrier gave it for the key `only`."""
        rows = """row_number() OVER (ORDER BY v.pos, o.idx), o.key, o.part, o.row
            FROM visible v JOIN outputs o ON o.step = :step AND o.item = v.key WHERE v.stage = :stage - 1 ORDER BY 2"""
        if only is not None:
            rows = "idx, key, part, row FROM outputs WHERE step = :step AND item = :only ORDER BY idx"
        with self._transaction() as db:
            db.execute(
                f"INSERT OR IGNORE INTO visible SELECT :stage, {rows}",
                {"stage": stage, "step": step, "only": None if only is None else bytes.fromhex(only)},
            )

    def forget(self, step: int, reasons: Sequence[str], time_limit: float) -> None:
        """Items of the step refused for one of these reasons, or stopped after fewer seconds than `time_limit`, are no
        longer done: they will be tried again."""
        sooner = "reason = 'time-limit' AND json_extract(evidence, '$.seconds') < ?"
        with self._transaction() as db:
            for which, value in [("reason = ?", reason) for reason in reasons] + [(sooner, time_limit)]:
                keys = db.execute(f"SELECT DISTINCT item FROM rejects WHERE step = ? AND {which}", (step, value))
                _forget(db, [(step, key) for (key,) in keys.fetchall()])

    def erase(self, keys: Iterable[str]) -> None:
        """All that is known of these items, overwritten on disk too."""
        self._db.execute("PRAGMA secure_delete=ON")
        with self._transaction() as db:
            for key in keys:
                item = bytes.fromhex(key)
                db.execute("DELETE FROM rejects WHERE item = ? OR refused = ?", (item, key))
                db.execute("DELETE FROM outputs WHERE item = ? OR key = ?", (item, item))
                db.execute("DELETE FROM done WHERE item = ?", (item,))
                db.execute("DELETE FROM visible WHERE key = ?", (item,))
        with self._translated():
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def reconcile(self, folder: Path) -> tuple[int, int]:
        """Remove part files that the ledger does not name, and forget rows whose part is gone.

        Returns (files removed, parts found missing).
        """
        there = {path.relative_to(folder).as_posix() for path in folder.glob("*/*")}
        with self._transaction() as db:
            named = dict(db.execute("SELECT path, id FROM parts").fetchall())
            waste, missing = there - named.keys(), named.keys() - there
            for path in missing:
                rows = db.execute("SELECT DISTINCT step, item FROM outputs WHERE part = ?", (named[path],)).fetchall()
                _forget(db, rows)
                db.execute("DELETE FROM parts WHERE id = ?", (named[path],))
        for path in waste:
            (folder / path).unlink(missing_ok=True)
        return len(waste), len(missing)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise explained(error, self._path) from error


def explained(error: sqlite3.Error, path: Path) -> StorageError:
    """What a person can do about it."""
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and disk_usage(path.parent).free < NO_ROOM):
        return full_disk(path)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        remedy = "remove the folder .sightline beside the results and run again: everything is computed anew"
        return StorageError("the ledger is damaged", subject=path, remedy=remedy)
    return StorageError(f"the ledger cannot be used ({error})", subject=path, remedy="is the folder writable?")


def full_disk(path: Path) -> StorageError:
    """The error for a disk without room."""
    return StorageError(
        "the disk is full", subject=path, remedy="make room and run the same command: it goes on from here"
    )


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the results folder for this process; freed by the system however the process ends.

    Raises StorageError where another run holds it or it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(
            f"results cannot be written there ({error.strerror})", subject=path.parent, remedy="name another --out"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise StorageError(
            "another run is writing into this folder",
            subject=path.parent.parent,
            remedy="wait for it, or name another --out",
        ) from error
    try:
        yield
    finally:
        os.close(handle)


def _forget(db: sqlite3.Connection, rows: Sequence[tuple[Any, Any]]) -> None:
    for table in ("done", "outputs", "rejects"):
        db.executemany(f"DELETE FROM {table} WHERE step = ? AND item = ?", rows)
