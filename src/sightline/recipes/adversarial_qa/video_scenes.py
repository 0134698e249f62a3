"""Videos that `sightline build videos` annotated, as scenes to ask about: each video is one, in timed words.

[0.0-14.5 s] scene: Arrival. A guide opens the gate. Props: key, lamp. Mood: Calm
[3.2-5.0 s] said: "This way, please."
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.core.media import Source, Span
from sightline.recipes.adversarial_qa.items import Scene, Seed
from sightline.recipes.adversarial_qa.pictures import Pictures
from sightline.recipes.video_annotation.schema import Annotation
from sightline.recipes.video_annotation.schema import Scene as AnnotatedScene
from sightline.verify.integrity import stated_time

_SEEN, _SAID = (re.compile(rf"^\[\d+\.\d-\d+\.\d s\] {what}: ", re.M) for what in ("scene", "said"))
COLUMNS = ("id", "json", "questions", "transcript", "duration", "language", "split", "group", "licence", "source")


def video_scenes(files: list[Path], pictures: Pictures) -> Iterator[Scene]:
    """One per row, with the video's own questions as seeds and a picture of each of its scenes."""
    for file in files:
        with pq.ParquetFile(file) as parquet:
            for group in range(parquet.num_row_groups):
                rows = parquet.read_row_group(group, columns=[*COLUMNS, "thumbnails"]).to_pylist()
                for number, row in enumerate(rows):
                    shown = [one["bytes"] for one in row["thumbnails"]]
                    refs = pictures.add_row(file, group, number, "thumbnails", shown)
                    yield _scene(row).model_copy(update={"images": refs})


def timed_words(annotation: Annotation, transcript: list[dict[str, Any]], duration: float) -> str:
    """Scenes and what is said in them, in the order of time."""
    lines: list[tuple[float, int, str]] = []
    for scene in annotation.scenes:
        start = stated_time(scene.timestamps.start_timestamp, duration) or 0.0
        end = stated_time(scene.timestamps.end_timestamp, duration) or duration
        lines.append((start, 0, f"[{start:.1f}-{end:.1f} s] scene: {_described(scene)}"))
    for cue in transcript:
        lines.append((cue["start"], 1, f'[{cue["start"]:.1f}-{cue["end"]:.1f} s] said: "{cue["text"]}"'))
    people = "; ".join(f"{one.name}: {one.description}" for one in annotation.characterList)
    head = [annotation.description, *([f"Who appears: {people}"] if people else [])]
    return "\n".join([*head, *(line for _, _, line in sorted(lines))])


def heard(text: str) -> str:
    """What is said, of `timed_words`; the annotator's descriptions are no part of the video. Other texts as they are.

    >>> heard('A hall.\\n[0.0-9.0 s] scene: Arrival. Calm\\n[3.0-5.0 s] said: "This way."')
    '[3.0-5.0 s] said: "This way."'
    """
    if _SEEN.search(text) is None:
        return text
    return "\n".join(line for line in text.splitlines() if _SAID.match(line))


def _described(scene: AnnotatedScene) -> str:
    parts = [
        scene.title,
        "; ".join(one.description for one in scene.activities),
        "; ".join(one.description for one in scene.narrativeProgression),
        "; ".join(one.description for one in scene.characterInteraction),
        f"Props: {', '.join(one.name for one in scene.props)}" if scene.props else "",
        f"Mood: {scene.mood.description}",
    ]
    return ". ".join(part for part in parts if part)


def _scene(row: dict[str, Any]) -> Scene:
    told = dict(json.loads(row["json"])["content_metadata"])
    told.pop("fps", None)
    return Scene(
        id=row["id"],
        text=timed_words(Annotation.model_validate(told), row["transcript"], row["duration"]),
        seeds=tuple(Seed(one["question"], one["answer"], "video") for one in row["questions"]),
        span=Span(0.0, row["duration"]),
        language=row["language"] or "en",
        split=row["split"],
        group=row["group"],
        licence=row["licence"],
        source=Source.model_validate(row["source"]),
    )
