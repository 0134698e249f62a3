"""Is the answer all of what stands at its place, or was it cut off? And does the page deny it there?"""

from __future__ import annotations

import re

from sightline.core.media import Word
from sightline.verify.dates import Day
from sightline.verify.folding import HANGUL, fold, is_cjk
from sightline.verify.page_index import PageIndex
from sightline.verify.question_words import is_particle
from sightline.verify.values import Found

_DANGLING = re.compile(
    r"\b(?:of|the|a|an|and|or|to|for|with|in|on|at|by|from|as|than|that|which|per|between|its|their|is|are|was|were)$"
    r"|[-,(\[/:&]$|(?:및|또는|그리고|의)$"
)
_PARTS = re.compile(r"\byear|\bmonth|\bday\b|연도|년도|몇년|몇월|며칠|월은|year")
_DENIED_BEFORE = re.compile(r"(?:\b(?:not|no|never|without|neither|nor|cannot)|n't)\s(?:\w+\s)?$")
_DENIED_BEHIND = re.compile(r"^[가-힣]{0,2}지(?:는|도)?(?:않|못)|^(?:이|가|은|는)?(?:아니|아닌|없)")
_ADDRESS_BEHIND = re.compile(r"@|[.](?=[a-z])")
_ADDRESS_BEFORE = re.compile(r"@$|[a-z][.]$")
_SCALED = re.compile(r"[0-9]|[십백천만억조]|thousand|million|billion|trillion")
_NUMBERING = re.compile(r"[(\[]?[0-9]+(?:[.-][0-9]+)*[.)\]]?")
_COLONS = (":", "：")
_STOPS = (*_COLONS, ".", ",", ";", "?", "!", "|")
_SHORT_BLOCK_LINES = 2
_LINE_WORDS = 7
"""A line of more words is prose, and what begins it no cell of its own."""
_GAP = 0.9
"""A gap wider than this share of the line's height parts two cells; a blank is about 0.3."""
_WORDS_BEFORE = 24
"""Words looked back for the beginning of a block: as many as 24 letters can be."""


def cut_off(question: str, answer: str, start: int, end: int, index: PageIndex) -> bool:
    """folded[start:end], where `answer` was found, goes on: inside a number, date or word, behind a dangling
    preposition, or to the end of a name or of a short line's cell."""
    said = fold(answer)
    if _DANGLING.search(said) and end < len(index.folded):
        return True
    mine, there = said.split(), index.folded[start:end].split()
    if mine and there and there[-1] != mine[-1] and there[-1].startswith(mine[-1]):
        return True
    if said.count("(") > said.count(")") or said.count("[") > said.count("]"):
        return True
    if any(_cuts(found, start, end, question, index.folded) for found in index.values):
        return True
    return _cuts_word(start, end, index) or _cuts_phrase(start, end, index)


def denied(start: int, end: int, index: PageIndex) -> bool:
    """A negation of the same block outside the match turns it: "not [approved]", "[승인]되지 않았다"."""
    words = index.page.words
    first = opening = index.word_at(start)
    while opening > 0 and first - opening < _WORDS_BEFORE and words[opening - 1].block == words[first].block:
        opening -= 1
    before = index.folded[max(index.span_of(opening, opening)[0], start - 24) : start]
    return _DENIED_BEFORE.search(before) is not None or _DENIED_BEHIND.search(index.folded[end : end + 8]) is not None


def _cuts(found: Found, start: int, end: int, question: str, text: str) -> bool:
    if not (found.start < end and start < found.end) or (start <= found.start and found.end <= end):
        return False
    if isinstance(found.value, Day):
        return _PARTS.search(fold(question)) is None
    before = text[found.start : start] if _SCALED.match(text, start) else ""
    return _SCALED.search(before + " " + text[min(found.end, end) : found.end]) is not None


def _cuts_word(start: int, end: int, index: PageIndex) -> bool:
    """Hangul goes on behind the answer with more than a particle, or an address or file name goes on."""
    if _ADDRESS_BEHIND.match(index.folded, end) or _ADDRESS_BEFORE.search(index.folded[max(0, start - 2) : start]):
        return True
    if end >= len(index.folded) or not is_cjk(index.folded[end - 1]):
        return False
    stop = index.span_of(index.word_at(end - 1), index.word_at(end - 1))[1]
    rest = "".join(re.findall(r"^[가-힣]+", index.folded[end:stop]))
    return bool(rest) and not is_particle(rest)


def _cuts_phrase(start: int, end: int, index: PageIndex) -> bool:
    """The answer begins where a cell of a short line begins and stops before that cell does, or parts a name."""
    words = index.page.words
    first, last = index.word_at(start), index.word_at(end - 1)
    following = words[last + 1] if last + 1 < len(words) else None
    if following is None or not _runs_on(words[last], following) or end < index.span_of(last, last)[1]:
        return False
    if _is_name(words[last].text) and _is_name(following.text) and not HANGUL.search(words[last].text):
        return True
    if first and words[first - 1].line == words[first].line:
        return _is_label(words[first - 1].text) or not _runs_on(words[first - 1], words[first])
    if index.lines_in(words[last].block) > _SHORT_BLOCK_LINES:
        return False
    beyond = words[first + _LINE_WORDS] if first + _LINE_WORDS < len(words) else None
    return beyond is None or beyond.line != words[first].line


def _runs_on(word: Word, following: Word) -> bool:
    """Both stand in one cell of one line, no punctuation between."""
    if word.line != following.line or word.text.endswith(_STOPS) or following.text.endswith(_COLONS):
        return False
    if following.text[0] in "([":  # an aside, such as the short form of the name
        return False
    gap = following.box.left - word.box.right
    return gap <= _GAP * max(word.box.height, 1.0) and any(map(str.isalnum, following.text))


def _is_label(text: str) -> bool:
    """The word before ends a label: "Total:", "3.2.1", "(4)"."""
    return text.endswith((*_COLONS, ".", ")")) or _NUMBERING.fullmatch(text) is not None


def _is_name(text: str) -> bool:
    return text[:1].isupper() and text[1:2].islower()
