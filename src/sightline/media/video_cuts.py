"""Where one shot ends and the next begins, frame by frame while a video is decoded.

Frames are compared on a thin grid of their own samples (about 32 across): some hundredths of a millisecond a frame,
because nothing is scaled or converted. A cut is told by being *isolated*: it differs from its neighbours far more than
they differ among themselves. So a camera move, which makes every frame differ, is no cut, a flash (in and out) is none,
and a change between two quiet slides is one though it is small. Fades and dissolves are no cuts.

`ContentCuts` is the other rule, that of PySceneDetect's content detector (mean change of hue, saturation and value over
a threshold), for those who want the cuts they know.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint8]
"""Y, U and V of one frame at the same grid points: (3, rows, columns)."""

NEAR = 3
"""Frames on each side that a cut is compared with."""
FAR = 0.4
"""... and seconds. Where each picture stands for several frames (animation, screen recordings, a slow camera in a
faster file) every new one is alone among the nearest."""
MIN_EXCESS = 12.0
"""By how much (summed steps of 8-bit Y, U, V) a cut differs more than the strongest within FAR seconds. On the known
cuts that this was set by, cuts exceed by 16 to 211, everything else by at most 9."""
MIN_RATIO = 2.5
"""... and by which factor over the mean within NEAR frames: the busier the surroundings, the more it takes."""


class CutRule(Protocol):
    """Sees the frames in their order, some at a time."""

    def push(self, samples: Sequence[Samples]) -> list[int | None]:
        """For each of these frames the index of the one that it confirms as the first of a new shot."""

    def finish(self) -> list[int]:
        """Those that are confirmed by the end of the video."""


class IsolatedCuts:
    """Cuts by isolation. `scores` holds one figure per frame: the change from the frame before it."""

    def __init__(self, rate: float = 25.0) -> None:
        """`rate`: frames a second."""
        self.scores: list[float] = []
        self._far = max(NEAR, round(FAR * rate))
        self._before: Samples | None = None

    def push(self, samples: Sequence[Samples]) -> list[int | None]:
        found: list[int | None] = []
        for shape, alike in groupby(samples, key=lambda one: one.shape):
            frames = [*alike]
            known = self._before is not None and self._before.shape == shape
            changes = _changes(np.array([self._before if known else frames[0], *frames]))
            self._before = frames[-1]
            found += [self.push_score(change) for change in changes]
        return found

    def push_score(self, score: float) -> int | None:
        self.scores.append(score)
        place = len(self.scores) - 1 - self._far
        return place if place > 0 and self._isolated(place) else None

    def finish(self) -> list[int]:
        end = len(self.scores)
        return [place for place in range(max(1, end - self._far), end) if self._isolated(place)]

    def _isolated(self, place: int) -> bool:
        """The first frame has nothing before it, so its score says nothing."""
        score = self.scores[place]
        if score < MIN_EXCESS:  # nearly all frames, without a look around
            return False
        near = self._around(place, NEAR)
        if not near:
            return True
        return score - max(self._around(place, self._far)) >= MIN_EXCESS and score >= MIN_RATIO * sum(near) / len(near)

    def _around(self, place: int, frames: int) -> list[float]:
        return self.scores[max(1, place - frames) : place] + self.scores[place + 1 : place + 1 + frames]


def _changes(frames: NDArray[np.uint8]) -> list[float]:
    """Mean summed steps of Y, U, V from each frame to the next. `frames`: (n, 3, rows, columns)."""
    larger, smaller = np.maximum(frames[1:], frames[:-1]), np.minimum(frames[1:], frames[:-1])
    steps = np.subtract(larger, smaller, out=larger).reshape(len(larger), -1)  # 8 bits: a difference would wrap around
    return [3.0 * int(one) / steps.shape[1] for one in np.add.reduce(steps, axis=1, dtype=np.uint32)]


class ContentCuts:
    """Cuts where the mean change of hue, saturation and value reaches `threshold`, at least `min_frames` apart; those
    that come closer are merged into one at the last of them (PySceneDetect 0.7, ContentDetector with its "merge"
    filter)."""

    def __init__(self, threshold: float, min_frames: int = 15) -> None:
        self.scores: list[float] = []
        self._threshold, self._min_frames = threshold, min_frames
        self._before: NDArray[np.float32] | None = None
        self._last_above: int | None = None
        self._any_cut = False
        self._merging_from: int | None = None

    def push(self, samples: Sequence[Samples]) -> list[int | None]:
        return [self._push(one) for one in samples]

    def _push(self, samples: Samples) -> int | None:
        now = hue_saturation_value(samples)
        before, self._before = self._before, now
        if before is None or before.shape != now.shape:
            return self.push_score(0.0)
        return self.push_score(float(np.abs(now - before).mean()))

    def push_score(self, score: float) -> int | None:
        self.scores.append(score)
        here, above = len(self.scores) - 1, score >= self._threshold
        last = here if self._last_above is None else self._last_above
        far = here - last >= self._min_frames
        self._last_above = here if above else last
        if self._merging_from is not None:
            if far and not above and self._last_above - self._merging_from >= self._min_frames:
                self._merging_from = None
                return self._last_above
            return None
        if not above:
            return None
        if far:
            self._any_cut = True
            return here
        if self._any_cut:
            self._merging_from = here
        return None

    def finish(self) -> list[int]:
        return []


def hue_saturation_value(samples: Samples) -> NDArray[np.float32]:
    """Array of shape (3, rows, columns): hue 0..180, saturation and value 0..255, as OpenCV scales 8-bit HSV; from
    Y, U, V in limited range (ITU-R BT.601)."""
    y, u, v = (plane.astype(np.float32) for plane in samples)
    y, u, v = (y - 16.0) * 1.164, u - 128.0, v - 128.0
    red = np.clip(y + 1.596 * v, 0, 255)
    green = np.clip(y - 0.813 * v - 0.391 * u, 0, 255)
    blue = np.clip(y + 2.018 * u, 0, 255)
    value = np.maximum(np.maximum(red, green), blue)
    chroma = value - np.minimum(np.minimum(red, green), blue)
    some = np.where(chroma > 0, chroma, 1.0)
    sector = np.where(
        value == red,
        (green - blue) / some,
        np.where(value == green, 2.0 + (blue - red) / some, 4.0 + (red - green) / some),
    )
    hue = np.where(chroma > 0, sector * 30.0 % 180.0, 0.0)
    saturation = 255.0 * chroma / np.maximum(value, 1.0)
    return np.stack([hue, saturation, value]).astype(np.float32)
