"""Frames of a video at given times, for a model that sees pictures: nothing measured, one pass, only what is asked for
developed."""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# av leaves some of its methods untyped.
import io
import os
from collections.abc import Callable, Sequence
from contextlib import closing

import av

from sightline.core.errors import Reject

Times = Callable[[float], Sequence[float]]
"""Seconds of the video -> times of the frames wanted, rising."""


def sampled_frames(path: str | os.PathLike[str], times: Times, *, max_side: int = 1024) -> list[bytes]:
    """The first frame at or after each time, as PNG of at most `max_side` pixels a side; the last frame where a time
    lies behind it. Raises Reject: "unreadable-video", "no-video-stream", "no-frames"."""
    try:
        with closing(av.open(os.fspath(path), metadata_errors="replace")) as container:
            if not container.streams.video:
                raise Reject("no-video-stream")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            stated = container.duration or 0
            wanted = list(times(stated / 1_000_000)) if stated > 0 else []
            found: list[bytes] = []
            last: av.VideoFrame | None = None
            for last in container.decode(stream):
                while len(found) < len(wanted) and (last.time or 0.0) >= wanted[len(found)]:
                    found.append(_png(last, max_side))
                if len(found) == len(wanted):
                    break
            if last is None:
                raise Reject("no-frames")
            return found + [_png(last, max_side)] * (max(1, len(wanted)) - len(found))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise Reject("unreadable-video", detail=str(error)[:200]) from error


def _png(frame: av.VideoFrame, max_side: int) -> bytes:
    picture = frame.to_image()
    picture.thumbnail((max_side, max_side))
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()
