"""How a multiple-choice question is asked, and answered rightly: for evaluation and for training rows alike."""

from __future__ import annotations

from collections.abc import Sequence

from sightline.evaluate.choice import LETTERS
from sightline.evaluate.examples import Example

_ASK = {
    "en": "Answer with the letter of the right option. Format: Answer: <letter>",
    "ko": "맞는 보기의 글자로 답하세요. 형식: 정답: <글자>",
}
_ANSWER = {"en": "Answer: {letter}", "ko": "정답: {letter}"}


def lettered(options: Sequence[str]) -> str:
    """One option a line: "A) the guide"."""
    return "\n".join(f"{letter}) {text}" for letter, text in zip(LETTERS, options, strict=False))


def prompt(example: Example) -> str:
    """What the question is about where that is words, the question, its lettered options, the form of the answer."""
    about = f"{example.context}\n\n" if example.context else ""
    return f"{about}{example.question}\n{lettered(example.options)}\n{_ASK.get(example.language, _ASK['en'])}"


def answered(example: Example) -> str:
    """The right answer in the form asked for."""
    assert example.answer is not None
    return _ANSWER.get(example.language, _ANSWER["en"]).format(letter=LETTERS[example.answer])
