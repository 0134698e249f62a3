"""Known errors, planted into copies of right pairs, to measure what a check catches.

A plant must truly be wrong, or the figure means nothing. None is planted where the new answer equals the old one in
text or value or holds it, nor where the page speaks for it as much as for the true one: found there, with at least as
many of the question's words around (an answer from another page that is right on this one too).
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from sightline.core.fingerprint import seeded
from sightline.verify.agreeing import agreement
from sightline.verify.folding import HANGUL, fold
from sightline.verify.inventing import answer_kind, invented
from sightline.verify.locating import find
from sightline.verify.negating import negated
from sightline.verify.page_index import PageIndex
from sightline.verify.units import CURRENCIES, MEASURES
from sightline.verify.values import Quantity, values_in

Plant = Literal[
    "changed-digit",
    "swapped-unit",
    "swapped-entity",
    "other-page",
    "other-document",
    "negation",
    "truncated",
    "hallucinated",
    "unanswerable",
]
PLANTS: tuple[Plant, ...] = get_args(Plant)
TOO_ALIKE = 0.8
"""Agreement with the true answer from which a planted one may be right."""
_TRIES = 12


@dataclass(frozen=True, slots=True)
class Case:
    """A right pair and the page it belongs to."""

    question: str
    answer: str
    index: PageIndex = field(repr=False)
    document: str
    """Identity of the document (its hash)."""
    language: str
    """"en" or "ko"."""

    @property
    def place(self) -> tuple[str, int]:
        """Document and page."""
        return self.document, self.index.page.index


@dataclass(frozen=True, slots=True)
class Planted:
    """A pair that is wrong in a known way, to be checked against the page of the case it was made from."""

    kind: Plant
    question: str
    answer: str
    case: Case = field(repr=False)


class Pool:
    """The pairs that wrong answers and questions are borrowed from, sorted so that their order does not matter."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self.cases = sorted(cases, key=lambda case: (*case.place, case.question, case.answer))
        self._of_document: dict[str, list[Case]] = defaultdict(list)
        for case in self.cases:
            self._of_document[case.document].append(case)

    def draw(self, case: Case, chance: random.Random, *, same_document: bool) -> Case | None:
        """A pair in the same language from another page of the same document, or from another document."""
        wanted = self._of_document[case.document] if same_document else self.cases
        for _ in range(_TRIES):
            other = wanted[chance.randrange(len(wanted))] if wanted else case
            apart = other.place != case.place if same_document else other.document != case.document
            if apart and other.language == case.language:
                return other
        return None


def plant(kind: Plant, case: Case, pool: Pool, seed: int = 0) -> Planted | None:
    """The case with an error of `kind`, None where none can be made of it. Equal arguments give equal errors."""
    chance = random.Random(seeded(seed, kind, *case.place, case.question, case.answer))
    if kind == "unanswerable":
        return _unanswerable(case, pool, chance)
    for _ in range(_TRIES):
        answer = _MAKERS[kind](case, pool, chance)
        if answer is None:
            return None
        if _is_wrong(kind, answer, case):
            return Planted(kind, case.question, answer, case)
    return None


def _is_wrong(kind: Plant, answer: str, case: Case) -> bool:
    told, true = fold(answer), fold(case.answer)
    if not told or told == true:
        return False
    if kind == "truncated":
        return True
    if kind in ("changed-digit", "swapped-unit", "negation"):
        return agreement(answer, case.answer) < 1.0
    if agreement(answer, case.answer) >= TOO_ALIKE:
        return False
    if kind == "hallucinated":
        return told not in case.index.folded
    return kind == "swapped-entity" or not _also_right(case.question, answer, case)


def _also_right(question: str, answer: str, case: Case) -> bool:
    """The page speaks for this question and answer as much as for the true ones."""
    found = find(answer, case.index, near=question)
    true = find(case.answer, case.index, near=case.question)
    return found is not None and (true is None or found.support >= true.support)


def _changed_digit(case: Case, pool: Pool, chance: random.Random) -> str | None:
    places = [at for at, letter in enumerate(case.answer) if letter in "0123456789"]
    if not places:
        return None
    at = chance.choice(places)
    digit = chance.choice([digit for digit in "0123456789" if digit != case.answer[at]])
    return case.answer[:at] + digit + case.answer[at + 1 :]


_SWAPS = [
    ("USD", "EUR"), ("EUR", "USD"), ("GBP", "USD"), ("KRW", "USD"), ("JPY", "KRW"), ("CNY", "USD"), ("kg", "lb"),
    ("lb", "kg"), ("g", "mg"), ("mg", "g"), ("km", "mi"), ("mi", "km"), ("m", "cm"), ("cm", "mm"), ("mm", "cm"),
    ("ft", "in"), ("in", "ft"), ("mb", "gb"), ("gb", "mb"), ("kb", "mb"), ("%", "%p"), ("°C", "°F"), ("°F", "°C"),
    ("s", "min"), ("min", "h"), ("h", "min"), ("day", "week"), ("week", "day"), ("month", "year"), ("year", "month"),
    ("명", "건"), ("건", "명"), ("개", "명"), ("t", "kg"), ("l", "ml"), ("ml", "l"),
]  # fmt: skip
_OTHER_UNIT = dict(_SWAPS)
_NAMES = {**CURRENCIES, **MEASURES}


def _swapped_unit(case: Case, pool: Pool, chance: random.Random) -> str | None:
    """The unit written with a number, replaced by the same form (sign, code or word) of another."""
    units = {found.value.unit for found in values_in(fold(case.answer)) if isinstance(found.value, Quantity)}
    options = []
    for unit in sorted(units & set(_OTHER_UNIT)):
        new = list(_NAMES[_OTHER_UNIT[unit]])
        for name in sorted(_NAMES[unit], key=len, reverse=True):
            edge = r"(?![A-Za-z])" if name[-1].isascii() and name[-1].isalpha() else ""
            start = r"(?<![A-Za-z])" if name[0].isascii() and name[0].isalpha() else ""
            match = re.search(start + re.escape(name) + edge, case.answer, re.IGNORECASE)
            if match:
                options.append((match, _in_the_manner_of(match[0], new)))
                break
    if not options:
        return None
    match, name = chance.choice(options)
    return case.answer[: match.start()] + name + case.answer[match.end() :]


def _in_the_manner_of(old: str, names: list[str]) -> str:
    """Of the new unit's names the one most like the old: sign for sign, Hangul for Hangul, code for code."""

    def manner(name: str) -> tuple[bool, bool, int]:
        return name.isalpha(), HANGUL.search(name) is not None, min(len(name), 4)

    wanted = manner(old)
    best = min(names, key=lambda name: sum(a != b for a, b in zip(manner(name), wanted, strict=True)))
    return best.upper() if old.isupper() and best.isascii() else best


_NAME = re.compile(
    r"(?:[A-Z][a-z]+(?:\s(?:of|the|and|for)\s|\s)){1,4}[A-Z][a-z]+"
    r"|[가-힣]{2,}(?:부|처|청|원|위원회|회사|대학교|시|도)"
)


def _swapped_entity(case: Case, pool: Pool, chance: random.Random) -> str | None:
    """Another value or name of the same kind from the same page."""
    kind = answer_kind(case.answer)
    if kind == "text":
        return None
    index = case.index
    if kind == "name":
        text = case.index.page.text.replace("\n", " ")
        others = [match[0] for match in _NAME.finditer(text)]
    else:
        quotes = [index.quote(found.start, found.end) for found in index.values]
        others = [quote.strip(".,") for quote in quotes if answer_kind(quote) == kind]
    return chance.choice(others) if others else None


def _other_page(case: Case, pool: Pool, chance: random.Random) -> str | None:
    other = pool.draw(case, chance, same_document=True)
    return None if other is None else other.answer


def _other_document(case: Case, pool: Pool, chance: random.Random) -> str | None:
    other = pool.draw(case, chance, same_document=False)
    return None if other is None else other.answer


def _negation(case: Case, pool: Pool, chance: random.Random) -> str | None:
    return negated(case.answer)


def _truncated(case: Case, pool: Pool, chance: random.Random) -> str | None:
    """The answer without its end: some words, or the last figures or letters where it is one word."""
    words = case.answer.split()
    if len(words) > 1:
        return " ".join(words[: chance.randint(1, len(words) - 1)])
    word = case.answer.strip()
    return word[: chance.randint(len(word) // 2, len(word) - 1)] if len(word) >= 4 else None


def _hallucinated(case: Case, pool: Pool, chance: random.Random) -> str | None:
    return invented(case.answer, case.language, chance)


def _unanswerable(case: Case, pool: Pool, chance: random.Random) -> Planted | None:
    """A question about another document, asked of this page with this page's answer."""
    for _ in range(_TRIES):
        other = pool.draw(case, chance, same_document=False)
        if other is None:
            return None
        same = agreement(other.answer, case.answer) >= TOO_ALIKE
        if not same and not _also_right(other.question, case.answer, case):
            return Planted("unanswerable", other.question, case.answer, case)
    return None


_MAKERS: dict[Plant, Callable[[Case, Pool, random.Random], str | None]] = {
    "changed-digit": _changed_digit,
    "swapped-unit": _swapped_unit,
    "swapped-entity": _swapped_entity,
    "other-page": _other_page,
    "other-document": _other_document,
    "negation": _negation,
    "truncated": _truncated,
    "hallucinated": _hallucinated,
}
