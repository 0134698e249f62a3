"""Precision and recall of the format filters on hand-labelled pairs, beside the rule that was published for Docmatix.

`filters_fixture.jsonl` was written by hand: English and Korean, `bad` names the fault or is empty for a good pair. Good
pairs hold what a careless rule drops (decimals, prices, abbreviations, addresses); some on either side are hard.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from sightline.core.score import Proportion
from sightline.verify import FILTERS, reasons

ROWS = [json.loads(line) for line in Path(__file__).with_name("filters_fixture.jsonl").read_text("utf-8").splitlines()]


def published_rule(question: str, answer: str) -> bool:
    """Our reading of the filter described for Docmatix: either text is empty, holds something in curly, square or angle
    brackets, an IPv4 address, any token-dot-token, a blank line, the refusal keyword, or an embedded label."""
    forbidden = re.compile(
        r"\{[^}]*\}|\[[^\]]*\]|<[^>]*>|\b\d{1,3}(?:\.\d{1,3}){3}\b|\w+\.\w+|\n\s*\n|unanswerable|\b[qa]\d+\s*[:.]",
        re.IGNORECASE,
    )
    return any(not text.strip() or forbidden.search(text) is not None for text in (question, answer))


def precision_recall(flagged: list[bool]) -> tuple[Proportion, Proportion]:
    hits = sum(flag and bool(row["bad"]) for flag, row in zip(flagged, ROWS, strict=True))
    return Proportion(hits, sum(flagged)), Proportion(hits, sum(bool(row["bad"]) for row in ROWS))


def test_the_fixture_is_large_and_bilingual() -> None:
    korean = [row for row in ROWS if re.search("[가-힣]", row["question"] + row["answer"])]
    assert len(ROWS) >= 120
    assert len(korean) >= 40
    assert {row["bad"] for row in ROWS} - {""} <= set(FILTERS)


def test_filters_beat_the_published_rule_on_both_counts() -> None:
    precision, recall = precision_recall([bool(reasons(row["question"], row["answer"])) for row in ROWS])
    their_precision, their_recall = precision_recall([published_rule(row["question"], row["answer"]) for row in ROWS])
    print(f"filters: precision {precision}, recall {recall}")
    print(f"published rule: precision {their_precision}, recall {their_recall}")
    assert precision.value >= 0.97
    assert recall.value >= 0.95
    assert precision.value > their_precision.value + 0.2
    assert recall.value > their_recall.value + 0.2


def test_each_fault_is_given_its_own_reason() -> None:
    told = [row for row in ROWS if row["bad"] and reasons(row["question"], row["answer"])]
    right = [row["bad"] in reasons(row["question"], row["answer"]) for row in told]
    assert sum(right) / len(right) >= 0.95
