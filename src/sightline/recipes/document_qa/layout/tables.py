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
from sightline.recipes.document_qa.layout.table_heads import Group, Span, groups_of, one_each
from sightline.recipes.document_qa.layout.values import AMOUNT, BLANK_CELL, LETTERS, MEASURE, YEAR, is_numeric
from sightline.recipes.document_qa.layout.view import Run, View

CELL_WORDS = 6
LABEL_WORDS = 9
HEAD_ROWS = 4
MIN_ROWS = 2
LABELS_AND_VALUES = 2
"""Columns of a list of fields."""
MAX_FACTS = 60
"""A table of hundreds of cells is sampled evenly down to about this many facts."""
_LEADER_END = re.compile(r"[\s.·…‥_:]+$")
_BROKEN_END = re.compile(r"(?:[-–—,&/(:]|\b(?:and|or|of|the|for|in|to|with|by|및))$")
_MEASURE = re.compile(r"[\d.,]+ ?[A-Za-z%€$]{0,3}")
_CODE = re.compile(r"\d+[가-힣]|[A-Z]{1,2}-?\d+")
"""A label of one letter and figures: "101동", "E2"."""
_PERIOD = re.compile(
    r"(?:FY ?|[1-4]Q ?|Q[1-4] ?)?(?:1[89]|20)\d\d(?:년(?: ?[가-힣\d]+)?)?|\d{1,2}(?:월|분기)|[1-4]Q|Q[1-4]"
)
_AMOUNTS = re.compile(
    r"\b(?:amount|value|price|cost|total|qty|quantity|number|count|weight|share|percent|score|points|hours|rate|fee|"
    r"length|size|population)s?\b|[$€£%]|금액|수량|값|비율|비중|요금|가격|시간|인원|점수|개수|건수|단가|면적|길이|무게|\((?:원|명|개|건|%)\)|"
    r"^(?:1[89]|20)\d\d년?$",
    re.IGNORECASE,
)
"""Heads of a column of figures."""
_MARKED = re.compile(r"[a-z가-힣)] \d$")
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
                "table-year" if YEAR.fullmatch(head) else "table-figure" if _measured(cell.text) else "table-cell",
                (("row", label), ("column", head)),
                cell.start,
                cell.stop,
            )
            for row, label in zip(table.rows, table.labels, strict=True)
            if labels[label.casefold()] <= 1 and _good_label(label)
            for j, (cell, head) in enumerate(zip(row, table.heads, strict=True))
            if j > table.stub and head and not head.endswith(_SENTENCE) and _good_cell(cell)
        ]
        facts += cells[:: 1 + len(cells) // MAX_FACTS]
    return facts


def find_tables(view: View) -> list[Table]:
    """Bands of rows whose cells line up, with the heads above them."""
    return [table for band in bands(view) if (table := _table(view, band)) is not None]


def bands(view: View) -> list[Band]:
    """Runs of rows near each other that hold the same number of cells in the same places."""
    found: list[Band] = []
    for index, row in enumerate(view.rows):
        if len(row) < 2:
            continue
        cells = tuple([run for run in row if run.index not in view.furniture])
        if len(cells) < 2:
            continue
        for band in found[-2:]:
            last_index, last = band[-1]
            near = cells[0].base - last[0].base < 3.2 * cells[0].size and index - last_index <= 3
            if near and _lines_up(last, cells):
                band.append((index, cells))
                break
        else:
            found.append([(index, cells)])
    return [band for band in found if len(band) >= MIN_ROWS]


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
    rows, whole = [cells for _, cells in band], band
    if len(rows[0]) == LABELS_AND_VALUES and not all(is_numeric(row[1].text) for row in rows[1:]):
        return None  # what they list are fields
    heads = [""] * len(rows[0])
    if len(rows) > MIN_ROWS and is_head_row(rows):
        heads, band, rows = [cell.text for cell in rows[0]], band[1:], rows[1:]
    if not _is_table(rows):
        return None
    stub = next((j for j in range(len(rows[0])) if not _is_serial([row[j].text for row in rows])), None)
    if stub is None or not _is_stub([row[stub] for row in rows]):
        return None
    first = band[0][0] - (1 if heads[stub] or any(heads) else 0)
    spans = [_span([row[j] for _, row in whole]) for j in range(len(rows[0]))]
    named = _heads_above(view, first, spans, heads)
    if named is None:
        return None
    counts = Counter(head for head in named if head)
    if any(count > 1 for count in counts.values()) and not _all_figures(rows, stub):
        return None  # perhaps two tables side by side
    heads = [head if counts[head] == 1 and _good_head(head) else "" for head in named]
    kept = [row for index, row in band if not any(wrapped(view, index, cell) for cell in row)]
    labels = _unmarked([_label(view, row[stub]) for row in kept])
    return Table(tuple(heads), tuple(kept), tuple(labels), stub)


def _all_figures(rows: Sequence[Sequence[Run]], stub: int) -> bool:
    return all(_figure(cell) or BLANK_CELL.fullmatch(cell.text) for row in rows for cell in row[stub + 1 :])


def _unmarked(labels: list[str]) -> list[str]:
    """A single figure behind the words of one label alone ("Sex offenses 1") is rather the mark of a footnote."""
    stems = Counter(label[:-2] for label in labels if _MARKED.search(label))
    return ["" if _MARKED.search(label) and stems[label[:-2]] == 1 else label for label in labels]


def is_head_row(rows: Sequence[Sequence[Run]]) -> bool:
    """Short words or years above columns of another make: figures below, or the same words never again. Of two columns
    the second holds figures alone and its head says so: else they are labels and their values, the first row too."""
    first, body = rows[0], rows[1:]
    if any(cell.stop - cell.start > CELL_WORDS or _datum(cell) for cell in first):
        return False
    if len(first) == LABELS_AND_VALUES:
        return _AMOUNTS.search(first[1].text) is not None and all(_measured(row[1].text) for row in body)
    figures = any(sum(_figure(row[j]) for row in body) >= 0.5 * len(body) for j in range(len(first)))
    return figures or len(first) >= 3


def _heads_above(view: View, first: int, spans: list[Span], heads: list[str]) -> list[str] | None:
    """Words above a column go before its head, words above several before each of theirs; None where a row of figures
    stands above, for then the table began there."""
    heads, spans = list(heads), list(spans)
    below = view.rows[first][0]
    for row in reversed(view.rows[max(0, first - HEAD_ROWS) : first]):
        if below.base - row[0].base > 2.4 * row[0].size:
            break
        over = groups_of(row, spans, heads) or one_each(row, spans) or _covered(row, spans)
        if not over or any(len(hit) == len(spans) or _is_title(run, hit) for run, hit in over):
            break
        if any(_datum(run) for run, _ in over):
            return heads if any(heads) else None
        if not any(heads) and len({j for _, hit in over for j in hit}) < 0.5 * len(spans):
            break
        for run, hit in over:
            for j in hit:
                heads[j] = f"{run.text} {heads[j]}".strip()
            if len(hit) == 1:
                spans[hit[0]] = (min(spans[hit[0]][0], run.box.left), max(spans[hit[0]][1], run.box.right))
        below = row[0]
    return heads


def _covered(row: Sequence[Run], spans: Sequence[Span]) -> list[Group]:
    over = [(run, [j for j, span in enumerate(spans) if _covers(run, span)]) for run in row]
    return [(run, hit) for run, hit in over if hit]


def _is_title(run: Run, hit: Sequence[int]) -> bool:
    """A caption, a note in brackets or a line over most columns: no head."""
    return (
        bool(CAPTION.match(run.text) or run.text[0] == "[" or run.text[-1] == ":")
        or (len(hit) > 1 and 0 in hit)
        or run.stop - run.start > 8
    )


def _covers(run: Run, span: Span) -> bool:
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
    return sum(any(map(str.isalpha, cell.text)) and not _MEASURE.fullmatch(cell.text) for cell in cells) > 0.7 * len(
        cells
    )


def _is_serial(texts: Sequence[str]) -> bool:
    """Mere figures that name no row: its number, its day, its time."""
    return all(not any(map(str.isalpha, text)) for text in texts)


def _figure(cell: Run) -> bool:
    """Largely digits."""
    return is_numeric(cell.text) or sum(map(str.isdigit, cell.text)) > 0.25 * len(cell.text)


def _measured(text: str) -> bool:
    """Asked for by "how much"."""
    return is_numeric(text) or AMOUNT.fullmatch(text) is not None or MEASURE.fullmatch(text) is not None


def _datum(cell: Run) -> bool:
    """A figure that is no year, month or quarter, such as columns are named by."""
    return _figure(cell) and not _PERIOD.fullmatch(cell.text)


def wrapped(view: View, index: int, cell: Run) -> bool:
    """The cell goes on below it, or began above it, on a row of fewer cells."""
    for other in (index - 1, index + 1):
        if 0 <= other < len(view.rows) and len(view.rows[other]) < len(view.rows[index]):
            for near in view.rows[other]:
                close = abs(near.base - cell.base) < 1.5 * cell.size
                if close and _overlap(near, cell) > 0 and abs(near.size - cell.size) < 0.35 * cell.size:
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
    if len(label.split()) > LABEL_WORDS or not label or label[0].islower() or not label[0].isalnum():
        return False
    if not LETTERS.search(label) and not _CODE.fullmatch(label):
        return False
    return not _BROKEN_END.search(label) and label.count("(") == label.count(")")


def _good_head(head: str) -> bool:
    words = head.split()
    if not words or len(words) > LABEL_WORDS or not head[0].isalnum():
        return False
    if _BROKEN_END.search(head) or _NO_HEAD.fullmatch(head) or _SPLIT_WORD.search(head):
        return False
    return _PERIOD.fullmatch(head) is not None or (LETTERS.search(head) is not None and not head[0].islower())


def _good_cell(cell: Run) -> bool:
    if cell.stop - cell.start > CELL_WORDS or BLANK_CELL.fullmatch(cell.text) or cell.text[0].islower():
        return False
    return cell.text[-1] not in ",-–—&:" and cell.text.count("(") == cell.text.count(")")


def _span(cells: Sequence[Run]) -> Span:
    return min(cell.box.left for cell in cells), max(cell.box.right for cell in cells)


def _overlap(a: Run, b: Run) -> float:
    return min(a.box.right, b.box.right) - max(a.box.left, b.box.left)
