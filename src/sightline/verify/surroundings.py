"""Does the question point at the place where the answer was found? A changed number that happens to stand elsewhere
on the page is found all right; only its surroundings give it away."""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

from sightline.core.media import Box, Evidence
from sightline.verify.page_index import PageIndex
from sightline.verify.question_words import Anchor, anchors

ABSENT_WEIGHT = 0.6
"""What a question word that stands nowhere on the page counts against one that does: it may be the asker's own word."""
SHORT_FORMS = {"telephone": ("tel", "phone"), "phone": ("tel",), "email": ("e-mail",), "e-mail": ("email",)}
"""What a page may say for a word of the question."""
_NEAR_WORDS, _WINDOW_WORDS = 12, 40
_PASSAGE_WORDS = 4
"""A quoted run longer than this is a passage, not the label of a row or column."""
_ROW = 0.5
"""Share of the lower height that two boxes of one row have in common."""
WHOLE = 0.95
LAST_COLUMN = 10.0
"""Reach of a head with none behind it, in heights of its line."""
_CELL_GAP = 0.9
"""A gap wider than this share of the line's height parts two cells; a blank is about 0.3."""


def support(question: str, evidence: Evidence, index: PageIndex) -> float:
    """How well the question points at the boxes of `evidence`, 0..1; 1.0 where it points with nothing.

    What it points with is each phrase it quotes, else its content words. Each counts by its nearest place: same line or
    within 12 words 1.0; same row 0.9; right above 1.0 to 0.8; head of the same column 0.7; within 40 words 0.6;
    elsewhere 0. Around a table cell, words of other rows count in its column only, else 0.2 (a quoted passage right
    before or after: 1.0). Words nowhere on the page
    weigh 0.6 of the others. Several phrases ("row", "column") count by the mean of
    their mean and their minimum: one that points elsewhere weighs more than one that fits.
    """
    inside = frozenset(
        number for number, word in enumerate(index.page.words) if any(_within(word.box, box) for box in evidence.boxes)
    )
    if not inside:
        return 0.0
    return support_at(anchors(question), min(inside), max(inside), index)


def support_at(pointers: tuple[Anchor, ...], first: int, last: int, index: PageIndex) -> float:
    """`support` for the words first..last of the page."""
    spot = _Spot(first, last, _is_cell(first, last, index), _first_line(first, last, index))
    values = [_pointing(anchor, spot, index) for anchor in pointers]
    if not values:
        return 1.0
    return (sum(values) / len(values) + min(values)) / 2


class _Spot(NamedTuple):
    first: int
    last: int
    cell: bool
    box: Box
    """Around the words of its first line."""


def _pointing(anchor: Anchor, spot: _Spot, index: PageIndex) -> float:
    runs = index.runs_of(anchor.phrase) if anchor.phrase else ()
    if runs:
        return max(_nearness(run[0], run[1], spot, index) for run in runs)
    gained = weight = 0.0
    for stem in anchor.stems:
        places = [place for form in (stem, *SHORT_FORMS.get(stem, ())) for place in index.words_with(form)]
        if not places:
            weight += ABSENT_WEIGHT
            continue
        weight += 1.0
        gained += max(_nearness(place, place, spot, index) for place in places)
    return gained / weight


def _nearness(begin: int, end: int, spot: _Spot, index: PageIndex) -> float:
    """How near the words begin..end stand."""
    words = index.page.words
    word, final, start, stop = words[begin], words[end], words[spot.first], words[spot.last]
    here = spot.box
    if _overlap(final.box.top, final.box.bottom, here.top, here.bottom) >= _ROW:
        return 1.0 if final.line == start.line or end == spot.first - 1 else 0.9
    if start.line <= word.line <= stop.line:
        return 1.0
    best = _reading_distance(begin, end, spot, word.block == start.block)
    left, right = min(word.box.left, final.box.left), max(word.box.right, final.box.right)
    if word.box.bottom <= here.top + 0.3 * here.height:
        lines = (here.top - final.box.bottom) / max(here.height, 1.0)
        if _overlap(left, right, here.left, here.right):
            return max(best, 1.0 if lines <= 1.0 else 0.8 if lines <= 3.0 else 0.7)
        if spot.cell and left < here.left and _overlap(left, _next_left(end, index), here.left, here.right) >= WHOLE:
            return max(best, 0.7)
    return best


def _next_left(end: int, index: PageIndex) -> float:
    """Where the column of a head ends that is set flush left: before the next head of its line, or ten heights on."""
    words = index.page.words
    box = words[end].box
    following = words[end + 1] if end + 1 < len(words) else None
    if following is not None and following.line == words[end].line:
        return max(following.box.left, box.right)
    return box.right + LAST_COLUMN * box.height


def _reading_distance(begin: int, end: int, spot: _Spot, same_block: bool) -> float:
    gap = spot.first - end if end < spot.first else begin - spot.last
    if spot.cell:  # a heading behind its number looks like one; the passage right below it is no label of a row
        return 1.0 if gap == 1 and end - begin >= _PASSAGE_WORDS else 0.2
    if gap <= _NEAR_WORDS and (same_block or begin != end or gap == 1):
        return 1.0
    return 0.6 if gap <= _WINDOW_WORDS and (same_block or begin != end) else 0.0


def _first_line(first: int, last: int, index: PageIndex) -> Box:
    words = index.page.words
    boxes = [word.box for word in words[first : last + 1] if word.line == words[first].line]
    return reduce(Box.union, boxes)


def _is_cell(first: int, last: int, index: PageIndex) -> bool:
    """The words stand alone in a row with others: wide gaps on both sides."""
    words = index.page.words
    beside = False
    for inner, outer in ((first, first - 1), (last, last + 1)):
        if not 0 <= outer < len(words) or not any(map(str.isalnum, words[outer].text)):
            continue  # a bullet is no cell
        here, there = words[inner].box, words[outer].box
        if _overlap(here.top, here.bottom, there.top, there.bottom) < _ROW:
            continue
        if max(there.left - here.right, here.left - there.right) <= _CELL_GAP * max(here.height, 1.0):
            return False
        beside = True
    return beside


def _overlap(low: float, high: float, other_low: float, other_high: float) -> float:
    """Shared length over the shorter one, 0..1."""
    shared = min(high, other_high) - max(low, other_low)
    return max(0.0, shared / max(min(high - low, other_high - other_low), 1e-6))


def _within(inner: Box, outer: Box) -> bool:
    """The middle of `inner` lies in `outer`."""
    x, y = (inner.left + inner.right) / 2, (inner.top + inner.bottom) / 2
    return outer.left <= x <= outer.right and outer.top <= y <= outer.bottom
