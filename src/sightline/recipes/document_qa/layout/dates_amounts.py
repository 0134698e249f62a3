"""Dates and amounts inside sentences: the sentence's opening words identify the one date or amount in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from sightline.core.media import Word
from sightline.recipes.document_qa.layout.fact import Fact
from sightline.recipes.document_qa.layout.values import AMOUNT, DATE
from sightline.recipes.document_qa.layout.view import View
from sightline.recipes.document_qa.layout.words import ABBREVIATIONS

_RANGES = frozenset(["to", "and", "or", "through", "between", "-", "–", "~", "부터", "및"])
"""Words beside a date or amount that is only one end of a range."""
OPENING_WORDS = 9
MIN_OPENING = 3
MIN_SENTENCE = 6
MAX_SENTENCE = 60
_HANGUL = "가"
"""From here on letters do not show whether they open a sentence: it must follow another in its block."""
_DIGIT = re.compile(r"\d")
_END = re.compile(r"[.?!][\"”’)\]]*\d{0,3}$")
_NUMBERED = re.compile(r"(?:\(?\d{1,3}[.)]?|\([가-하a-z]\)) ")


def dates_amounts(view: View) -> list[Fact]:
    """Facts of sentences that hold exactly one date, or exactly one amount, after their opening words."""
    facts = []
    for start, stop in _sentences(view):
        text = view.words(start, stop)
        if not _DIGIT.search(text):
            continue
        for style, pattern in (("date", DATE), ("amount", AMOUNT)):
            found = list(pattern.finditer(text))
            if len(found) != 1:
                continue
            fact = _fact(view, start, text, found[0], style)
            if fact is not None:
                facts.append(fact)
    openings = Counter(fact.slots for fact in facts)
    return [fact for fact in facts if openings[fact.slots] == 1]


def _fact(view: View, start: int, text: str, match: re.Match[str], style: str) -> Fact | None:
    before = text[: match.start()].split()
    if len(before) < MIN_OPENING or (match.start() and not text[match.start() - 1].isspace()):
        return None
    answer = text[match.start() : match.end()]
    rest = text[match.end() :]
    after = rest.split()
    if any(map(str.isalnum, rest.split(" ", 1)[0])) or before[-1] in _RANGES or (after and after[0] in _RANGES):
        return None
    first = start + len(before)
    last = first + len(answer.split())
    opening = view.words(start, min(first, start + OPENING_WORDS))
    readable = any(map(str.isalpha, opening)) and ":" not in opening and opening[0] not in "[(*†"
    if not readable or _NUMBERED.match(opening) or not view.stands_once(opening):
        return None
    cut = first - start > OPENING_WORDS
    return Fact(style, f"{style}-in-sentence", (("opening", opening + (" ..." if cut else "")),), first, last, rank=1)


def _sentences(view: View) -> Iterator[tuple[int, int]]:
    """Word ranges of whole sentences: each opens a block or follows a full stop, and ends with one."""
    words = view.page.words
    furniture = {i for run in view.runs if run.index in view.furniture for i in range(run.start, run.stop)}
    start: int | None = None
    for i, word in enumerate(words):
        if i in furniture:
            start = None
            continue
        if i == 0 or words[i - 1].block != word.block or _breaks(view, words[i - 1], word):
            start = i if _opens(word.text) and word.text[0] < _HANGUL else None
        if (
            ("." in word.text or word.text[-1] in '?!"”’)')
            and _END.search(word.text)
            and not _abbreviation(word.text, i == start)
        ):
            after = words[i + 1] if i + 1 < len(words) else None
            ends = after is None or after.block != word.block or _opens(after.text)
            if after is not None and word.text[:-1].isdigit() and after.text[0].isdigit():
                ends = False
            if ends:
                if start is not None and MIN_SENTENCE <= i + 1 - start <= MAX_SENTENCE:
                    yield start, i + 1
                start = i + 1 if after is not None and after.block == word.block else None


def _breaks(view: View, before: Word, word: Word) -> bool:
    """A line that ends although the next word had room in it ends what it says, as a heading does."""
    if word.line == before.line:
        return False
    size = before.box.bottom - before.box.top
    return before.box.right + 0.5 * size + word.box.width < view.spans[word.block][1] - size


def _opens(text: str) -> bool:
    bare = text.lstrip("\"“‘'([「『")
    return bare[:1].isupper() or bare[:1].isdigit() or (bare[:1].isalpha() and not bare[0].islower())


def _abbreviation(text: str, opening: bool) -> bool:
    """A full stop that ends no sentence; "3." does not where it numbers an item."""
    bare = text.lstrip("\"“‘'([").casefold()
    return bare in ABBREVIATIONS or re.fullmatch(r"(?:[a-z]\.)+", bare) is not None or (opening and bare[:-1].isdigit())
