"""Places that looked like errors on real pages and were none: headings behind numbers, labels above values."""

from __future__ import annotations

from sightline.core.media import Box, MediaRef, Source, Word
from sightline.core.sample import Page
from sightline.verify import PageIndex, examine


def page(*rows: tuple[float, float, int, str]) -> PageIndex:
    """Rows of (left, top, block, words); letters 5 points wide, lines 10 high."""
    words: list[Word] = []
    for line, (left, top, block, text) in enumerate(rows):
        for word in text.split():
            words.append(Word(word, Box(left, top, left + 5 * len(word), top + 10), line, block))
            left += 5 * len(word) + 3
    source = Source(name="a.pdf", uri="a.pdf", sha256="0" * 64, media_type="application/pdf", size=1)
    image = MediaRef(sha256="1" * 64, media_type="image/png")
    return PageIndex(
        Page(source=source, index=0, pages=1, width=600, height=800, image=image, scale=1.0, words=tuple(words))
    )


def test_the_passage_below_a_heading_behind_its_number_supports_it() -> None:
    index = page(
        (50, 50, 0, "1.5"),
        (120, 50, 1, "Latest Edition"),
        (50, 70, 2, "This guide is being improved all the time by"),
        (50, 82, 2, "many people"),
    )
    question = 'Which heading introduces the passage that begins "This guide is being improved all the ..."?'
    assert examine(question, "Latest Edition", index).reasons == ()


def test_a_label_right_above_the_middle_of_its_value_supports_it() -> None:
    index = page((55, 50, 0, "Start of lease"), (50, 62, 1, "1 April 2024"), (220, 62, 2, "Riverside"))
    assert examine("What is the start of lease?", "1 April 2024", index).reasons == ()


def test_a_negation_in_the_block_above_denies_nothing() -> None:
    index = page((50, 50, 0, "Every room without steps"), (50, 90, 1, "What it needs"), (50, 102, 2, "Two lifts"))
    question = 'Which heading comes right before "Two lifts"?'
    assert "denied-on-page" not in examine(question, "What it needs", index).reasons


def test_a_negation_right_before_the_answer_still_denies_it() -> None:
    index = page(
        (50, 50, 0, "The plan was not approved by the council"),
    )
    assert (
        "denied-on-page" in examine("What did the council do with the plan?", "approved by the council", index).reasons
    )


def test_a_label_in_its_short_form_supports_the_question_that_spells_it_out() -> None:
    index = page((50, 50, 0, "Tel: 0113 496 0123"), (50, 90, 1, "VAT: 552 901"))
    assert examine("Which telephone number is given?", "0113 496 0123", index).reasons == ()
    assert examine("What is the phone number?", "0113 496 0123", index).reasons == ()
    assert "unsupported" in examine("Which telephone number is given?", "552 901", index).reasons
