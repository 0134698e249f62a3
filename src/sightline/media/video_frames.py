"""Frames of a video as thin grids (for comparing) and as upright pictures (for looking at)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from math import ceil

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from sightline.media.video_cuts import Samples

__all__ = ["Camera", "Grid", "Picture", "Shot", "ShotStore", "VideoFrame"]

ACROSS = 32
"""Grid points per row, about. On the clips with known cuts 96, 64, 48, 32, 24 and 16 give the same cuts; true ones
stand at least 15 to 19 above their neighbours, all else at most 9."""
_PLANAR = {
    "yuv420p": (2, 2, 0), "yuvj420p": (2, 2, 0), "yuv422p": (2, 1, 0), "yuvj422p": (2, 1, 0), "yuv444p": (1, 1, 0),
    "yuvj444p": (1, 1, 0), "yuv420p10le": (2, 2, 2), "yuv422p10le": (2, 1, 2), "yuv444p10le": (1, 1, 2),
}  # fmt: skip
"""Luma samples per chroma sample, across and down, and bits above eight, of formats that are read in place."""


_TURNS = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame as JPEG, upright, with square pixels."""

    time: float
    """Seconds."""
    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Shot:
    """A small frame that may become a picture."""

    time: float
    frame: VideoFrame
    quarters: int
    """How often it is to be turned counter-clockwise by 90 degrees."""


class Camera:
    """Takes small frames as they come by, of one moment one; only those that were kept become pictures, at the end."""

    def __init__(self, max_side: int, quality: int, aspect: float = 1.0) -> None:
        """`aspect`: width of a stored pixel over its height."""
        self._max_side, self._quality, self._aspect = max_side, quality, aspect
        self._last: Shot | None = None
        self.size = (0, 0)
        """Of the video as shown, pixels, after the first frame."""
        self.rotation = 0

    def taken(self, time: float, frame: VideoFrame) -> Shot:
        if self._last is None or self._last.time != round(time, 6):
            self._last = self._taken(round(time, 6), frame)
        return self._last

    def _taken(self, time: float, frame: VideoFrame) -> Shot:
        width, height = round(frame.width * self._aspect), frame.height
        turned = round(frame.rotation / 90) * 90 % 360
        if self.size == (0, 0):
            self.size = (height, width) if turned % 180 else (width, height)
            self.rotation = turned
        scale = min(1.0, self._max_side / max(width, height))
        wanted = (max(1, round(width * scale)), max(1, round(height * scale)))
        # one thread: a pool of its own for each picture costs more than it brings beside the decoder's threads;
        # scaled before it becomes RGB: half the time, and JPEG halves the colours' resolution anyway
        small = frame.reformat(width=wanted[0], height=wanted[1], format="yuv420p", interpolation="AREA", threads=1)
        return Shot(time, small, turned // 90)

    def developed(self, shots: list[Shot]) -> list[Picture]:
        return [self._developed(shot) for shot in sorted({id(shot): shot for shot in shots}.values(), key=_moment)]

    def _developed(self, shot: Shot) -> Picture:
        plane = shot.frame.reformat(format="rgb0", threads=1).planes[
            0
        ]  # four bytes a pixel: Pillow reads them in place
        size = (plane.width, plane.height)
        image = Image.frombuffer("RGBX", size, plane, "raw", "RGBX", plane.line_size, 1)  # type: ignore[arg-type]
        if shot.quarters:
            image = image.transpose(_TURNS[shot.quarters])
        out = io.BytesIO()
        image.save(out, "JPEG", quality=self._quality)
        return Picture(shot.time, image.width, image.height, out.getvalue())


def _moment(shot: Shot) -> float:
    return shot.time


class ShotStore:
    """Keeps at most `limit`: when full, every other one is let go."""

    def __init__(self, camera: Camera, limit: int) -> None:
        self._camera, self._limit = camera, limit
        self.kept: list[Shot] = []

    def add(self, time: float, frame: VideoFrame) -> bool:
        """True where some had to be let go."""
        full = len(self.kept) >= self._limit
        if full and self._limit == 1:
            return True
        if full:
            self.kept = self.kept[::2]
        self.kept.append(self._camera.taken(time, frame))
        return full


class Grid:
    """Y, U, V of frames at about 32 points across. Planar formats are read in place, others are scaled down first."""

    def __init__(self) -> None:
        self._form: tuple[int, int, str] | None = None

    def samples(self, frame: VideoFrame) -> Samples:
        form = (frame.width, frame.height, frame.format.name)
        if form != self._form:
            self._form, self._layout = form, _layout_of(*form)
        size, steps, shape, bits = self._layout
        if size is not None:
            frame = frame.reformat(width=size[0], height=size[1], format="yuv420p")
        planes = frame.planes  # asked for once: each look makes new ones
        samples = np.empty((3, *shape), np.uint8)
        for place, (down, across) in enumerate(steps):
            plane = planes[place]
            strides = (plane.line_size * down, across)
            seen = np.ndarray(shape, np.uint16 if bits else np.uint8, plane, 0, strides)  # type: ignore[arg-type]
            samples[place] = seen >> bits if bits else seen
        return samples


Layout = tuple[tuple[int, int] | None, tuple[tuple[int, int], ...], tuple[int, int], int]
"""Size to scale to first; steps down (rows) and across (bytes) in each plane; rows and columns; bits above eight."""


def _layout_of(width: int, height: int, form: str) -> Layout:
    step = max(2, width // ACROSS // 2 * 2)
    if form not in _PLANAR or min(width, height) < 8:
        small = (max(8, width // step // 2 * 2), max(8, height // step // 2 * 2))
        return small, *_layout_of(small[0], small[1], "yuv420p")[1:]
    across, down, bits = _PLANAR[form]
    rows = min(ceil(height / step), ceil(ceil(height / down) / (step // down)))
    columns = min(ceil(width / step), ceil(ceil(width / across) / (step // across)))
    size = 2 if bits else 1
    thinner = (step // down, step // across * size)
    return None, ((step, step * size), thinner, thinner), (rows, columns), bits
