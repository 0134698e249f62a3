"""Numbers, amounts and dates read as values, so that "1,234.50" meets "1.234,50".

All functions work on folded text. Identifiers ("AB321", "14:30", "192.168.0.1") are no values: they are met
letter by letter or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from sightline.verify.dates import Day, dates_in
from sightline.verify.folding import HANGUL
from sightline.verify.numerals import ENGLISH, KOREAN_NATIVE, KOREAN_WORDS, english_number, korean_number, native_number
from sightline.verify.units import AFTER, BEFORE, CANONICAL, units_in

__all__ = ["Found", "Quantity", "blanked", "same_value", "unit_agrees", "units_in", "value_of", "values_in"]


class Quantity(NamedTuple):
    """A number with its unit."""

    number: Decimal
    other: Decimal | None
    """The other reading where the writing allows two ("1,234": 1234 or 1.234); None where it allows one."""
    unit: str
    """Canonical unit or ISO 4217 code; "" where none is written."""


class Found(NamedTuple):
    """A value and its place: folded[start:end]."""

    value: Quantity | Day
    start: int
    end: int


_SCALES = {
    "thousand": 10**3,
    "million": 10**6,
    "millions": 10**6,
    "mn": 10**6,
    "billion": 10**9,
    "bn": 10**9,
    "trillion": 10**12,
}
_SCALE = "|".join(sorted(_SCALES, key=len, reverse=True))
_NUMBER = re.compile(
    rf"""
    (?<![a-z0-9_.]) (?<![0-9][,:/])
    (?P<minus>(?<![^\s(\[])-)?
    (?:(?P<before>{BEFORE})\s?(?P<inner>-)?)?
    (?:(?P<digits>[0-9]++(?:[.,'][0-9]+)*+) | (?P<words>{ENGLISH}))
    (?! [:/][0-9] | [.,][0-9] )
    (?:\s?(?P<scale>{_SCALE})(?![a-z]))?+
    (?:\s?(?P<after>{AFTER}))?
    (?:(?<=[가-힣%°$€£¥₩]) | (?![a-z0-9_]))
    """,
    re.VERBOSE,
)
_KOREAN = re.compile(
    rf"""
    (?:(?P<before>{BEFORE})\s?)?
    (?: (?P<digits>(?<![0-9.,])[0-9][0-9,]*+(?:\.[0-9]+)?[십백천만억조](?:[0-9][0-9,]*(?:\.[0-9]+)?|[십백천만억조])*+)
      | (?P<words>{KOREAN_WORDS}) | (?P<native>{KOREAN_NATIVE}) )
    (?P<after>{AFTER})?
    """,
    re.VERBOSE,
)
_LEFT_OVER = re.compile(
    r"(?:\b(?:about|around|approximately|approx|the|a total of|total of|of|only|over|under|on|in|by|at)\b"
    r"|약|총|대략|까지|부터|에서|으로|입니다|이다|이며|정도|의|은|는|이|가|을|를|에|로|[\s.,;:!?()\[\]\"'*~])+"
)


def values_in(folded: str) -> tuple[Found, ...]:
    """Every date, number and amount, in order; they do not overlap. Dates win over the numbers inside them."""
    found = list(dates_in(folded))
    result = [Found(day, start, end) for day, start, end in found]
    blank = blanked(folded, result)
    korean: list[Found] = []
    if HANGUL.search(blank):  # nothing that the pattern finds is without
        korean = [item for match in _KOREAN.finditer(blank) if (item := _korean(match)) is not None]
        blank = blanked(blank, korean)
    plain = [item for match in _NUMBER.finditer(blank) if (item := _plain(match)) is not None]
    return tuple(sorted([*result, *korean, *plain], key=lambda item: item.start))


def value_of(folded: str) -> Quantity | Day | None:
    """The value that a whole answer is; None where it is anything more, or several values.

    >>> value_of("약 3억2천만원").number
    Decimal('320000000')
    """
    found = values_in(folded)
    if len(found) != 1:
        return None
    rest = folded[: found[0].start] + "\n" + folded[found[0].end :]
    return found[0].value if not _LEFT_OVER.sub("", rest).strip() else None


def same_value(first: Quantity | Day, second: Quantity | Day) -> bool:
    """Equal as dates, or as numbers whose units do not contradict each other. Where both writings are ambiguous
    ("1,234" and "1.234") their usual English readings decide."""
    if isinstance(first, Day) or isinstance(second, Day):
        return isinstance(first, Day) and isinstance(second, Day) and first.may_be(second)
    if first.unit and second.unit and first.unit != second.unit:
        return False
    if first.number == second.number:
        return True
    return (first.other == second.number and second.other is None) or (
        second.other == first.number and first.other is None
    )


def unit_agrees(asked: Quantity | Day, there: Quantity | Day) -> bool:
    """The answer's unit stands with the number on the page, or the answer names none."""
    return isinstance(asked, Day) or isinstance(there, Day) or not asked.unit or asked.unit == there.unit


def _plain(match: re.Match[str]) -> Found | None:
    words = match["words"]
    readings = (Decimal(english_number(words)), None) if words else _readings(match["digits"])
    if readings is None:
        return None
    number, other = readings
    factor = _SCALES.get(match["scale"] or "", 1) * (-1 if match["minus"] or match["inner"] else 1)
    unit = CANONICAL.get(match["before"] or match["after"] or "", "")
    return Found(Quantity(factor * number, None if other is None else factor * other, unit), match.start(), match.end())


def _korean(match: re.Match[str]) -> Found | None:
    written = match["digits"] or match["words"]
    if match["native"]:
        number: Decimal | None = Decimal(native_number(match["native"]))
    else:
        number = korean_number(written)
    if number is None or (match["digits"] is None and match["after"] is None):
        return None
    unit = CANONICAL.get(match["before"] or match["after"] or "", "")
    return Found(Quantity(number, None, unit), match.start(), match.end())


def _readings(digits: str) -> tuple[Decimal, Decimal | None] | None:
    """The usual reading and the other possible one; None for what only looks like a number ("3.2.1", an address).

    >>> _readings("1.234,50"), _readings("1,234"), _readings("3.2.1")
    ((Decimal('1234.50'), None), (Decimal('1234'), Decimal('1.234')), None)
    """
    digits = digits.replace("'", "")
    marks = [letter for letter in digits if letter in ".,"]
    if not marks:
        return Decimal(digits), None
    first, last = marks[0], marks[-1]
    grouped = _groups(digits, first)
    if first != last:
        head, _, tail = digits.rpartition(last)
        return (Decimal(f"{head.replace(first, '')}.{tail}"), None) if _groups(head, first) else None
    if len(marks) > 1:
        return (Decimal(digits.replace(first, "")), None) if grouped else None
    split = Decimal(digits.replace(",", "."))
    if not grouped:
        return split, None
    whole = Decimal(digits.replace(first, ""))
    return (whole, split) if first == "," else (split, whole)


def _groups(digits: str, mark: str) -> bool:
    """`mark` may part thousands: 1-3 digits, not a lone 0, before the first and exactly three behind each."""
    head, *tails = digits.split(mark)
    return 1 <= len(head) <= 3 and not head.startswith("0") and all(len(t) == 3 and t.isdigit() for t in tails)


def blanked(folded: str, found: Sequence[Found]) -> str:
    """The text with what was found overwritten, so that it is not read again; lengths stay."""
    parts, at = [], 0
    for item in found:
        parts += [folded[at : item.start], "_" * (item.end - item.start)]
        at = item.end
    return "".join([*parts, folded[at:]])
