"""Multiple choice from pairs that are known already, without a model: the wrong options are other pairs' answers of the
same kind, from the same page first, so that every option stands where a reader looks.

"What delivery date is stated?" -> 8 March 2024 | 1 March 2024 | 30 April 2024 | 12 April 2024 | 15 January 2025
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict

from sightline.core.fingerprint import seeded
from sightline.core.media import Evidence
from sightline.core.sample import Choice, Item, Rejected
from sightline.recipes.adversarial_qa.drafts import one_line, problem, shuffled
from sightline.recipes.adversarial_qa.items import Scene, Seed
from sightline.recipes.adversarial_qa.write import new_choice
from sightline.verify import agreement
from sightline.verify.dates import Day
from sightline.verify.folding import fold
from sightline.verify.values import value_of

ALIKE = 0.5
"""Agreement with the key from which on another answer may be right too."""
DRAWN = 200
"""Answers of the same document, and of all, that are looked at for one question: all with all would be squares."""

STYLED = frozenset({"words", "code", "address"})
"""Kinds whose answers must also have been asked for in the same style: a heading is no wrong option for a name."""


class PairsConfig(BaseModel):
    """What decides the wrong options."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    options: int = 5
    seed: int = 0


class _Answer(NamedTuple):
    text: str
    question: str
    style: str
    scene: str
    group: str


@dataclass(frozen=True, slots=True)
class OptionsFromAnswers:
    """One question per seed pair. Refused: "no-pairs", "too-few-alike-answers", and what is wrong with the form."""

    config: PairsConfig
    name: ClassVar[str] = "options-from-answers"
    version: ClassVar[int] = 5
    takes: ClassVar[type[Item]] = Scene
    gives: ClassVar[type[Item]] = Choice

    def all(self, items: Iterable[Scene], /) -> Iterator[Choice | Rejected]:
        pool = _Pool(items)
        for scene in items:
            known = [seed for seed in scene.seeds if seed.answer.strip()]
            if not known:
                yield Rejected(reason="no-pairs", item=scene.key, origin=scene.source.name)
            for seed in known:
                yield self._question(scene, seed, pool)

    def _question(self, scene: Scene, seed: Seed, pool: _Pool) -> Choice | Rejected:
        config = self.config
        question, answer = one_line(seed.question), one_line(seed.answer)
        wrong = pool.wrong_answers(scene, question, answer, seed.style, config.options - 1, config.seed)
        about = {"question": question, "answer": answer, "found": wrong}
        if len(wrong) < config.options - 1:
            return Rejected(reason="too-few-alike-answers", item=scene.key, origin=scene.source.name, evidence=about)
        options = sorted([answer, *wrong], key=lambda text: seeded(config.seed, "order", scene.id, question, text))
        form = problem(question, options, options.index(answer), config.options)
        if form is not None:
            return Rejected(reason=form, item=scene.key, origin=scene.source.name, evidence=about)
        return new_choice(
            scene,
            question,
            shuffled(options, options.index(answer), config.seed, scene.id, question),
            evidence=seed.evidence or _somewhere(scene),
            style=f"pairs/{seed.style}" if seed.style else "pairs",
            writer="answers of other pairs",
        )


def _somewhere(scene: Scene) -> Evidence | None:
    """Of a video that nobody said a time of: all of its seconds, and not found by anything."""
    return None if scene.span is None else Evidence(span=scene.span)


class _Pool:
    """Every known answer by what it is alike: small texts, no pages."""

    def __init__(self, scenes: Iterable[Scene]) -> None:
        self._by_scene: dict[tuple[str, str], list[_Answer]] = defaultdict(list)
        self._by_group: dict[tuple[str, str, str], list[_Answer]] = defaultdict(list)
        self._by_kind: dict[tuple[str, str], list[_Answer]] = defaultdict(list)
        for scene in scenes:
            for seed in scene.seeds:
                if not seed.answer.strip():
                    continue
                text, kind = one_line(seed.answer), _kind(seed.answer, seed.style)
                one = _Answer(text, one_line(seed.question), seed.style, scene.id, scene.group)
                self._by_scene[scene.id, kind].append(one)
                self._by_group[scene.group, scene.language, kind].append(one)
                self._by_kind[scene.language, kind].append(one)

    def wrong_answers(self, scene: Scene, question: str, answer: str, style: str, count: int, seed: int) -> list[str]:
        """Up to `count`: nearest in place first, then in style and length; none that might be right as well."""
        kind = _kind(answer, style)
        chance = random.Random(seeded(seed, "far", scene.id, question))
        near = self._by_scene[scene.id, kind]
        pools = (self._by_group[scene.group, scene.language, kind], self._by_kind[scene.language, kind])
        far = [one for pool in pools for one in (chance.sample(pool, DRAWN) if len(pool) > DRAWN else pool)]

        def rank(one: _Answer) -> tuple[bool, bool, bool, float, int]:
            longer = abs(len(one.text) - len(answer)) / max(len(answer), 1)
            draw = seeded(seed, "rank", scene.id, question, one.text)
            return one.scene != scene.id, one.group != scene.group, one.style != style, round(longer), draw

        out: list[str] = []
        for one in sorted([*near, *far], key=rank):
            if len(out) == count:
                break
            if fold(one.question) == fold(question) and one.scene == scene.id:
                continue
            if fold(one.text) in fold(question):
                continue
            if all(agreement(one.text, other) < ALIKE for other in (answer, *out)):
                out.append(one.text)
        return out


def _kind(answer: str, style: str) -> str:
    """What its answer may stand in for; where the words do not tell, the style it was asked for in does."""
    kind = kind_of_answer(one_line(answer))
    return f"{kind} by {style}" if kind in STYLED else kind


def kind_of_answer(text: str) -> str:
    """What may stand in for what: "day in words", "day in figures", "number", "number of UNIT", "address", "code" (with
    many digits), "words".

    >>> [kind_of_answer(text) for text in ("8 March 2024", "84.00 EUR", "WU-2025-01", "Old Town")]
    ['day in words', 'number of EUR', 'code', 'words']
    """
    value = value_of(fold(text))
    if isinstance(value, Day):
        return "day in words" if any(map(str.isalpha, text)) else "day in figures"
    if value is not None:
        return f"number of {value.unit}" if value.unit else "number"
    if "@" in text or "://" in text or "www." in text:
        return "address"
    digits = sum(letter.isdigit() for letter in text)
    return "code" if 3 * digits >= sum(map(str.isalnum, text)) else "words"
