"""Accuracy of multiple choice over replies, right, wrong and unreadable ones told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from sightline.core.errors import InputError
from sightline.core.score import Score
from sightline.evaluate.choice import Choice, State, extract
from sightline.evaluate.statistics import Groups, score
from sightline.evaluate.totals import Totals, signature


class ChoiceResult(BaseModel):
    """Accuracy of multiple choice, unextracted replies counted as wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accuracy: Score
    by_category: dict[str, Score]
    hard: Score | None
    """On the hard split, where a question is marked so."""
    states: dict[State, int]
    unextracted: Score
    answered: Score | None
    """Right among the replies that answered, where one did."""
    choices: tuple[Choice, ...]


def multiple_choice(
    replies: Sequence[str],
    options: Sequence[Sequence[str]],
    answers: Sequence[int],
    *,
    categories: Sequence[str] | None = None,
    hard: Sequence[bool] | None = None,
    groups: Groups | None = None,
) -> ChoiceResult:
    """Score replies against the index of the right option. Raises InputError where lengths or indices do not fit."""
    if not len(replies) == len(options) == len(answers):
        raise InputError(f"{len(replies)} replies, {len(options)} lists of options, {len(answers)} answers")
    if not len(replies):
        raise InputError("nothing to score: there are no replies")
    for at, (answer, texts) in enumerate(zip(answers, options, strict=True)):
        if not 0 <= answer < len(texts):
            raise InputError(f"item {at}: answer {answer} is none of {len(texts)} options")
    choices = [extract(reply, texts) for reply, texts in zip(replies, options, strict=True)]
    right = [choice.index == answer for choice, answer in zip(choices, answers, strict=True)]
    given = [choice.index is not None for choice in choices]

    def share(name: str, facts: Sequence[bool], marks: Sequence[bool]) -> Score:
        """Of the marked items, those for which the fact holds."""
        kept = [at for at, mark in enumerate(marks) if mark]
        words = signature(name, extract="stated", unextracted="wrong", languages="en+ko")
        among = None if groups is None else [groups[at] for at in kept]
        return score(name, Totals.of_mean([float(facts[at]) for at in kept]), words, among)

    names = sorted(set(categories or ()))
    return ChoiceResult(
        accuracy=share("accuracy", right, [True] * len(right)),
        by_category={name: share(f"accuracy/{name}", right, [c == name for c in categories or ()]) for name in names},
        hard=share("accuracy/hard", right, hard) if hard is not None and any(hard) else None,
        states=dict(Counter(choice.state for choice in choices)),
        unextracted=share("unextracted", [not one for one in given], [True] * len(right)),
        answered=share("accuracy/answered", right, given) if any(given) else None,
        choices=tuple(choices),
    )
