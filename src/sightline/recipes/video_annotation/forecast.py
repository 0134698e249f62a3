"""What a build of videos will take, before it is started: lengths are read from the files' heads, a few videos are
watched, the rest is reckoned from these. No model is asked, nothing is fetched and nothing written."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from math import ceil
from typing import Any

import av
import av.error
from pydantic import BaseModel, ConfigDict
from rich.console import RenderableType

from sightline.core.errors import Reject
from sightline.core.fingerprint import seeded
from sightline.core.sample import Rejected
from sightline.lm import Price, estimate_tokens
from sightline.pipeline import ExecutorConfig
from sightline.pipeline.sources import local_path
from sightline.recipes.forecasting import Load, RoleForecast, clock, forecast_tables
from sightline.recipes.video_annotation.config import VideoAnnotationConfig
from sightline.recipes.video_annotation.items import Described, VideoFile, WatchedVideo
from sightline.recipes.video_annotation.models import Models
from sightline.recipes.video_annotation.prompts import classify_request, describe_request, structure_request
from sightline.recipes.video_annotation.schema import Annotation
from sightline.recipes.video_annotation.taxonomy import Taxonomy
from sightline.recipes.video_annotation.watching import Filter, Watch

SAMPLE = 3
"""Videos watched to reckon from."""
SAMPLE_MINUTES = 10.0
"""Longer ones are not watched for a forecast."""
DESCRIPTION_TOKENS, FIELD_TOKENS, CATEGORY_TOKENS = 1_500, 3_500, 10
"""Assumed of a model's answers; said to be so."""


class VideoForecast(BaseModel):
    """All figures of a dry run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    videos: int
    refused: int
    """Files that are no video, twice there, or cannot be opened."""
    hours: float
    """As the files state; of rows of a manifest, as its column `duration` states."""
    unknown: int
    """Videos that state no length; not in `hours`."""
    sampled: int
    kept: int
    """Of these, those that pass the filters."""
    annotated: int
    """Videos expected to be sent to models, after filters and selection."""
    seconds_watching: float
    roles: tuple[RoleForecast, ...]


def forecast_videos(
    files: Iterable[VideoFile | Rejected],
    listed: Sequence[dict[str, Any]],
    config: VideoAnnotationConfig,
    models: Models,
    taxonomy: Taxonomy,
    executor: ExecutorConfig,
    price: Price | None = None,
) -> VideoForecast:
    """Reckon from `files` (on this machine) and `listed` (rows of manifests, which are not fetched)."""
    found = list(files)
    videos = [one for one in found if isinstance(one, VideoFile)]
    lengths = {video.key: stated_seconds(video) for video in videos}
    known = [seconds for seconds in lengths.values() if seconds is not None]
    told = [seconds for row in listed if (seconds := _number(row.get("duration"))) is not None]
    total = sum(known) + sum(told)
    counted = len(known) + len(told)
    short = [video for video in videos if 0 < (lengths[video.key] or 0.0) <= 60 * SAMPLE_MINUTES]
    drawn = sorted(short, key=lambda video: seeded(config.finish.seed, "forecast", video.source.sha256))[:SAMPLE]
    began = time.perf_counter()
    watched = [one for video in drawn if (one := _watched(video, config)) is not None]
    spent = time.perf_counter() - began
    kept = [one for one in watched if not any(isinstance(out, Rejected) for out in Filter(config.filters)(one))]
    share = len(kept) / len(drawn) if drawn else 1.0
    annotated = ceil(share * (len(videos) + len(listed)))
    if config.selection is not None and counted and total:
        annotated = min(annotated, ceil(config.selection.hours * 3600 / (total / counted)))
    roles = _roles(annotated, kept or watched, config, models, taxonomy, price)
    seen = sum(lengths[video.key] or 0.0 for video in drawn)
    return VideoForecast(
        videos=len(videos) + len(listed),
        refused=len(found) - len(videos),
        hours=total / 3600,
        unknown=len(videos) + len(listed) - counted,
        sampled=len(drawn),
        kept=len(kept),
        annotated=annotated,
        seconds_watching=spent / seen * total / executor.workers if seen else 0.0,
        roles=roles,
    )


def stated_seconds(video: VideoFile) -> float | None:
    """The length as the file's head states it; None where it does not or cannot be opened."""
    try:
        container = av.open(local_path(video.source), metadata_errors="replace")
    except (av.error.FFmpegError, ValueError):
        return None
    with closing(container):
        return None if container.duration is None else container.duration / av.time_base


def _watched(video: VideoFile, config: VideoAnnotationConfig) -> WatchedVideo | None:
    try:
        return next(iter(Watch(config.watch)(video)))
    except Reject:
        return None


def _roles(
    videos: int,
    sample: Sequence[WatchedVideo],
    config: VideoAnnotationConfig,
    models: Models,
    taxonomy: Taxonomy,
    price: Price | None,
) -> tuple[RoleForecast, ...]:
    """Tokens in are those of the requests that the sample would make."""
    loads = {role: Load() for role in ("classifier", "annotator", "structurer")}
    schema = estimate_tokens(str(Annotation.model_json_schema()))
    times = videos / len(sample) if sample else 0.0
    orders = (False, True) if config.ask.category_twice else (False,)
    for one in sample:
        described = Described(video=one, text="", annotator=models.annotator.name)
        sorting = [classify_request(one, taxonomy, order) for order in orders]
        loads["classifier"].add(sorting, CATEGORY_TOKENS, times=times)
        describing = describe_request(one, one.blob or b"", config.ask)
        loads["annotator"].add([describing], DESCRIPTION_TOKENS, times=times)
        filling, more = structure_request(described, config.ask), schema + DESCRIPTION_TOKENS
        loads["structurer"].add([filling], FIELD_TOKENS, times=times, more_tokens=more)
    asked = {"classifier": models.classifier, "annotator": models.annotator, "structurer": models.structuring}
    return tuple(loads[role].forecast(role, lm, price) for role, lm in asked.items() if lm is not None)


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def build_tables(forecast: VideoForecast) -> list[RenderableType]:
    """For the terminal."""
    unknown = f" (and {forecast.unknown:,} videos that state no length)" if forecast.unknown else ""
    counted = [
        ("videos", f"{forecast.videos:,} ({forecast.refused:,} files refused)"),
        ("hours", f"{forecast.hours:,.2f}{unknown}"),
        ("videos watched for this forecast", f"{forecast.sampled:,} ({forecast.kept:,} pass the filters)"),
        ("videos to annotate", f"{forecast.annotated:,}"),
        ("time for watching", clock(forecast.seconds_watching)),
        ("tokens of answers", f"assumed: {DESCRIPTION_TOKENS:,} a description, {FIELD_TOKENS:,} for its fields"),
    ]
    return forecast_tables(counted, forecast.roles)
