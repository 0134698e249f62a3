"""How many impossible annotations do the time checks catch? Errors of known kinds are planted into finished records."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sightline.core.errors import InputError, Reject, StorageError
from sightline.core.fingerprint import seeded
from sightline.core.score import Proportion
from sightline.pipeline import Store
from sightline.recipes.audit_record import FILE, Audit, alarm_row, caught_row
from sightline.recipes.dataset import Dataset
from sightline.recipes.dataset_files import write_whole
from sightline.recipes.video_annotation.card import write_video_card
from sightline.recipes.video_annotation.config import FinishConfig, VideoAnnotationConfig
from sightline.recipes.video_annotation.finishing import finished
from sightline.recipes.video_annotation.items import WatchedVideo
from sightline.recipes.video_annotation.schema import Annotation
from sightline.verify.integrity import stated_time, timecode

SHIFTS = (5.5, 10.0, 30.0)
"""Seconds by which all times are shifted: more than the 125 frames that a boundary may move at 25 frames a second."""
TIMES = "time checks"
CUT_AT = 0.6
"""Share of the video at which a truncated annotation stops."""

Tree = dict[str, Any]
Planter = Callable[[Tree, float, random.Random], Tree | None]
"""(annotation as JSON, duration, chance) -> the same with an error, or None where the kind does not apply."""


def audit_videos(folder: Path, *, limit: int = 300, seed: int = 0) -> Audit:
    """Plant each kind into up to `limit` records; write audit.json and the card.

    False alarms are counted on the finished records, which have passed the checks once: what is measured is that
    aligned times are accepted again. Raises InputError where there is no record, or its .sightline is gone.
    """
    dataset = Dataset(folder)
    config = VideoAnnotationConfig.model_validate(dataset.run.config).finish
    records = list(islice(_records(dataset, Store(folder)), limit))
    if not records:
        raise InputError("no record to plant errors into", subject=folder)
    rows, skipped = [], {}
    for kind, plant in PLANTERS.items():
        planted = [
            (made, video)
            for tree, video in records
            if (made := plant(tree, video.facts.duration, random.Random(seeded(seed, kind, video.strip)))) is not None
        ]
        found = [reason for made, video in planted if (reason := refusal(made, video, config))]
        reasons = {reason: found.count(reason) for reason in sorted(set(found))}
        rows.append(caught_row(kind, TIMES, Proportion(len(found), len(planted)), reasons=reasons))
        skipped[kind] = len(records) - len(planted)
    refused = Proportion(sum(bool(refusal(tree, video, config)) for tree, video in records), len(records))
    limits = config.model_dump_json(include={"align", "integrity"})
    audit = Audit(
        dataset=dataset.fingerprint,
        checks={TIMES: f"order, bounds, coverage, times inside their scenes, distance to cuts; {limits}, no model"},
        pairs=len(records),
        drafts=len(records),
        seed=seed,
        rows=rows,
        false_alarms={TIMES: alarm_row(refused)},
        skipped=skipped,
    )
    write_whole(folder / FILE, audit.model_dump_json(indent=2) + "\n")
    write_video_card(folder)
    return audit


def refusal(tree: Tree, video: WatchedVideo, config: FinishConfig) -> str:
    """Why the checks refuse an annotation; "" where they accept it."""
    try:
        finished(Annotation.model_validate(tree), video.facts, config)
    except Reject as refused:
        return refused.reason
    return ""


def _records(dataset: Dataset, store: Store) -> Iterator[tuple[Tree, WatchedVideo]]:
    for row in dataset.rows(["json", "provenance"]):
        tree = json.loads(row["json"])["content_metadata"]
        del tree["fps"]
        try:
            yield tree, store.item(row["provenance"]["parents"][0], WatchedVideo)
        except (KeyError, StorageError) as error:
            raise InputError(
                "what was measured of the videos is gone",
                subject=store.state,
                remedy="run the same build again, then audit",
            ) from error


def _changed(tree: Tree, duration: float, change: Callable[[float], float]) -> Tree:
    """A copy with every time through `change`."""

    def walk(value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {name: walk(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [walk(inner, key) for inner in value]
        if isinstance(value, str) and key in ("timestamp", "start_timestamp", "end_timestamp"):
            seconds = stated_time(value, duration)
            return value if seconds is None else timecode(max(0.0, change(seconds)))
        return value

    made: Tree = walk(tree, "")
    return made


def _shifted(tree: Tree, duration: float, chance: random.Random) -> Tree | None:
    by = chance.choice(SHIFTS)
    return _changed(tree, duration, lambda seconds: seconds + by)


def _truncated(tree: Tree, duration: float, chance: random.Random) -> Tree | None:
    """Scenes after 60 % are left out, the one that runs over it ends there."""
    end = CUT_AT * duration
    kept = [scene for scene in tree["scenes"] if (stated_time(_start(scene), duration) or 0.0) < end]
    last = kept[-1]["timestamps"]
    cut = {
        **kept[-1],
        "timestamps": {**last, "end_timestamp": timecode(min(end, stated_time(_end(kept[-1]), duration) or end))},
    }
    return {**tree, "scenes": [*kept[:-1], cut]}


def _stretched(tree: Tree, duration: float, chance: random.Random) -> Tree | None:
    """All times a third larger, as of a video that was played faster."""
    return _changed(tree, duration, lambda seconds: seconds * 4 / 3)


def _swapped_scenes(tree: Tree, duration: float, chance: random.Random) -> Tree | None:
    """Two neighbouring scenes change places in the list, with their times."""
    scenes = list(tree["scenes"])
    if len(scenes) < 2:
        return None
    at = chance.randrange(len(scenes) - 1)
    scenes[at], scenes[at + 1] = scenes[at + 1], scenes[at]
    return {**tree, "scenes": scenes}


def _swapped_contents(tree: Tree, duration: float, chance: random.Random) -> Tree | None:
    """Two neighbouring scenes change everything but their own start and end."""
    scenes = list(tree["scenes"])
    if len(scenes) < 2:
        return None
    at = chance.randrange(len(scenes) - 1)
    one, two = scenes[at], scenes[at + 1]
    scenes[at] = {**two, "timestamps": one["timestamps"]}
    scenes[at + 1] = {**one, "timestamps": two["timestamps"]}
    return {**tree, "scenes": scenes}


def _reversed(tree: Tree, duration: float, chance: random.Random) -> Tree | None:
    scenes = list(tree["scenes"])
    at = chance.randrange(len(scenes))
    times = {"start_timestamp": _end(scenes[at]), "end_timestamp": _start(scenes[at])}
    scenes[at] = {**scenes[at], "timestamps": times}
    return {**tree, "scenes": scenes}


def _dropped(tree: Tree, duration: float, chance: random.Random) -> Tree | None:
    """One scene is left out; the hole stays."""
    scenes = list(tree["scenes"])
    if len(scenes) < 2:
        return None
    del scenes[chance.randrange(len(scenes))]
    return {**tree, "scenes": scenes}


def _without_time(tree: Tree, duration: float, chance: random.Random) -> Tree | None:
    scenes = list(tree["scenes"])
    at = chance.randrange(len(scenes))
    scenes[at] = {**scenes[at], "timestamps": {**scenes[at]["timestamps"], "end_timestamp": None}}
    return {**tree, "scenes": scenes}


def _start(scene: Tree) -> str:
    return str(scene["timestamps"]["start_timestamp"])


def _end(scene: Tree) -> str:
    return str(scene["timestamps"]["end_timestamp"])


PLANTERS: dict[str, Planter] = {
    "shifted": _shifted,
    "truncated": _truncated,
    "stretched": _stretched,
    "swapped-scenes": _swapped_scenes,
    "swapped-contents": _swapped_contents,
    "reversed": _reversed,
    "dropped-scene": _dropped,
    "missing-time": _without_time,
}
