"""Counts of n-grams of many texts at once, as flat arrays: what CIDEr and BLEU are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grams:
    """All n-grams of one order. Entry e: text `text[e]` holds gram `gram[e]` `count[e]` times; sorted by text,
    gram."""

    text: Ids
    gram: Ids
    count: Ids
    size: int
    """Different grams."""
    example: Ids
    """(size, n): the word ids of each gram."""


@dataclass(frozen=True, slots=True)
class Words:
    """Texts as word ids in one row."""

    ids: Ids
    start: Ids
    """(texts + 1,): text t is ids[start[t]:start[t + 1]]."""
    names: tuple[str, ...]

    @property
    def lengths(self) -> Ids:
        return np.diff(self.start)


def words(texts: Sequence[str]) -> Words:
    """Texts whose words are divided by blanks."""
    split = [text.split() for text in texts]
    start = np.concatenate([[0], np.cumsum(np.fromiter(map(len, split), np.int64, len(split)))])
    table: dict[str, int] = {}
    ids = [table.setdefault(word, len(table)) for word in chain.from_iterable(split)]
    return Words(np.array(ids, dtype=np.int64), start.astype(np.int64), tuple(table))


def grams(all_words: Words, up_to: int = 4) -> list[Grams]:
    """N-grams of order 1, 2 ... `up_to`."""
    owner = np.repeat(np.arange(len(all_words.lengths)), all_words.lengths)
    left = all_words.start[1:][owner] - np.arange(len(owner))
    vocabulary = max(1, len(all_words.names))
    key, at = all_words.ids, np.arange(len(owner))
    out = []
    for n in range(1, up_to + 1):
        inside = left[at] >= n
        key, at = key[inside], at[inside]
        if n > 1:
            key = key * vocabulary + all_words.ids[at + n - 1]
        different, first, key = np.unique(key, return_index=True, return_inverse=True)
        example = all_words.ids[at[first][:, None] + np.arange(n)]
        size = max(1, len(different))
        pairs, count = np.unique(owner[at] * size + key, return_counts=True)
        out.append(Grams(pairs // size, pairs % size, count.astype(np.int64), len(different), example))
    return out
