"""From stated times to true ones: what cannot be is refused, what is near a cut goes there, the rest is written out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict

from sightline.core.errors import Reject
from sightline.core.fingerprint import fingerprint, seeded
from sightline.core.media import Span
from sightline.core.sample import Item, Provenance
from sightline.media.video import VideoFacts
from sightline.recipes.video_annotation.config import FinishConfig
from sightline.recipes.video_annotation.items import Annotated, VideoRecord
from sightline.recipes.video_annotation.schema import Annotation, Scene, Timestamps
from sightline.verify.aligning import align, clipped
from sightline.verify.integrity import Stated, faults, stated_time, stray_share, timecode


class Finished(NamedTuple):
    """An annotation with true times."""

    annotation: Annotation
    moved: tuple[float, ...]
    warnings: tuple[str, ...]


def finished(annotation: Annotation, facts: VideoFacts, config: FinishConfig) -> Finished:
    """Check, then align.

    Raises Reject with the first fault as reason ("low-coverage", "scenes-out-of-order" ...; see `verify.integrity`),
    "times-outside-scenes", "moved-too-far" or "scenes-collapse".
    """
    duration = facts.duration
    stated = [_stated(scene.timestamps, duration) for scene in annotation.scenes]
    found = faults(stated, duration, config.integrity)
    if found:
        raise Reject(found[0].reason, faults=[fault._asdict() for fault in found])
    spans = [Span(start, end) for start, end in stated if start is not None and end is not None]
    inner = [
        (span, time) for span, scene in zip(spans, annotation.scenes, strict=True) for time in _inner(scene, duration)
    ]
    stray = stray_share(inner, config.integrity.slack)
    if stray > config.integrity.max_stray:
        raise Reject("times-outside-scenes", share=round(stray, 4), limit=config.integrity.max_stray, times=len(inner))
    aligned = align(spans, [cut.time for cut in facts.cuts], duration, facts.fps, config.align)
    scenes = tuple(_scene(scene, span, duration) for scene, span in zip(annotation.scenes, aligned.spans, strict=True))
    warnings = [
        f"a boundary was moved by {moved.frames:.0f} frames, from {timecode(max(0.0, moved.stated))} to "
        f"{timecode(moved.now)}"
        for moved in aligned.warned
    ]
    whole = Span(0.0, duration)
    climax = annotation.storylines.climax
    done = annotation.model_copy(
        update={
            "scenes": scenes,
            "storylines": annotation.storylines.model_copy(
                update={"climax": climax.model_copy(update={"timestamp": _moment(climax.timestamp, whole, duration)})}
            ),
            "trimmingSuggestions": tuple(
                one.model_copy(update={"timestamps": _stretch(one.timestamps, whole, duration)})
                for one in annotation.trimmingSuggestions
            ),
        }
    )
    told = (*dict.fromkeys(warnings), *_about_ids(annotation))
    return Finished(done, tuple(round(one.frames, 2) for one in aligned.moved), told)


def _stated(times: Timestamps, duration: float) -> Stated:
    return (
        stated_time(times.start_timestamp, duration),
        stated_time(times.end_timestamp, duration, last=True),
    )


def _inner(scene: Scene, duration: float) -> Iterator[Stated]:
    stretches = (
        *(one.timestamp for one in scene.activities),
        *(one.timestamp for one in scene.props),
        *(one.timestamps for one in scene.videoEditingDetails),
    )
    yield from (_stated(one, duration) for one in stretches)
    moments = (
        *(one.timestamp for one in scene.mood.keyMoments),
        *(one.timestamp for one in scene.narrativeProgression),
    )
    yield from ((stated_time(one, duration), None) for one in moments)


def _scene(scene: Scene, span: Span, duration: float) -> Scene:
    def stretch(times: Timestamps) -> Timestamps:
        return _stretch(times, span, duration)

    mood = scene.mood
    return scene.model_copy(
        update={
            "timestamps": Timestamps(start_timestamp=timecode(span.start), end_timestamp=timecode(span.end)),
            "activities": tuple(
                one.model_copy(update={"timestamp": stretch(one.timestamp)}) for one in scene.activities
            ),
            "props": tuple(one.model_copy(update={"timestamp": stretch(one.timestamp)}) for one in scene.props),
            "videoEditingDetails": tuple(
                one.model_copy(update={"timestamps": stretch(one.timestamps)}) for one in scene.videoEditingDetails
            ),
            "mood": mood.model_copy(
                update={
                    "keyMoments": tuple(
                        one.model_copy(update={"timestamp": _moment(one.timestamp, span, duration)})
                        for one in mood.keyMoments
                    )
                }
            ),
            "narrativeProgression": tuple(
                one.model_copy(update={"timestamp": _moment(one.timestamp, span, duration)})
                for one in scene.narrativeProgression
            ),
        }
    )


def _stretch(times: Timestamps, span: Span, duration: float) -> Timestamps:
    start, end = clipped(_stated(times, duration), span)
    if start is not None and end is not None and end < start:
        start, end = end, start
    return Timestamps(start_timestamp=_written(start), end_timestamp=_written(end))


def _moment(text: str | None, span: Span, duration: float) -> str | None:
    return _written(clipped((stated_time(text, duration), None), span)[0])


def _written(time: float | None) -> str | None:
    return None if time is None else timecode(time)


def _about_ids(annotation: Annotation) -> Iterator[str]:
    """Names that lead nowhere are told; they break nothing."""
    ids = [scene.sceneId for scene in annotation.scenes]
    if len(set(ids)) < len(ids):
        yield "scenes share an id"
    lost = _missing(annotation.storylines.scenes, ids)
    if lost:
        yield f"the storyline names scenes that are not there: {lost}"
    known = {name for one in annotation.characterList for name in (one.characterId, one.name)}
    cast = _missing((name for scene in annotation.scenes for name in scene.cast), known)
    if cast:
        yield f"the cast names people who are not in the list: {cast}"


def _missing(wanted: Iterable[int | str], known: Iterable[int | str]) -> str:
    there = set(known)
    return ", ".join(str(one) for one in dict.fromkeys(wanted) if one not in there)


class FinishStepConfig(BaseModel):
    """What decides a record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    finish: FinishConfig
    run: str
    """Fingerprint of the run, for the provenance."""
    recipe_version: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The last step: a record, or a named refusal."""

    config: FinishStepConfig
    name: ClassVar[str] = "finish"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = Annotated
    gives: ClassVar[type[Item]] = VideoRecord

    def __call__(self, item: Annotated, /) -> Iterator[VideoRecord]:
        config = self.config.finish
        try:
            done = finished(item.annotation, item.video.facts, config)
        except Reject as refused:
            evidence = dict(refused.evidence) | {"text": item.text}
            raise Reject(refused.reason, **evidence) from refused
        draw = seeded(config.seed, "split", item.video.group or item.video.source.sha256) / 2**64
        yield VideoRecord(
            id=fingerprint({"video": item.video.source.sha256, "annotation": done.annotation}),
            video=item.video,
            text=item.text,
            annotator=item.annotator,
            structurer=item.structurer,
            annotation=done.annotation,
            moved=done.moved,
            warnings=(*item.video.facts.notes, *item.video.notes, *done.warnings),
            split="test" if draw < config.test_share else "train",
            provenance=Provenance(
                recipe="video_annotation",
                version=self.config.recipe_version,
                run=self.config.run,
                parents=(item.video.key,),
                seed=config.seed,
            ),
        )
