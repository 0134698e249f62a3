from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from sightline.core.message import Message, Request
from sightline.core.sample import Choice
from sightline.lm import Scripted
from sightline.recipes.adversarial_qa.blind_test import BlindConfig, blind_votes
from sightline.recipes.adversarial_qa.heuristics import Heuristics, guessed

sys.path.insert(0, str(Path(__file__).parent))
from choice_scripts import choice

WORDS = [
    "river",
    "stone",
    "lamp",
    "paper",
    "window",
    "garden",
    "bridge",
    "market",
    "winter",
    "signal",
    "copper",
    "valley",
    "engine",
    "harbour",
    "ladder",
]


def made(n: int, leak: str) -> Choice:
    """A question with one planted leak, or with options alike in length and manner."""
    draw = random.Random(n)
    names = draw.sample(WORDS, 9)
    key = draw.randrange(5)
    options = [f"the {name}" for name in names[:5]]
    question = f"What does the {names[5]} stand beside in part {n}?"
    if leak == "length":
        options[key] += f", because somebody had moved it there before the {names[6]} came"
    elif leak == "overlap":
        options[key] = f"the {names[5]} {names[6]}"
    elif leak == "similarity":
        stem = names[5:9]
        options = [" ".join([*stem[:i], name, *stem[i + 1 :]]) for i, name in enumerate(names[:4])]
        options.insert(key, " ".join(stem))
    return choice(n, answer=key).model_copy(update={"question": question, "options": tuple(options)})


def weak_share(leak: str, count: int = 200) -> float:
    items = [made(n, leak) for n in range(count)]
    votes = list(blind_votes(items, Heuristics(), BlindConfig(judge="h")))
    assert not any(isinstance(one, str) for one in votes)
    return sum(one.weak is True for one in votes if not isinstance(one, str)) / count


@pytest.mark.parametrize("leak", ["length", "overlap", "similarity"])
def test_planted_shallow_leaks_are_caught(leak: str) -> None:
    assert weak_share(leak) >= 0.9


def test_options_alike_raise_few_alarms() -> None:
    assert weak_share("none") <= 0.1


def test_the_reason_names_the_clue() -> None:
    said = guessed("What is beside the bridge?", ["a lamp", "the old bridge", "a stone", "paper", "a sign"])
    assert said.option == 1
    assert "repeats words" in said.reason
    assert guessed("무엇을 찾았습니까?", ["열쇠", "지난해 여름에 잃어버린 낡은 구리 열쇠", "돌", "종이"]).option == 1


def test_without_a_clue_it_names_one_letter_whatever_the_order() -> None:
    options = ["aa", "bb", "cc", "dd", "ee"]
    assert {guessed("?", options[r:] + options[:r], prior=3).option for r in range(5)} == {3}
    assert guessed("?", ["aa", "bb"], prior=4).option == 1


def test_it_answers_choices_only() -> None:
    (reply,) = Heuristics().replies([Request(messages=(Message.of("user", "Hello"),))])
    assert reply.error == "not-a-choice"
    assert not isinstance(Heuristics(), Scripted)
