from __future__ import annotations

import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.core.errors import InputError
from sightline.core.media import Box, Word
from sightline.core.sample import Page
from sightline.recipes.document_qa.chunking import chunk_of
from sightline.recipes.document_qa.chunks import chunk_pages
from sightline.recipes.document_qa.items import Chunk

sys.path.insert(0, str(Path(__file__).parent))
from page_maker import page_of

BOX = Box(0, 0, 10, 10)


def count_words(text: str) -> int:
    return len(text.split())


def page(index: int, words: int, line: int = 5, block: int = 20) -> Page:
    return page_of([Word(f"w{index}.{i}", BOX, i // line, i // block) for i in range(words)], index)


def members(lengths: list[int], **caps: int) -> list[list[int]]:
    pages = [page(i, length) for i, length in enumerate(lengths)]
    return [[one.index for one in chunk] for chunk in chunk_pages(pages, count_tokens=count_words, **caps)]


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (0, []),
        (1, [[0]]),
        (3, [[0, 1, 2]]),
        (4, [[0, 1, 2, 3]]),
        (5, [[0, 1, 2, 3, 4]]),
        (6, [[0, 1, 2, 3, 4], [4, 5]]),
        (9, [[0, 1, 2, 3, 4], [4, 5, 6, 7, 8]]),
        (10, [[0, 1, 2, 3, 4], [4, 5, 6, 7, 8], [8, 9]]),
    ],
)
def test_membership_with_the_caps_of_docmatix(pages: int, expected: list[list[int]]) -> None:
    assert members([100] * pages) == expected


def test_the_token_cap_splits_and_pages_are_shared_as_far_as_they_fit() -> None:
    assert members([2000, 2000, 2000]) == [[0, 1], [1, 2]]
    assert members([3000, 3000, 1000]) == [[0], [1, 2]]
    assert members([10] * 5, pages_per_chunk=3, overlap=2) == [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
    assert members([10] * 4, pages_per_chunk=2, overlap=0) == [[0, 1], [2, 3]]


def test_a_page_over_the_cap_is_split_at_ends_of_blocks_and_the_others_stay() -> None:
    pages = [page(0, 10), page(1, 100), page(2, 10)]
    chunks = list(chunk_pages(pages, tokens_per_chunk=45, count_tokens=count_words))
    assert [[(one.index, len(one.words)) for one in chunk] for chunk in chunks] == [
        [(0, 10)],
        [(1, 40)],
        [(1, 40)],
        [(1, 20)],
        [(2, 10)],
    ]
    assert tuple(word for chunk in chunks[1:4] for word in chunk[0].words) == pages[1].words


def test_a_line_over_the_cap_is_split_between_words() -> None:
    one = page(0, 30, line=30, block=30)
    parts = list(chunk_pages([one], tokens_per_chunk=8, count_tokens=count_words))
    assert [len(part[0].words) for part in parts] == [8, 8, 8, 6]


def test_a_word_over_the_cap_stands_alone() -> None:
    words = [Word("a", BOX, 0, 0), Word("b" * 500, BOX, 0, 0), Word("c", BOX, 0, 0)]
    parts = list(chunk_pages([page_of(words)], tokens_per_chunk=64, count_tokens=len))
    assert [[word.text[0] for word in part[0].words] for part in parts] == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize("overlap", [5, 6, -1])
def test_an_overlap_that_leaves_nothing_new_is_refused(overlap: int) -> None:
    with pytest.raises(InputError, match="overlap"):
        members([10] * 9, overlap=overlap)


def test_real_token_estimate_is_the_default() -> None:
    assert len(list(chunk_pages([page(0, 4000), page(1, 4000)]))) >= 2


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 120), min_size=1, max_size=14),
    st.integers(1, 6),
    st.integers(20, 150),
    st.integers(0, 5),
    st.integers(1, 9),
)
def test_every_word_in_some_chunk_caps_kept_overlap_exact(
    lengths: list[int], per_chunk: int, tokens: int, overlap: int, line: int
) -> None:
    overlap = min(overlap, per_chunk - 1)
    pages = [page(i, length, line) for i, length in enumerate(lengths)]
    chunks = list(
        chunk_pages(
            pages, pages_per_chunk=per_chunk, tokens_per_chunk=tokens, overlap=overlap, count_tokens=count_words
        )
    )
    seen = Counter({(one.index, word) for chunk in chunks for one in chunk for word in one.words})
    assert set(seen) == {(one.index, word) for one in pages for word in one.words}
    assert {one.index for chunk in chunks for one in chunk} == {one.index for one in pages}
    for chunk in chunks:
        assert len(chunk) <= per_chunk
        assert sum(count_words(one.text) for one in chunk) <= tokens
        assert [one.index for one in chunk] == list(range(chunk[0].index, chunk[-1].index + 1))
    for before, after in pairwise(chunks):
        long = lengths[before[-1].index] > tokens or lengths[after[0].index] > tokens
        shared = {one.index for one in before} & {one.index for one in after}
        if long:
            assert len(shared) <= 1
            continue
        new = before[-1].index + 1
        fitting = [n for n in range(overlap + 1) if n <= len(before) and sum(lengths[new - n : new + 1]) <= tokens]
        assert len(shared) == max(fitting)


def test_a_chunk_put_together_from_json_is_the_chunk_itself() -> None:
    pages = (page(0, 3), page(1, 2))
    chunk = Chunk(pages=pages, group="g-1", language="ko")
    written = chunk_of([one.model_dump_json() for one in pages], "g-1", "ko")
    assert (written.kind, written.json) == (Chunk, chunk.model_dump_json())
