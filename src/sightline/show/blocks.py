"""The building blocks of a page. Each gives `Markup`; each takes plain text, which is escaped, or `Markup` of another
block, which is kept. The HTML itself stands in blocks.html."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from markupsafe import Markup

from sightline.core.score import Interval
from sightline.show.page import template
from sightline.show.values import Mark, Note, StepFlow, Tile

Content = str | Markup
Cell = str | Markup | int | float | None
AIR = 0.002
"""Of a picture's longer side, between a box and the frame drawn around it."""

Tone = Literal["note", "good", "warning"]


def section(title: str, body: Content, *, id: str, lead: Content = "") -> Markup:
    """A headline with what belongs to it; `id` is the target of the page's contents."""
    return _block("section", title, body, id, lead)


def tiles(items: Sequence[Tile]) -> Markup:
    """Headline figures side by side."""
    return _block("tiles", items)


def callout(title: str, body: Content, *, tone: Tone = "note") -> Markup:
    """A framed remark that must not be overlooked."""
    return _block("callout", title, body, tone)


def figure(body: Markup, *, title: str = "", caption: Content = "") -> Markup:
    """A plot or picture with its words."""
    return _block("figure", body, title, caption)


def grid(items: Sequence[Markup]) -> Markup:
    """Figures in as many columns as the screen has room for."""
    return _block("grid", items)


def details(summary: Content, body: Content, *, open: bool = False) -> Markup:
    """Folded away until asked for."""
    return _block("details", summary, body, open)


def counted(count: int, name: str, words: Content) -> Markup:
    """How many of what, and what that means; fit for the summary of `details`."""
    return _block("counted", count, name, words)


def data_table(header: Sequence[str], rows: Sequence[Sequence[Cell]], *, caption: str = "") -> Markup:
    """Numbers are set to the right, None is a dash. A float shows two decimals; format it yourself for others."""
    cells = [[(_cell(value), isinstance(value, int | float | None)) for value in row] for row in rows]
    numeric = [all(row[i][1] for row in cells) for i in range(len(header))] if cells else [False] * len(header)
    return _block("table", list(zip(header, numeric, strict=True)), cells, caption)


def facts(items: Mapping[str, Cell]) -> Markup:
    """Name and value, one per line."""
    return _block("facts", {name: _cell(value) for name, value in items.items()})


def code(text: str) -> Markup:
    """Text kept letter by letter."""
    return _block("code", text)


def chain(items: Sequence[Tile]) -> Markup:
    """Figures that follow from each other, with arrows."""
    return _block("chain", items)


def funnel(steps: Sequence[StepFlow], labels: Mapping[str, str] | None = None) -> Markup:
    """One bar per step: what went on, what was refused. `labels` gives steps a name for people."""
    return _block("funnel", steps, labels or {})


def interval_bar(value: float, interval: Interval, *, text: str = "", tone: Tone = "note") -> Markup:
    """A share in 0..1 as a bar with the whisker of its interval."""
    return _block("interval_bar", value, interval, text or f"{value:.1%}", tone)


def marked_picture(picture: bytes, width: float, height: float, marks: Sequence[Mark], *, alt: str, id: str) -> Markup:
    """An encoded picture with numbered boxes over it: sharp at any size, with tooltips, each linked to the note
    `{id}-{number}`. `width` and `height` are the picture's size in the unit of the boxes."""
    url = f"data:{_media_type(picture)};base64,{base64.b64encode(picture).decode('ascii')}"
    return _block("marked_picture", url, width, height, marks, alt, id, AIR * max(width, height))


def annotated(title: Content, picture: Markup, notes: Sequence[Note], *, id: str, after: Content = "") -> Markup:
    """A `marked_picture` of the same `id` with its notes beside it; pointing at one lights up the other."""
    return _block("annotated", title, picture, notes, id, after)


def _block(macro: str, *arguments: Any) -> Markup:
    made: Markup = getattr(template("sightline.show", "blocks.html").module, macro)(*arguments)
    return made


def _cell(value: Cell) -> Content:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, int):
        return f"{value:,}"
    return value


def _media_type(picture: bytes) -> str:
    if picture.startswith(b"\x89PNG"):
        return "image/png"
    if picture.startswith(b"\xff\xd8"):
        return "image/jpeg"
    assert picture[8:12] == b"WEBP", "show pictures as PNG, JPEG or WebP"
    return "image/webp"
