"""Where a video stands still: ffmpeg's own freezedetect filter, run on the frames of the pass that decodes them."""

from __future__ import annotations

import av
import av.error
import av.filter
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from sightline.core.media import Span

_START, _END = "lavfi.freezedetect.freeze_start", "lavfi.freezedetect.freeze_end"


class Freezes:
    """Push every frame, then ask for the spans.

    A frame stands still when it differs from the last moving one by less than `noise` (mean absolute difference as a
    share of the full range), for at least `seconds`.
    """

    def __init__(self, stream: VideoStream, noise: float, seconds: float) -> None:
        self._graph = av.filter.Graph()
        self._graph.threads = 1  # the filter has no use for more, and starting them takes as long as forty frames
        self._options = f"n={noise}:d={seconds}"
        self._stream = stream
        self._size: tuple[int, int, str] | None = None
        self._starts: list[float] = []
        self._ends: list[float] = []
        self.changed_size = False

    def push(self, frame: VideoFrame) -> None:
        size = (frame.width, frame.height, frame.format.name)
        if self._size is None:
            self._begin(frame)
            self._size = size
        elif size != self._size:
            self.changed_size = True
            pts, base = frame.pts, frame.time_base
            frame = frame.reformat(width=self._size[0], height=self._size[1], format=self._size[2])
            frame.pts, frame.time_base = pts, base
        self._source.push(frame)
        try:
            said = self._sink.pull().metadata
        except av.error.BlockingIOError:
            return
        if _END in said:
            self._ends.append(float(said[_END]))
        if _START in said:
            self._starts.append(float(said[_START]))

    def spans(self, duration: float, begin: float) -> tuple[Span, ...]:
        """All standstills so far, one that is still going on up to `duration`; the filter's clock shows `begin` seconds
        at the file's beginning."""
        ends = [round(end - begin, 6) for end in self._ends]
        if len(self._starts) > len(ends):
            ends.append(round(duration, 6))
        return tuple(Span(round(start - begin, 6), end) for start, end in zip(self._starts, ends, strict=True))

    def _begin(self, frame: VideoFrame) -> None:
        self._source = self._graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base or self._stream.time_base,
        )
        freeze = self._graph.add("freezedetect", self._options)
        self._sink = self._graph.add("buffersink")
        self._source.link_to(freeze)
        freeze.link_to(self._sink)
        self._graph.configure()
