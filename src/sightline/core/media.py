"""Where something stands in a medium: references, boxes, spans, pages and the evidence that ties an answer to them.

Coordinates of a page: origin at the top left of the page *as a reader sees it* (after /Rotate and crop box), x to the
right, y down, unit point (1/72 inch). Pixels of the page picture = points x `Page.scale`. Pages count from 0.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field


class Box(NamedTuple):
    """Left, top, right, bottom; written to JSON as `[412.0, 631.5, 470.2, 643.0]`."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def scaled(self, factor: float) -> Box:
        """The same box in another unit, e.g. `box.scaled(page.scale)` for pixels."""
        return Box(self.left * factor, self.top * factor, self.right * factor, self.bottom * factor)

    def union(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


class Span(NamedTuple):
    """Start and end in seconds from the beginning of a video; end is exclusive."""

    start: float
    end: float


class Source(BaseModel):
    """The file a sample comes from, named so that it can be found, licensed and taken down."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """File name as a person knows it (no folder); bytes that are not UTF-8 appear as \\xNN."""
    uri: str
    """Where it was read: a path or an fsspec URL, as given."""
    sha256: str
    """Hash of the whole file's bytes (64 hex digits)."""
    media_type: str
    """By content, never by file name: "application/pdf", "image/png"."""
    size: int
    """Bytes."""
    licence: str | None = None
    """SPDX identifier or text, where known."""


class MediaRef(BaseModel):
    """A picture or clip by content hash; the bytes travel beside it, never inside JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    media_type: str
    width: int | None = None
    """Pixels."""
    height: int | None = None
    """Pixels."""
    page: int | None = None
    """Page of its source, from 0."""
    span: Span | None = None


class Word(NamedTuple):
    """One word of a page in reading order: its text, its box in points, the line and the block it stands in."""

    text: str
    box: Box
    line: int
    """Counts from 0 over the page; words of one printed line share it."""
    block: int
    """Counts from 0 over the page; lines of one paragraph, column cell or list item share it."""


class Evidence(BaseModel):
    """The line of sight of one answer: where in the source it was seen, how it was found, how sure that is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    page: int | None = None
    """Page of the source document, from 0."""
    image: int = 0
    """Which of the record's images shows it."""
    boxes: tuple[Box, ...] = ()
    """One box per line that the answer runs over."""
    unit: Literal["pt", "px"] = "pt"
    span: Span | None = None
    """For video: seconds."""
    match: Literal["exact", "normalised", "value", "fuzzy", "none"] = "none"
    """How the answer's text met the page's: letter by letter; folded (case, width, spacing); as the same number,
    date or amount; by edit distance; not at all."""
    confidence: float = Field(default=0.0, ge=0.0, le=1.0)
    quote: str = ""
    """The page's own words inside the boxes."""
