"""A page as the finders see it: runs of words between wide gaps, the rows they form, and what is mere furniture.

Word order, lines and blocks are taken as given. Boxes are tight around the ink, so the size of the type and its base
line are worked out from which letters a word has. Nothing here knows a language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from sightline.core.media import Box, Word
from sightline.core.sample import Page

WIDE_GAP = 0.95
"""Gap between two words, in sizes of the type, from which on they belong to different runs (a blank is 0.3)."""
FEW_LETTERS = 4
"""Of so few the size is a guess."""
MARGIN = 0.07
"""Part of the page's height at its top and bottom where running heads stand."""
SIZED_WORDS = 5
"""Words of a run that its size is taken from."""
LARGE = 1.2
"""Times the ordinary size: type from which on nothing is a running head, such as a title that several slides share."""
LONG_PAGE = 150
"""Words from which on the type that 30 % of them reach counts as ordinary, for foot notes may be the larger part."""
_TALL, _LOW = 0.72, 0.21
_X_HEIGHT = 0.52
_HANGUL_TALL, _HANGUL_LOW = 0.80, 0.10
_HAS_TALL = re.compile(r"[A-ZÀ-ÞĀ-Žbdfhijklt0-9()\[\]/|%$€£&#!?]")
_HAS_LOW = re.compile(r"[gjpqyQ,;()\[\]/|@$]")
_HAS_SQUARE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff가-힣]")
_HAS_BODY = re.compile(r"[^\W_]|[%$€£&#]")
_FOLIO = re.compile(
    r"(page|p\.|pg\.?|seite|쪽|페이지)?\s*[-–—|(]*\s*(\d{1,6}|[ivxlc]{1,6})(\s*(/|of|die|-)\s*\d{1,6})?\s*[-–—|"
    r")]*\s*(쪽|"
    r"페이지)?",
    re.IGNORECASE,
)
_TORN = re.compile(r"(?:니다|십시오|습니다|입니다|는|은|를|을|에서|으로|다|의)[.,]?(?: |$)")
"""Opens a line only where words are broken at line ends."""
SYLLABLE = 1.3
"""Room for one more syllable and its full stop, in sizes of the type."""
SHORT_SHARE = 0.25
"""Least share of lines with such room where words are kept whole: a line ends anywhere within its last word."""
_HANGUL = re.compile(r"[가-힣]")
_DIGITS = re.compile(r"\d+")
_DOTS = "._…·‥"
_LEADER = re.compile(r"[.·…‥_]+")
_LEADER_TAIL = re.compile(r"[.·…‥_]{3,}$")


@dataclass(frozen=True, slots=True)
class Run:
    """Words `start` to `stop` of the page: one printed line, or the part of it between two wide gaps."""

    start: int
    stop: int
    text: str
    box: Box
    size: float
    """Of the type, in points, estimated."""
    base: float
    """Where its letters stand, in points from the page's top."""
    line: int
    block: int
    index: int
    """Place among the page's runs."""


@dataclass(frozen=True, slots=True)
class View:
    """One page, cut into runs. `runs` and `rows` keep the page's reading order; a row holds the runs that stand side by
    side, left to right, in one column of the page."""

    page: Page
    runs: tuple[Run, ...]
    rows: tuple[tuple[Run, ...], ...]
    row_of: dict[int, int]
    """Index of a run -> index of its row."""
    size: float
    """Of the page's ordinary words, in points."""
    spans: dict[int, tuple[float, float]]
    """Left and right edge of each block."""
    text: str
    """All words of the page, joined by blanks."""
    torn: bool = False
    """Whether lines may end in the middle of Korean words (`breaks_words`)."""
    furniture: frozenset[int] = field(default=frozenset())
    """Indices of runs that are running heads, folios or marginal notes: nothing is asked from them."""

    def words(self, start: int, stop: int) -> str:
        """The page's own words, joined by blanks."""
        return " ".join([word.text for word in self.page.words[start:stop]])

    def stands_once(self, words: str) -> bool:
        """Whether these words, as `words` gives them, tell one place of the page from all others."""
        return self.text.count(words) == 1

    def row(self, run: Run) -> tuple[Run, ...]:
        return self.rows[self.row_of[run.index]]

    def wraps(self, run: Run, after: Run) -> bool:
        """Whether the line had to end where it does: the first word of the next one had no room left in the block."""
        first = self.page.words[after.start].box
        return run.box.right + 0.25 * run.size + first.right - first.left > self.spans[run.block][1] - 0.1 * run.size

    def carried_on(self, run: Run) -> Run | None:
        """The run that stands below this one as the next line of a paragraph would, by place alone."""
        if run.index + 1 >= len(self.runs):
            return None
        after = self.runs[run.index + 1]
        close = 0 < after.base - run.base < 1.8 * max(run.size, after.size)
        alike = abs(after.size - run.size) < (0.15 if len(after.text) > FEW_LETTERS else 0.2) * run.size
        beside = after.box.left < run.box.right and after.box.right > run.box.left
        return after if close and alike and beside else None


def view(page: Page, heads: frozenset[str] = frozenset()) -> View:
    """Cut the page into runs and rows, leaving leader dots out; `heads` are texts known from other pages to be running
    heads."""
    runs = _runs(page.words)
    spans: dict[int, tuple[float, float]] = {}
    for run in runs:
        left, right = spans.get(run.block, (run.box.left, run.box.right))
        spans[run.block] = (min(left, run.box.left), max(right, run.box.right))
    size = _ordinary_size(runs)
    rows = _rows(runs)
    row_of = {run.index: i for i, row in enumerate(rows) for run in row}
    known = frozenset([run.index for run in runs if run.size < LARGE * size and _is_furniture(run, page, heads)])
    text = " ".join([word.text for word in page.words])
    return View(page, runs, rows, row_of, size, spans, text, furniture=known)


def breaks_words(views: Sequence[View]) -> bool:
    """Whether lines may end in the middle of a Korean word, without a hyphen.

    They do where one opens as no word does. They do not where lines stop short of the edge because the next word had no
    room, though a syllable of it had. In justified lines neither is seen: then they may.
    """
    ends = [end for view in views for end in _korean_line_ends(view)]
    short = sum(room for _, room in ends)
    return any(torn for torn, _ in ends) or short < SHORT_SHARE * len(ends)


def _korean_line_ends(view: View) -> Iterator[tuple[bool, bool]]:
    """Of each line of Hangul that the next line carries on: whether that one opens as no word does, and whether there
    was room for a syllable."""
    for before, run in pairwise(view.runs):
        if view.carried_on(before) is not run or run.block != before.block or not view.wraps(before, run):
            continue
        if _HANGUL.match(before.text[-1]) and _HANGUL.match(run.text):
            room = view.spans[run.block][1] - before.box.right
            yield _TORN.match(run.text) is not None, room > SYLLABLE * run.size


def _ordinary_size(runs: Sequence[Run]) -> float:
    """The size that half of the words of a short page do not pass, and 70 % of a long one's."""
    words = sum([run.stop - run.start for run in runs])
    left = int(words * (0.7 if words > LONG_PAGE else 0.5))
    for size, count in sorted([(run.size, run.stop - run.start) for run in runs]):
        left -= count
        if left < 0:
            return size
    return 0.0


def running_heads(pages: Sequence[Page]) -> frozenset[str]:
    """Texts (digits masked) that stand in the margins of two pages or more."""
    seen: dict[str, set[int]] = {}
    for page in pages if len(pages) > 1 else ():
        top, bottom = 2 * MARGIN * page.height, (1 - 2 * MARGIN) * page.height
        for run in _runs([word for word in page.words if word.box.bottom < top or word.box.top > bottom]):
            seen.setdefault(_masked(run.text), set()).add(page.index)
    return frozenset(text for text, indices in seen.items() if len(indices) > 1)


def _runs(words: Sequence[Word]) -> tuple[Run, ...]:
    runs: list[Run] = []
    start = 0
    for i in range(1, len(words) + 1):
        before = words[i - 1]
        if i < len(words) and _follows(before, words[i]):
            continue
        if i - start > 1 or not _LEADER.fullmatch(before.text):
            runs.append(_run(words, start, i, len(runs)))
        start = i
    return tuple(runs)


def _follows(before: Word, word: Word) -> bool:
    """Whether two words stand in one run: on one line, near, and with no leader dots between them."""
    if word.line != before.line:
        return False
    gap = word.box.left - before.box.right
    height = max(before.box.bottom - before.box.top, word.box.bottom - word.box.top)
    if gap < -height or (gap >= 0.5 * height and gap >= _widest(before, word)):
        return False
    if before.text[-1] not in _DOTS and word.text[0] not in _DOTS:
        return True
    return not (_LEADER.fullmatch(word.text) or _LEADER_TAIL.search(before.text) or _LEADER.fullmatch(before.text))


def _run(words: Sequence[Word], start: int, stop: int, index: int) -> Run:
    part = words[start:stop]
    lefts, tops, rights, bottoms = zip(*[word.box for word in part], strict=True)
    box = Box(min(lefts), min(tops), max(rights), max(bottoms))
    telling = [word for word in part[:SIZED_WORDS] if _has_body(word.text)] or part[:1]
    sized = sorted([_size_and_base(word) for word in telling])
    size, base = sized[len(sized) // 2]
    text = " ".join([word.text for word in part])
    return Run(start, stop, text, box, size, base, part[0].line, part[0].block, index)


def _size_and_base(word: Word) -> tuple[float, float]:
    """Size of the type and its base line, by which of the word's letters reach up and down."""
    tall, low = _reach(word.text)
    size = (word.box.bottom - word.box.top) / (tall + low)
    return size, word.box.bottom - low * size


@lru_cache(maxsize=1 << 15)
def _reach(text: str) -> tuple[float, float]:
    """How far a word's ink goes above and below the base line, in sizes of the type."""
    if _HAS_SQUARE.search(text):
        return _HANGUL_TALL, _HANGUL_LOW
    return _TALL if _HAS_TALL.search(text) else _X_HEIGHT, _LOW if _HAS_LOW.search(text) else 0.0


@lru_cache(maxsize=1 << 15)
def _has_body(text: str) -> bool:
    return _HAS_BODY.search(text) is not None


def _widest(before: Word, word: Word) -> float:
    """Gap from which on two words of a line stand apart."""
    parts = [part for part in (before, word) if _has_body(part.text)] or [before, word]
    return WIDE_GAP * max([_size_and_base(part)[0] for part in parts])


def _rows(runs: Sequence[Run]) -> tuple[tuple[Run, ...], ...]:
    rows: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: run.base):
        if rows and run.base - rows[-1][0].base < 0.35 * min(run.size, rows[-1][0].size):
            rows[-1].append(run)
        else:
            rows.append([run])
    whole = [part for row in rows for part in _parted(sorted(row, key=lambda run: run.box.left))]
    return tuple(sorted(whole, key=lambda row: row[0].index))


def _parted(row: Sequence[Run]) -> list[tuple[Run, ...]]:
    """A row over two columns of prose is two: their runs do not follow each other in reading order."""
    parts: list[list[Run]] = []
    for run in row:
        if parts and run.index == parts[-1][-1].index + 1:
            parts[-1].append(run)
        else:
            parts.append([run])
    return [tuple(part) for part in parts]


def _is_furniture(run: Run, page: Page, heads: frozenset[str]) -> bool:
    if not _in_margin(run.box, page, 2 * MARGIN):
        return False
    if _masked(run.text) in heads or _in_margin(run.box, page, MARGIN / 2):
        return True
    return _in_margin(run.box, page, MARGIN) and _FOLIO.fullmatch(run.text) is not None


def _in_margin(box: Box, page: Page, part: float) -> bool:
    return box.bottom < part * page.height or box.top > (1 - part) * page.height


def _masked(text: str) -> str:
    return _DIGITS.sub("0", text.casefold()).strip(" .|-–—")
