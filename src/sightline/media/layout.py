"""From words with boxes to reading order: lines, columns and blocks. Knows geometry only, no language and no font.

1. Words that follow each other on one line with a normal gap form a run.
2. A gutter is a vertical strip beside a left edge that several runs share, with prose on both sides; runs that cross it
   (titles, wide tables) cut the page into bands. Each band is read left side first, and each side is looked at again.
   Tables have no prose on both sides of a gap, so their rows stay lines.
3. What is not cut any further is read row by row; a wider step between rows begins a new block.
Words turned on the page (a label along an axis) are arranged by themselves, after the upright ones.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Set
from itertools import pairwise, repeat
from operator import attrgetter
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sightline.core.media import Box, Word

Floats = npt.NDArray[np.float64]

WORD_SPACE = 0.8
"""Widest gap between words of one run that follow each other in the file, in line heights."""
STRAY_SPACE = 0.35
"""Widest gap between runs of one line that do not follow each other in the file, in line heights."""
SAME_LINE = 0.4
"""Two words stand on one line if their middles differ by less than this many line heights."""
GUTTER = 0.4
"""Least width of a gutter, in line heights."""
PROSE_WORDS = 3
PROSE_WIDTH = 6.0
"""A run is prose from this many words and this many line heights of width."""
PROSE_SHARE = 0.6
"""Least share of a column's run widths that is prose."""
COLUMN_RUNS = 3
"""Least number of prose runs of a column, and of runs that begin at its left edge."""
BLOCK_STEP = 1.35
"""A step from row to row that is this much larger than the smaller one beside it begins a new block ..."""
LINE_STEP = 1.25
"""... unless it is no more than this many line heights."""
FAR_STEP = 2.2
"""A step of this many line heights begins a new block in any case."""
SIZE_CHANGE = 1.3
"""A change of line height by this factor begins a new block (a heading)."""


_tuple: Any = tuple.__new__
"""Makes a named tuple out of its class and a tuple: a third of the time that calling the class takes."""


class _Run:
    """Words in a row; edges in the frame in which they are upright. `spelled` of them are no leader dots."""

    __slots__ = ("bottom", "height", "left", "middle", "right", "spelled", "top", "words")

    def __init__(self, edges: list[float], height: float, words: list[int], spelled: int) -> None:
        self.left, self.top, self.right, self.bottom = edges
        self.height = height
        self.middle = (self.top + self.bottom) / 2
        self.words = words
        self.spelled = spelled

    def take(self, other: _Run) -> None:
        self.right = max(self.right, other.right)
        self.top = min(self.top, other.top)
        self.bottom = max(self.bottom, other.bottom)
        self.height = max(self.height, other.height)
        self.words += other.words
        self.spelled += other.spelled

    def beside(self, other: _Run) -> bool:
        taller = self.height if self.height > other.height else other.height
        return abs(self.middle - other.middle) < SAME_LINE * taller


_MIDDLE, _LEFT = attrgetter("middle"), attrgetter("left")


class Order(NamedTuple):
    """Reading order of n words: which word comes when, and the line and block it stands in."""

    places: list[int]
    lines: list[int]
    blocks: list[int]

    def words(self, texts: list[str], boxes: Floats) -> tuple[Word, ...]:
        """The words `texts` with `boxes` (n, 4), both in the order they were given to `reading_order`."""
        in_order = map(_tuple, repeat(Box), boxes[self.places].tolist())
        spelled = map(texts.__getitem__, self.places)
        return tuple(map(_tuple, repeat(Word), zip(spelled, in_order, self.lines, self.blocks, strict=True)))

    def without(self, lines: Set[int]) -> Order:
        """The order less these lines; lines and blocks counted from 0 again without holes."""
        kept = [(place, line, block) for place, line, block in zip(*self, strict=True) if line not in lines]
        numbers = {line: at for at, line in enumerate(dict.fromkeys(line for _, line, _ in kept))}
        counts = {block: at for at, block in enumerate(dict.fromkeys(block for _, _, block in kept))}
        return Order(
            [place for place, _, _ in kept],
            [numbers[line] for _, line, _ in kept],
            [counts[block] for _, _, block in kept],
        )


def arrange(texts: list[str], boxes: Floats, heights: Floats, turns: npt.NDArray[np.int64]) -> tuple[Word, ...]:
    """Words in reading order with their lines and blocks.

    boxes: (n, 4) left, top, right, bottom; heights: (n,) line heights in the same unit; turns: (n,) 0, 90, 180 or 270.
    """
    return reading_order(texts, boxes, heights, turns).words(texts, boxes)


def reading_order(texts: list[str], boxes: Floats, heights: Floats, turns: npt.NDArray[np.int64]) -> Order:
    """The same without making the words."""
    order = Order([], [], [])
    line = block = 0
    angles, counts = np.unique(turns, return_counts=True)
    for turn in angles[np.argsort(-counts, kind="stable")].tolist():
        places = np.flatnonzero(turns == turn)
        runs = _runs(texts, _upright(boxes[places], turn), heights[places], places)
        for leaf in _leaves(runs):
            for paragraph in _blocks(_rows(leaf)):
                for row in paragraph:
                    for run in row:
                        order.places.extend(run.words)
                    order.lines.extend(repeat(line, len(order.places) - len(order.lines)))
                    line += 1
                order.blocks.extend(repeat(block, len(order.places) - len(order.blocks)))
                block += 1
    return order


def _upright(boxes: Floats, turn: int) -> Floats:
    """Boxes in a frame turned so that their words are upright (the origin does not matter)."""
    left, top, right, bottom = boxes.T
    turned = {
        0: (left, top, right, bottom),
        90: (top, -right, bottom, -left),
        180: (-right, -bottom, -left, -top),
        270: (-bottom, left, -top, right),
    }
    return np.stack(turned[turn], axis=1)


def _runs(texts: list[str], boxes: Floats, heights: Floats, places: npt.NDArray[np.int64]) -> list[_Run]:
    """Words that follow each other, then runs on one line with nothing but a space between them."""
    left, top, right, bottom = boxes.T
    middle = (top + bottom) / 2
    taller = np.maximum(heights[1:], heights[:-1])
    gap = left[1:] - right[:-1]
    linked = np.abs(middle[1:] - middle[:-1]) < SAME_LINE * taller
    linked &= (gap < WORD_SPACE * taller) & (gap > -SAME_LINE * taller)
    starts = np.flatnonzero(np.concatenate(([True], ~linked)))
    edges = np.stack(
        (
            np.minimum.reduceat(left, starts),
            np.minimum.reduceat(top, starts),
            np.maximum.reduceat(right, starts),
            np.maximum.reduceat(bottom, starts),
        ),
        axis=1,
    )
    of_words = places.tolist()
    bounds = pairwise([*starts.tolist(), len(of_words)])
    tallest = np.maximum.reduceat(heights, starts).tolist()
    spelled = np.ones(len(texts), np.int64)
    spelled[[at for at, text in enumerate(texts) if len(text) == 1 and not text.isalnum()]] = 0
    counts = np.add.reduceat(spelled[places], starts).tolist()
    runs = [
        _Run(edge, height, of_words[begin:end], count)
        for edge, height, (begin, end), count in zip(edges.tolist(), tallest, bounds, counts, strict=True)
    ]
    return [run for row in _rows(runs) for run in _joined(row)]


def _joined(row: list[_Run]) -> list[_Run]:
    """A row's runs, those with a mere space between them made one."""
    out = row[:1]
    for run in row[1:]:
        last = out[-1]
        taller = max(last.height, run.height)
        if last.beside(run) and -SAME_LINE * taller < run.left - last.right < STRAY_SPACE * taller:
            last.take(run)
        else:
            out.append(run)
    return out


def _rows(runs: list[_Run]) -> list[list[_Run]]:
    """Runs that stand on one line, left to right; rows from top to bottom."""
    rows: list[list[_Run]] = []
    tallest: _Run | None = None
    for run in sorted(runs, key=_MIDDLE):
        if tallest is not None and tallest.beside(run):
            rows[-1].append(run)
            if run.height > tallest.height:
                tallest = run
        else:
            rows.append([run])
            tallest = run
    for row in rows:
        if len(row) > 1:
            row.sort(key=_LEFT)
    return rows


def _leaves(runs: list[_Run]) -> Iterator[list[_Run]]:
    """Parts of the page that are read row by row, in reading order."""
    gutter = _gutter(runs) if len(runs) >= 2 * COLUMN_RUNS else None
    if gutter is None:
        yield runs
        return
    flow: list[_Run] = []
    for across, band in _bands(runs, gutter):
        left = [run for run in band if run.right <= gutter]
        right = [run for run in band if run.left >= gutter]
        if not across and any(map(_is_prose, left)) and any(map(_is_prose, right)):
            if flow:
                yield from _leaves(flow)
                flow = []
            yield from _leaves(left)
            yield from _leaves(right)
        else:
            flow += band
    if flow:
        yield from _leaves(flow) if len(flow) < len(runs) else iter([flow])


def _bands(runs: list[_Run], gutter: float) -> list[tuple[bool, list[_Run]]]:
    """From top to bottom: (True, runs that cross the gutter, with what stands beside them) or (False, all others)."""
    crossing = sorted((run for run in runs if run.left < gutter < run.right), key=lambda run: run.middle)
    middles = [run.middle for run in crossing]
    bands: list[tuple[bool, list[_Run]]] = [(at % 2 == 1, []) for at in range(2 * len(crossing) + 1)]
    for at, run in enumerate(crossing):
        bands[2 * at + 1][1].append(run)
    for run in runs:
        if run.left < gutter < run.right:
            continue
        at = bisect_left(middles, run.middle)
        near = [place for place in (at - 1, at) if 0 <= place < len(crossing) and crossing[place].beside(run)]
        bands[2 * near[0] + 1 if near else 2 * at][1].append(run)
    return [band for band in bands if band[1]]


def _gutter(runs: list[_Run]) -> float | None:
    """x of the best gutter: the left edge of a column with prose on both sides that the fewest runs cross."""
    prose = np.array([_is_prose(run) for run in runs])
    if prose.sum() < 2 * COLUMN_RUNS:
        return None
    left, right, top, bottom = np.array([(run.left, run.right, run.top, run.bottom) for run in runs]).T
    height = median([run.height for run in runs])
    best: tuple[int, float] | None = None
    for edge in _left_edges(left, 0.6 * height):
        on_right = left >= edge
        on_left = right <= edge - GUTTER * height
        crossing = int(len(runs) - on_right.sum() - on_left.sum())
        if best is not None and crossing >= best[0]:
            continue
        if not (_is_column(prose, right - left, on_left) and _is_column(prose, right - left, on_right)):
            continue
        above = max(top[on_left].min(), top[on_right].min())
        below = min(bottom[on_left].max(), bottom[on_right].max())
        within = (top >= above - height) & (bottom <= below + height) & prose
        if min((within & on_left).sum(), (within & on_right).sum()) >= COLUMN_RUNS:
            best = (crossing, edge)
    return None if best is None else best[1] - GUTTER * height / 2


def _left_edges(left: Floats, within: float) -> Iterator[float]:
    """x positions from which at least COLUMN_RUNS runs begin within a short way."""
    ordered = np.sort(left)
    ends = np.searchsorted(ordered, ordered + within, side="right")
    last = -np.inf
    for place in np.flatnonzero(ends - np.arange(len(ordered)) >= COLUMN_RUNS).tolist():
        if ordered[place] > last + within:
            last = float(ordered[place])
            yield last


def _is_prose(run: _Run) -> bool:
    return run.spelled >= PROSE_WORDS and run.right - run.left >= PROSE_WIDTH * run.height


def _is_column(prose: npt.NDArray[np.bool_], width: Floats, members: npt.NDArray[np.bool_]) -> bool:
    of_prose = prose & members
    return bool(of_prose.sum() >= COLUMN_RUNS and width[of_prose].sum() >= PROSE_SHARE * width[members].sum())


def _blocks(rows: list[list[_Run]]) -> Iterator[list[list[_Run]]]:
    """Rows that belong together: no step between them wider than those beside it, and one size of type."""
    middles = [min(run.middle for run in row) for row in rows]
    heights = [max(run.height for run in row) for row in rows]
    steps = [after - before for before, after in pairwise(middles)]
    block = rows[:1]
    for at, step in enumerate(steps):
        taller, lower = max(heights[at : at + 2]), min(heights[at : at + 2])
        beside = min(steps[max(at - 1, 0) : at] + steps[at + 1 : at + 2], default=step)
        far = step > FAR_STEP * taller or (step > BLOCK_STEP * beside and step > LINE_STEP * taller)
        if far or taller > SIZE_CHANGE * lower:
            yield block
            block = []
        block.append(rows[at + 1])
    if block:
        yield block
