"""Small videos made for a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

Frames = Iterable[np.ndarray]
ClipMaker = Callable[..., Path]


@pytest.fixture(scope="session")
def make_clip() -> ClipMaker:
    """make_clip(path, frames of shape (h, w, 3), fps=25, times=None, rotation=0, codec="libx264", cues=())."""
    return _make_clip


def _make_clip(
    path: Path,
    frames: Frames,
    fps: float = 25,
    *,
    times: list[int] | None = None,
    rotation: int = 0,
    codec: str = "libx264",
    cues: tuple[tuple[int, int, str], ...] = (),
) -> Path:
    """`times`: milliseconds of each frame, for a variable rate; `cues`: (start ms, end ms, text)."""
    with av.open(str(path), "w") as out:
        stream = None
        subtitles = out.add_stream("srt" if path.suffix == ".mkv" else "mov_text") if cues else None
        if subtitles is not None:
            subtitles.codec_context.time_base = Fraction(1, 1000)
            subtitles.codec_context.subtitle_header = b"[Script Info]\n[Events]\n"
        for n, pixels in enumerate(frames):
            if stream is None:
                stream = out.add_stream(codec, rate=Fraction(fps).limit_denominator(1001))
                stream.width, stream.height = pixels.shape[1], pixels.shape[0]
                stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
                if codec == "libx264":
                    stream.options = {"preset": "ultrafast", "crf": "12"}
                if times is not None:
                    stream.codec_context.time_base = Fraction(1, 1000)
                if rotation:
                    stream.set_display_rotation(rotation)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[n], Fraction(1, 1000)
            out.mux(stream.encode(frame))
        assert stream is not None
        out.mux(stream.encode())
        for start, end, text in cues:
            packet = av.Packet(text.encode())
            packet.stream, packet.time_base = subtitles, Fraction(1, 1000)
            packet.pts = packet.dts = start
            packet.duration = end - start
            out.mux(packet)
    return path


@pytest.fixture(scope="session")
def moving() -> Callable[..., list[np.ndarray]]:
    """moving(seed, count, size=(96, 160)): a bright square wanders over a pattern of its own."""

    def make(seed: int, count: int, size: tuple[int, int] = (96, 160)) -> list[np.ndarray]:
        chance = np.random.default_rng(seed)
        coarse = chance.integers(30, 220, (size[0] // 16, size[1] // 16, 3), dtype=np.uint8)
        ground = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
        out = []
        for n in range(count):
            frame = ground.copy()
            left = (n * 2) % (size[1] - 24)
            frame[8:32, left : left + 24] = 250
            out.append(frame)
        return out

    return make
