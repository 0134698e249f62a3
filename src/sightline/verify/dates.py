"""Dates in English, Korean and figures, read from folded text as a set of possible days."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_MONTHS = [
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
]  # fmt: skip
_NUMBER_OF = {name: number for number, name in enumerate(_MONTHS, start=1)}
_NUMBER_OF |= {name[:3]: number for name, number in _NUMBER_OF.items()} | {"sept": 9}
_NAME = "|".join(sorted(_NUMBER_OF, key=len, reverse=True))
_D = r"(?P<day>[0-3]?[0-9])(?:st|nd|rd|th)?"
_Y = r"(?P<year>[12][0-9]{3})"
_BEFORE, _BEHIND = r"(?<![0-9a-z])(?<![0-9][.,:/-])", r"(?![0-9a-z])(?![.,:/-][0-9])"

_PATTERNS = [
    re.compile(pattern)
    for pattern in (
        rf"{_BEFORE}{_Y}(?P<mark>[-./])\s?(?P<month>[01]?[0-9])(?P=mark)\s?(?P<day>[0-3]?[0-9]){_BEHIND}",
        rf"{_BEFORE}(?P<first>[0-3]?[0-9])(?P<mark>[-./])(?P<second>[0-3]?[0-9])(?P=mark){_Y}{_BEHIND}",
        rf"{_BEFORE}{_D}\s(?:of\s)?(?P<name>{_NAME})\.?,?\s{_Y}{_BEHIND}",
        rf"(?<![a-z])(?P<name>{_NAME})\.?\s{_D},?\s{_Y}{_BEHIND}",
        rf"(?<![a-z])(?P<name>{_NAME})\.?,?\s{_Y}{_BEHIND}",
        r"(?<![0-9])(?P<year>[12][0-9]{3})년(?P<month>[01]?[0-9])월(?:(?P<day>[0-3]?[0-9])일)?",
        r"(?<![0-9])(?P<month>[01]?[0-9])월(?P<day>[0-3]?[0-9])일",
    )
]
_NAMED = re.compile(rf"(?<![a-z])(?:{_NAME})\.?,?\s[0-9]")
_NEEDS = (None, None, _NAMED, _NAMED, _NAMED, re.compile("월"), re.compile("월"))
"""What a text must hold for each of the patterns to be worth a look."""
_HINT = re.compile(rf"[0-9][-./]\s?[0-9]|월|(?:{_NAME})[a-z]*\.?,?\s[0-9]|[0-9](?:st|nd|rd|th)?\s(?:of\s)?(?:{_NAME})")


class Day(NamedTuple):
    """The days a writing may mean, as (year, month, day) with 0 for a part that is not written; more than one only for
    03/04/2024."""

    readings: frozenset[tuple[int, int, int]]

    def may_be(self, other: Day) -> bool:
        """One reading in common. A month is not a day of it: parts written on one side only make a difference."""
        return bool(self.readings & other.readings)


def dates_in(folded: str) -> Iterator[tuple[Day, int, int]]:
    """Each date with its start and end, in order, without overlap (the fuller writing wins)."""
    if _HINT.search(folded) is None:
        return
    taken: list[tuple[Day, int, int]] = []
    worth = {need: need is None or need.search(folded) is not None for need in dict.fromkeys(_NEEDS)}
    for pattern in (pattern for pattern, need in zip(_PATTERNS, _NEEDS, strict=True) if worth[need]):
        for match in pattern.finditer(folded):
            readings = frozenset(_readings(match.groupdict()))
            free = all(match.end() <= start or end <= match.start() for _, start, end in taken)
            if readings and free:
                taken.append((Day(readings), match.start(), match.end()))
    yield from sorted(taken, key=lambda item: item[1])


def _readings(parts: dict[str, str | None]) -> Iterator[tuple[int, int, int]]:
    year = int(parts.get("year") or 0)
    if parts.get("first"):
        first, second = int(parts["first"] or 0), int(parts["second"] or 0)
        if _possible(second, first):
            yield year, second, first
        if parts["mark"] != "." and _possible(first, second):
            yield year, first, second
        return
    month = _NUMBER_OF[parts["name"] or ""] if parts.get("name") else int(parts.get("month") or 0)
    day = int(parts.get("day") or 0)
    if _possible(month, day or 1):
        yield year, month, day


def _possible(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31
