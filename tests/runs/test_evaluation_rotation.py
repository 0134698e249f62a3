from __future__ import annotations

import pytest

from sightline.core.errors import InputError, ModelError
from sightline.core.message import Reply, Request
from sightline.evaluate.examples import Example
from sightline.lm import Scripted
from sightline.runs.evaluation_rotation import weak_questions

OPTIONS = ("red", "blue", "green", "black", "the obviously right one")
EXAMPLES = [
    Example(id="weak", question="Which?", options=OPTIONS, answer=4, category="CRD", pictures=(b"never sent",)),
    Example(id="good", question="Who?", options=(*OPTIONS[:4], "white"), answer=2, category="STA"),
]


def reader(request: Request) -> str:
    """Takes what sounds right, else the first option."""
    assert not request.messages[0].pictures
    lines = request.messages[0].text.splitlines()
    return next((line[0] for line in lines if "obviously" in line), "A")


def test_a_question_whose_text_gives_the_answer_away_is_found() -> None:
    found = weak_questions(Scripted(reader), EXAMPLES)
    assert found.weak_items == ("weak",)
    assert found.weak_by_category["CRD"].value == 1.0
    assert found.weak_by_category["STA"].value == 0.0
    assert found.weak_by_chance == pytest.approx(0.058, abs=1e-3)
    assert weak_questions(Scripted(reader), EXAMPLES) == found


def test_a_failed_vote_and_a_missing_answer_stop_the_test() -> None:
    with pytest.raises(ModelError, match="a vote failed"):
        weak_questions(Scripted(lambda _: Reply(error="timeout")), EXAMPLES)
    with pytest.raises(InputError):
        weak_questions(Scripted(reader), [Example(id="x", question="?")])
