from __future__ import annotations

import pytest

from sightline.verify import PageIndex, locate, locate_in, support


@pytest.mark.parametrize(
    ("answer", "match", "quote"),
    [
        ("529.87EUR,", "exact", "529.87EUR,"),
        ("529.87", "exact", "529.87"),
        ("529.87 EUR", "value", "529.87EUR"),
        ("€529.87", "value", "529.87EUR"),
        ("529,87 EUR", "value", "529.87EUR"),
        ("1,234.50", "exact", "1,234.50"),
        ("1234.5", "value", "1,234.50"),
        ("1.234,50", "value", "1,234.50"),
        ("2024-03-12", "value", "12 March 2024"),
        ("March 12th, 2024", "value", "12 March 2024"),
        ("2024년 3월 12일", "value", "12 March 2024"),
        ("sample trading co.", "normalised", "Sample Trading Co."),
        ("“Sample Trading Co.”", "normalised", "Sample Trading Co."),
        ("ＲＥ－２０２４/508", "normalised", "RE-2024/508"),
        ("fourteen days", "value", "14 days"),
        ("-25", "value", "-25.00"),
        ("Sample Tradng Company", "none", ""),
        ("Description Unit prise", "fuzzy", "Description Unit price"),
    ],
)
def test_an_answer_is_found_as_what_it_is(invoice: PageIndex, answer: str, match: str, quote: str) -> None:
    found = locate(answer, invoice)
    assert (found.match, found.quote) == (match, quote)
    assert (found.confidence == 0) == (match == "none")


@pytest.mark.parametrize(
    "answer",
    [
        "529.88", "29.87", "9.87", "52", "1,234.5O", "1234.51", "12.34.50", "529.87 USD", "RE-2024/50", "RE-2024/509",
        "25", "25.00", "13 March 2024", "2024-12-03", "March 2025", "Trad", "ompany", "15 days", "fifteen days",
        "Delivery was approved by the clerk", "Delivery was not not approved", "", "...", "Sample Holding Co.",
    ],
)  # fmt: skip
def test_what_does_not_stand_there_is_not_found(invoice: PageIndex, answer: str) -> None:
    found = locate(answer, invoice)
    assert found.match == "none"
    assert found.confidence == 0
    assert found.boxes == ()


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        ("158명", "exact"),
        ("158 명", "normalised"),
        ("9661명", "value"),
        ("320,000,000원", "value"),
        ("₩320,000,000", "value"),
        ("삼억 이천만 원", "value"),
        ("2024-03-12", "value"),
        ("2024년3월30일", "value"),
        ("국회입법조사처", "normalised"),
        ("확진자", "exact"),
        ("국회 입법 조사처", "normalised"),
        ("3억 3천만 원", "none"),
        ("9,662명", "none"),
        ("158건", "none"),
        ("신청은 승인되었다", "none"),
    ],
)
def test_korean_answers(korean: PageIndex, answer: str, match: str) -> None:
    assert locate(answer, korean).match == match


def test_the_question_chooses_among_several_places(page_of) -> None:
    page = page_of("Deposit  100.00\n\nFreight  100.00\n\nRefund  100.00")
    for line, key in enumerate(["Deposit", "Freight", "Refund"]):
        found = locate("100.00", page, near=f"What is the {key.lower()}?")
        assert found.boxes[0].top == 24.0 * line
        assert found.confidence == 1.0


def test_a_table_cell_is_chosen_by_row_and_column(page_of) -> None:
    page = page_of("Region    2022    2023\n\nNorth      15      22\n\nSouth      22      15")
    assert locate("22", page, near="What was the figure for North in 2023?").boxes[0].left == 95.0
    assert locate("22", page, near="What was the figure for South in 2022?").boxes[0].top == 48.0


def test_one_box_per_printed_line(page_of) -> None:
    page = page_of("The office of public\nhealth and auto-\nmatic care opens")
    found = locate("public health and automatic care", page)
    assert found.match == "normalised"
    assert [box.top for box in found.boxes] == [0.0, 12.0, 24.0]
    assert found.quote == "public health and auto- matic care"
    assert [box.left for box in found.boxes] == [70.0, 0.0, 0.0]


def test_a_part_of_a_word_gets_the_whole_words_box(invoice: PageIndex) -> None:
    assert locate("529.87", invoice).boxes == locate("529.87EUR,", invoice).boxes


@pytest.mark.parametrize(
    ("text", "answer", "confidence"),
    [("Weight 5 kg", "5 kg", 1.0), ("Weight in kg\n\nA  5", "5 kg", 0.8), ("Weight 5", "5 kg", 0.5)],
)
def test_a_unit_that_is_not_beside_its_number_lowers_the_confidence(page_of, text, answer, confidence) -> None:
    assert locate(answer, page_of(text)).confidence == confidence


def test_support_tells_the_right_place_from_a_chance_one(invoice: PageIndex) -> None:
    question = "What is the total amount due?"
    right = locate("529.87", invoice, near=question)
    chance = locate("0.79", invoice, near=question)
    assert support(question, right, invoice) == 1.0
    assert support(question, chance, invoice) < 0.5
    assert chance.confidence < right.confidence


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Sales rose from 15 million to 12 million in spring", "sales rose from 12 million to 15 million"),
        ("The balance is $-5 today", "$5"),
        ("예산은 0억 원이다", "1억 원"),
    ],
)
def test_values_that_changed_places_sign_or_size_are_others(page_of, text, answer) -> None:
    assert locate(answer, page_of(text)).match == "none"


def test_over_several_pages_the_image_says_which(page_of) -> None:
    pages = [page_of("Nothing here", index=4), page_of("Total 17", index=5), page_of("Total 17", index=6)]
    found = locate_in("17", pages, near="What is the total?")
    assert (found.image, found.page, found.match) == (1, 5, "exact")
    assert locate_in("18", pages).match == "none"


def test_pages_without_words_and_odd_words(page_of) -> None:
    assert locate("anything", page_of("")).match == "none"
    assert locate("17", page_of("\u200b 17 \u200b")).match == "exact"
    assert locate("whole sale", page_of("whole\x02 sale")).match == "none"
    assert locate("wholesale", page_of("whole\x02 sale")).match == "normalised"
