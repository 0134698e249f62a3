"""A blind judge without any model: it knows how careless questions give themselves away, and nothing else.

Clues, after the literature on test-wiseness (Millman, Bishop and Ebel 1965): the only option of the form that is asked
for (one e-mail address among names); an option that repeats the question's words; the longest option; the option that
the others resemble, because wrong options are made from the right one. Where no option stands out it names its
favourite letter, which rotation makes harmless: right once in k orders, never weak. It finds shallow leaks only; what a
language model knows about the world it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sightline.core.message import Reply, Request
from sightline.evaluate.choice import LETTERS
from sightline.recipes.adversarial_qa.prompts import QUESTION
from sightline.verify.folding import fold
from sightline.verify.question_words import content_words

NAME = "heuristics-no-model"
"""Stated wherever its answers appear."""
LONGER = 1.4
"""Times the mean length of the others, from which on length is a clue; full at twice that much more."""
LONGER_LETTERS = 10
"""Letters by which it must also pass the next longest."""
NEARER = 0.06
"""Mean similarity by which one option must be nearer to the others than the next one is."""
WEIGHTS = {"form": 1.2, "overlap": 1.0, "length": 0.9, "similarity": 0.7}
"""The form asked for is the surest sign, likeness the least."""
_FORMS = (
    (r"e-?mail|이메일|전자\s?우편", r"\S@\S"),
    (r"phone|telephone|\bfax\b|전화|연락처", r"^\W*\d[\d\s()+./-]{5,}$"),
    (r"\bwhen\b|\bdate\b|\bday\b|\byear\b|언제|날짜|며칠|[가-힣]일[은이을]", r"(?:19|20)\d\d|\d월|\d일"),
    (r"\btime\b|o'clock|몇\s?시|시간", r"\d:\d\d|\d\s?시|\d\s?[ap]\.?m"),
    (r"how (?:many|much)|\bnumber\b|\bfigure\b|\bamount\b|얼마|몇|금액|번호", r"\d"),
    (r"\bwebsite\b|\burl\b|web address|홈페이지|누리집", r"www\.|https?:|\w\.\w{2,}/?$"),
)
"""(what a question asks for, how such an answer looks)"""

_OPTION = re.compile(r"^([A-J])\) (.*)$", re.M)
_QUESTION = re.compile(rf"^(?:{'|'.join(QUESTION.values())}): (.*)$", re.M)


class Guess(NamedTuple):
    """The option, and why."""

    option: int
    reason: str


class Heuristics:
    """An LM in form: answers the prompts of the blind test, from the question and its options alone.

    `prior` is the letter it names where nothing stands out.
    """

    def __init__(self, prior: str = "C") -> None:
        self.name = NAME
        self._prior = LETTERS.index(prior)

    def __repr__(self) -> str:
        return f"Heuristics(prior={LETTERS[self._prior]!r})"

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """One reply per request; "not-a-choice" where the prompt holds no lettered options."""
        for request in requests:
            prompt = request.messages[-1].text
            question, options = _QUESTION.search(prompt), [text for _, text in _OPTION.findall(prompt)]
            if question is None or len(options) < 2:
                yield Reply(error="not-a-choice", finish="error", model=self.name)
                continue
            guess = guessed(question[1], options, self._prior)
            yield Reply(text=f"Answer: {LETTERS[guess.option]}\nReason: {guess.reason}", model=self.name)


def guessed(question: str, options: Sequence[str], prior: int = 2) -> Guess:
    """The option with the strongest clues, or the one at `prior` (the last, where there are fewer).

    >>> guessed("Why?", ["rain", "the guide had lost the only key to the gate", "wind", "noise"]).option
    1
    """
    clues = {
        "form": _form(question, options),
        "overlap": _overlap(question, options),
        "length": _length(options),
        "similarity": _similarity(options),
    }
    totals = [sum(WEIGHTS[name] * strength[i] for name, strength in clues.items()) for i in range(len(options))]
    best = max(totals)
    if best == 0 or totals.count(best) > 1:
        return Guess(min(prior, len(options) - 1), "No option stands out; I name my favourite letter.")
    index = totals.index(best)
    name = max(clues, key=lambda clue: WEIGHTS[clue] * clues[clue][index])
    return Guess(index, _REASONS[name].format(option=options[index]))


_REASONS = {
    "form": "Only the option {option!r} has the form that the question asks for.",
    "overlap": "The option {option!r} repeats words of the question, which the others do not.",
    "length": "The option {option!r} is much longer than the others.",
    "similarity": "The other options look like variations of {option!r}.",
}


def _form(question: str, options: Sequence[str]) -> list[float]:
    """The one option that looks like what is asked for, where exactly one does."""
    for asked, looks in _FORMS:
        if re.search(asked, question, re.I):
            fitting = [re.search(looks, option, re.I) is not None for option in options]
            if sum(fitting) == 1:
                return [float(fits) for fits in fitting]
    return [0.0] * len(options)


def _overlap(question: str, options: Sequence[str]) -> list[float]:
    """Words of the question that stand in this option and in no other; only where one option has the most."""
    asked = set(content_words(question))
    own = [set(content_words(option)) & asked for option in options]
    counts = [len({word for word in mine if sum(word in other for other in own) == 1}) for mine in own]
    top = max(counts)
    return [1 - 0.3**count if count == top > 0 and counts.count(top) == 1 else 0.0 for count in counts]


def _length(options: Sequence[str]) -> list[float]:
    lengths = [len(option) for option in options]
    longest, second = sorted(lengths, reverse=True)[:2]
    others = (sum(lengths) - longest) / (len(lengths) - 1)
    ratio = longest / max(others, 1.0)
    if ratio < LONGER or longest - second < LONGER_LETTERS:
        return [0.0] * len(options)
    return [min(1.0, 0.5 + (ratio - LONGER) / (2 * LONGER)) if length == longest else 0.0 for length in lengths]


def _similarity(options: Sequence[str]) -> list[float]:
    """How much one option is the middle of all, by shared runs of three letters; wholly, where it alone stands in each
    of the others."""
    folded = [fold(option) for option in options]
    pieces = [_trigrams(text) for text in folded]
    if len(options) < 3:
        return [0.0] * len(options)
    core = [float(all(text in other for other in folded)) for text in folded]
    if sum(core) == 1:
        return core
    near = [
        sum(_jaccard(mine, other) for j, other in enumerate(pieces) if j != i) / (len(pieces) - 1)
        for i, mine in enumerate(pieces)
    ]
    first, second = sorted(near, reverse=True)[:2]
    if first - second < NEARER:
        return [0.0] * len(options)
    return [min(1.0, 0.4 + 2 * (first - second)) if value == first else 0.0 for value in near]


def _trigrams(text: str) -> frozenset[str]:
    padded = f"  {text} "
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
