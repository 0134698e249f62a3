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
import av.error
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from sightline.core.errors import Reject

Times = Callable[[float], Sequence[float]]
"""Seconds of the video -> times of the frames wanted, rising."""


def sampled_frames(path: str | os.PathLike[str], times: Times, *, max_side: int = 1024) -> list[bytes]:
    """The first frame at or after each time, as PNG of at most `max_side` pixels a side, upright, with square pixels;
    the last frame where a time lies behind it. Raises Reject: "unreadable-video", "no-video-stream", "no-frames"."""
    try:
        seconds = _seconds(path)
        with closing(_opened(path)) as container:
            stream = _film(container)
            stream.thread_type = "AUTO"
            begin = (container.start_time or 0) / av.time_base
            wanted = list(times(seconds))
            found: list[bytes] = []
            last: av.VideoFrame | None = None
            for number, last in enumerate(container.decode(stream)):
                time = number / _rate(stream) if last.time is None else last.time - begin
                while len(found) < len(wanted) and time >= wanted[len(found)]:
                    found.append(_png(last, stream, max_side))
                if len(found) == len(wanted):
                    break
            if last is None:
                raise Reject("no-frames")
            return found + [_png(last, stream, max_side)] * (len(wanted) - len(found))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise Reject("unreadable-video", detail=str(error)[:200]) from error


def _opened(path: str | os.PathLike[str]) -> InputContainer:
    return av.open(os.fspath(path), metadata_errors="replace")


def _film(container: InputContainer) -> VideoStream:
    """The first stream that is a film, not a cover picture."""
    films = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if not films:
        raise Reject("no-video-stream")
    return films[0]


def _seconds(path: str | os.PathLike[str]) -> float:
    """Length as the file says, else (browsers record without one) to the end of its last packet."""
    with closing(_opened(path)) as container:
        if container.duration:
            return container.duration / av.time_base
        stream, packets, end = _film(container), 0, 0.0
        begin = (container.start_time or 0) / av.time_base
        for packet in container.demux(stream):
            packets += 1
            if packet.pts is not None:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base) - begin)
        return max(end or packets / _rate(stream), 1 / _rate(stream))


def _rate(stream: VideoStream) -> float:
    return float(stream.average_rate or stream.guessed_rate or 25)


def _png(frame: av.VideoFrame, stream: VideoStream, max_side: int) -> bytes:
    aspect = float(stream.sample_aspect_ratio or 1)
    picture = frame.to_image(width=round(frame.width * aspect))
    picture = picture.rotate(round(frame.rotation / 90) * 90, expand=True)
    picture.thumbnail((max_side, max_side))
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()
