"""Videos in, scene-level annotations with aligned times out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.recipes.video_annotation.build import Engine, build_videos
    from sightline.recipes.video_annotation.config import AskConfig, FinishConfig, VideoAnnotationConfig, WatchConfig
    from sightline.recipes.video_annotation.models import Models
    from sightline.recipes.video_annotation.taxonomy import Taxonomy, read_taxonomy

__all__ = [
    "AskConfig",
    "Engine",
    "FinishConfig",
    "Models",
    "Taxonomy",
    "VideoAnnotationConfig",
    "WatchConfig",
    "build_videos",
    "read_taxonomy",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "AskConfig": "sightline.recipes.video_annotation.config:AskConfig",
        "Engine": "sightline.recipes.video_annotation.build:Engine",
        "FinishConfig": "sightline.recipes.video_annotation.config:FinishConfig",
        "Models": "sightline.recipes.video_annotation.models:Models",
        "Taxonomy": "sightline.recipes.video_annotation.taxonomy:Taxonomy",
        "VideoAnnotationConfig": "sightline.recipes.video_annotation.config:VideoAnnotationConfig",
        "WatchConfig": "sightline.recipes.video_annotation.config:WatchConfig",
        "build_videos": "sightline.recipes.video_annotation.build:build_videos",
        "read_taxonomy": "sightline.recipes.video_annotation.taxonomy:read_taxonomy",
    },
)
