"""How a picture becomes tokens: one plan per picture, and one count that reader, model, planner and packer share.

A strategy maps (width, height) to a `PicturePlan`: the views an encoder sees, each with its grid of features. `layout`
spells the plan as special tokens and `count` is the sum over that very layout, so the two cannot disagree.

Pixels: origin top left, x right, y down. Nothing here touches a picture; no torch, no PIL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor, sqrt
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from sightline.core.errors import InputError, Reject
from sightline.core.media import Box

FusionKind = Literal["embed", "cross", "hybrid"]
Markers = Literal["none", "ends", "rows"]

IMAGE: Final = "<image>"
"""Replaced by one feature in the sequence."""
SEEN: Final = "<seen>"
"""Stands for one whole view whose features are reached by cross-attention."""
START: Final = "<image_start>"
END: Final = "<image_end>"
ROW: Final = "<image_row>"
"""After each row of features but the last."""
OVERVIEW: Final = "<overview>"
"""Before the whole picture where tiles came first."""
FRAMES: Final = 50
"""Frames of a video at most, as SmolVLM."""


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


class Strategy(BaseModel):
    """What every strategy states. Raises `Reject("aspect-ratio")` beyond `max_aspect`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    patch: int = Field(default=16, ge=1)
    """Pixels of a patch's side; the total stride of a convolutional encoder."""
    merge: int = Field(default=1, ge=1)
    """Patches of a side that the connector merges into one feature."""
    max_aspect: float = Field(default=200.0, ge=1)
    """Longer side over shorter; beyond it a picture is refused (Qwen2-VL's bound)."""

    @property
    def step(self) -> int:
        """Pixels of a feature's side."""
        return self.patch * self.merge

    def grid(self, pixels: int) -> int:
        """Features along a side of a view."""
        return pixels // self.patch // self.merge

    def checked(self, width: int, height: int) -> None:
        """Refuses what no strategy takes."""
        if width < 1 or height < 1:
            raise Reject("empty-picture", width=width, height=height)
        aspect = max(width, height) / min(width, height)
        if aspect > self.max_aspect:
            raise Reject("aspect-ratio", width=width, height=height, limit=self.max_aspect)


class Fixed(Strategy):
    """Every picture becomes one square, squashed or padded (LLaVA, PaliGemma)."""

    kind: Literal["fixed"] = "fixed"
    size: int = Field(default=224, ge=1)
    """Pixels of the square's side; must be what the encoder's position table holds."""
    fit: Literal["squash", "pad"] = "squash"

    def plan(self, width: int, height: int) -> PicturePlan:
        """One view."""
        self.checked(width, height)
        resized, left, top = (self.size, self.size), 0, 0
        if self.fit == "pad":
            scale = self.size / max(width, height)
            resized = (max(1, round(width * scale)), max(1, round(height * scale)))
            left, top = -((self.size - resized[0]) // 2), -((self.size - resized[1]) // 2)
        side = self.grid(self.size)
        return PicturePlan((width, height), (View(self.size, self.size, resized, left, top, side, side),), "none")

    def coarser(self) -> None:
        """A fixed square cannot shrink."""
        return

    @property
    def tags(self) -> tuple[str, ...]:
        return ()


class Tiles(Strategy):
    """Longest side to `longest`, cut into tiles, then the whole picture in one (SmolVLM, Idefics3, NVLM).

    384 px, patch 14, merge 3: 81 features a tile; 1024 x 1024 gives 16 tiles and the overview.
    """

    kind: Literal["tiles"] = "tiles"
    tile: int = Field(default=384, ge=1)
    longest: int = Field(default=1536, ge=1)
    """Pixels; smaller pictures are enlarged to it, as in Idefics3."""

    def plan(self, width: int, height: int) -> PicturePlan:
        """Tiles row by row, then the overview; the overview alone where one tile holds the picture."""
        self.checked(width, height)
        wide, high = self._resized(width, height)
        across, down = ceil(wide / self.tile), ceil(high / self.tile)
        side = self.grid(self.tile)
        whole = View(self.tile, self.tile, (self.tile, self.tile), 0, 0, side, side)
        if across == down == 1:
            return PicturePlan((width, height), (whole,), "none")
        resized = (across * self.tile, down * self.tile)
        tiles = [
            View(self.tile, self.tile, resized, c * self.tile, r * self.tile, side, side, (r + 1, c + 1))
            for r in range(down)
            for c in range(across)
        ]
        return PicturePlan((width, height), (*tiles, whole), "none")

    def coarser(self) -> Tiles | None:
        """One tile fewer along the longest side."""
        longest = (ceil(self.longest / self.tile) - 1) * self.tile
        return self.model_copy(update={"longest": longest}) if longest >= self.tile else None

    @property
    def tags(self) -> tuple[str, ...]:
        most = ceil(self.longest / self.tile)
        return (*(f"<tile_{r}_{c}>" for r in range(1, most + 1) for c in range(1, most + 1)), OVERVIEW)

    def _resized(self, width: int, height: int) -> tuple[int, int]:
        """As Idefics3: the longest side exactly, the other even."""
        aspect = width / height
        if width >= height:
            other = int(self.longest / aspect)
            return self.longest, max(1, other + other % 2)
        other = int(self.longest * aspect)
        return max(1, other + other % 2), self.longest


class Native(Strategy):
    """The picture's own size and shape, one feature per patch, a marker after each row (Pixtral): H/16 * (W/16 + 1)
    tokens."""

    kind: Literal["native"] = "native"
    longest: int = Field(default=1024, ge=1)
    """Pixels of the longer side at most; smaller pictures are not enlarged."""

    def plan(self, width: int, height: int) -> PicturePlan:
        """One view, its sides rounded up to whole features."""
        self.checked(width, height)
        ratio = max(1.0, width / self.longest, height / self.longest)
        cols, rows = (max(1, ceil(floor(side / ratio) / self.step)) for side in (width, height))
        wide, high = cols * self.step, rows * self.step
        return PicturePlan((width, height), (View(wide, high, (wide, high), 0, 0, rows, cols),), "rows")

    def coarser(self) -> Native | None:
        """One feature fewer along the longest side."""
        longest = (ceil(self.longest / self.step) - 1) * self.step
        return self.model_copy(update={"longest": longest}) if longest >= self.step else None

    @property
    def tags(self) -> tuple[str, ...]:
        return (ROW, END)


class Dynamic(Strategy):
    """Own shape within a budget of pixels, 2 x 2 patches merged (Qwen2-VL): 224 x 224 gives 64 features and 2 markers.

    `min_pixels` and `max_pixels` bound what the encoder sees; the aspect is kept within one feature.
    """

    kind: Literal["dynamic"] = "dynamic"
    patch: int = Field(default=14, ge=1)
    merge: int = Field(default=2, ge=1)
    min_pixels: int = Field(default=56 * 56, ge=1)
    max_pixels: int = Field(default=28 * 28 * 1280, ge=1)

    def plan(self, width: int, height: int) -> PicturePlan:
        """One view."""
        self.checked(width, height)
        step = self.step
        wide, high = round(width / step) * step, round(height / step) * step
        if wide * high > self.max_pixels:
            shrink = sqrt(width * height / self.max_pixels)
            wide, high = (max(step, floor(side / shrink / step) * step) for side in (width, height))
        elif wide * high < self.min_pixels or not wide * high:
            grow = sqrt(self.min_pixels / (width * height))
            wide, high = (max(step, ceil(side * grow / step) * step) for side in (width, height))
        view = View(wide, high, (wide, high), 0, 0, high // step, wide // step)
        return PicturePlan((width, height), (view,), "ends")

    def coarser(self) -> Dynamic | None:
        """A fifth fewer pixels."""
        most = self.max_pixels * 4 // 5
        if most < self.step**2:
            return None
        return self.model_copy(update={"max_pixels": most, "min_pixels": min(self.min_pixels, most)})

    @property
    def tags(self) -> tuple[str, ...]:
        return (START, END)


Resolution = Annotated[Fixed | Tiles | Native | Dynamic, Field(discriminator="kind")]


def crosses(view: View, fusion: FusionKind) -> bool:
    """Whether this view is reached by cross-attention; otherwise its features stand in the sequence."""
    return fusion == "cross" or (fusion == "hybrid" and view.tile is not None)


def layout(plan: PicturePlan, fusion: FusionKind) -> Iterator[tuple[str, int]]:
    """The picture as special tokens, in order: (token, how often in a row)."""
    for view in plan.views:
        if len(plan.views) > 1:
            yield (OVERVIEW if view.tile is None else f"<tile_{view.tile[0]}_{view.tile[1]}>"), 1
        if crosses(view, fusion):
            yield SEEN, 1
        elif plan.markers == "rows":
            for row in range(view.rows):
                yield IMAGE, view.cols
                yield (END if row == view.rows - 1 else ROW), 1
        elif plan.markers == "ends":
            yield START, 1
            yield IMAGE, view.rows * view.cols
            yield END, 1
        else:
            yield IMAGE, view.rows * view.cols


def count(plan: PicturePlan, fusion: FusionKind = "embed") -> int:
    """Tokens that the picture takes in the language model's sequence, markers included.

    >>> count(Native().plan(1024, 1024)), count(Dynamic().plan(224, 224))
    (4160, 66)
    """
    return sum(times for _, times in layout(plan, fusion))


def fitted(width: int, height: int, resolution: Resolution, budget: int, fusion: FusionKind = "embed") -> PicturePlan:
    """The finest plan of at most `budget` tokens: shrunk or with fewer tiles, never cut. Raises
    `Reject("over-budget")` where even the coarsest does not fit."""
    if budget < 0:
        raise InputError("a budget of tokens cannot be negative", subject=budget)
    plan, at = resolution.plan(width, height), resolution
    while (need := count(plan, fusion)) > budget:
        below = at.coarser()
        if below is None:
            raise Reject("over-budget", width=width, height=height, tokens=need, budget=budget)
        at, plan = below, below.plan(width, height)
    return plan


def frame_times(seconds: float, most: int = FRAMES, per_second: float = 1.0) -> tuple[float, ...]:
    """Times of evenly sampled frames of a video, each in the middle of its share; at least one."""
    if seconds <= 0:
        raise InputError("a video must last longer than nothing", subject=seconds)
    frames = min(most, max(1, round(seconds * per_second)))
    return tuple((i + 0.5) * seconds / frames for i in range(frames))


def special_tokens(resolution: Resolution) -> tuple[str, ...]:
    """Every token that `layout` can give under this strategy."""
    return (IMAGE, SEEN, *resolution.tags)
