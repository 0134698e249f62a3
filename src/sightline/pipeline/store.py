"""Where a run keeps its state, and how to look things up in it: items and blobs by hash."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from sightline.core.errors import InputError, StorageError
from sightline.core.sample import Item, Rejected
from sightline.pipeline.ledger import Ref, explained
from sightline.pipeline.parts import PartReader
from sightline.pipeline.plan import SOURCE
from sightline.pipeline.remote import names_remote, recorded

T = TypeVar("T", bound=Item)


class Store:
    """Read access to a results folder, before, during and after a run; any thread of the main process.

    >>> store = Store("my-dataset")
    >>> png = store.blob(page.image.sha256)
    """

    def __init__(self, out: str | Path) -> None:
        """Opens nothing yet. Raises InputError where `out` is a URL."""
        if names_remote(os.fspath(out)):
            raise InputError(
                "results are built in a folder of this machine (or one that all nodes share)",
                subject=recorded(os.fspath(out)),
                remedy="name a folder, and upload it when it is finished",
            )
        self.state = Path(out) / ".sightline"
        self.parts = self.state / "parts"
        self.ledger = self.state / "ledger.sqlite"
        self.lock = self.state / "lock"
        self._reader = PartReader(self.parts)
        self._turn = threading.Lock()
        self._db: sqlite3.Connection | None = None

    def blob(self, sha256: str) -> bytes:
        """Bytes that any step gave as an item's blob. Raises KeyError where there are none of that hash."""
        with self._open() as db:
            row = db.execute(_FIND + "o.blob = ? LIMIT 1", (bytes.fromhex(sha256),)).fetchone()
            if row is None:
                raise KeyError(f"no blob {sha256} in {self.state}")
            blob = self._reader.blob(row[0], row[1])
        assert blob is not None
        return blob

    def item(self, key: str, kind: type[T]) -> T:
        """The item of that key (`blob` is None). Raises KeyError where no step gave it."""
        return kind.model_validate_json(self.text(key))

    def text(self, key: str) -> str:
        """The same as JSON."""
        with self._open() as db:
            row = db.execute(_FIND + "o.key = ? LIMIT 1", (bytes.fromhex(key),)).fetchone()
            if row is None:
                raise KeyError(f"no item {key} in {self.state}")
            return self._reader.json(row[0], row[1])

    def makers(self, key: str) -> list[str]:
        """Keys of the steps that gave the item, of SOURCE where it entered a plan."""
        query = "SELECT DISTINCT s.key FROM outputs o JOIN steps s ON s.id = o.step WHERE o.key = ?"
        with self._open() as db:
            return [str(row[0]) for row in db.execute(query, (bytes.fromhex(key),))]

    def stage(self, stage: int, kind: type[T]) -> StageItems[T]:
        """Visible items of a stage, in order; stage 0 entered the plan."""
        return StageItems(self, stage, kind)

    def given(self, step: str, kind: type[T]) -> Iterable[T]:
        """Visible items that the step of this name gave, in order; none where it did not run or gave nothing."""
        with self._open() as db:
            row = db.execute(_STAGE_OF, (step,)).fetchone()
        return () if row is None else self.stage(row[0], kind)

    def read(self, ref: Ref) -> str:
        """The JSON of an item whose place is known."""
        with self._turn:
            return self._reader.json(ref.path, ref.row)

    def refs(self, stage: int) -> Iterator[Ref]:
        """Keys and places of a stage's items, in order, read in slices so that no cursor stays open."""
        last = -1
        while True:
            with self._open() as db:
                rows = db.execute(_STAGE, (stage, last)).fetchall()
            if not rows:
                return
            yield from (Ref(key.hex(), path, row) for _, key, path, row in rows)
            last = rows[-1][0]

    def refused(self, steps: Sequence[tuple[str, str, str | None]]) -> Iterator[Rejected]:
        """Visible rejects: of the sources, then of each (step key, name, key of a barrier's input or None) in order."""
        with self._open() as db:
            rows = db.execute("SELECT row FROM refused_sources ORDER BY pos").fetchall()
        for (text,) in rows:
            rejected = Rejected.model_validate_json(text)
            yield rejected.model_copy(update={"step": rejected.step or SOURCE})
        for stage, (key, name, only) in enumerate(steps):
            query = _REFUSED if only is None else _REFUSED_BY_BARRIER
            last: tuple[Any, ...] = (-1, -1)
            while True:
                item = b"" if only is None else bytes.fromhex(only)
                with self._open() as db:
                    found = db.execute(
                        query, {"step": key, "stage": stage, "item": item, "pos": last[0], "idx": last[1]}
                    )
                    refused = found.fetchall()
                if not refused:
                    break
                for _, _, reason, about, origin, evidence in refused:
                    yield Rejected(reason=reason, step=name, item=about, origin=origin, evidence=json.loads(evidence))
                last = refused[-1][:2]

    def close(self) -> None:
        """Let go of files; the next look-up opens them again."""
        with self._turn:
            if self._db is not None:
                self._db.close()
            self._db = None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._turn:
            try:
                if self._db is None:
                    if not self.ledger.exists():
                        raise StorageError("no run has written here yet", subject=self.state.parent)
                    self._db = sqlite3.connect(self.ledger, check_same_thread=False, isolation_level=None)
                yield self._db
            except sqlite3.Error as error:
                raise explained(error, self.ledger) from error


@dataclass(frozen=True)
class StageItems(Generic[T]):
    """The items of a stage, read anew from disk each time they are gone through."""

    store: Store
    stage: int
    kind: type[T]

    def __iter__(self) -> Iterator[T]:
        for ref in self.store.refs(self.stage):
            yield self.kind.model_validate_json(self.store.read(ref))


_STAGE_OF = """SELECT v.stage FROM visible v JOIN outputs o ON (o.key, o.part, o.row) = (v.key, v.part, v.row)
    JOIN steps s ON s.id = o.step WHERE s.name = ? LIMIT 1"""
_FIND = "SELECT p.path, o.row FROM outputs o JOIN parts p ON p.id = o.part WHERE "
_STAGE = """SELECT v.pos, v.key, p.path, v.row FROM visible v JOIN parts p ON p.id = v.part
    WHERE v.stage = ? AND v.pos > ? ORDER BY v.pos LIMIT 8192"""
_REFUSED = """SELECT v.pos, r.idx, r.reason, r.refused, r.origin, r.evidence
    FROM visible v JOIN rejects r ON r.item = v.key AND r.step = (SELECT id FROM steps WHERE key = :step)
    WHERE v.stage = :stage AND (v.pos, r.idx) > (:pos, :idx) ORDER BY v.pos, r.idx LIMIT 1024"""
_REFUSED_BY_BARRIER = """SELECT 0, idx, reason, refused, origin, evidence FROM rejects
    WHERE step = (SELECT id FROM steps WHERE key = :step) AND item = :item AND idx > :idx ORDER BY idx LIMIT 1024"""
