"""Read a video once, then decide by figures whether it is worth an annotation."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict

from sightline.core.errors import MediaError, Reject
from sightline.core.sample import Item, Rejected
from sightline.media.speech import Speech
from sightline.media.transcript import Cue, Transcript, parse_transcript
from sightline.media.video import Video, read_video
from sightline.pipeline.sources import local_path
from sightline.recipes.document_qa.language import page_language
from sightline.recipes.video_annotation.config import WatchConfig
from sightline.recipes.video_annotation.filters import FilterConfig, refusals
from sightline.recipes.video_annotation.items import PictureAt, VideoFile, WatchedVideo
from sightline.verify.picture_hashing import picture_hash_of

PLACES = 8
"""Moments of a video at which it is compared with others."""
MIDDLES = (1.0, 0.9, 0.8)
"""Shares of width and height that are hashed, so that a cropped copy meets its original."""
BAD_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Watch:
    """The one decoding pass, and the transcript: subtitles beside the file, else a track inside it."""

    config: WatchConfig
    name: ClassVar[str] = "watch"
    version: ClassVar[int] = 3
    takes: ClassVar[type[Item]] = VideoFile
    gives: ClassVar[type[Item]] = WatchedVideo

    def __call__(self, item: VideoFile, /) -> Iterator[WatchedVideo]:
        video = read_video(local_path(item.source), self.config.video)
        cues, words_from, language, notes = _words(item, video)
        source = item.source
        if source.licence is None and self.config.licence is not None:
            source = source.model_copy(update={"licence": self.config.licence})
        strip, places = _strip(video)
        yield WatchedVideo(
            source=source,
            about=item.about,
            facts=video.facts,
            cues=cues,
            words_from=words_from,
            language=language,
            notes=notes,
            strip=hashlib.sha256(strip).hexdigest(),
            pictures=places,
            hashes=signature(video),
            blob=strip,
        )


def _words(item: VideoFile, video: Video) -> tuple[tuple[Cue, ...], str, str, tuple[str, ...]]:
    """Cues, where they are from, their language, what was mended or refused in them."""
    if item.transcript is not None:
        data = Path(item.transcript.uri).read_bytes()
        if hashlib.sha256(data).hexdigest() != item.transcript.sha256:
            raise Reject("transcript-changed", file=item.transcript.name)
        try:
            found = parse_transcript(data)
        except Reject as refused:
            return (), "none", "", (f"{item.transcript.name}: {refused.reason}",)
        cues = _within(found.cues, video.facts.duration)
        named = item.transcript.language
        language = named if len(named) == 2 else _language(cues)  # three letters are another standard's
        return cues, f"file:{item.transcript.name}", language, tuple(_remarks(item.transcript.name, found))
    spoken = max(video.subtitles, key=lambda track: len(track.cues), default=None)
    if spoken is not None and spoken.cues:
        cues = _within(spoken.cues, video.facts.duration)
        return cues, f"track:{spoken.language or 'unnamed'}", _language(cues), ()
    return (), "none", "", ()


def _remarks(name: str, found: Transcript) -> Iterator[str]:
    if found.repaired:
        yield f"{name}: cues whose times were mended: {found.repaired}"
    if found.bad:
        lines = ", ".join(f"line {bad.line} {bad.reason}" for bad in found.bad[:BAD_SHOWN])
        yield f"{name}: cues that were refused: {len(found.bad)} ({lines})"
    if found.encoding not in ("utf-8", "utf-8-sig"):
        yield f"{name}: read as {found.encoding}"


def _within(cues: Sequence[Cue], duration: float) -> tuple[Cue, ...]:
    """Words that begin after the picture's end belong to another cut of the film; a last cue may hang over."""
    return tuple(
        cue if cue.end <= duration else cue.model_copy(update={"end": round(duration, 3)})
        for cue in cues
        if cue.start < duration
    )


def _language(cues: Sequence[Cue]) -> str:
    return page_language(" ".join(cue.text for cue in cues)) if cues else ""


def _strip(video: Video) -> tuple[bytes, tuple[PictureAt, ...]]:
    places: list[PictureAt] = []
    offset = 0
    for picture in video.pictures:
        places.append(PictureAt(picture.time, picture.width, picture.height, offset, len(picture.data)))
        offset += len(picture.data)
    return b"".join(picture.data for picture in video.pictures), tuple(places)


def signature(video: Video) -> tuple[tuple[str, ...], ...]:
    """Perceptual hashes at evenly spread moments: of the picture nearest to each, whole and its middle."""
    out = []
    for n in range(PLACES):
        moment = (n + 0.5) / PLACES * video.facts.duration
        nearest = min(video.pictures, key=lambda picture: abs(picture.time - moment))
        with Image.open(io.BytesIO(nearest.data)) as image:
            pixels = np.asarray(image.convert("RGB"))
        height, width = pixels.shape[:2]
        hashes = []
        for share in MIDDLES:
            top, left = round(height * (1 - share) / 2), round(width * (1 - share) / 2)
            hashes.append(picture_hash_of(pixels[top : height - top, left : width - left]))
        out.append(tuple(hashes))
    return tuple(out)


class HearConfig(BaseModel):
    """What decides the words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    speech: str
    """Name of the model."""


@dataclass(frozen=True, slots=True)
class Hear:
    """Speech recognition for what came without a transcript but with sound."""

    config: HearConfig
    speech: Speech
    name: ClassVar[str] = "hear"
    version: ClassVar[int] = 2
    takes: ClassVar[type[Item]] = WatchedVideo
    gives: ClassVar[type[Item]] = WatchedVideo

    def batch(self, items: Sequence[WatchedVideo], /) -> Iterator[Sequence[WatchedVideo | Rejected]]:
        for item in items:
            yield [self._heard(item)]

    def _heard(self, item: WatchedVideo) -> WatchedVideo | Rejected:
        if item.cues or not item.facts.has_audio:
            return item
        try:
            language, heard = self.speech.cues(local_path(item.source))
        except MediaError as error:
            return Rejected(reason="unreadable-sound", evidence={"error": str(error)[:200]})
        cues = _within(heard, item.facts.duration)
        if not cues:
            return item
        return item.model_copy(update={"cues": cues, "language": language, "words_from": f"speech:{self.speech.name}"})


@dataclass(frozen=True, slots=True)
class Filter:
    """Thresholds on what was measured; a video is refused for each that it misses."""

    config: FilterConfig
    name: ClassVar[str] = "filter"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = WatchedVideo
    gives: ClassVar[type[Item]] = WatchedVideo

    def __call__(self, item: WatchedVideo, /) -> Iterator[WatchedVideo | Rejected]:
        against = list(
            refusals(
                duration=item.facts.duration,
                words=item.words,
                freezes=item.facts.freezes,
                language=item.language,
                licence=item.source.licence,
                config=self.config,
            )
        )
        if not against:
            yield item
            return
        first = against[0]
        more = {one.reason: {"value": one.evidence["value"], "limit": one.evidence["limit"]} for one in against}
        yield first.model_copy(update={"evidence": first.evidence | {"reasons": more, "words_from": item.words_from}})


Strip = Callable[[str], bytes]
"""The bytes of a strip of pictures by its hash."""
