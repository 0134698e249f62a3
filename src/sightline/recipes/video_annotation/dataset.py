"""A video dataset on disk: `VideoRecord` -> row, the Parquet schema, and the form in which FineVideo published.

One row is one video: where the file is and its hash, one picture per scene, scenes and questions as columns, the whole
annotation as JSON text in the published form (`json`), and what the annotator wrote (`annotation_text`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sightline.core.errors import InputError
from sightline.core.media import Source
from sightline.core.record import RunRecord
from sightline.pipeline import RunResult, write_parquet
from sightline.pipeline.sinks import Columns
from sightline.pipeline.sources import local_path
from sightline.recipes.dataset_files import write_rejects, write_whole
from sightline.recipes.video_annotation.card import write_video_card
from sightline.recipes.video_annotation.items import PictureAt, VideoRecord
from sightline.recipes.video_annotation.schema import Scene
from sightline.recipes.video_annotation.taxonomy import SEPARATOR
from sightline.verify.integrity import stated_time, timecode

SOURCE: Columns = {
    "name": "string", "uri": "string", "sha256": "string", "media_type": "string", "size": "int64", "licence": "string",
}  # fmt: skip
COLUMNS: Columns = {
    "id": "string",
    "thumbnails": ["image"],
    "thumbnail_times": ["float64"],
    "title": "string",
    "description": "string",
    "scenes": [
        {
            "scene_id": "int64",
            "title": "string",
            "start": "float64",
            "end": "float64",
            "mood": "string",
            "dynamism": "float64",
            "audio_visual_correlation": "float64",
        }
    ],
    "questions": [{"question": "string", "answer": "string"}],
    "transcript": [{"start": "float64", "end": "float64", "text": "string"}],
    "json": "string",
    "annotation_text": "string",
    "annotator": "string",
    "structurer": "string",
    "moved_frames": ["float64"],
    "warnings": ["string"],
    "category": "string",
    "root_category": "string",
    "channel": "string",
    "language": "string",
    "words": "int64",
    "words_from": "string",
    "duration": "float64",
    "fps": "float64",
    "width": "int64",
    "height": "int64",
    "split": "string",
    "group": "string",
    "licence": "string",
    "source": SOURCE,
    "provenance": {"recipe": "string", "version": "int64", "run": "string", "parents": ["string"], "seed": "int64"},
}


BYTES: Columns = {"video": "large_binary"}
"""The whole file, where it was asked for."""


def write_videos(result: RunResult, out: Path, record: RunRecord, *, store_videos: bool = False) -> None:
    """Write `result`'s records and all its rejects. Raises StorageError where the disk is full, InputError where
    `store_videos` and a video is gone or another one by now."""
    write_parquet(_rows(result, store_videos), out, {**COLUMNS, **BYTES} if store_videos else COLUMNS)
    write_rejects(result.rejected(), out / "rejects.parquet")
    write_whole(out / "run.json", record.model_dump_json(indent=2) + "\n")
    write_video_card(out)


def _rows(result: RunResult, store_videos: bool) -> Iterator[dict[str, Any]]:
    for record in result.items("finish"):
        assert isinstance(record, VideoRecord)
        row = to_row(record, result.blob)
        yield row | {"video": _file(record.video.source)} if store_videos else row


def _file(source: Source) -> bytes:
    try:
        data = Path(local_path(source)).read_bytes()
    except OSError:
        data = b""
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise InputError(
            "the video is gone, or another one by now, and its bytes were asked for",
            subject=source.name,
            remedy="put it back, or leave --store-videos out",
        )
    return data


def to_row(record: VideoRecord, blob: Callable[[str], bytes]) -> dict[str, Any]:
    """One row; `blob` gives the strip of pictures by its hash."""
    video, annotation = record.video, record.annotation
    strip = blob(video.strip)
    shown = [picture_of(scene, video.pictures, video.facts.duration) for scene in annotation.scenes]
    return {
        "id": record.id,
        "thumbnails": [
            {"bytes": video.jpeg(one, strip), "path": f"{record.id[:16]}-{n}.jpg"} for n, one in enumerate(shown)
        ],
        "thumbnail_times": [one.time for one in shown],
        "title": annotation.title,
        "description": annotation.description,
        "scenes": [_scene_row(scene) for scene in annotation.scenes],
        "questions": [one.model_dump() for one in annotation.qAndA],
        "transcript": [cue.model_dump() for cue in video.cues],
        "json": json.dumps(published(record), ensure_ascii=False),
        "annotation_text": record.text,
        "annotator": record.annotator,
        "structurer": record.structurer,
        "moved_frames": list(record.moved),
        "warnings": list(record.warnings),
        "category": video.category,
        "root_category": video.category.partition(SEPARATOR)[0],
        "channel": video.about.channel,
        "language": video.language,
        "words": video.words,
        "words_from": video.words_from,
        "duration": video.facts.duration,
        "fps": video.facts.fps,
        "width": video.facts.width,
        "height": video.facts.height,
        "split": record.split,
        "group": video.group,
        "licence": video.source.licence,
        "source": video.source.model_dump(mode="json"),
        "provenance": record.provenance.model_dump(mode="json"),
    }


def picture_of(scene: Scene, pictures: tuple[PictureAt, ...], duration: float) -> PictureAt:
    """The picture nearest to the scene's middle, from inside it where there is one."""
    start, end = _bounds(scene, duration)
    inside = [one for one in pictures if start <= one.time < end] or pictures
    return min(inside, key=lambda one: abs(one.time - (start + end) / 2))


def _bounds(scene: Scene, duration: float) -> tuple[float, float]:
    start = stated_time(scene.timestamps.start_timestamp, duration)
    end = stated_time(scene.timestamps.end_timestamp, duration)
    assert start is not None
    assert end is not None, "a finished scene has times"
    return start, end


def _scene_row(scene: Scene) -> dict[str, Any]:
    start, end = _bounds(scene, 0.0)
    return {
        "scene_id": scene.sceneId,
        "title": scene.title,
        "start": start,
        "end": end,
        "mood": scene.mood.description,
        "dynamism": scene.dynamismScore,
        "audio_visual_correlation": scene.audioVisualCorrelation,
    }


def published(record: VideoRecord) -> dict[str, Any]:
    """The record in the form of HuggingFaceFV/finevideo's `json` field; `youtube_*` hold what the publisher said,
    whatever site it was."""
    video = record.video
    about, facts = video.about, video.facts
    path = video.category.split(SEPARATOR) if video.category else [""]
    return {
        "content_fine_category": path[-1],
        "content_parent_category": path[0],
        "content_metadata": record.annotation.model_dump(mode="json") | {"fps": facts.fps},
        "resolution": f"{facts.width}x{facts.height}",
        "duration_seconds": facts.duration,
        "original_video_filename": video.source.name,
        "youtube_title": about.title,
        "youtube_description": about.description,
        "youtube_channel": about.channel,
        "youtube_view_count": about.views,
        "youtube_like_count": about.likes,
        "youtube_comment_count": about.comments,
        "youtube_channel_follower_count": about.followers,
        "text_to_speech": video.text.replace("\n", " "),
        "text_to_speech_word_count": video.words,
        "timecoded_text_to_speech": [
            {"start": timecode(cue.start), "end": timecode(cue.end), "text": cue.text} for cue in video.cues
        ],
    }
