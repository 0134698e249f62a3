"""A video in one decoding pass: what it is, which parts stand still, where shots change, and pictures to look at.

Nothing is decoded twice and no frame is held longer than it is looked at, so memory does not grow with the length.
Times are seconds from the file's beginning, as ffmpeg shows them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from typing import Any, Literal

import av
import av.error
from av.container import InputContainer
from av.stream import Disposition
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream
from pydantic import BaseModel, ConfigDict, Field

from sightline.core.errors import Reject
from sightline.core.media import Span
from sightline.media.transcript import Cue, text_of_cue
from sightline.media.video_cuts import ContentCuts, CutRule, IsolatedCuts
from sightline.media.video_frames import Camera, Grid, Picture, ShotStore, VideoFrame
from sightline.media.video_freezes import Freezes

FROZEN = ConfigDict(frozen=True, extra="forbid")
BATCH, BATCH_PIXELS = 4, 2**24
"""At most so many frames, of so many pixels together, are looked at in one go: what looking itself needs in the
processor's cache is then fetched once for all of them. Holding many large ones would only cost memory."""
UNEVEN = 0.2
"""Of the frames, from which share with another distance than the usual the rate counts as variable."""


class VideoConfig(BaseModel):
    """What is measured and what is kept; everything that decides the result."""

    model_config = FROZEN

    freeze_noise: float = Field(default=0.05, gt=0, le=1)
    """ffmpeg freezedetect's n: mean change, as a share of the full range, below which a frame stands still."""
    freeze_seconds: float = Field(default=2.0, gt=0)
    """... and its d: shorter standstills are not told."""
    cuts: Literal["isolated", "content"] = "isolated"
    content_threshold: float = Field(default=15.0, gt=0)
    """Of "content" only; FineVideo's value."""
    sample_seconds: float = Field(default=2.0, gt=0)
    """Between two sampled frames, beside one for each shot; more where `max_frames` is met."""
    max_frames: int = Field(default=64, ge=1)
    max_side: int = Field(default=448, ge=16)
    """Pixels of a sampled frame's longer side: what vision-language models commonly take in."""
    jpeg_quality: int = Field(default=85, ge=1, le=100)
    max_seconds: float = Field(default=3600.0, gt=0)
    """A longer video (by its own statement, or as decoded) is refused."""
    max_pixels: int = Field(default=8192 * 8192, ge=1)
    min_decoded: float = Field(default=0.9, ge=0, le=1)
    """Of the stated duration; a video that breaks off before is refused."""


class Cut(BaseModel):
    """The first frame of a new shot."""

    model_config = FROZEN

    frame: int
    """From 0."""
    time: float
    """Seconds."""


class VideoFacts(BaseModel):
    """What a video is, as measured."""

    model_config = FROZEN

    duration: float
    """Seconds of picture that were decoded: end of the last frame."""
    stated_duration: float | None
    """As the container says; None where it does not."""
    frames: int
    fps: float
    """Frames per second on average."""
    variable_rate: bool
    width: int
    """Pixels as shown: upright, square pixels."""
    height: int
    rotation: int
    """Degrees (counter-clockwise, 0, 90, 180, 270) that the file asks players to turn the picture; already done."""
    codec: str
    has_audio: bool
    freezes: tuple[Span, ...]
    cuts: tuple[Cut, ...]
    notes: tuple[str, ...] = ()
    """What is not as it should be, in words: "3 damaged packets were left out"."""


@dataclass(frozen=True, slots=True)
class SubtitleTrack:
    """Text subtitles that lie inside the file."""

    language: str
    """As the file says, often ISO 639-2 ("eng"); "" where it does not."""
    cues: tuple[Cue, ...]


@dataclass(frozen=True, slots=True)
class Video:
    """All that one pass gives."""

    facts: VideoFacts
    pictures: tuple[Picture, ...]
    """Sampled frames and one key frame per shot, by time."""
    subtitles: tuple[SubtitleTrack, ...]


def read_video(path: str | os.PathLike[str], config: VideoConfig | None = None) -> Video:
    """Decode the video at `path` once.

    Raises Reject: "unreadable-video" (detail), "no-video-stream", "unsupported-codec" (stream), "picture-too-large",
    "video-too-long" (seconds, limit), "no-frames", "truncated-video" (decoded, stated).
    """
    config = config or VideoConfig()
    try:
        container = av.open(os.fspath(path), metadata_errors="replace")
    except (av.error.FFmpegError, ValueError) as error:
        raise Reject("unreadable-video", detail=_words(error)) from error
    with closing(container):
        stream = _video_stream(container)
        _check_size(container, stream, config)
        try:
            return _Pass(container, stream, config).run()
        except av.error.FFmpegError as error:
            raise Reject("unreadable-video", detail=_words(error)) from error


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"[:200]


def _video_stream(container: InputContainer) -> VideoStream:
    """The first that is a film, not a cover picture."""
    films = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if not films:
        raise Reject("no-video-stream", streams=[one.type for one in container.streams])
    if films[0].codec_context is None:
        raise Reject("unsupported-codec", stream=films[0].index)  # without a decoder not even its name is known
    return films[0]


def _check_size(container: InputContainer, stream: VideoStream, config: VideoConfig) -> None:
    if stream.width * stream.height > config.max_pixels:
        raise Reject("picture-too-large", width=stream.width, height=stream.height, limit=config.max_pixels)
    stated = _stated(container)
    if stated is not None and stated > config.max_seconds:
        raise Reject("video-too-long", seconds=stated, limit=config.max_seconds)


def _stated(container: InputContainer) -> float | None:
    return None if container.duration is None else container.duration / av.time_base


class _Pass:
    """The one pass over a file."""

    def __init__(self, container: InputContainer, stream: VideoStream, config: VideoConfig) -> None:
        stream.thread_type = "AUTO"
        self._container, self._stream, self._config = container, stream, config
        self._begin = (container.start_time or 0) / av.time_base
        self._rate = float(stream.average_rate or stream.guessed_rate or 25)
        self._freezes = Freezes(stream, config.freeze_noise, config.freeze_seconds)
        content = config.cuts == "content"
        self._cutting: CutRule = ContentCuts(config.content_threshold) if content else IsolatedCuts(self._rate)
        aspect = float(stream.sample_aspect_ratio or 1)
        self._camera = Camera(config.max_side, config.jpeg_quality, aspect)
        self._samples, self._keys = (ShotStore(self._camera, config.max_frames) for _ in range(2))
        self._grid = Grid()
        stated = _stated(container)
        self._every = max(config.sample_seconds, (stated or 0.0) / config.max_frames)
        self._next = 0.0
        self._times: list[float] = []
        self._cuts: list[int] = []
        self._last: VideoFrame | None = None
        self._damaged = 0
        self._broke_off = ""
        self._texts = {one.index: _Track(one, self._begin) for one in container.streams.subtitles if _is_text(one)}

    def run(self) -> Video:
        decoded, pixels = self._decoded(), max(1, self._stream.width * self._stream.height)
        together = min(BATCH, max(1, BATCH_PIXELS // pixels))
        while frames := list(islice(decoded, together)):
            self._look(frames)
        if self._last is None:
            raise Reject("no-frames", damaged=self._damaged, codec=self._stream.codec_context.name)
        late = self._cutting.finish()
        self._cuts += late
        if late:
            self._keys.add(self._times[-1], self._last)
        facts = self._facts(self._last)
        self._check_end(facts)
        pictures = self._camera.developed([*self._samples.kept, *self._keys.kept])
        tracks = tuple(SubtitleTrack(track.language, tuple(track.cues)) for track in self._texts.values())
        return Video(facts, _distinct(pictures), tracks)

    def _decoded(self) -> Iterator[VideoFrame]:
        subtitles = [one for one in self._container.streams.subtitles if one.index in self._texts]
        try:
            for packet in self._container.demux(self._stream, *subtitles):
                if packet.stream is not self._stream:
                    self._texts[packet.stream.index].add(packet)
                    continue
                try:
                    frames = packet.decode()
                except av.error.FFmpegError:
                    self._damaged += 1
                    continue
                yield from frames  # type: ignore[misc]
        except av.error.FFmpegError as error:
            self._broke_off = _words(error)

    def _look(self, frames: list[VideoFrame]) -> None:
        first = len(self._times)
        grids = []
        for frame in frames:
            self._times.append(self._time(frame))
            self._freezes.push(frame)
            grids.append(self._grid.samples(frame))  # while the frame still lies in the processor's cache
        self._last = frames[-1]
        cuts = self._cutting.push(grids)
        for index, (frame, cut) in enumerate(zip(frames, cuts, strict=True), start=first):
            time = self._times[index]
            if cut is not None:
                self._cuts.append(cut)
            if cut is not None or index == 0:
                self._keys.add(time, frame)
            if time >= self._next:
                self._next = time + self._every
                if self._samples.add(time, frame):  # it was full and every other one was let go
                    self._every *= 2

    def _time(self, frame: VideoFrame) -> float:
        if frame.pts is None:
            frame.pts, frame.time_base = len(self._times), Fraction(1 / self._rate).limit_denominator(100_000)
        time = float(frame.time) - self._begin
        if time > self._config.max_seconds:
            raise Reject("video-too-long", seconds=time, limit=self._config.max_seconds)
        return time

    def _facts(self, last: VideoFrame) -> VideoFacts:
        times = self._times
        gaps = sorted(after - before for before, after in pairwise(times))
        usual = gaps[len(gaps) // 2] if gaps else 1 / self._rate
        held = float(last.duration * last.time_base) if last.duration and last.time_base else usual
        uneven = sum(abs(gap - usual) > max(0.2 * usual, 0.0015) for gap in gaps)
        duration = max(times) + held
        width, height = self._camera.size
        return VideoFacts(
            duration=round(duration, 6),
            stated_duration=_stated(self._container),
            frames=len(times),
            fps=len(times) / max(duration - times[0], 1e-6),
            variable_rate=uneven > UNEVEN * max(1, len(gaps)),
            width=width,
            height=height,
            rotation=self._camera.rotation,
            codec=self._stream.codec_context.name,
            has_audio=bool(self._container.streams.audio),
            freezes=self._freezes.spans(duration, self._begin),
            cuts=tuple(Cut(frame=cut, time=round(times[cut], 6)) for cut in self._cuts),
            notes=tuple(self._notes(times)),
        )

    def _notes(self, times: list[float]) -> Iterator[str]:
        if self._damaged:
            yield f"{self._damaged} damaged packets were left out"
        if self._broke_off:
            yield f"reading broke off: {self._broke_off}"
        if any(after <= before for before, after in pairwise(times)):
            yield "time stamps go backwards"
        if self._freezes.changed_size:
            yield "the picture changes its size"

    def _check_end(self, facts: VideoFacts) -> None:
        """The video stream's own length where it says one: sound may run on after the picture."""
        stream, stated = self._stream, facts.stated_duration
        if stream.duration is not None and stream.time_base is not None:
            stated = float(stream.duration * stream.time_base)
        if stated and facts.duration < self._config.min_decoded * stated:
            raise Reject(
                "truncated-video", decoded=facts.duration, stated=stated, damaged=self._damaged, notes=facts.notes
            )


class _Track:
    """Collects the cues of one embedded subtitle stream."""

    def __init__(self, stream: SubtitleStream, begin: float) -> None:
        self.language = stream.language or ""
        self.cues: list[Cue] = []
        self._stream, self._begin = stream, begin

    def add(self, packet: Any) -> None:
        if packet.pts is None or not packet.size:
            return
        base = packet.time_base
        start = float(packet.pts * base) - self._begin
        try:
            found = self._stream.decode2(packet)
        except av.error.FFmpegError:
            return
        text = text_of_cue(b"\n".join(one.dialogue for one in found or () if hasattr(one, "dialogue")))
        if text:
            end = start + float((packet.duration or 0) * base)
            self.cues.append(Cue(start=round(max(0.0, start), 3), end=round(max(0.0, end), 3), text=text))


def _is_text(stream: SubtitleStream) -> bool:
    """Pictures of text (DVD, Blu-ray) would have to be read by OCR; they are not."""
    return stream.codec_context is not None and stream.codec_context.name in {
        "subrip", "srt", "mov_text", "webvtt", "ass", "ssa", "text",
    }  # fmt: skip


def _distinct(pictures: list[Picture]) -> tuple[Picture, ...]:
    return tuple({hashlib.sha256(picture.data).hexdigest(): picture for picture in reversed(pictures)}.values())[::-1]
