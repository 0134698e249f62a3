"""Scenes moved onto the cuts that are really there.

Rule (huggingface/fineVideo, finealignment; mended where noted): a boundary between two scenes goes to the nearest
detected cut within 2 s; scenes touch; above 25 frames of movement a boundary is warned of, above 125 the video is
refused. Mended: no two boundaries take one cut, boundaries keep their order, and the first start and last end count as
movement too, so that the refusal can happen.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pydantic import BaseModel, ConfigDict, Field

from sightline.core.errors import Reject
from sightline.core.media import Span


class AlignConfig(BaseModel):
    """How far a boundary may move."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: float = Field(default=2.0, ge=0)
    """Seconds on each side in which a cut is looked for."""
    warn_frames: float = Field(default=25, ge=0)
    """Above this many frames of movement a boundary is named in the record."""
    reject_frames: float = Field(default=125, ge=0)
    """Above this many the whole annotation is refused."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A time that was moved."""

    stated: float
    """Seconds."""
    now: float
    frames: float
    """How far, always positive."""
    on_cut: bool


@dataclass(frozen=True, slots=True)
class Aligned:
    """Scenes that touch, from 0 to the end of the video."""

    spans: tuple[Span, ...]
    moved: tuple[Moved, ...]
    """One per stated time: all starts and ends, in order."""
    warned: tuple[Moved, ...]
    """Those above `warn_frames`."""


def align(
    scenes: Sequence[Span], cuts: Sequence[float], duration: float, fps: float, config: AlignConfig | None = None
) -> Aligned:
    """Snap ordered scenes to `cuts` (seconds). Where no cut is near, a boundary stays between the two stated times.

    Raises Reject "moved-too-far" (frames, limit, stated, now) and "scenes-collapse" (a scene would have no length).
    """
    assert scenes, "scenes are checked by `integrity.faults` first"
    config = config or AlignConfig()
    inner = [(before.end + after.start) / 2 for before, after in pairwise(scenes)]
    snapped = _snapped(inner, sorted(cuts), config.window)
    now = [0.0, *(kept if cut is None else cut for kept, cut in zip(inner, snapped, strict=True)), duration]
    spans = tuple(Span(start, end) for start, end in pairwise(now))
    if any(span.end - span.start < 1 / fps for span in spans):
        raise Reject("scenes-collapse", boundaries=[round(time, 3) for time in now])
    on_cut = [False, *(cut is not None for cut in snapped), False]
    moved = []
    for n, scene in enumerate(scenes):
        for stated, place in ((scene.start, n), (scene.end, n + 1)):
            moved.append(Moved(stated, now[place], abs(now[place] - stated) * fps, on_cut[place]))
    worst = max(moved, key=lambda one: one.frames)
    if worst.frames > config.reject_frames:
        raise Reject(
            "moved-too-far", frames=round(worst.frames), limit=config.reject_frames, stated=worst.stated, now=worst.now
        )
    return Aligned(spans, tuple(moved), tuple(one for one in moved if one.frames > config.warn_frames))


def _snapped(boundaries: list[float], cuts: list[float], window: float) -> list[float | None]:
    """For each boundary a cut of its own, or None: nearest pairs first, never one that would cross another."""
    pairs = []
    for n, boundary in enumerate(boundaries):
        first = bisect_left(cuts, boundary - window)
        for m in range(first, len(cuts)):
            if cuts[m] > boundary + window:
                break
            pairs.append((abs(cuts[m] - boundary), n, m))
    taken: list[int | None] = [None] * len(boundaries)
    for _, n, m in sorted(pairs):
        low = max((one for one in taken[:n] if one is not None), default=-1)
        high = min((one for one in taken[n + 1 :] if one is not None), default=len(cuts))
        if taken[n] is None and low < m < high:
            taken[n] = m
    return [None if m is None else cuts[m] for m in taken]


def clipped(span: tuple[float | None, float | None], scene: Span) -> tuple[float | None, float | None]:
    """A time inside a scene, cut to the scene's bounds."""
    start, end = (None if time is None else min(max(time, scene.start), scene.end) for time in span)
    return start, end
