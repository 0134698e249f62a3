"""Near-duplicates: questions of one document that ask the same, pages of several documents that show the same.

Pages are *grouped* when they are too alike to stand on both sides of a split (a template filled in twice, another
edition of a report) and *duplicates* when one adds nothing to the other. Every result is the same whatever order the
pages come in, and no step compares all with all: pages meet in buckets (MinHash bands, Broder 1997), and in a bucket
only with its leaders.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightline.core.fingerprint import fingerprint
from sightline.core.sample import Page
from sightline.verify.folding import fold, is_cjk
from sightline.verify.minhash import PERMUTATIONS, signature, similarity
from sightline.verify.picture_hashing import BLANK, distance
from sightline.verify.question_words import asked_kind, content_words

SAME_TEXT = 0.8
"""Estimated Jaccard similarity of word triples from which two pages are alike by their text alone."""
SHARED_TEXT = 0.5
"""... from which they are alike if their pictures are too: one template, filled in differently."""
ALIKE_BITS = 10
"""Bits of pHash that may differ between two such pictures."""
EQUAL_BITS = 4
"""... between pictures of equal pages."""
PICTURE_ONLY_BITS = 3
"""... between pages without words, of which nothing else is known."""
LITTLE_TEXT = 30
"""Words below which text alone proves nothing ("Appendix A"): the pictures must be alike too."""
BANDS = 32
"""32 bands of 4: two pages of Jaccard 0.5 meet in a bucket with probability 0.87, of 0.8 with 1 - 5e-8."""
_LEADERS = 16
_WORD = re.compile(r"[^\W_]+")


class Sketch(NamedTuple):
    """All that is kept of a page to compare it: 1 kB."""

    key: str
    document: str
    order: tuple[str, str, int]
    picture: str
    image: str
    text: str
    words: int
    signature: NDArray[np.uint32]


def sketch(page: Page) -> Sketch:
    """`page` reduced to its sketch (a millisecond for 500 words)."""
    folded = fold(page.text)
    tokens = _tokens(folded)
    triples = zip(tokens, tokens[1:], tokens[2:], strict=False) if len(tokens) > 2 else [tokens]
    source = page.source
    return Sketch(
        key=page.key,
        document=source.sha256,
        order=(source.sha256, source.uri, page.index),
        picture=page.perceptual_hash,
        image=page.image.sha256,
        text=fingerprint(folded.encode()),
        words=len(tokens),
        signature=signature({" ".join(triple).encode() for triple in triples}),
    )


def group_pages(pages: Iterable[Page | Sketch]) -> dict[str, str]:
    """Page key -> group. Pages of one document share one, and so do documents that share a near-duplicate page:
    text alike (0.8), or text half alike (0.5) and picture alike (10 bits), or no words and the same picture (3 bits).
    Group names depend on the documents in the group alone."""
    sketches = _sorted(pages)
    joined = _Union()
    for first, second in _meeting(sketches, _bands, _alike):
        joined.unite(first.document, second.document)
    return {page.key: f"g-{joined.root(page.document)[:16]}" for page in sketches}


def duplicate_of(pages: Iterable[Page | Sketch]) -> dict[str, str]:
    """Key of a page that says nothing new -> key of the page that stays. Equal means: the same folded text, pictures at
    most 4 bits apart (without words: the very same picture). The first by document hash, address and page stays."""
    result: dict[str, str] = {}
    for first, second in _meeting(_sorted(pages), lambda page: [(page.text, page.words > 0 or page.image)], _equal):
        result.setdefault(second.key, first.key)
    return result


class QuestionPool:
    """The questions already asked of one document.

    Two are the same when they ask for the same kind of thing (who, when, how many ...) with the same content words, or
    with one word more beside four or more. Another number, name or row label makes another question.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, frozenset[str]], str] = {}

    def twin(self, question: str) -> str | None:
        """The earlier question that this one repeats; None where it is new, which is then remembered."""
        kind, words = asked_kind(question), frozenset(content_words(question))
        if not words:
            words = frozenset([fold(question)])
        fewer = [words - {word} for word in words if len(words) > 4 and not _decides(word)]
        for key in (words, *fewer):
            if (kind, key) in self._seen:
                return self._seen[kind, key]
        for key in (words, *fewer):
            self._seen.setdefault((kind, key), question)
        return None


def _decides(word: str) -> bool:
    return not word.isalpha() or word in ("not", "no", "never")


def _tokens(folded: str) -> list[str]:
    """Words; single letters for scripts without blanks."""
    if folded.isascii():
        return _WORD.findall(folded)
    tokens: list[str] = []
    for word in _WORD.findall(folded):
        tokens += list(word) if not word.isascii() and any(map(is_cjk, word)) else [word]
    return tokens


def _sorted(pages: Iterable[Page | Sketch]) -> list[Sketch]:
    sketches = [page if isinstance(page, Sketch) else sketch(page) for page in pages]
    return sorted(sketches, key=lambda page: page.order)


def _bands(page: Sketch) -> list[Hashable]:
    if page.words:
        rows = PERMUTATIONS // BANDS
        return [(band, page.signature[band * rows : (band + 1) * rows].tobytes()) for band in range(BANDS)]
    if page.picture in ("", BLANK):
        return []
    return [(-1 - part, page.picture[4 * part : 4 * part + 4]) for part in range(4)]


def _alike(first: Sketch, second: Sketch) -> bool:
    pictures = distance(first.picture, second.picture) if first.picture and second.picture else None
    if not (first.words and second.words):
        return first.words == second.words and pictures is not None and pictures <= PICTURE_ONLY_BITS
    shared = similarity(first.signature, second.signature)
    if shared >= SAME_TEXT and min(first.words, second.words) >= LITTLE_TEXT:
        return True
    return shared >= SHARED_TEXT and pictures is not None and pictures <= ALIKE_BITS


def _equal(first: Sketch, second: Sketch) -> bool:
    if first.text != second.text or not first.words:
        return first.text == second.text and first.image == second.image
    return not (first.picture and second.picture) or distance(first.picture, second.picture) <= EQUAL_BITS


def _meeting(
    sketches: list[Sketch],
    buckets_of: Callable[[Sketch], list[Hashable]],
    same: Callable[[Sketch, Sketch], bool],
) -> Iterator[tuple[Sketch, Sketch]]:
    """Pairs (earlier, later) for which `same` holds, looked for among the leaders of their buckets: a page is compared
    with at most 16 earlier ones per bucket, and leads itself where it is like none of them."""
    leaders: dict[Hashable, list[Sketch]] = defaultdict(list)
    for page in sketches:
        known: dict[str, bool] = {}
        for bucket in buckets_of(page):
            for leader in leaders[bucket]:
                if leader.key not in known:
                    known[leader.key] = same(leader, page)
                    if known[leader.key]:
                        yield leader, page
                if known[leader.key]:
                    break
            else:
                if len(leaders[bucket]) < _LEADERS:
                    leaders[bucket].append(page)


class _Union:
    """Union-find; the root of a set is its smallest member."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def root(self, name: str) -> str:
        while (parent := self._parent.setdefault(name, name)) != name:
            self._parent[name] = self._parent[parent]
            name = parent
        return name

    def unite(self, first: str, second: str) -> None:
        low, high = sorted((self.root(first), self.root(second)))
        self._parent[high] = low
