from __future__ import annotations

import pytest

from sightline.verify import PLANTS, Case, PageIndex, Pool, agreement, catch_rates, plant, text_check
from sightline.verify.inventing import answer_kind
from sightline.verify.negating import negated

OTHER = """
Sample Leasing Co.  Offer
Offer number  LX-77
Date of offer  3 May 2022
Monthly rate  99.10 EUR
Name of officer  Harbor Freight Desk
"""
SECOND = """
Terms of payment
Bank name  Sample Bank
Account number  4400 1122
Late fee  12.30 EUR
Court of venue  Sampletown
"""


@pytest.fixture(scope="module")
def cases(page_of, invoice: PageIndex, korean: PageIndex) -> list[Case]:
    second = PageIndex(page_of(SECOND, document="invoice.pdf", index=1))
    other = PageIndex(page_of(OTHER, document="offer.pdf"))
    rows = [
        ("What is the total amount due?", "529.87EUR", invoice, "invoice", "en"),
        ("What is the date of issue?", "12 March 2024", invoice, "invoice", "en"),
        ("What is the invoice number?", "RE-2024/508", invoice, "invoice", "en"),
        ("What happened with the delivery?", "Delivery was not approved by the clerk.", invoice, "invoice", "en"),
        ("What is the late fee?", "12.30 EUR", second, "invoice", "en"),
        ("What is the bank name?", "Sample Bank", second, "invoice", "en"),
        ("What is the monthly rate?", "99.10 EUR", other, "offer", "en"),
        ("What is the date of offer?", "3 May 2022", other, "offer", "en"),
        ("What is the name of the officer?", "Harbor Freight Desk", other, "offer", "en"),
        ("확진자는 몇 명입니까?", "9,661명", korean, "korean", "ko"),
        ("담당 부서는 어디입니까?", "국회 입법조사처", korean, "korean", "ko"),
    ]
    return [Case(*row) for row in rows]


@pytest.mark.parametrize("kind", PLANTS)
def test_a_plant_is_wrong_and_the_same_every_time(cases: list[Case], kind) -> None:
    made = [plant(kind, case, Pool(cases), seed) for case in cases for seed in range(5)]
    again = [plant(kind, case, Pool(reversed(cases)), seed) for case in cases for seed in range(5)]
    assert made == again
    planted = [error for error in made if error is not None]
    assert planted
    for error in planted:
        assert (error.question, error.answer) != (error.case.question, error.case.answer)
        if kind not in ("unanswerable", "truncated"):
            assert agreement(error.answer, error.case.answer) < 1.0


def test_a_changed_digit_changes_one_digit(cases: list[Case]) -> None:
    error = plant("changed-digit", cases[0], Pool(cases))
    assert error is not None
    assert sum(a != b for a, b in zip(error.answer, "529.87EUR", strict=True)) == 1


def test_a_swapped_unit_keeps_the_number(cases: list[Case]) -> None:
    assert plant("swapped-unit", cases[0], Pool(cases)).answer == "529.87USD"
    assert plant("swapped-unit", cases[9], Pool(cases)).answer == "9,661건"
    assert plant("swapped-unit", cases[2], Pool(cases)) is None


def test_what_does_not_apply_is_not_planted(cases: list[Case]) -> None:
    pool = Pool(cases)
    assert plant("changed-digit", cases[5], pool) is None
    assert plant("negation", cases[1], pool) is None
    assert plant("other-page", cases[6], pool) is None
    assert plant("other-document", cases[9], pool) is None, "no other Korean document"


def test_an_answer_that_is_right_here_too_is_no_error(page_of) -> None:
    pages = [PageIndex(page_of("Contact  Sample Office", document="a", index=k)) for k in range(2)]
    twins = [Case("What is the contact?", "Sample Office", page, "a", "en") for page in pages]
    assert plant("other-page", twins[0], Pool(twins)) is None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("3 May 2022", "date"),
        ("99.10 EUR", "number"),
        ("Sample Leasing Co.", "name"),
        ("국회 입법조사처", "name"),
        ("because it was late", "text"),
    ],
)
def test_answer_kind(answer: str, kind: str) -> None:
    assert answer_kind(answer) == kind


@pytest.mark.parametrize(
    ("text", "opposite"),
    [
        ("The permit is valid.", "The permit is not valid."),
        ("It may not be used.", "It may be used."),
        ("approved", "not approved"),
        ("신청할 수 있습니다.", "신청할 수 없습니다."),
        ("보고서를 제출하였다.", "보고서를 제출하지 않았다."),
        ("Sample Bank", None),
    ],
)
def test_negated(text: str, opposite: str | None) -> None:
    assert negated(text) == opposite


def test_the_catch_table_counts_what_was_planted_and_caught(cases: list[Case]) -> None:
    def never(question: str, answer: str, page: PageIndex) -> bool:
        return False

    def text(question: str, answer: str, page: PageIndex) -> bool:
        return bool(text_check(question, answer, page))

    table = catch_rates(cases, {"never": never, "text": text})
    assert [row.kind for row in table.rows[::2]] == [*PLANTS, "untouched"]
    for kind in PLANTS:
        assert table.rate(kind, "never").hits == 0
        assert table.rate(kind, "never").n + table.skipped.get(kind, 0) == len(cases)
    assert table.rate("untouched", "text").hits == 0
    assert table.rate("changed-digit", "text").value == 1.0
    assert table.rate("hallucinated", "text").value == 1.0
    assert table == type(table).model_validate_json(table.model_dump_json())
    row = table.rows[0]
    assert (row.low, row.high) == row.rate.interval
    assert catch_rates(list(reversed(cases)), {"never": never, "text": text}) == table
    assert catch_rates(cases, {"never": never}, limit=4).rate("untouched", "never").n == 4
