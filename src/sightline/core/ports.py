"""The seams, as Protocols: what an organ offers and a story asks for. No implementation stands here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from sightline.core.media import Word
from sightline.core.message import Reply, Request
from sightline.core.sample import Item, Rejected, Written

In = TypeVar("In", bound=Item, contravariant=True)
Out = TypeVar("Out", bound=Item, covariant=True)


@runtime_checkable
class LM(Protocol):
    """Anything that answers requests: an endpoint, a local model, a script, our own trained model."""

    @property
    def name(self) -> str:
        """Stated wherever its answers appear."""

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """One reply per request, in order. A failed request is a reply with `error` set, not an exception; only what
        makes every further request pointless raises (ModelError: wrong key or address; BudgetReached)."""


class Step(Protocol[In, Out]):
    """One item in, zero or more out. `raise Reject(reason)` refuses the item; yielding a `Rejected` refuses a part of
    it. Steps are picklable: the executors send them to worker processes."""

    name: ClassVar[str]
    version: ClassVar[int]
    """Raise it when the code's results change: it is part of the ledger key."""
    takes: ClassVar[type[Item]]
    gives: ClassVar[type[Item]]

    @property
    def config(self) -> BaseModel | None:
        """Everything that decides the result; part of the ledger key."""

    def __call__(self, item: In, /) -> Iterable[Out | Rejected]: ...


class BatchStep(Protocol[In, Out]):
    """The aligned batch form, for a step that holds a model: outcomes[i] belongs to items[i]. Runs in the main
    process, where one model or one client serves all items."""

    name: ClassVar[str]
    version: ClassVar[int]
    takes: ClassVar[type[Item]]
    gives: ClassVar[type[Item]]

    @property
    def config(self) -> BaseModel | None: ...

    def batch(self, items: Sequence[In], /) -> Iterator[Sequence[Out | Rejected]]: ...


class Barrier(Protocol[In, Out]):
    """A global act (dedup, chunking, selection, split): sees all items, in a fixed order, and gives all results."""

    name: ClassVar[str]
    version: ClassVar[int]
    takes: ClassVar[type[Item]]
    gives: ClassVar[type[Item]]

    @property
    def config(self) -> BaseModel | None: ...

    def all(self, items: Iterable[In], /) -> Iterator[Out | Written | Rejected]:
        """`items` may be gone through more than once (each time read anew from disk), so that a first pass can collect
        small signatures and a second one give results, without holding everything in memory."""


class OCR(Protocol):
    """Reads the words of a picture. `languages` says what it can read; nothing else is ever given to it."""

    @property
    def name(self) -> str: ...

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes: {"en", "ko"}."""

    def words(self, picture: bytes, /) -> tuple[Word, ...]:
        """Boxes in pixels of the (upright) picture, reading order."""


class Embedder(Protocol):
    """Texts -> one vector each."""

    @property
    def name(self) -> str: ...

    def embed(self, texts: Sequence[str], /) -> Any:
        """Array of shape (len(texts), dimension), float32, rows of unit length."""
