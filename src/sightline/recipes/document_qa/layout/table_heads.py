"""Heads of two rows: which columns the words above several heads ("Supplied" over "2024" and "2025") belong to.

Rules and cells are not seen. Such words are set flush with the first of their columns or on the middle of them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from sightline.recipes.document_qa.layout.view import Run

Span = tuple[float, float]
"""Left and right edge of a column's words."""
LEAST_HEADS = 2
FLUSH = 3.0
"""Points within which two left edges are the same."""
CLEAR = 2.0
"""Times nearer to the middles than any other way to part the columns, for one to be believed."""


Group = tuple[Run, list[int]]
"""Words, and the columns below them."""


def one_each(row: Sequence[Run], spans: Sequence[Span]) -> list[Group]:
    """A head for every column, or for every one but the first, none reaching over the words of another column: heads
    set flush left over figures set flush right need not touch them. Empty where it is not so."""
    skipped = len(spans) - len(row)
    if skipped not in (0, 1) or len(row) < LEAST_HEADS:
        return []
    for j, run in enumerate(row, skipped):
        if j and run.box.left < spans[j - 1][1] - FLUSH:
            return []
        if j + 1 < len(spans) and run.box.right > spans[j + 1][0] + FLUSH:
            return []
    return [(run, [j]) for j, run in enumerate(row, skipped)]


def groups_of(row: Sequence[Run], spans: Sequence[Span], heads: Sequence[str]) -> list[Group]:
    """The columns that each run of a row above the heads stands over, if the heads need it: some are the same.

    Every column with a head, but for the first, belongs to one run; empty where the places do not say which.
    """
    named = [j for j in range(1, len(spans)) if heads[j]]
    runs = [run for run in row if run.box.right > spans[0][1]]
    repeated = max(Counter(heads[j] for j in named).values(), default=0) > 1
    if not repeated or not 1 < len(runs) < len(named) or len(named) != len(spans) - 1:
        return []
    starts = [next((j for j in named if abs(spans[j][0] - run.box.left) < FLUSH), 0) for run in runs]
    if starts[0] == 1 and all(before < after for before, after in pairwise(starts)):
        return list(_parted(runs, starts, len(spans)))
    ways = sorted((_distance(runs, (1, *cuts), spans), (1, *cuts)) for cuts in combinations(named[1:], len(runs) - 1))
    if len(ways) > 1 and ways[0][0] * CLEAR > ways[1][0]:
        return []
    return list(_parted(runs, ways[0][1], len(spans)))


def _parted(runs: Sequence[Run], starts: Sequence[int], stop: int) -> Iterator[Group]:
    for run, (begin, end) in zip(runs, pairwise([*starts, stop]), strict=True):
        yield run, list(range(begin, end))


def _distance(runs: Sequence[Run], starts: Sequence[int], spans: Sequence[Span]) -> float:
    """How far the runs stand from the middles of their columns, which reach half-way to the next ones."""
    edges = [(before[1] + after[0]) / 2 for before, after in pairwise(spans)]
    last = 2 * spans[-1][1] - (spans[-1][0] + spans[-1][1]) / 2
    edges.append(last)
    middles = [(edges[begin - 1] + edges[end - 1]) / 2 for begin, end in pairwise([*starts, len(spans)])]
    return sum(abs((run.box.left + run.box.right) / 2 - middle) for run, middle in zip(runs, middles, strict=True))
