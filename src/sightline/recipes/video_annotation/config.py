"""Everything that decides a video dataset, as one frozen value; saved as run.json beside the dataset."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from sightline.media.video import VideoConfig
from sightline.recipes.video_annotation.filters import FilterConfig
from sightline.recipes.video_annotation.selection import SelectionConfig
from sightline.verify.aligning import AlignConfig
from sightline.verify.integrity import IntegrityConfig

FROZEN = ConfigDict(frozen=True, extra="forbid")


class WatchConfig(BaseModel):
    """How videos are read."""

    model_config = FROZEN

    video: VideoConfig = VideoConfig()
    licence: str | None = None
    """Of all videos of this run, where they state none."""


class AskConfig(BaseModel):
    """What the annotator and the structurer are asked."""

    model_config = FROZEN

    pictures: int = Field(default=32, ge=1)
    """Shown to the annotator at most, evenly over the video."""
    transcript_characters: int = Field(default=20_000, ge=0)
    description_tokens: int = Field(default=6_000, ge=64)
    structure_tokens: int = Field(default=10_000, ge=64)
    tries: int = Field(default=3, ge=1)
    """For a reply that follows the schema; what was wrong is fed back."""
    category_twice: bool = False
    """Ask for the category a second time with the list turned round, to find categories that are confused."""


class FinishConfig(BaseModel):
    """When an annotation's times are refused, and how records are divided."""

    model_config = FROZEN

    integrity: IntegrityConfig = IntegrityConfig()
    align: AlignConfig = AlignConfig()
    test_share: float = Field(default=0.0, ge=0, lt=1)
    """Of the groups of videos; by hash, so that a video keeps its side when others come."""
    seed: int = 0


class VideoAnnotationConfig(BaseModel):
    """The recipe `video_annotation`."""

    model_config = FROZEN

    watch: WatchConfig = WatchConfig()
    filters: FilterConfig = FilterConfig()
    keep_duplicates: bool = False
    """Keep videos that show the same as another one; they share a group."""
    taxonomy: str = ""
    """Fingerprint of the categories; filled in by the recipe."""
    selection: SelectionConfig | None = None
    """None keeps all."""
    ask: AskConfig = AskConfig()
    finish: FinishConfig = FinishConfig()
    store_videos: bool = False
    """Put each video's bytes into the dataset, not only its address and hash."""
