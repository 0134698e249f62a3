"""Table facts: the cell where a row's label meets a column's head, found by how the boxes line up.

Rules are not seen, so ruled and borderless tables are treated alike. A column whose head is not certain, a row whose
label stands twice and a cell that is empty or a dash are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sightline.recipes.document_qa.layout.captions import CAPTION
from sightline.recipes.document_qa.layout.fact import Fact
from sightline.recipes.document_qa.layout.values import BLANK_CELL, LETTERS, YEAR, is_numeric
from sightline.recipes.document_qa.layout.view import Run, View

CELL_WORDS = 6
LABEL_WORDS = 9
HEAD_ROWS = 4
MIN_ROWS = 2
MAX_FACTS = 60
"""A table of hundreds of cells is sampled evenly down to about this many facts."""
_LEADER_END = re.compile(r"[\s.·…‥_:]+$")
_BROKEN_END = re.compile(r"(?:[-–—,&/(:]|\b(?:and|or|of|the|for|in|to|with|by|및))$")
_MEASURE = re.compile(r"[\d.,]+ ?[A-Za-z%€$]{0,3}")
_SPLIT_WORD = re.compile(r"[a-z]- [a-z]")
_NO_HEAD = re.compile(r"\[.*|\(?(?:continued|concluded|cont\.?)\)?.*|.*[ðÞ¼\ufffd].*", re.IGNORECASE)

Band = list[tuple[int, tuple[Run, ...]]]
"""Rows that line up, each with its place among all rows of the page."""


@dataclass(frozen=True, slots=True)
class Table:
    """`rows[i][j]` stands under `heads[j]` ("" where the head is not certain); column `stub` holds the rows' labels."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Run, ...], ...]
    labels: tuple[str, ...]
    stub: int


_SENTENCE = ("다.", "니다", "오.", "요.")
"""How a Korean sentence ends, which is the head of no column."""


def tables(view: View) -> list[Fact]:
    """Facts of every table on the page; labels of rows are unique over the page."""
    found = find_tables(view)
    if not found:
        return []
    labels = Counter(_LEADER_END.sub("", run.text).lstrip("•–-*· ").casefold() for run in view.runs)
    facts = []
    for table in found:
        cells = [
            Fact(
                "table",
                "table-year" if YEAR.fullmatch(head) else "table-cell",
                (("row", label), ("column", head)),
                cell.start,
                cell.stop,
            )
            for row, label in zip(table.rows, table.labels, strict=True)
            if labels[label.casefold()] <= 1 and _good_label(label)
            for j, (cell, head) in enumerate(zip(row, table.heads, strict=True))
            if j != table.stub and head and not head.endswith(_SENTENCE) and _good_cell(cell)
        ]
        facts += cells[:: 1 + len(cells) // MAX_FACTS]
    return facts


def find_tables(view: View) -> list[Table]:
    """Bands of rows whose cells line up, with the heads above them."""
    return [table for band in _bands(view) if (table := _table(view, band)) is not None]


def _bands(view: View) -> list[Band]:
    """Runs of rows near each other that hold the same number of cells in the same places."""
    bands: list[Band] = []
    for index, row in enumerate(view.rows):
        if len(row) < 2:
            continue
        cells = tuple([run for run in row if run.index not in view.furniture])
        if len(cells) < 2:
            continue
        for band in bands[-2:]:
            last_index, last = band[-1]
            near = cells[0].base - last[0].base < 3.2 * cells[0].size and index - last_index <= 3
            if near and _lines_up(last, cells):
                band.append((index, cells))
                break
        else:
            bands.append([(index, cells)])
    return [band for band in bands if len(band) >= MIN_ROWS]


def _lines_up(upper: Sequence[Run], lower: Sequence[Run]) -> bool:
    """Same number of cells, each above its fellow at one of its edges or its middle."""
    if len(upper) != len(lower):
        return False
    for a, b in zip(upper, lower, strict=True):
        slack = 0.6 * min(a.size, b.size)
        left, right = abs(a.box.left - b.box.left), abs(a.box.right - b.box.right)
        if left > slack and right > slack and abs(a.box.left + a.box.right - b.box.left - b.box.right) > 2 * slack:
            return False
    return True


def _table(view: View, band: Band) -> Table | None:
    rows = [cells for _, cells in band]
    heads = [""] * len(rows[0])
    if len(rows) > MIN_ROWS and _is_head_row(rows):
        heads, band, rows = [cell.text for cell in rows[0]], band[1:], rows[1:]
    if not _is_table(rows):
        return None
    stub = next((j for j in range(len(rows[0])) if _is_stub([row[j] for row in rows])), None)
    if stub is None:
        return None
    first = band[0][0] - (1 if heads[stub] or any(heads) else 0)
    named = _heads_above(view, first, [_span([row[j] for row in rows]) for j in range(len(rows[0]))], heads)
    if named is None:
        return None
    counts = Counter(named)
    heads = [head if counts[head] == 1 and _good_head(head) else "" for head in named]
    kept = [row for index, row in band if not _wrapped(view, index, row[stub])]
    return Table(tuple(heads), tuple(kept), tuple([_label(view, row[stub]) for row in kept]), stub)


def _is_head_row(rows: Sequence[Sequence[Run]]) -> bool:
    """Short words or years above columns of another make: figures below, or the same words never again."""
    first, body = rows[0], rows[1:]
    if any(cell.stop - cell.start > CELL_WORDS or (_figure(cell) and not YEAR.fullmatch(cell.text)) for cell in first):
        return False
    figures = any(sum(_figure(row[j]) for row in body) >= 0.5 * len(body) for j in range(len(first)))
    return figures or len(first) >= 3


def _heads_above(view: View, first: int, spans: list[tuple[float, float]], heads: list[str]) -> list[str] | None:
    """Words above a column go before its head, words above several before each of theirs; None where a row of figures
    stands above, for then the table began there."""
    heads = list(heads)
    below = view.rows[first][0]
    for row in reversed(view.rows[max(0, first - HEAD_ROWS) : first]):
        if below.base - row[0].base > 2.4 * row[0].size:
            break
        over = [(run, [j for j, span in enumerate(spans) if _covers(run, span)]) for run in row]
        over = [(run, hit) for run, hit in over if hit]
        if not over or any(len(hit) == len(spans) or _is_title(run, hit, spans) for run, hit in over):
            break
        if any(_figure(run) and not YEAR.fullmatch(run.text) for run, _ in over):
            return heads if any(heads) else None
        if not any(heads) and len({j for _, hit in over for j in hit}) < 0.5 * len(spans):
            break
        for run, hit in over:
            for j in hit:
                heads[j] = f"{run.text} {heads[j]}".strip()
        below = row[0]
    return heads


def _is_title(run: Run, hit: Sequence[int], spans: Sequence[object]) -> bool:
    """A caption, a note in brackets or a line over most columns: no head."""
    return (
        bool(CAPTION.match(run.text) or run.text[0] == "[" or run.text[-1] == ":")
        or (len(hit) > 1 and 0 in hit)
        or run.stop - run.start > 8
    )


def _covers(run: Run, span: tuple[float, float]) -> bool:
    shared = min(run.box.right, span[1]) - max(run.box.left, span[0])
    return shared > 0.35 * min(run.box.width, span[1] - span[0])


def _is_table(rows: Sequence[Sequence[Run]]) -> bool:
    """Short cells, and figures in at least a quarter of them, or three rows of mere words that line up."""
    lengths = sorted(cell.stop - cell.start for row in rows for cell in row)
    if lengths[len(lengths) // 2] > 4 or lengths[-1] > 14:
        return False
    figures = sum(any(map(str.isdigit, cell.text)) for row in rows for cell in row)
    return figures >= 0.25 * len(lengths) or (len(rows) >= 3 and len(rows[0]) >= 3)


def _is_stub(cells: Sequence[Run]) -> bool:
    return sum(
        LETTERS.search(cell.text) is not None and not _MEASURE.fullmatch(cell.text) for cell in cells
    ) > 0.7 * len(cells)


def _figure(cell: Run) -> bool:
    """Largely digits."""
    return is_numeric(cell.text) or sum(map(str.isdigit, cell.text)) > 0.25 * len(cell.text)


def _wrapped(view: View, index: int, label: Run) -> bool:
    """The row's label goes on below it, or began above it, on a row without cells."""
    for other in (index - 1, index + 1):
        if 0 <= other < len(view.rows) and len(view.rows[other]) == 1:
            near = view.rows[other][0]
            apart = abs(near.base - label.base)
            if (
                apart < 1.5 * label.size
                and _overlap(near, label) > 0
                and abs(near.size - label.size) < 0.35 * label.size
            ):
                return True
    return False


def _label(view: View, run: Run) -> str:
    """The row's label without leader dots, bullets and a raised mark of a footnote."""
    words = list(view.page.words[run.start : run.stop])
    last = words[-1]
    raised = last.box.height < 0.62 * run.size or last.box.bottom < run.base - 0.08 * run.size
    if len(words) > 1 and last.text.isdigit() and len(last.text) == 1 and raised:
        words = words[:-1]
    return _LEADER_END.sub("", " ".join([word.text for word in words])).lstrip("•–-*· ")


def _good_label(label: str) -> bool:
    if not LETTERS.search(label) or len(label.split()) > LABEL_WORDS or label[0].islower() or not label[0].isalnum():
        return False
    return not _BROKEN_END.search(label) and label.count("(") == label.count(")")


def _good_head(head: str) -> bool:
    words = head.split()
    if not words or len(words) > LABEL_WORDS or not head[0].isalnum():
        return False
    if _BROKEN_END.search(head) or _NO_HEAD.fullmatch(head) or _SPLIT_WORD.search(head):
        return False
    return YEAR.fullmatch(head) is not None or (LETTERS.search(head) is not None and not head[0].islower())


def _good_cell(cell: Run) -> bool:
    if cell.stop - cell.start > CELL_WORDS or BLANK_CELL.fullmatch(cell.text) or cell.text[0].islower():
        return False
    return cell.text[-1] not in ",-–—&:" and cell.text.count("(") == cell.text.count(")")


def _span(cells: Sequence[Run]) -> tuple[float, float]:
    return min(cell.box.left for cell in cells), max(cell.box.right for cell in cells)


def _overlap(a: Run, b: Run) -> float:
    return min(a.box.right, b.box.right) - max(a.box.left, b.box.left)
