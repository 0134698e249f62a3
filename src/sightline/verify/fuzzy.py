"""The place on a page that reads almost like an answer: for OCR slips and small rewording, never for figures.

Two texts are alike when the page's words at the best alignment have an indel ratio of at least 0.85 with the answer,
each word of the answer has a mate there, and everything a small edit can falsify is the same on both sides: numbers
and their order, number words, months, units and negations.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from rapidfuzz import fuzz

from sightline.verify.folding import HANGUL, fold
from sightline.verify.numerals import ENGLISH
from sightline.verify.question_words import strip_particle
from sightline.verify.values import blanked, same_value, values_in

MIN_RATIO = 0.85
MIN_LETTERS = 6
"""Shorter answers are met exactly or not at all."""
MAX_LETTERS = 600
"""Longer ones too: an alignment costs their length times the page's."""
_MATE = 75.0
_SAME_WORDS = 90.0
_NEGATIONS = (
    r"\b(?:not|no|never|without|neither|nor|none|cannot|except|unless)\b|n't\b"
    + "|않|아니|아닌|없|못하|못한|못했|금지|불가|제외"
)
_MONTHS = r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b"
_HARD = re.compile(rf"[0-9]+|\b{ENGLISH}|{_MONTHS}|{_NEGATIONS}|[$€£¥₩%]|\b(?:usd|eur|gbp|krw|jpy|cny|kg|km|mg)\b")
_NEGATION = re.compile(_NEGATIONS)
_SOFT = re.compile(r"[^\w\s]+")
_WORD = re.compile(r"\S+")


class Window(NamedTuple):
    """folded[start:end] of the page, and how alike it is (0..1)."""

    start: int
    end: int
    ratio: float


def best_window(answer: str, needle: str, folded: str) -> Window | None:
    """The most similar whole-word window of `folded`, None where nothing is similar enough. `needle`: folded answer."""
    if len(needle) > MAX_LETTERS or sum(map(str.isalpha, needle)) < MIN_LETTERS:
        return None
    rough = fuzz.partial_ratio_alignment(needle, folded, score_cutoff=100 * MIN_RATIO - 10)
    if rough is None or len(needle) > len(folded):
        return None
    best = max(
        (
            Window(start, end, _ratio(needle, folded[start:end]))
            for start, end in _windows(folded, rough.dest_start, rough.dest_end)
        ),
        key=lambda window: window.ratio,
        default=None,
    )
    if best is None or best.ratio < MIN_RATIO:
        return None
    there = folded[best.start : best.end]
    if hard_tokens(needle) != hard_tokens(there) or not _all_mated(answer, there) or swapped(needle, there):
        return None
    return best


def negations(text: str) -> int:
    """How many negating words a text holds."""
    return len(_NEGATION.findall(fold(text)))


def hard_tokens(folded: str) -> Counter[str]:
    """What a small edit can falsify: numbers, number words, months, units and negations."""
    return Counter(_HARD.findall(folded))


def swapped(one: str, other: str) -> bool:
    """Two folded texts hold their values in another order among the same words: "from 10 to 20", "from 20 to 10"."""
    values, others = values_in(one), values_in(other)
    if len(values) != len(others) or all(same_value(a.value, b.value) for a, b in zip(values, others, strict=True)):
        return False
    bare = [re.sub("_+", "_", blanked(text, found)) for text, found in ((one, values), (other, others))]
    return fuzz.ratio(*bare) >= _SAME_WORDS


def _windows(folded: str, start: int, end: int) -> list[tuple[int, int]]:
    """The alignment widened to whole words, and that with one word more or less at either end."""
    first = folded.rfind(" ", 0, start + 1) + 1
    stop = folded.find(" ", max(end - 1, first))
    stop = len(folded) if stop < 0 else stop
    words = [match.span() for match in _WORD.finditer(folded, max(0, first - 40), min(len(folded), stop + 40))]
    begins = sorted({a for a, _ in words if abs(a - first) <= 40})
    ends = sorted({b for _, b in words if abs(b - stop) <= 40})
    near_begins = sorted(begins, key=lambda a: abs(a - first))[:4]
    near_ends = sorted(ends, key=lambda b: abs(b - stop))[:4]
    return sorted((a, b) for a in near_begins for b in near_ends if a < b)


def _ratio(needle: str, there: str) -> float:
    return fuzz.ratio(_SOFT.sub("", needle), _SOFT.sub("", there)) / 100


def _all_mated(answer: str, there: str) -> bool:
    """Every word of the answer has one like it in the window; words of up to three letters must be the same."""
    words = [_SOFT.sub("", word) for word in there.split()]
    for raw in answer.split():
        word = _SOFT.sub("", fold(raw))
        if HANGUL.search(word):
            stem = strip_particle(word)
            if (fuzz.partial_ratio(stem, there) if len(stem) >= 4 else 100.0 * (stem in there)) < _MATE:
                return False
        elif len(word) > 3:
            if max((fuzz.ratio(word, other) for other in words), default=0.0) < _MATE:
                return False
        elif word and word not in words:
            return False
    return True
