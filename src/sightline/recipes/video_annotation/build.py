"""The story: videos in, aligned scene annotations out.

files -> one decoding pass -> filters -> distinct -> category -> selection -> free words -> fields -> aligned records
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightline.core.fingerprint import fingerprint
from sightline.core.record import RunRecord, claim
from sightline.core.sample import Rejected
from sightline.lm import Cached
from sightline.lm.tally import Tally
from sightline.pipeline import ExecutorConfig, RunResult, Store
from sightline.recipes import running
from sightline.recipes.video_annotation.asking import candidate
from sightline.recipes.video_annotation.attempts import attempts_of
from sightline.recipes.video_annotation.config import VideoAnnotationConfig
from sightline.recipes.video_annotation.dataset import write_videos
from sightline.recipes.video_annotation.items import VideoFile, WatchedVideo
from sightline.recipes.video_annotation.models import Models
from sightline.recipes.video_annotation.plan import RETRIED, VERSION, Context, video_plan
from sightline.recipes.video_annotation.revision import write_revision
from sightline.recipes.video_annotation.selection import select
from sightline.recipes.video_annotation.sources import find_videos
from sightline.recipes.video_annotation.takedown import Noting
from sightline.recipes.video_annotation.taxonomy import Taxonomy, default_taxonomy

TIME_LIMIT = 1800.0
"""Seconds that one video may take to decode: an hour of film on one slow core."""


@dataclass(frozen=True, slots=True)
class Engine(running.Engine):
    """Where the plan runs; a video has more time than other items."""

    executor: ExecutorConfig = field(default_factory=lambda: ExecutorConfig(time_limit=TIME_LIMIT))


def build_videos(
    paths: str | Path | Sequence[str | Path] | Iterable[VideoFile | Rejected],
    out: str | Path,
    models: Models,
    config: VideoAnnotationConfig | None = None,
    *,
    taxonomy: Taxonomy | None = None,
    engine: Engine | None = None,
    retry: Collection[str] = (),
) -> RunResult:
    """Build (or go on building) the dataset in `out` from video files, folders, globs or fsspec URLs; or from what a
    manifest gave (`manifest.videos_of`).

    Running it again does only what is missing; replies of language models are kept, so that none is paid for twice.
    Videos refused for a reason in `retry` (`attempts.RETRIABLE`) are asked about anew, the others are left alone.
    Raises InputError (nothing to read), StorageError (cannot write). Where BudgetReached or ModelError ended the run,
    it stands in `result.stopped_by`; the dataset then holds what was finished before.
    """
    out, engine, taxonomy = Path(out), engine or Engine(), taxonomy or default_taxonomy()
    claim(out, "video_annotation")
    leaves = fingerprint([[leaf.text, leaf.description] for leaf in taxonomy.leaves])
    config = (config or VideoAnnotationConfig()).model_copy(update={"taxonomy": leaves})
    state = out / ".sightline"
    tallied = models.wrapped(lambda lm: Noting(Tally(Cached(lm, state / "replies.sqlite")), state))
    stated = {"models": tallied.names, "seed": config.finish.seed, "version": VERSION}
    record = running.begun(
        RunRecord(recipe="video_annotation", config=config.model_dump(mode="json"), **stated), "av", "pillow"
    )
    context = Context(taxonomy, Store(out), attempts_of(out, retry), record.fingerprint)
    plan = video_plan(config, tallied, context)
    files: Iterable[Any] = paths  # type: ignore[assignment]
    if isinstance(paths, (str, Path, list, tuple)):
        files = find_videos([paths] if isinstance(paths, (str, Path)) else paths, [out])
    result = engine.run(plan, files, out, (*RETRIED, *retry))
    record = running.ended(record, video_figures(result, tallied, config))
    write_videos(result, out, record, store_videos=config.store_videos)
    write_revision(result, out, taxonomy)
    return result


def video_figures(result: RunResult, models: Models, config: VideoAnnotationConfig) -> dict[str, Any]:
    """Funnel, hours, quotas and cost as measured, for run.json and the report."""
    watched = [item.facts.duration for item in result.items("watch") if isinstance(item, WatchedVideo)]
    counted = {role: lm.lm for role, lm in models.roles.items() if isinstance(lm, Noting)}
    return {
        "videos": len(watched),
        "hours_watched": sum(watched) / 3600,
        "shares": _shares(result, config),
        **running.run_figures(result, counted),
    }


def _shares(result: RunResult, config: VideoAnnotationConfig) -> list[dict[str, Any]]:
    """How the quotas came out; empty where nothing was selected."""
    names = [step.name for step in result.plan]
    if config.selection is None:
        return []
    before = names[names.index("select") - 1]
    pool = [candidate(item) for item in result.items(before) if isinstance(item, WatchedVideo)]
    return [share._asdict() | {"met": share.met} for share in select(pool, config.selection).shares]
