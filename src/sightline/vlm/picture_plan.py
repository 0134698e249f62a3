"""What an encoder sees of one picture, and where a box lies in it.

Pixels: origin top left, x right, y down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from sightline.core.media import Box

Markers = Literal["none", "ends", "rows", "both"]
"""What stands between a picture's features: nothing, a token at both ends, one after each row, or all of these."""


class View(NamedTuple):
    """One picture that the encoder sees: the original resized to `resized`, then cut at (left, top); what lies
    outside the resized picture is filled."""

    width: int
    height: int
    resized: tuple[int, int]
    left: int
    top: int
    rows: int
    """Of features after the connector."""
    cols: int
    tile: tuple[int, int] | None = None
    """Row and column from 1; None for a view of the whole picture."""


@dataclass(frozen=True, slots=True)
class PicturePlan:
    """Views in the order of their tokens."""

    size: tuple[int, int]
    views: tuple[View, ...]
    markers: Markers

    @property
    def features(self) -> int:
        """Vectors that the connector gives for this picture."""
        return sum(view.rows * view.cols for view in self.views)

    def to_view(self, box: Box, index: int) -> Box:
        """A box in pixels of the original -> pixels of view `index`; it may lie outside that view."""
        view = self.views[index]
        across, down = view.resized[0] / self.size[0], view.resized[1] / self.size[1]
        return Box(
            box.left * across - view.left,
            box.top * down - view.top,
            box.right * across - view.left,
            box.bottom * down - view.top,
        )

    def from_view(self, box: Box, index: int) -> Box:
        """The inverse of `to_view`."""
        view = self.views[index]
        across, down = self.size[0] / view.resized[0], self.size[1] / view.resized[1]
        return Box(
            (box.left + view.left) * across,
            (box.top + view.top) * down,
            (box.right + view.left) * across,
            (box.bottom + view.top) * down,
        )
