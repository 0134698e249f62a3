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
) -> Iterator[tuple[Page, ...]]:
    """Chunks in order: each as long as the caps allow, and beginning with the last `overlap` pages of the one before.

    Where these and the next page do not fit together under the token cap, as many of them are shared as fit. Parts of a
    split page share nothing with their neighbours. A single word over the cap is the one thing that passes it.

    Raises InputError where the overlap is not smaller than the chunk.
    """
    tokens = [count_tokens(page.text) for page in pages]
    for span in chunk_spans(
        tokens, pages_per_chunk=pages_per_chunk, tokens_per_chunk=tokens_per_chunk, overlap=overlap
    ):
        if tokens[span.start] > tokens_per_chunk:
            yield from ((part,) for part in split_page(pages[span.start], tokens_per_chunk, count_tokens))
        else:
            yield tuple(pages[at] for at in span)


def chunk_spans(tokens: Sequence[int], *, pages_per_chunk: int, tokens_per_chunk: int, overlap: int) -> Iterator[range]:
    """Which pages make a chunk, by their tokens alone. A page over the cap, to be split, is a span of its own.

    >>> list(chunk_spans([10, 10, 90, 10], pages_per_chunk=5, tokens_per_chunk=30, overlap=1))
    [range(0, 2), range(2, 3), range(3, 4)]
    """
    if not 0 <= overlap < pages_per_chunk:
        raise InputError(
            f"an overlap of {overlap} leaves nothing new in a chunk of {pages_per_chunk} pages",
            remedy="choose an overlap below the pages per chunk",
        )
    for long, run in groupby(range(len(tokens)), key=lambda at: tokens[at] > tokens_per_chunk):
        places = list(run)
        if long:
            yield from (range(at, at + 1) for at in places)
        else:
            yield from _short(tokens, places, pages_per_chunk, tokens_per_chunk, overlap)


def _short(
    tokens: Sequence[int], places: list[int], pages_per_chunk: int, tokens_per_chunk: int, overlap: int
) -> Iterator[range]:
    """Spans of consecutive pages that are each under the cap."""

    def fits(start: int, stop: int) -> bool:
        return stop - start <= pages_per_chunk and sum(tokens[start:stop]) <= tokens_per_chunk

    start = stop = places[0]
    end = places[-1] + 1
    while stop < end:
        start = next(first for first in range(max(start, stop - overlap), stop + 1) if fits(first, stop + 1))
        while stop < end and fits(start, stop + 1):
            stop += 1
        yield range(start, stop)


def split_page(
    page: Page, tokens_per_chunk: int, count_tokens: Callable[[str], int] = estimate_tokens
) -> Iterator[Page]:
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
