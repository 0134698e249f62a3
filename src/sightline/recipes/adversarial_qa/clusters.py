"""Questions that ask alike, found without a model: hashed TF-IDF of their form, and spherical k-means.

Names, numbers and quoted words are masked first, so that "Who is Ann's brother?" and "Who is Tom's brother?" meet.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.core.ports import Embedder

DIMENSION = 2048
"""Buckets that words and pairs of words are hashed into."""
ROUNDS = 50
"""Of k-means at most; it ends when no question moves."""

_QUOTED = re.compile(r"[\"“'‘]([^\"”'’]{1,80})[\"”'’](?!\w)")
_NUMBER = re.compile(r"\d[\d.,:/-]*")
_NAME = re.compile(r"(?<=[\w,] )(?:[A-Z][\w'’-]*)(?: (?:of |the |de )?[A-Z][\w'’-]*)*")
_WORD = re.compile(r"\w+|_+")


def masked(question: str) -> str:
    """The form of a question.

    >>> masked('What does Ann find in the "Old Mill" in 1990?')
    'What does _ find in the _ in 0?'
    """
    return _NUMBER.sub("0", _NAME.sub("_", _QUOTED.sub("_", question)))


class TfIdf:
    """An `Embedder` that needs no model: words and word pairs of the masked question, weighted by how rare they are
    among the texts given together, hashed into 2,048 buckets (collisions are rare and harmless)."""

    name = "tf-idf"

    def embed(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        """Shape (len(texts), 2048); rows of unit length, zero for a text without words."""
        counted = [_counts(text) for text in texts]
        seen = Counter(bucket for one in counted for bucket in one)
        out = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        for row, one in enumerate(counted):
            for bucket, times in one.items():
                out[row, bucket] = (1 + np.log(times)) * np.log((1 + len(texts)) / seen[bucket])
        out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)
        return out


def cluster(questions: Sequence[str], embedder: Embedder, count: int, seed: int = 0) -> list[list[int]]:
    """Indices of questions, the largest cluster first, in each the most central first. At most `count` clusters; the
    same questions, embedder and seed give the same ones."""
    if not questions:
        return []
    vectors = np.asarray(embedder.embed([masked(question) for question in questions]), dtype=np.float64)
    centres = _first_centres(vectors, min(count, len(questions)), np.random.default_rng(seed))
    mine = np.full(len(questions), -1)
    for _ in range(ROUNDS):
        nearest = np.argmax(vectors @ centres.T, axis=1)
        if np.array_equal(nearest, mine):
            break
        mine = nearest
        for k in np.unique(mine):
            centres[k] = _unit(vectors[mine == k].sum(axis=0))
    found = []
    for k in range(len(centres)):
        members = np.flatnonzero(mine == k)
        order = np.argsort(-(vectors[members] @ centres[k]), kind="stable")
        found.append([int(i) for i in members[order]])
    return sorted((members for members in found if members), key=lambda members: (-len(members), members[0]))


def _first_centres(vectors: NDArray[Any], count: int, draw: np.random.Generator) -> NDArray[Any]:
    """k-means++ on the sphere (Arthur and Vassilvitskii 2007): far questions are the likelier next centres."""
    chosen = [int(draw.integers(len(vectors)))]
    far = 1 - vectors @ vectors[chosen[0]]
    while len(chosen) < count:
        weight = np.maximum(far, 0)
        if weight.sum() < 1e-9:
            break
        chosen.append(int(draw.choice(len(vectors), p=weight / weight.sum())))
        far = np.minimum(far, 1 - vectors @ vectors[chosen[-1]])
    return vectors[chosen].copy()


def _unit(vector: NDArray[Any]) -> NDArray[Any]:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _counts(text: str) -> Counter[int]:
    words = _WORD.findall(text.casefold())
    pairs = [f"{one} {two}" for one, two in zip(["^", *words], [*words, "$"], strict=True)]
    return Counter(zlib.crc32(token.encode("utf-8", "replace")) % DIMENSION for token in (*words, *pairs))
