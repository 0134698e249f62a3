"""Field facts: rows of a label and its value without a colon, as data sheets, forms and receipts have them.

Two runs side by side, three rows and more that line up, make a list of fields; the sum of a receipt is one by itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from sightline.recipes.document_qa.layout.fact import Fact
from sightline.recipes.document_qa.layout.key_values import field_fact, reads_like_label
from sightline.recipes.document_qa.layout.labels import fits, kind_of
from sightline.recipes.document_qa.layout.sentences import ends_inside
from sightline.recipes.document_qa.layout.tables import LABELS_AND_VALUES, Band, bands, is_head_row, wrapped
from sightline.recipes.document_qa.layout.values import AMOUNT, BLANK_CELL
from sightline.recipes.document_qa.layout.view import Run, View

MIN_FIELDS = 3
VALUE_WORDS = 10
_MONEY = re.compile(r"-?\d[\d,.]*[,.]\d{2,3}\*?")
"""A sum of money by its look: with cents or thousands."""


def fields(view: View) -> list[Fact]:
    """Facts whose label stands once on the page as a run of its own."""
    pairs = [pair for band in bands(view) for pair in _listed(view, band)] + list(_sums(view))
    stands = Counter(run.text.rstrip(":： ").casefold() for run in view.runs)
    seen: dict[int, Fact] = {}
    for label, value in pairs:
        if stands[label.text.casefold()] == 1:
            seen.setdefault(value.start, field_fact(label.text, value.start, value.stop))
    return list(seen.values())


def _listed(view: View, band: Band) -> Iterator[tuple[Run, Run]]:
    rows = [cells for _, cells in band]
    if (
        len(rows[0]) != LABELS_AND_VALUES
        or len(rows) < MIN_FIELDS
        or is_head_row(rows)
        or _is_prose(rows)
        or _is_contents(rows)
    ):
        return
    if any(len(view.rows[index]) != 2 for index, _ in band):
        return
    for place, (index, (label, value)) in enumerate(band):
        known = kind_of(label.text)
        if _tight(rows, place):
            continue
        if place == 0 and known is None and not any(map(str.isdigit, value.text)):
            continue  # perhaps the heads of two columns
        if wrapped(view, index, label) or wrapped(view, index, value) or not _good(label, value):
            continue
        if known is None or fits(known, value.text):
            yield label, value


def _is_prose(rows: list[tuple[Run, ...]]) -> bool:
    """Not every label reads like one, or what should be values are sentences."""
    return not all(reads_like_label(label.text) for label, _ in rows) or any(
        value.stop - value.start > 2 * VALUE_WORDS for _, value in rows
    )


def _is_contents(rows: list[tuple[Run, ...]]) -> bool:
    """Numbers of pages that grow."""
    pages = [int(value.text) for _, value in rows if value.text.isdecimal()]
    return len(pages) == len(rows) and pages == sorted(pages)


def _tight(rows: list[tuple[Run, ...]], place: int) -> bool:
    """It stands as near to the row above or below as lines of one cell do, and others stand apart."""
    steps = [after[0].base - before[0].base for before, after in pairwise(rows)]
    nearest = min(steps[max(0, place - 1) : place + 1])
    return nearest < 1.5 * rows[place][0].size and max(steps) > 1.3 * nearest


def _good(label: Run, value: Run) -> bool:
    text = value.text
    return (
        reads_like_label(label.text)
        and value.stop - value.start <= VALUE_WORDS
        and not BLANK_CELL.fullmatch(text)
        and text[0] not in "☐☑☒□■"
        and (text[-1].isalnum() or text[-1] in ").%€$£₩\"'℃°²³")
        and text.count("(") == text.count(")")
        and not ends_inside(text)
        and kind_of(text) is None
    )


def _sums(view: View) -> Iterator[tuple[Run, Run]]:
    """Rows of two runs, the left one a known label of an amount, the right one money."""
    for row in view.rows:
        if len(row) == 2 and kind_of(row[0].text) == "amount" and not {row[0].index, row[1].index} & view.furniture:
            text = row[1].text
            if AMOUNT.fullmatch(text) or _MONEY.fullmatch(text):
                yield row[0], row[1]
