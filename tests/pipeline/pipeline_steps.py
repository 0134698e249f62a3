"""Small steps that worker processes can import: the tests put this folder on sys.path."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel

from sightline.core.errors import BudgetReached, MediaError, MissingExtra, ModelError, Reject
from sightline.core.media import Source
from sightline.core.sample import Item, Rejected
from sightline.pipeline.store import Store


class Number(Item):
    n: int


class Word(Item):
    text: str
    sha256: str = ""


class Sum(Item):
    total: int
    count: int


class Options(BaseModel):
    times: int = 2
    log: str = ""
    """File that gets a line per item worked on."""
    sleep: float = 0.0


class Plain:
    """What the steps below share: configuration and a log of the items worked on."""

    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = Number
    gives: ClassVar[type[Item]] = Number

    def __init__(self, times: int = 2, log: str = "", sleep: float = 0.0) -> None:
        self.options = Options(times=times, log=log, sleep=sleep)

    @property
    def config(self) -> BaseModel | None:
        return Options(times=self.options.times)

    def note(self, n: int) -> None:
        if self.options.sleep:
            time.sleep(self.options.sleep)
        if self.options.log:
            with open(self.options.log, "a") as log:
                log.write(f"{n}\n")


class Times(Plain):
    name: ClassVar[str] = "times"

    def __call__(self, item: Number) -> Iterable[Number | Rejected]:
        self.note(item.n)
        yield Number(n=item.n * self.options.times)


class Spread(Plain):
    """n -> n words with blobs; refuses 13; yields a refusal for a part of 7."""

    name: ClassVar[str] = "spread"
    gives: ClassVar[type[Item]] = Word

    def __call__(self, item: Number) -> Iterator[Word | Rejected]:
        self.note(item.n)
        if item.n == 13:
            raise Reject("unlucky", n=item.n)
        for at in range(item.n % 4):
            if item.n == 7 and at == 1:
                yield Rejected(reason="half-refused", evidence={"at": at})
                continue
            blob = f"{item.n}/{at}".encode() * 100
            yield Word(text=f"{item.n}/{at}", sha256=hashlib.sha256(blob).hexdigest(), blob=blob)


class Read(Plain):
    """Needs the blob."""

    name: ClassVar[str] = "read"
    takes: ClassVar[type[Item]] = Word
    needs_blob: ClassVar[bool] = True

    def __call__(self, item: Word) -> Iterator[Number]:
        assert item.blob is not None
        n, place = item.blob.split(b"/")[:2]
        self.note(int(n))
        yield Number(n=int(n) * 1000 + len(item.blob) + int(place[:1]))


class Trouble(Plain):
    """Does by number what real files do."""

    name: ClassVar[str] = "trouble"

    def __call__(self, item: Number) -> Iterator[Number]:
        self.note(item.n)
        if item.n == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        if item.n == 5:
            time.sleep(600)
        if item.n == 7:
            raise ZeroDivisionError("seven \ud800")
        if item.n == 8:
            raise MediaError("broken file", subject="eight.pdf")
        if item.n == 9:
            yield Number(n=1)
            raise Reject("after-all")
        if item.n == 10:
            os._exit(4)
        yield Number(n=item.n + 100)


class Takes(Plain):
    """0 waits for a while, 1 for ever, 2 never stops working."""

    name: ClassVar[str] = "takes"

    def __call__(self, item: Number) -> Iterator[Number]:
        time.sleep((1.2, 600, 0)[item.n])
        while item.n == 2:
            pass
        yield item


class DiesOnce(Plain):
    """Kills its process the first time it sees each number divisible by 10."""

    name: ClassVar[str] = "dies-once"

    def __call__(self, item: Number) -> Iterator[Number]:
        seen = Path(self.options.log + f".{item.n}")
        if item.n % 10 == 0 and not seen.exists():
            seen.touch()
            os.kill(os.getpid(), signal.SIGSEGV)
        yield Number(n=item.n + 100)


class Missing(Plain):
    name: ClassVar[str] = "missing"

    def __call__(self, item: Number) -> Iterator[Number]:
        if item.n == 40:
            raise MissingExtra("this needs the package 'x'", subject=object(), remedy="pip install x")
        yield item


class NoSpace(Plain):
    name: ClassVar[str] = "no-space"

    def __call__(self, item: Number) -> Iterator[Number]:
        if item.n == 40:
            raise OSError(errno.ENOSPC, "No space left on device", "/some/file")
        yield item


class Lies(Plain):
    name: ClassVar[str] = "lies"

    def __call__(self, item: Number) -> Iterator[Item]:
        yield Word(text="not a number")


class Unloadable(Plain):
    """Can be pickled here, not unpickled elsewhere."""

    name: ClassVar[str] = "unloadable"

    def __call__(self, item: Number) -> Iterator[Number]:
        yield item

    def __setstate__(self, state: object) -> None:
        raise ImportError("No module named 'far_away'")


class DiesAtStart(Plain):
    name: ClassVar[str] = "dies-at-start"

    def __call__(self, item: Number) -> Iterator[Number]:
        yield item

    def __setstate__(self, state: object) -> None:
        os._exit(7)


class Fat(Plain):
    """Gives big blobs."""

    name: ClassVar[str] = "fat"
    gives: ClassVar[type[Item]] = Word

    def __call__(self, item: Number) -> Iterator[Word]:
        self.note(item.n)
        blob = os.urandom(256 << 10)
        yield Word(text=str(item.n), blob=blob, sha256=hashlib.sha256(blob).hexdigest())


class Spawns(Plain):
    """Waits for a process of its own that never ends."""

    name: ClassVar[str] = "spawns"

    def __call__(self, item: Number) -> Iterator[Number]:
        process = subprocess.Popen(["sleep", "600"])
        Path(self.options.log).write_text(str(process.pid))
        process.wait()
        yield item


class Peek(Plain):
    """A BatchStep that looks up pictures in the store while the run goes on."""

    name: ClassVar[str] = "peek"
    takes: ClassVar[type[Item]] = Word

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store

    def batch(self, items: Sequence[Word]) -> Iterator[Sequence[Number]]:
        for item in items:
            assert self.store.item(item.key, Word) == item
            yield [Number(n=len(self.store.blob(item.sha256)) + int(item.text[0]) * 1000 + int(item.text[2]))]


class Grows(Plain):
    """Leaks 1 MB for each item; says which process it ran in."""

    name: ClassVar[str] = "grows"
    kept: ClassVar[list[bytes]] = []

    def __call__(self, item: Number) -> Iterator[Number]:
        self.kept.append(bytearray(os.urandom(1 << 10) * 1024))
        self.note(os.getpid())
        yield item


class Ask(Plain):
    """A BatchStep: yields lazily; `stop_at` raises `error` there."""

    name: ClassVar[str] = "ask"

    def __init__(self, log: str = "", stop_at: int | None = None, error: str = "budget", sleep: float = 0.0) -> None:
        super().__init__(log=log, sleep=sleep)
        self.stop_at = stop_at
        self.error = error

    def batch(self, items: Sequence[Number]) -> Iterator[Sequence[Number | Rejected]]:
        for item in items:
            if item.n == self.stop_at and self.error == "budget":
                raise BudgetReached("spend cap met", remedy="raise --max-cost")
            if item.n == self.stop_at and self.error == "model":
                raise ModelError("no such endpoint")
            if item.n == self.stop_at and self.error == "interrupt":
                raise KeyboardInterrupt
            if item.n == self.stop_at and self.error == "short":
                return
            self.note(item.n)
            if item.n % 5 == 0:
                yield [Rejected(reason="five", evidence={"n": item.n})]
            else:
                yield [Number(n=item.n * 10), Number(n=item.n * 10 + 1)]


class Keep(Plain):
    """A Barrier: keeps even numbers, in order."""

    name: ClassVar[str] = "keep"

    def all(self, items: Iterable[Number]) -> Iterator[Number | Rejected]:
        for item in items:
            self.note(item.n)
            if item.n % 2:
                yield Rejected(reason="odd", item=item.key, origin=f"number {item.n}")
            else:
                yield item


class Total(Plain):
    name: ClassVar[str] = "total"
    gives: ClassVar[type[Item]] = Sum

    def all(self, items: Iterable[Number]) -> Iterator[Sum]:
        numbers = [item.n for item in items]
        yield Sum(total=sum(numbers), count=len(numbers))


class Paged(Item):
    source: Source
    index: int


class Refuse(Plain):
    name: ClassVar[str] = "refuse"
    takes: ClassVar[type[Item]] = Paged
    gives: ClassVar[type[Item]] = Paged

    def __call__(self, item: Paged) -> Iterator[Paged]:
        raise Reject("no")


class Centre(Plain):
    """A Barrier that goes through the items twice, and once more while that is under way."""

    name: ClassVar[str] = "centre"

    def all(self, items: Iterable[Number]) -> Iterator[Number]:
        mean = sum(item.n for item in items) // max(1, sum(1 for _ in items))
        for item in items:
            first = next(iter(items))
            yield Number(n=item.n - mean + 1000 * first.n)


class Ratio(Item):
    value: float


class NotANumber(Plain):
    name: ClassVar[str] = "not-a-number"
    gives: ClassVar[type[Item]] = Ratio

    def __call__(self, item: Number) -> Iterator[Ratio]:
        yield Ratio(value=float("nan") if item.n == 1 else 1.0)


class Half(Plain):
    name: ClassVar[str] = "half"
    takes: ClassVar[type[Item]] = Ratio
    gives: ClassVar[type[Item]] = Ratio

    def __call__(self, item: Ratio) -> Iterator[Ratio]:
        yield item


class HalfBatch(Plain):
    name: ClassVar[str] = "half-batch"
    takes: ClassVar[type[Item]] = Ratio
    gives: ClassVar[type[Item]] = Ratio

    def batch(self, items: Sequence[Ratio]) -> Iterator[Sequence[Ratio]]:
        yield from ([item] for item in items)


class HalfAll(Plain):
    name: ClassVar[str] = "half-all"
    takes: ClassVar[type[Item]] = Ratio
    gives: ClassVar[type[Item]] = Ratio

    def all(self, items: Iterable[Ratio]) -> Iterator[Ratio]:
        yield from items


def numbers(*values: int) -> list[Item | Rejected]:
    return [Number(n=value) for value in values]
