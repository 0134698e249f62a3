"""Where a match may begin and end: never inside a number, never inside a word, so that "5" is not found in "2015"."""

from __future__ import annotations

import re

from sightline.verify.folding import is_cjk
from sightline.verify.units import AFTER, BEFORE

_UNIT = re.compile(rf"(?:{AFTER}|st|nd|rd|th)(?![a-z0-9])")
_CURRENCY = re.compile(rf"(?:^|[^a-z0-9])(?:{BEFORE})$")
_WINDOW = 16
"""Letters looked at on each side of a match to recognise a unit."""


def stands_alone(text: str, start: int, end: int) -> bool:
    """text[start:end] is cut out of no number, Latin word or identifier. A unit or currency may touch a number
    ("529.87EUR"), a Hangul or Han letter may touch anything (particles, compounds)."""
    return _begins(text, start) and _ends(text, end)


def _begins(text: str, start: int) -> bool:
    if start == 0:
        return True
    first, before = text[start], text[start - 1]
    further = text[start - 2] if start > 1 else " "
    if first.isdigit():
        if before.isdigit() or (before in ".,:/" and further.isdigit()):
            return False
        if before == "-":
            return further.isalnum()
        if _is_letter(before):
            return _CURRENCY.search(text[max(0, start - _WINDOW) : start]) is not None
        return True
    if _is_letter(first):
        return not _is_letter(before) and not (before.isdigit() and _UNIT.match(text, start) is None)
    return True


def _ends(text: str, end: int) -> bool:
    if end == len(text):
        return True
    last, after = text[end - 1], text[end]
    further = text[end + 1] if end + 1 < len(text) else " "
    if last.isdigit():
        if after.isdigit() or (after in ".,:/" and further.isdigit()):
            return False
        return not _is_letter(after) or _UNIT.match(text, end) is not None
    if _is_letter(last):
        return not _is_letter(after) and not after.isdigit()
    return True


def _is_letter(letter: str) -> bool:
    return (letter.isalpha() or letter == "_") and not is_cjk(letter)
