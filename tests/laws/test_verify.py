"""Laws of verify: folding, locating, duplicates."""

from __future__ import annotations

import random

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from sightline.core.media import Box, MediaRef, Source, Word
from sightline.core.sample import Page
from sightline.verify import PageIndex, duplicate_of, examine, fold, group_pages, locate

PICTURES = ["f0" * 8, "f0" * 7 + "f1"]
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
ODD = st.text("a-é 가나ㄱ\u1100\u11a8\u0301\xad\x02½²漢ｱﾞß'’–.1İ", max_size=12)
WORD = st.text("abcdeABC가나다éß-.,()", min_size=1, max_size=8).filter(lambda word: any(map(str.isalpha, word)))
NUMBER = st.decimals(min_value=1, max_value=99999, places=2).map(lambda number: f"{number:,}") | st.integers(
    min_value=10, max_value=99999
).map(str)


def page(words: list[str]) -> Page:
    return Page(
        source=Source(name="law.pdf", uri="law.pdf", sha256="0" * 64, media_type="application/pdf", size=1),
        index=0,
        pages=1,
        width=600.0,
        height=800.0,
        image=MediaRef(sha256="0" * 64, media_type="image/png"),
        scale=1.0,
        words=tuple(
            Word(word, Box(50.0 * (k % 8), 12.0 * (k // 8), 50.0 * (k % 8) + 45, 12.0 * (k // 8) + 10), k // 8, k // 16)
            for k, word in enumerate(words)
        ),
    )


@given(TEXT | ODD)
@example("A-\x02 A")  # a hyphen and an extractor's mark of the same line end
@settings(max_examples=500)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.lists(TEXT | ODD, max_size=8))
def test_a_page_folds_as_its_text_does(words: list[str]) -> None:
    words = [word for text in words for word in text.split()]
    assert PageIndex(page(words)).folded == fold(" ".join(words))


@given(st.lists(WORD | NUMBER, min_size=1, max_size=40), st.data())
@settings(max_examples=300)
def test_whole_words_of_the_page_are_found_exactly_with_confidence_one(words: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, min(len(words) - 1, first + 6)))
    assume(not words[last].endswith("-") and not (first and words[first - 1].endswith("-")))  # half a broken word
    answer = " ".join(words[first : last + 1])
    found = locate(answer, page(words))
    assert (found.match, found.confidence, found.quote) == ("exact", 1.0, answer)


@given(st.lists(NUMBER, min_size=1, max_size=12, unique=True), st.data())
@settings(max_examples=300)
def test_a_changed_digit_is_not_found_unless_that_value_is_there(numbers: list[str], data: st.DataObject) -> None:
    number = data.draw(st.sampled_from(numbers))
    at = data.draw(st.sampled_from([k for k, letter in enumerate(number) if letter.isdigit()]))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != number[at]]))
    changed = number[:at] + digit + number[at + 1 :]
    values = {float(n.replace(",", "")) for n in numbers}
    assume(float(changed.replace(",", "")) not in values)
    found = locate(changed, PageIndex(page(["Total", *numbers, "items"])), near="What is the total?")
    assert found.match == "none"


@given(st.lists(WORD | NUMBER, min_size=1, max_size=20), TEXT, TEXT)
def test_confidence_is_zero_exactly_for_none(words: list[str], answer: str, question: str) -> None:
    found = locate(answer, page(words), near=question)
    assert (found.match == "none") == (found.confidence == 0.0) == (found.boxes == ())


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcd"),
            st.sampled_from(["north", "south", ""]),
            st.sampled_from(["f0" * 8, "f0" * 7 + "f1"]),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda row: row,
    ),
    st.randoms(use_true_random=False),
)
@settings(max_examples=50, deadline=None)
def test_groups_and_duplicates_do_not_depend_on_order(rows: list[tuple[str, str, str]], chance: random.Random) -> None:
    pages = [
        page([f"{text}{k}" for k in range(40)] if text else []).model_copy(
            update={
                "index": number,
                "perceptual_hash": picture,
                "source": Source(name=name, uri=name, sha256=name * 64, media_type="application/pdf", size=1),
            }
        )
        for number, (name, text, picture) in enumerate(rows)
    ]
    shuffled = chance.sample(pages, len(pages))
    assert group_pages(pages) == group_pages(shuffled)
    assert duplicate_of(pages) == duplicate_of(shuffled)


@given(st.lists(TEXT | ODD, max_size=12), TEXT | ODD, TEXT | ODD)
@settings(max_examples=200, deadline=None)
def test_no_text_breaks_the_checks(words: list[str], question: str, answer: str) -> None:
    index = PageIndex(page([word for text in words for word in text.split()]))
    verdict = examine(question, answer, index)
    assert 0.0 <= verdict.support <= 1.0
    assert ("not-on-page" in verdict.reasons) == (verdict.evidence.match == "none")
