"""How a picture becomes tokens: one plan per picture, and one count that reader, model, planner and packer share.

A strategy maps (width, height) to a `PicturePlan`: the views an encoder sees, each with its grid of features. `layout`
spells the plan as special tokens and `count` is the sum over that very layout, so the two cannot disagree.

Pixels: origin top left, x right, y down. Nothing here touches a picture; no torch, no PIL.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor, sqrt
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sightline.core.errors import InputError, Reject
from sightline.vlm.picture_plan import PicturePlan, View

FusionKind = Literal["embed", "cross", "hybrid"]

IMAGE: Final = "<image>"
"""Replaced by one feature in the sequence."""
SEEN: Final = "<seen>"
"""Stands for one whole view whose features are reached by cross-attention."""
START: Final = "<image_start>"
END: Final = "<image_end>"
ROW: Final = "<image_row>"
"""After each row of features; where there are no ends, the last row has END in its place."""
OVERVIEW: Final = "<overview>"
"""Before the whole picture where tiles came first."""
FRAMES: Final = 50
"""Frames of a video at most, as SmolVLM."""


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

    @property
    def crops(self) -> tuple[int, int] | None:
        """Side in pixels and margin in patches of the overlapping crops in which an encoder sees a view, where it does
        not see it whole."""
        return None

    def grid(self, pixels: int) -> int:
        """Features along a side of a view."""
        return pixels // self.patch // self.merge

    def encoded(self, view: View) -> int:
        """Patches that the encoder works through for a view."""
        return (view.width // self.patch) * (view.height // self.patch)

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


class Crops(Strategy):
    """The picture in one view, then larger, seen in crops that overlap (Molmo, arXiv 2409.17146, section 2): a patch is
    taken from the crop in which it lies further inside, so that none counts twice and each has `margin` around it.

    336 px, patch 14, merge 2: 144 features for the overview; n x m crops give (8 n + 4) x (8 m + 4), and every row ends
    in a marker.
    """

    kind: Literal["crops"] = "crops"
    patch: int = Field(default=14, ge=1)
    merge: int = Field(default=2, ge=1)
    size: int = Field(default=336, ge=1)
    """Pixels of a crop's side; must be what the encoder's position table holds."""
    margin: int = Field(default=4, ge=0)
    """Patches at each side of a crop that its neighbour sees too."""
    most: int = Field(default=12, ge=0)
    """Crops of a picture at most; 0 for the overview alone."""

    @model_validator(mode="after")
    def _whole(self) -> Crops:
        if self.size % self.step or self.stride < 1 or self.stride % self.step or self.margin % self.merge:
            raise ValueError("crops and margins must be whole features, and a crop wider than both its margins")
        return self

    @property
    def crops(self) -> tuple[int, int]:
        return self.size, self.margin

    @property
    def stride(self) -> int:
        """Pixels from one crop to the next."""
        return self.size - 2 * self.margin * self.patch

    def encoded(self, view: View) -> int:
        down, across = ((side - self.size) // self.stride + 1 for side in (view.height, view.width))
        return down * across * (self.size // self.patch) ** 2

    def plan(self, width: int, height: int) -> PicturePlan:
        """The overview, then the crops joined to one view; neither is stretched, both are filled."""
        self.checked(width, height)
        overview = self._view(width, height, self.size, self.size)
        if not self.most:
            return PicturePlan((width, height), (overview,), "both")
        down, across = self._tiling(width, height)
        around = self.size - self.stride
        large = self._view(width, height, across * self.stride + around, down * self.stride + around)
        return PicturePlan((width, height), (overview, large._replace(tile=(1, 1))), "both")

    def _view(self, width: int, height: int, wide: int, high: int) -> View:
        scale = min(wide / width, high / height)
        resized = (max(1, round(width * scale)), max(1, round(height * scale)))
        left, top = -((wide - resized[0]) // 2), -((high - resized[1]) // 2)
        return View(wide, high, resized, left, top, self.grid(high), self.grid(wide))

    def _tiling(self, width: int, height: int) -> tuple[int, int]:
        """Rows and columns of crops: the least enlargement, or where all shrink the least shrinking; of equals the
        fewer crops. Sides are compared without their margins, one pixel at least."""
        around = self.size - self.stride
        inner = max(1, height - around), max(1, width - around)
        ways = [(r, c) for r in range(1, self.most + 1) for c in range(1, self.most // r + 1)]
        ways.sort(key=lambda way: (way[0] * way[1], way[0]))
        scales = {way: min(n * self.stride / side for n, side in zip(way, inner, strict=True)) for way in ways}
        larger = [way for way in ways if scales[way] >= 1]
        return min(larger, key=scales.__getitem__) if larger else max(ways, key=scales.__getitem__)

    def coarser(self) -> Crops | None:
        """One crop fewer."""
        return self.model_copy(update={"most": self.most - 1}) if self.most else None

    @property
    def tags(self) -> tuple[str, ...]:
        return (START, ROW, END)


Resolution = Annotated[Fixed | Tiles | Native | Dynamic | Crops, Field(discriminator="kind")]


def crosses(view: View, fusion: FusionKind) -> bool:
    """Whether this view is reached by cross-attention; otherwise its features stand in the sequence."""
    return fusion == "cross" or (fusion == "hybrid" and view.tile is not None)


def layout(plan: PicturePlan, fusion: FusionKind) -> Iterator[tuple[str, int]]:
    """The picture as special tokens, in order: (token, how often in a row)."""
    for view in plan.views:
        if len(plan.views) > 1 and plan.markers == "none":
            yield (OVERVIEW if view.tile is None else f"<tile_{view.tile[0]}_{view.tile[1]}>"), 1
        if crosses(view, fusion):
            yield SEEN, 1
        elif plan.markers == "rows":
            for row in range(view.rows):
                yield IMAGE, view.cols
                yield (END if row == view.rows - 1 else ROW), 1
        elif plan.markers == "both":
            yield START, 1
            for _ in range(view.rows):
                yield IMAGE, view.cols
                yield ROW, 1
            yield END, 1
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
