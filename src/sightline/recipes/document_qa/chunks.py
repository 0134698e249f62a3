"""Consecutive pages laid together for a writer, capped by pages and by tokens (Docmatix: 5 pages, 5,000 tokens).

Unlike there, a page that is over the token cap by itself is split at the ends of blocks or lines into parts that stand
alone, and no document is dropped for its length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from sightline.core.errors import InputError
from sightline.core.media import Word
from sightline.core.sample import Page
from sightline.lm import estimate_tokens

BLOCK_SHARE = 0.5
"""A part ends at the end of a block where that leaves it at least this full; else at the end of a line."""


def chunk_pages(
    pages: Sequence[Page],
    *,
    pages_per_chunk: int = 5,
    tokens_per_chunk: int = 5000,
    overlap: int = 1,
    count_tokens: Callable[[str], int] = estimate_tokens,
    tokens: Sequence[int] | None = None,
) -> Iterator[tuple[Page, ...]]:
    """Chunks in order: each as long as the caps allow, and beginning with the last `overlap` pages of the one before.
    `tokens`: what `count_tokens` says of each page's text, where that is known.

    Where these and the next page do not fit together under the token cap, as many of them are shared as fit. Parts of a
    split page share nothing with their neighbours. A single word over the cap is the one thing that passes it.

    Raises InputError where the overlap is not smaller than the chunk.
    """
    if not 0 <= overlap < pages_per_chunk:
        raise InputError(
            f"an overlap of {overlap} leaves nothing new in a chunk of {pages_per_chunk} pages",
            remedy="choose an overlap below the pages per chunk",
        )
    counted = list(zip(pages, tokens or [count_tokens(page.text) for page in pages], strict=True))
    for long, run in groupby(counted, key=lambda entry: entry[1] > tokens_per_chunk):
        if long:
            for page, _ in run:
                yield from ((part,) for part in _parts(page, tokens_per_chunk, count_tokens))
        else:
            yield from _chunks(list(run), pages_per_chunk, tokens_per_chunk, overlap)


def _chunks(
    counted: list[tuple[Page, int]], pages_per_chunk: int, tokens_per_chunk: int, overlap: int
) -> Iterator[tuple[Page, ...]]:
    def fits(start: int, stop: int) -> bool:
        return stop - start <= pages_per_chunk and sum(tokens for _, tokens in counted[start:stop]) <= tokens_per_chunk

    start = stop = 0
    while stop < len(counted):
        start = next(first for first in range(max(start, stop - overlap), stop + 1) if fits(first, stop + 1))
        while stop < len(counted) and fits(start, stop + 1):
            stop += 1
        yield tuple(page for page, _ in counted[start:stop])


def _parts(page: Page, tokens_per_chunk: int, count_tokens: Callable[[str], int]) -> Iterator[Page]:
    """Pages with a part of the words each, none of more tokens than allowed."""
    pieces = [list(line) for _, line in groupby(page.words, key=lambda word: (word.line, word.block))]
    while pieces:
        taken = _fitting(pieces, page, tokens_per_chunk, count_tokens)
        if taken == 0:
            head, tail = _halved(pieces[0], page, tokens_per_chunk, count_tokens)
            yield page.model_copy(update={"words": tuple(head)})
            pieces[:1] = [tail] if tail else []
            continue
        yield page.model_copy(update={"words": tuple(word for line in pieces[:taken] for word in line)})
        del pieces[:taken]


def _fitting(pieces: list[list[Word]], page: Page, tokens_per_chunk: int, count_tokens: Callable[[str], int]) -> int:
    """How many lines make the next part."""
    low, high = 0, len(pieces)
    while low < high:
        middle = (low + high + 1) // 2
        if _tokens(page, [word for line in pieces[:middle] for word in line], count_tokens) <= tokens_per_chunk:
            low = middle
        else:
            high = middle - 1
    if low == len(pieces):
        return low
    ends = [i for i in range(1, low + 1) if pieces[i - 1][-1].block != pieces[i][0].block]
    return ends[-1] if ends and ends[-1] >= BLOCK_SHARE * low else low


def _halved(
    line: list[Word], page: Page, tokens_per_chunk: int, count_tokens: Callable[[str], int]
) -> tuple[list[Word], list[Word]]:
    """The longest beginning of a line that fits, at least one word, and the rest."""
    low, high = 1, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        if _tokens(page, line[:middle], count_tokens) <= tokens_per_chunk:
            low = middle
        else:
            high = middle - 1
    return line[:low], line[low:]


def _tokens(page: Page, words: list[Word], count_tokens: Callable[[str], int]) -> int:
    return count_tokens(page.model_copy(update={"words": tuple(words)}).text)
