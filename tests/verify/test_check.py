from __future__ import annotations

import time

import pytest

from sightline.verify import PageIndex, Thresholds, agreement, examine, text_check

TOTAL = "What is the total amount due?"


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        (TOTAL, "529.87", None),
        (TOTAL, "€529.87", None),
        (TOTAL, "529.88", "not-on-page"),
        (TOTAL, "529.87 USD", "not-on-page"),
        (TOTAL, "0.79", "unsupported"),
        (TOTAL, "I cannot determine this from the text.", "refusal"),
        ("When was the invoice issued?", "12 March 2024", None),
        ("When was the invoice issued?", "12 March", "cut-off"),
        ("In which year was the invoice issued?", "2024", None),
        ("What is the name of the company?", "Sample Trading", "cut-off"),
        ("What happened with the delivery?", "approved by the clerk", "denied-on-page"),
        ("What happened with the delivery?", "was not approved by the", "cut-off"),
        ("What is the deposit?", "25.00", "not-on-page"),
        ("What is the deposit?", "-25.00", None),
        ('What is the "Unit price" of "Balloons"?', "0.79", None),
        ('What is the "Unit price" of "Balloons"?', "337.05", "unsupported"),
        ('What is the "Unit price" of "Balloons"?', "5.00", "unsupported"),
    ],
)
def test_reasons_on_an_invoice(invoice: PageIndex, question: str, answer: str, reason: str | None) -> None:
    found = text_check(question, answer, invoice)
    assert (reason in found) if reason else found == []


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("확진자는 몇 명입니까?", "9,661명", None),
        ("확진자는 몇 명입니까?", "9,616명", "not-on-page"),
        ("예산은 얼마입니까?", "3억 2천만 원", None),
        ("예산은 얼마입니까?", "3억", "cut-off"),
        ("신청은 어떻게 되었습니까?", "승인", "denied-on-page"),
        ("담당 부서는 어디입니까?", "국회 입법조사", "cut-off"),
        ("담당 부서는 어디입니까?", "국회 입법조사처", None),
    ],
)
def test_reasons_on_a_korean_page(korean: PageIndex, question: str, answer: str, reason: str | None) -> None:
    found = text_check(question, answer, korean)
    assert (reason in found) if reason else found == []


def test_a_unit_the_page_writes_nowhere_is_a_weak_match(invoice: PageIndex) -> None:
    assert text_check("What is the customer number?", "2 kg", invoice) == ["weak-match"]


def test_the_verdict_carries_the_evidence(invoice: PageIndex) -> None:
    verdict = examine(TOTAL, "529.87 EUR", invoice)
    assert verdict.reasons == ()
    assert (verdict.evidence.match, verdict.support) == ("value", 1.0)
    assert examine(TOTAL, "0.79", invoice, Thresholds(support=0.0)).reasons == ()


@pytest.mark.parametrize(
    ("first", "second", "score"),
    [
        ("1,234.50 EUR", "€1234.5", 1.0),
        ("529.87 EUR", "529.87 USD", 0.0),
        ("12 March 2024", "2024-03-12", 1.0),
        ("529.87", "The total is 529.87.", 0.9),
        ("529.88", "The total is 529.87.", 0.0),
        ("approved", "not approved", 0.0),
        ("Sample Trading Co.", "sample trading co", 1.0),
        ("", "x", 0.0),
        ("14 days after delivery", "15 days after delivery", 0.0),
        ("from 10 to 20 units", "from 20 to 10 units", 0.0),
    ],
)
def test_agreement(first: str, second: str, score: float) -> None:
    assert agreement(first, second) == agreement(second, first) == score


@pytest.mark.parametrize("piece", ["\n", "[", "[이", "(", '"a":', "일이", "1억", "12 ", "SELECT ", "no information "])
def test_no_answer_makes_the_checks_slow(invoice: PageIndex, piece: str) -> None:
    answer = (piece * 6000)[:5990]
    start = time.perf_counter()
    examine(TOTAL, answer, invoice)
    assert time.perf_counter() - start < 2.0
