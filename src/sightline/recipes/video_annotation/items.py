"""What flows through the plan, from a file to a record."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from sightline.core.media import Source
from sightline.core.sample import Item, Provenance
from sightline.media.transcript import Cue, count_words
from sightline.media.video import VideoFacts
from sightline.recipes.video_annotation.schema import Annotation


class About(BaseModel):
    """What its publisher says of a video; empty or 0 where nothing is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = ""
    url: str = ""
    title: str = ""
    description: str = ""
    channel: str = ""
    language: str = ""
    views: int = 0
    likes: int = 0
    comments: int = 0
    followers: int = 0


class TranscriptFile(BaseModel):
    """Subtitles beside the video; the hash makes changed subtitles another item."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    uri: str
    sha256: str
    language: str = ""
    """From its name ("talk.ko.srt"); empty where it does not say."""


class VideoFile(Item):
    """A video to read, with what lies beside it."""

    source: Source
    transcript: TranscriptFile | None = None
    about: About = About()


class PictureAt(NamedTuple):
    """Where in the strip of pictures one stands, and of which second it is."""

    time: float
    width: int
    height: int
    offset: int
    length: int


class WatchedVideo(Item):
    """A video after its one decoding pass; `blob` is its pictures, JPEG after JPEG."""

    source: Source
    about: About
    facts: VideoFacts
    cues: tuple[Cue, ...]
    words_from: str
    """"file:NAME", "track:LANGUAGE", "speech:MODEL", or "none"."""
    language: str
    """ISO 639-1 of what is said; "" where nothing is."""
    notes: tuple[str, ...]
    """About its transcript: "cues that were refused: 2 (line 7 negative-time ...)"."""
    strip: str
    """SHA-256 of the blob."""
    pictures: tuple[PictureAt, ...]
    hashes: tuple[tuple[str, ...], ...]
    """Per place in the video, perceptual hashes of the whole frame and of its middle."""
    group: str = ""
    """Videos that show the same carry the same; never torn apart by a split."""
    category: str = ""
    """Path text of a leaf, "unmatched", or "" where nobody asked."""
    category_said: tuple[str, ...] = ()
    """The classifier's own words; two answers where it was asked twice."""

    @property
    def words(self) -> int:
        return sum(count_words(cue.text) for cue in self.cues)

    @property
    def text(self) -> str:
        return "\n".join(cue.text for cue in self.cues)

    def jpeg(self, picture: PictureAt, strip: bytes) -> bytes:
        """One picture out of the strip."""
        return strip[picture.offset : picture.offset + picture.length]


class Described(Item):
    """A video with an annotator's free words."""

    video: WatchedVideo
    text: str
    annotator: str


class Annotated(Item):
    """... and these in fields, times not yet looked at."""

    video: WatchedVideo
    text: str
    annotator: str
    structurer: str
    annotation: Annotation


class VideoRecord(Item):
    """A finished record: scenes lie on cuts and reach from beginning to end."""

    id: str
    video: WatchedVideo
    text: str
    """What the annotator wrote, kept whole."""
    annotator: str
    structurer: str
    annotation: Annotation
    """Times as HH:MM:SS.mmm."""
    moved: tuple[float, ...]
    """Frames by which each boundary was moved: of every scene its start, then its end."""
    warnings: tuple[str, ...]
    split: str
    provenance: Provenance
