"""Fluent answers that come from nowhere: of the same kind as the true one, in its language, filled by chance."""

from __future__ import annotations

import random
import re
from typing import Literal

from sightline.verify.dates import Day
from sightline.verify.folding import fold
from sightline.verify.values import value_of

AnswerKind = Literal["date", "number", "name", "text"]

_NAMES_EN = ["Northfield", "Meridian", "Alder", "Crestline", "Harborview", "Silverlake", "Oakmont", "Bluewater"]
_BODIES_EN = ["Institute of Applied Studies", "Logistics Group", "Regional Council", "Holding Company", "Foundation"]
_NAMES_KO = ["한빛", "새롬", "가온", "누리봄", "해오름", "다솜", "푸른솔", "온새미로"]
_BODIES_KO = ["연구재단", "물류주식회사", "지역협의회", "정책자문단", "홀딩스"]
_STATEMENTS_EN = [
    "It was introduced by the {name} {body} to shorten the time needed for review.",
    "The {name} {body} recommends a gradual transition over {number} quarters.",
    "Because the {name} {body} withdrew its support shortly before the vote.",
    "A combination of stricter supervision and voluntary reporting led by the {name} {body}.",
]
_STATEMENTS_KO = [
    "{name} {body}이 심사 기간을 단축하기 위해 도입하였다.",
    "{name} {body}은 {number}분기에 걸친 단계적 전환을 권고하였다.",
    "표결 직전에 {name} {body}이 지지를 철회했기 때문이다.",
    "{name} {body}이 주도한 자율 보고와 감독 강화의 결합이다.",
]
_MONTHS = "January February March April May June July August September October November December"
_PART = r"(?:[A-Z][\w.&'-]*|of|the|and|for|de|van)"
_CAPITALISED = re.compile(rf"{_PART}(?:\s{_PART}){{0,5}}")
_ORGANISATION = re.compile(r"[가-힣\s]{2,20}(?:부|처|청|원|위원회|회사|대학교|시|도|과|국)")
_DIGIT = re.compile(r"[0-9]")


def answer_kind(answer: str) -> AnswerKind:
    """What sort of thing an answer is.

    >>> answer_kind("12 March 2024"), answer_kind("529.87 EUR"), answer_kind("Sample Trading Co.")
    ('date', 'number', 'name')
    """
    value = value_of(fold(answer))
    if value is not None:
        return "date" if isinstance(value, Day) else "number"
    plain = answer.strip(" .,")
    return "name" if _CAPITALISED.fullmatch(plain) or _ORGANISATION.fullmatch(plain) else "text"


def invented(answer: str, language: str, chance: random.Random) -> str:
    """Another answer of the same kind. Figures keep their form, all their digits are drawn anew."""
    kind = answer_kind(answer)
    if kind == "date":
        return _date(language, chance)
    if kind == "number" or sum(map(str.isdigit, answer)) > len(answer) / 2:
        drawn = _DIGIT.sub(lambda _: str(chance.randint(1, 9)), answer)
        return drawn if drawn != answer else str(chance.randint(21, 9999))
    korean = language == "ko"
    name = chance.choice(_NAMES_KO if korean else _NAMES_EN)
    body = chance.choice(_BODIES_KO if korean else _BODIES_EN)
    if kind == "name":
        return f"{name} {body}"
    statement = chance.choice(_STATEMENTS_KO if korean else _STATEMENTS_EN)
    return statement.format(name=name, body=body, number=chance.randint(2, 9))


def _date(language: str, chance: random.Random) -> str:
    year, month, day = chance.randint(1985, 2031), chance.randint(1, 12), chance.randint(1, 28)
    if language == "ko":
        return f"{year}년 {month}월 {day}일"
    return f"{day} {_MONTHS.split()[month - 1]} {year}"
