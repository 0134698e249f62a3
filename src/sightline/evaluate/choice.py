"""Which option a reply chose: by stated rules, with a state, and never by drawing lots.

States: `letter` (a letter or number of an option was stated), `text` (an option's words were given), `both` (they
agree), `ambiguous` (two options, or letter and words that disagree), `refused`, `none`. Only the first three are an
answer; all others count as wrong and are shown as a rate.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sightline.core.errors import InputError

State = Literal["letter", "text", "both", "ambiguous", "refused", "none"]
LETTERS = "ABCDEFGHIJ"

_CUE = (
    r"(?:the\s+)?(?:(?:correct|right|best|final|most likely|my)\s+)*(?:answer|option|choice|선택지|정답|답|선택)"
    r"(?:\s*(?:is|are|should be|would be|must be|will be|[:=은는이가]|number|option|choice|\())*"
)
_MARK = r"[\s\"'*_(\[{<`:=]*"
_LETTER = (
    r"(?P<l>[A-J])(?![\w'])"
    r"(?!(?<=[AI])[ \t]+(?!(?:is|was|as|and|or|but|because|since|for|which|seems|with|from)\b)[a-z])"
)
"""A letter of an option; in "Answer: a red bus" and "I say I cannot" it is a word."""
_CUED = re.compile(rf"(?<!\w){_CUE}{_MARK}{_LETTER}", re.I)
_VERB = re.compile(
    r"(?:choose|chose|select|pick|go with|going with|say|think it(?:'s| is))\s+(?:option\s+|answer\s+)?"
    rf"{_MARK}{_LETTER}",
    re.I,
)
_IS_RIGHT = re.compile(
    r"(?<![\w'])[(\[*]*(?P<l>[A-J])[)\].*]*\s+(?:is|seems|looks|would be|번?[이가]|[이가])\s*(?:the\s+)?"
    r"(?:correct|right|best|true|answer|정답|맞|옳|답)",
    re.I,
)
_KOREAN = re.compile(r"(?<![\w'])(?P<l>[A-Ja-j])\s*(?:번|입니다|이다|이에요|예요|가 정답|를 선택|을 선택|라고|로 하겠)")
_NUMBERED = re.compile(r"(?:정답|답|선택)[^\w\n]*(?:은|는)?[\s:(]*(?P<n>[1-9])\s*번|^\W*(?P<m>[1-9])\s*번")
_NUMBER = re.compile(
    r"(?:정답|답|선택|answer|option)[^\w\n]*(?:은|는|is)?[\s:(]*(?P<n>[1-9])\s*(?:\)|\.|$)|^\W*(?P<m>[1-9])\W*$", re.I
)
"""A number that counts the options, unless an option has a figure: "the answer is 2" is then an answer."""
_CIRCLED = re.compile("[①-⑨]")
_ALONE = re.compile(r"^\W*(?P<l>[A-J])\W*$", re.I)
_FIRST = re.compile(r"^[\s\"'*_(\[<]*(?P<l>[A-J])\s*(?:[)\].:,*\n-]|\s-)", re.I)
_BRACKETED = re.compile(
    r"[(\[{>]\s*(?P<l>[A-J])\s*[)\]}<]|(?<![\w'])(?P<m>[A-J])[).](?=\s)|\*\*(?P<n>[A-J])\b[^*]*\*\*"
)
_EITHER = re.compile(r"(?<![\w'])(?P<l>[A-J])\s*(?:or|and|/|,|또는|혹은)\s*(?P<m>[A-J])(?![\w'])")
_LAST_BARE = re.compile(r"(?:^|[\s:=>])(?P<l>[B-HJ])[.!]?\s*$")
_NEGATED = re.compile(
    r"(?:\b(?:(?:can)?not|(?:is|ca)n'?t|never|neither|nor|rule out|ruled out|exclude|eliminate|wrong:?|incorrect:?|"
    r"rather than|instead of|"
    r"except)\s+(?:(?:is|option|answer|choice|be|the|a)\s+)*[\"'(\[*]*(?P<l>[A-J])(?![\w'])"
    r"(?:[)\]*]*\s*(?:,|or|nor|and|/)\s*(?:or\s+|and\s+)?[\"'(\[*]*(?P<m>[A-J])(?![\w']))*)"
    r"|(?P<n>(?<![\w'])[A-J])[)\].]*\s*(?:is|are|was)\s+(?:not|wrong|incorrect|false|out\b)"
    r"|(?P<k>(?<![\w'])[A-Ja-j])[)\].]*\s*(?:번)?(?:은|는|이|가|도)?\s*(?:아니|아닙|아닌|틀|오답)",
    re.I,
)
_REFUSAL = re.compile(
    r"\b(?:i\s+(?:can(?:no|')t|cannot|am (?:not able|unable)|'m (?:not able|unable|sorry)|do(?:n't| not) know)|"
    r"as an ai|"
    r"unable to (?:answer|determine|see)|not enough information|no (?:image|video) (?:is|was)|"
    r"none of the (?:above|options))|"
    r"알 수 없|답할 수 없|모르겠|판단할 수 없|확인할 수 없|죄송",
    re.I,
)


class Choice(BaseModel):
    """What one reply chose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: State
    index: int | None = None
    """Of the option, from 0; None unless the state is letter, text or both."""


def extract(reply: str, options: Sequence[str]) -> Choice:
    """The option a reply states, English or Korean. Options count A, B, C ... or 1, 2, 3 ...

    >>> extract("It is not B, so the answer is (C).", ["red", "blue", "green"])
    Choice(state='letter', index=2)
    """
    if not 1 <= len(options) <= len(LETTERS):
        raise InputError(f"{len(options)} options", remedy=f"1 to {len(LETTERS)}")
    text = unicodedata.normalize("NFC", reply).strip()
    denied = {LETTERS.index(s.upper()) for m in _NEGATED.finditer(text) for s in re.findall(r"\b[A-Ja-j]\b", m[0])}
    stated = _stated(_without_denials(text), options)
    said = _said(text, options)
    if stated is None and not said and _REFUSAL.search(text):
        return Choice(state="refused")
    if stated is not None and len(stated) > 1:
        return Choice(state="ambiguous")
    letter = next(iter(stated)) if stated else None
    words = said - denied if letter is None else said
    if letter is not None:
        if not words or letter in words:
            return Choice(state="both" if letter in words else "letter", index=letter)
        return Choice(state="ambiguous") if _only_words(text, words, options) else Choice(state="letter", index=letter)
    if len(words) == 1:
        return Choice(state="text", index=next(iter(words)))
    if len(words) > 1:
        return Choice(state="ambiguous")
    left = set(range(len(options))) - denied
    return Choice(state="letter", index=left.pop()) if denied and len(left) == 1 else Choice(state="none")


def _without_denials(text: str) -> str:
    return _NEGATED.sub(lambda m: " " * len(m[0]), text)


def _stated(text: str, options: Sequence[str]) -> set[int] | None:
    """Options whose letter or number is stated, by the strongest rule that finds any; None for none."""
    count = len(options)
    either = _EITHER.search(text)
    if either and len(_inside(either.groups(), count)) == 2:
        return _inside(either.groups(), count)
    alone = _ALONE.match(text)
    if alone:
        return _inside([alone["l"]], count)
    for pattern in (_CUED, _IS_RIGHT, _VERB):
        found = [m["l"] for m in pattern.finditer(text) if m["l"].isupper() or _looks_stated(m[0])]
        if _inside(found, count):
            return _inside(found[-1:], count)
    patterns = (_NUMBERED,) if any(map(str.isdigit, "".join(options))) else (_NUMBERED, _NUMBER)
    numbers = [int(m["n"] or m["m"]) - 1 for pattern in patterns for m in pattern.finditer(text)]
    numbers += [ord(m[0]) - ord("①") for m in _CIRCLED.finditer(text)]
    inside = {n for n in numbers if 0 <= n < count}
    if inside:
        return inside
    korean = _inside([m["l"] for m in _KOREAN.finditer(text)], count)
    if korean:
        return korean
    first = _FIRST.match(text)
    if first and _inside([first["l"]], count):
        return _inside([first["l"]], count)
    for pattern in (_BRACKETED, _LAST_BARE):
        found = [next(g for g in m.groups() if g) for m in pattern.finditer(text)]
        if _inside(found, count):
            return _inside(found, count)
    return None


def _looks_stated(match: str) -> bool:
    """A small letter counts only behind a colon, bracket or quote: "the answer is a dog" states no option."""
    return re.search(r"[(\[:=\"'*]\s*[a-j]$", match) is not None


def _inside(letters: Sequence[str], count: int) -> set[int]:
    return {LETTERS.index(s.upper()) for s in letters if LETTERS.index(s.upper()) < count}


def _said(text: str, options: Sequence[str]) -> set[int]:
    """Options whose words appear as whole words; the longer option wins over one inside it."""
    folded = _fold(text)
    spans = []
    for i, option in enumerate(options):
        words = _fold(option)
        for m in re.finditer(rf"(?<!\w){re.escape(words)}(?![a-z0-9])", folded) if words else ():
            if not re.search(r"\b(?:not|isn't|never|no)\s+(?:the |a |an )?$", folded[: m.start()]):
                spans.append((m.start(), m.end(), i))
    return {
        i for start, end, i in spans if not any(s <= start and end <= e and (s, e) != (start, end) for s, e, _ in spans)
    }


def _only_words(text: str, words: set[int], options: Sequence[str]) -> bool:
    """Is a single other option's text given right beside the letter, as in "B) green" where green is C?"""
    if len(words) != 1:
        return False
    return (
        re.fullmatch(rf".{{0,40}}?[A-Ja-j][).:\s-]*{re.escape(_fold(options[next(iter(words))]))}\W*", _fold(text))
        is not None
    )


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).lower().split()).strip(" .\"'")
