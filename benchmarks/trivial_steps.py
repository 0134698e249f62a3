"""The steps that benchmarks/pipeline.py runs: worker processes import them by name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import ClassVar

from pydantic import BaseModel

from sightline.core.sample import Item


class Number(Item):
    """A trivial item."""

    n: int
    text: str = "a few words as a short row has them"


class Picture(Item):
    """An item with a blob."""

    n: int


class Nothing:
    """Does nothing: what is left is the pipeline's own cost."""

    name: ClassVar[str] = "nothing"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = Number
    gives: ClassVar[type[Item]] = Number
    config: BaseModel | None = None

    def __call__(self, item: Number) -> Iterator[Number]:
        yield item


class Draw:
    """Gives a blob as large as a page picture."""

    name: ClassVar[str] = "draw"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = Number
    gives: ClassVar[type[Item]] = Picture
    config: BaseModel | None = None

    def __call__(self, item: Number) -> Iterator[Picture]:
        yield Picture(n=item.n, blob=os.urandom(400_000))
