from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.recipes.document_qa.reply_parser import Said, parse_reply

CASES = json.loads((Path(__file__).parent / "broken_replies.json").read_text())
"""Replies as models really give them, and what must become of each: pairs, and reasons with counts."""


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_each_reply_of_the_corpus(case: dict[str, Any]) -> None:
    said, rejected = parse_reply(case["reply"], truncated=case.get("truncated", False))
    assert [[one.question, one.answer] for one in said] == case["pairs"]
    assert Counter(row.reason for row in rejected) == Counter(case["reasons"])


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES) >= 50


@pytest.mark.parametrize(
    ("label", "page", "quoted"),
    [
        ("A1 (page 2, quoted)", 2, True),
        ("A1 (page 12, own words)", 12, False),
        ("A1 [p. 3]", 3, None),
        ("**A1** (Page 4, summary)", 4, False),
        ("Answer 1", None, None),
        ("답변1 (5쪽, 인용)", 5, True),
        ("답변 1 (페이지 6, 요약)", 6, False),
    ],
)
def test_page_and_kind_of_an_answer(label: str, page: int | None, quoted: bool | None) -> None:
    assert parse_reply(f"Q1: Who?\n{label}: Sample Trading Co.")[0] == [
        Said("Who?", "Sample Trading Co.", page, quoted)
    ]


def test_page_of_json_and_of_a_note_behind_the_answer() -> None:
    assert parse_reply('[{"question": "Who?", "answer": "We", "page": "page 7", "type": "quoted"}]')[0] == [
        Said("Who?", "We", 7, True)
    ]
    assert parse_reply("Q1: Who?\nA1: We (page 9)")[0] == [Said("Who?", "We", 9, None)]


PIECES = (
    *("Q1: ", "A1: ", "Q2:", "A2 (page 1):", "Who?", "it is", "\n", "\n\n", "|", "{", '"question":', "}", "[", "**"),
    *("질문1: ", "답변", "1. ", "```", "NOTHING-TO-ASK", "\\", "\ufffd"),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=30), st.booleans())
def test_no_reply_crashes_or_is_silently_lost(pieces: list[str], truncated: bool) -> None:
    reply = "".join(pieces)
    said, rejected = parse_reply(reply, truncated=truncated)
    assert said or rejected
    assert all(one.question and one.answer for one in said)


@pytest.mark.parametrize(
    "unit", ["Q1: ", "(", "**", "1. Question: ", "[{", "| Question | Answer |\n", " answer 1", "a (", "- "]
)
def test_long_repetitions_take_no_time(unit: str) -> None:
    parse_reply(unit * 4000)


def test_half_a_letter_in_json_is_replaced() -> None:
    (one,), rejected = parse_reply('{"question": "What is \\ud83d?", "answer": "42"}')
    assert (one.question, rejected) == ("What is \ufffd?", [])


def test_answers_that_are_no_text_are_written_as_a_person_would() -> None:
    reply = [{"question": "Who?", "answer": ["Ann", "Bob"]}, {"question": "What?", "answer": {"name": "x"}}]
    said, rejected = parse_reply(json.dumps(reply))
    assert [(one.question, one.answer) for one in said] == [("Who?", "Ann, Bob")]
    assert [row.reason for row in rejected] == ["question-without-answer"]


def test_a_bar_in_a_cell_of_a_table_parts_nothing() -> None:
    said, _ = parse_reply("| Question | Answer |\n|---|---|\n| Which sign parts \\| here? | the bar \\| |\n|| lost |\n")
    assert [(one.question, one.answer) for one in said] == [("Which sign parts | here?", "the bar |")]
