"""Whole sentences of a page's prose, and which parts of them may be repeated in a question.

A sentence opens a block or follows a full stop, and ends with one. What a line end broke in two ("se- lected", a Korean
word set without a hyphen) cannot be told from what stands there, so nothing is taken across such a line end.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

from sightline.core.media import Word
from sightline.recipes.document_qa.layout.view import View
from sightline.recipes.document_qa.layout.words import ABBREVIATIONS

MIN_WORDS = 4
MAX_WORDS = 60
OPENING_WORDS = 9
MIN_OPENING = 3
_HANGUL = re.compile(r"[가-힣]")
_END = re.compile(r"[.?!][\"”’)\]]*$|[^\W\d][.?!][\"”’)\]]*\d{1,3}$")
"""The mark of a footnote may stand behind a full stop, not behind that of "v4.1.0"."""
_PARTICLE = re.compile(r" [은는이가을를의에도와과로]$")
"""Set apart from its noun."""
_STOPS = frozenset('.?!"”’)]0123456789')
_LETTERED = re.compile(r"(?:[a-z]\.)+")
_NUMBERED = re.compile(r"(?:\(?\d{1,3}[.)]?|\([가-하a-z]\)) |\d+[가-힣]|[A-Za-z]\. ")
_RAISED = re.compile(r"[⁰¹²³⁴-⁹]+")
QUOTE = re.compile(r"[\"“”‘„]")
"""In an opening it would not survive the quotation marks around it."""
_GARBLED = re.compile(r"[ðÞþ¼½¾\ufffd]|b ’|\.\s?\.\s?\.|[=<>{}|\\]|…")


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words `start` to `stop`; `text` is them joined by blanks."""

    view: View
    start: int
    stop: int
    text: str
    ends: tuple[int, ...]
    """Where each of its words ends in `text`."""

    def place(self, begin: int, end: int) -> tuple[int, int]:
        """Words of the page that text[begin:end] touches."""
        return self.start + bisect_right(self.ends, begin), self.start + bisect_right(self.ends, end - 1) + 1

    def whole(self, begin: int, end: int) -> bool:
        """No word of text[begin:end] is broken in two by a line end."""
        first, stop = self.place(begin, end)
        return not any(parted(self.view, i) for i in range(first + 1, stop))

    def opening(self, end: int) -> str | None:
        """The words that tell this sentence from the page's others, before text[end]; None where there are none."""
        first, _ = self.place(end, end + 1)
        stop = min(first, self.start + OPENING_WORDS)
        while stop - self.start >= MIN_OPENING and (
            not self.whole(0, self.ends[stop - self.start - 1])
            or (stop < len(self.view.page.words) and parted(self.view, stop))
        ):
            stop -= 1
        words = self.view.words(self.start, stop)
        readable = stop - self.start >= MIN_OPENING and any(map(str.isalpha, words)) and ":" not in words
        if (
            not readable
            or words[0] in "[(*†"
            or QUOTE.search(words)
            or _NUMBERED.match(words)
            or _PARTICLE.search(words)
            or words.count("(") != words.count(")")
            or any(is_mark(self.view, i) for i in range(self.start, stop))
            or not self.view.stands_once(words)
        ):
            return None
        return words + (" ..." if stop < first else "")


def sentences(view: View) -> Iterator[Sentence]:
    """The page's sentences in reading order, without those that hold code, formulas or broken letters."""
    for start, stop in _spans(view):
        text = view.words(start, stop)
        if not _GARBLED.search(text):
            ends = tuple(accumulate([len(word.text) + 1 for word in view.page.words[start:stop]]))
            yield Sentence(view, start, stop, text, ends)


def _spans(view: View) -> Iterator[tuple[int, int]]:
    words = view.page.words
    furniture = {i for run in view.runs if run.index in view.furniture for i in range(run.start, run.stop)}
    cells = {run.start for before, run in pairwise(view.runs) if before.line == run.line}
    start: int | None = None
    for i, word in enumerate(words):
        if i in cells:
            start = None  # what stands beside is another cell
        if i in furniture:
            start = None
            continue
        before = words[i - 1] if i else None
        if before is None or before.block != word.block or (before.line != word.line and _breaks(view, before, word)):
            start = i if _opens(word.text) and (not _HANGUL.match(word.text) or _fresh(view, i, furniture)) else None
        if word.text[-1] in _STOPS and _stops(word.text, i == start):
            after = words[i + 1] if i + 1 < len(words) else None
            ends = after is None or after.block != word.block or _opens(after.text)
            if after is not None and word.text[:-1].isdigit() and after.text[0].isdigit():
                ends = False
            if ends:
                if start is not None and MIN_WORDS <= i + 1 - start <= MAX_WORDS:
                    yield start, i + 1
                start = i + 1 if after is not None and after.block == word.block else None


def _fresh(view: View, i: int, furniture: set[int]) -> bool:
    """What stands before the word has ended: with a full stop, or short of the edge as a heading does. Letters of
    Hangul do not show whether they open a sentence, and a line that stops short may have done so within a word. What
    stands first on a page may go on from the page before."""
    words = view.page.words
    if furniture.issuperset(range(i)):
        return False
    before = words[i - 1]
    if before.text[-1] in ".?!:":
        return True
    if view.torn and before.block == words[i].block:
        return False
    return _breaks(view, before, words[i]) or before.text.isdigit()


def _breaks(view: View, before: Word, word: Word) -> bool:
    """A line that ends although the next word had room in it ends what it says, as a heading does."""
    if word.line == before.line:
        return False
    size = before.box.bottom - before.box.top
    return before.box.right + 0.5 * size + word.box.width < view.spans[before.block][1] - size


def _stops(text: str, opening: bool) -> bool:
    return ("." in text or text[-1] in '?!"”’)') and _END.search(text) is not None and not _abbreviation(text, opening)


def _opens(text: str) -> bool:
    bare = text.lstrip("\"“‘'([「『")
    return bare[:1].isupper() or bare[:1].isdigit() or (bare[:1].isalpha() and not bare[0].islower())


def _abbreviation(text: str, opening: bool) -> bool:
    """A full stop that ends no sentence; "3." does not where it numbers an item."""
    bare = text.lstrip("\"“‘'([").casefold()
    return bare in ABBREVIATIONS or _LETTERED.fullmatch(bare) is not None or (opening and bare[:-1].isdigit())


def whole_page(view: View) -> Sentence:
    """The page's text as if it were one sentence, for what is told by its letters alone."""
    words = view.page.words
    return Sentence(view, 0, len(words), view.text, tuple(accumulate([len(word.text) + 1 for word in words])))


def first_sentence(view: View, start: int, limit: int) -> int | None:
    """The word after the first full stop at most `limit` words behind `start`; None where it is not in the block, or a
    word before it is broken in two."""
    words = view.page.words
    for i in range(start, min(len(words), start + limit)):
        word = words[i]
        if word.block != words[start].block:
            return None
        if i > start and parted(view, i):
            return None
        if _stops(word.text, False):
            return i + 1
    return None


def is_mark(view: View, i: int) -> bool:
    """A word that is the raised figure of a footnote: no higher than three quarters of the words beside it."""
    word = view.page.words[i]
    if _RAISED.fullmatch(word.text):
        return True
    beside = [other.box.height for other in view.page.words[max(0, i - 3) : i + 4] if other.text[0].isupper()]
    small = bool(beside) and word.box.height < 0.75 * max(beside)
    return word.text.isdecimal() and len(word.text) <= 2 and small


def parted(view: View, i: int) -> bool:
    """A line end breaks a word in two: word i - 1 and word i are one."""
    before, word = view.page.words[i - 1], view.page.words[i]
    if word.line == before.line:
        return False
    if before.text[-1] in "-\u00ad\u2010–":
        return True
    return view.torn and _HANGUL.match(before.text[-1]) is not None and _HANGUL.match(word.text) is not None


def ends_inside(text: str) -> bool:
    """A sentence ends within the text and another begins.

    >>> ends_inside("Ann Bell, PhD. Licence 12"), ends_inside("Dr. Bell, St. Ives"), ends_inside("문을 닫습니다. 참고")
    (True, False, True)
    """
    words = text.split()
    return any(
        word[-1] in ".?!" and len(word) > 2 and _stops(word, at == 0) and _opens(after)
        for at, (word, after) in enumerate(pairwise(words))
        if any(map(str.isalpha, word))
    )
