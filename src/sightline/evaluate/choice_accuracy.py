"""Accuracy of multiple choice over replies, right, wrong and unreadable ones told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from sightline.core.errors import InputError
from sightline.core.score import Proportion, Score
from sightline.evaluate.choice import Choice, State, extract
from sightline.evaluate.statistics import Groups, score
from sightline.evaluate.totals import Totals, signature


class ChoiceResult(BaseModel):
    """Accuracy of multiple choice, unextracted replies counted as wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accuracy: Score
    by_category: dict[str, Proportion]
    hard: Proportion | None
    """On the hard split, where it is marked."""
    states: dict[State, int]
    unextracted: Proportion
    answered: Proportion
    """Right among the replies that answered."""
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
    states: Counter[State] = Counter(choice.state for choice in choices)
    given = sum(choice.index is not None for choice in choices)

    def share(marks: Sequence[bool]) -> Proportion:
        return Proportion(sum(r and m for r, m in zip(right, marks, strict=True)), sum(marks))

    names = sorted(set(categories or ()))
    return ChoiceResult(
        accuracy=score("accuracy", Totals.of_mean(list(map(float, right))), _words(), groups),
        by_category={name: share([c == name for c in categories or ()]) for name in names},
        hard=None if hard is None else share(hard),
        states=dict(states),
        unextracted=Proportion(len(replies) - given, len(replies)),
        answered=Proportion(sum(right), given),
        choices=tuple(choices),
    )


def _words() -> str:
    return signature("accuracy", extract="stated", unextracted="wrong", languages="en+ko")
