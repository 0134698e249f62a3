"""Sampled frames are those of the film as a player shows it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from sightline.core.errors import Reject
from sightline.media.video_sampled import sampled_frames


def _brightening(frames: int) -> list[np.ndarray]:
    return [np.full((32, 64, 3), 5 * n, np.uint8) for n in range(frames)]


def _each_second(seconds: float) -> list[float]:
    return [n + 0.5 for n in range(round(seconds))]


def _levels(path: Path) -> list[int]:
    found = [Image.open(BytesIO(one)).convert("L") for one in sampled_frames(path, _each_second)]
    return [round(float(np.asarray(one).mean()) / 25) for one in found]


def test_a_recording_that_begins_late_is_sampled_from_its_own_beginning(tmp_path: Path, make_clip) -> None:
    times = [100_000 + 100 * n for n in range(50)]
    late = make_clip(tmp_path / "late.ts", _brightening(50), fps=10, times=times)
    with av.open(str(late)) as container:
        assert container.start_time is not None
        assert container.start_time > 50 * av.time_base, "else this tests nothing"
    assert _levels(late) == [1, 3, 5, 7, 9]


def test_a_film_that_states_no_length_is_sampled_to_its_end(tmp_path: Path, make_clip) -> None:
    bare = make_clip(tmp_path / "a.h264", _brightening(50), fps=25)
    recorded = tmp_path / "a.webm"  # as a browser records: written as it comes, its length never
    with av.open(str(recorded), "w", options={"live": "1"}) as out:
        stream = out.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        for pixels in _brightening(50):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        out.mux(stream.encode())
    for clip, levels in ((bare, [3, 8]), (recorded, [1, 3, 5, 7, 9])):
        with av.open(str(clip)) as container:
            assert container.duration is None, "else this tests nothing"
        assert _levels(clip) == levels


def test_frames_are_upright_and_their_pixels_square(tmp_path: Path, make_clip) -> None:
    frame = np.full((32, 64, 3), 30, np.uint8)
    frame[:, :16] = 220
    turned = make_clip(tmp_path / "turned.mp4", [frame] * 10, rotation=90)
    picture = Image.open(BytesIO(sampled_frames(turned, lambda _: [0.0])[0]))
    assert picture.size == (32, 64)
    assert np.asarray(picture.convert("L"))[-8:].mean() > 150, "the left edge, turned counter-clockwise, is below"

    wide = tmp_path / "wide.mp4"
    with av.open(str(wide), "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        stream.codec_context.sample_aspect_ratio = 2
        for _ in range(5):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        out.mux(stream.encode())
    assert Image.open(BytesIO(sampled_frames(wide, lambda _: [0.0])[0])).size == (128, 32)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.wav"), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        out.mux(stream.encode(frame))
    with pytest.raises(Reject, match="no-video-stream"):
        sampled_frames(tmp_path / "a.wav", _each_second)
