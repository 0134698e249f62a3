"""Frames of a video as thin grids (for comparing) and as upright pictures (for looking at)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from math import ceil

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from numpy.typing import NDArray
from PIL import Image

from sightline.media.video_cuts import Samples

__all__ = ["Camera", "FrameStore", "Picture", "VideoFrame", "grid_samples"]

ACROSS = 64
"""Grid points per row, about."""
_CHROMA_STEP = {
    "yuv420p": (2, 2), "yuvj420p": (2, 2), "yuv422p": (2, 1), "yuvj422p": (2, 1), "yuv444p": (1, 1), "yuvj444p": (1, 1),
}  # fmt: skip
"""Luma samples per chroma sample, across and down, of the formats that are read where they lie."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame as JPEG, upright, with square pixels."""

    time: float
    """Seconds."""
    width: int
    height: int
    data: bytes


class Camera:
    """Makes pictures of frames; of one moment it makes one."""

    def __init__(self, max_side: int, quality: int, aspect: float = 1.0) -> None:
        """`aspect`: width of a stored pixel over its height."""
        self._max_side, self._quality, self._aspect = max_side, quality, aspect
        self._last: Picture | None = None
        self.size = (0, 0)
        """Of the video as shown, pixels, after the first picture."""
        self.rotation = 0

    def picture(self, time: float, frame: VideoFrame) -> Picture:
        if self._last is None or self._last.time != round(time, 6):
            self._last = self._made(round(time, 6), frame)
        return self._last

    def _made(self, time: float, frame: VideoFrame) -> Picture:
        width, height = round(frame.width * self._aspect), frame.height
        turned = round(frame.rotation / 90) * 90 % 360
        if self.size == (0, 0):
            self.size = (height, width) if turned % 180 else (width, height)
            self.rotation = turned
        scale = min(1.0, self._max_side / max(width, height))
        wanted = (max(1, round(width * scale)), max(1, round(height * scale)))
        # one thread: a pool of its own for each picture costs more than it brings beside the decoder's threads;
        # scaled before it becomes RGB: half the time, and JPEG halves the colours' resolution anyway
        scaled = frame.reformat(width=wanted[0], height=wanted[1], format="yuv420p", interpolation="AREA", threads=1)
        small = scaled.reformat(format="rgb24", threads=1).to_ndarray()
        pixels: NDArray[np.uint8] = np.ascontiguousarray(np.rot90(small, turned // 90))
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "JPEG", quality=self._quality)
        return Picture(time, pixels.shape[1], pixels.shape[0], out.getvalue())


class FrameStore:
    """Keeps at most `limit` pictures: when full, every other one is let go."""

    def __init__(self, camera: Camera, limit: int) -> None:
        self._camera, self._limit = camera, limit
        self._kept: list[Picture] = []

    def add(self, time: float, frame: VideoFrame) -> bool:
        """True where some had to be let go."""
        full = len(self._kept) >= self._limit
        if full and self._limit == 1:
            return True
        if full:
            self._kept = self._kept[::2]
        self._kept.append(self._camera.picture(time, frame))
        return full

    def pictures(self) -> list[Picture]:
        return list(self._kept)


def grid_samples(frame: VideoFrame) -> Samples:
    """Y, U, V at about 64 points across. Planar 8-bit formats are read in place, others are scaled down first."""
    steps = _CHROMA_STEP.get(frame.format.name)
    step = max(2, frame.width // ACROSS // 2 * 2)
    if steps is None or min(frame.width, frame.height) < 8:
        width, height = (max(8, side // step // 2 * 2) for side in (frame.width, frame.height))
        frame, steps, step = frame.reformat(width=width, height=height, format="yuv420p"), (2, 2), 2
    across, down = steps
    y, u, v = frame.planes[:3]  # asked for once: each look at `planes` makes new ones
    rows = min(ceil(y.height / step), ceil(u.height / (step // down)))
    columns = min(ceil(y.width / step), ceil(u.width / (step // across)))
    thinner = (step // down, step // across)
    shape = (rows, columns)
    return _thinned(y, shape, (step, step)), _thinned(u, shape, thinner), _thinned(v, shape, thinner)


def _thinned(plane: VideoPlane, shape: tuple[int, int], steps: tuple[int, int]) -> NDArray[np.uint8]:
    """A view of every so many rows and columns of a plane's samples, made in one call."""
    return np.ndarray(shape, np.uint8, plane, strides=(plane.line_size * steps[0], steps[1]))  # type: ignore[arg-type]
