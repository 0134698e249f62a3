"""The moment a reply arrives, for those that must not lose one that was paid for.

`replies` gives replies in order, so an answer may wait behind a slow one. A cache that recorded it only when its turn
came would lose it to a kill in between. An LM that answers several requests at once therefore also announces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, runtime_checkable

from sightline.core.message import Reply, Request

Arrived = Callable[[Request, Reply], None]
"""Called once per request as soon as its reply is there, in any order and from any thread; must be quick."""


@runtime_checkable
class Announcing(Protocol):
    """An LM that also tells of each reply before its turn."""

    def announced(self, requests: Iterable[Request], arrived: Arrived) -> Iterator[Reply]:
        """As `replies`, with `arrived` called for each reply when it comes. What `arrived` raises, this raises."""


def unheard(request: Request, reply: Reply) -> None:
    """For those who only want the replies in order."""
