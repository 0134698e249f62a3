"""True times: on known cuts, in order, and planted errors caught."""

from __future__ import annotations

import random
import re
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import ValidationError

from sightline.core.errors import Reject
from sightline.core.score import Proportion
from sightline.media.video import Cut, VideoFacts, read_video
from sightline.recipes.video_annotation.audit import PLANTERS
from sightline.recipes.video_annotation.config import FinishConfig
from sightline.recipes.video_annotation.finishing import finished
from sightline.recipes.video_annotation.reasons import REASONS
from sightline.recipes.video_annotation.schema import Annotation, Mood
from sightline.verify.integrity import stated_time


def facts(duration: float, cuts: list[float], fps: float = 25.0) -> VideoFacts:
    return VideoFacts(
        duration=duration, stated_duration=duration, frames=round(duration * fps), fps=fps, variable_rate=False,
        width=64, height=64, rotation=0, codec="h264", has_audio=True, freezes=(),
        cuts=tuple(Cut(frame=round(cut * fps), time=cut) for cut in cuts),
    )  # fmt: skip


def ends(annotation: Annotation) -> list[float | None]:
    return [stated_time(scene.timestamps.end_timestamp, 0.0) for scene in annotation.scenes]


def test_error_on_known_cuts_is_at_most_a_frame(tmp_path: Path, make_shots, made_annotation) -> None:
    path, true = make_shots(tmp_path / "a.mp4")
    found = read_video(path).facts
    chance = random.Random(0)
    stated = [0.0, *(cut + chance.uniform(-1.4, 1.4) for cut in true), found.duration]
    scenes = list(pairwise(stated))
    done = finished(Annotation.model_validate(made_annotation(scenes)), found, FinishConfig())
    assert ends(done.annotation)[:-1] == pytest.approx(true, abs=1 / found.fps + 0.0006)


@pytest.fixture
def make_shots(reencode):
    """Six shots of 3 to 6 seconds, 10 frames a second; gives the path and the true cuts."""
    import av
    import numpy as np

    def make(path: Path) -> tuple[Path, list[float]]:
        chance = np.random.default_rng(1)
        cuts, time = [], 0.0
        with av.open(str(path), "w") as out:
            stream = out.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
            for shot in range(6):
                if shot:
                    cuts.append(time)
                ground = np.kron(chance.integers(20, 230, (6, 8, 3), dtype=np.uint8), np.ones((16, 16, 1), np.uint8))
                for n in range(int(chance.integers(30, 60))):
                    frame = ground.copy()
                    frame[20:40, n : n + 20] = 255
                    out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
                    time += 0.1
            out.mux(stream.encode())
        return path, cuts

    return make


def test_times_inside_a_scene_are_clipped_and_written_out(made_annotation) -> None:
    tree = made_annotation([(0.0, 30.0), (30.0, 60.0)])
    tree["scenes"][0]["props"][0]["timestamp"] = {"start_timestamp": "~ 28 s", "end_timestamp": "0:31.5"}
    tree["scenes"][1]["mood"]["keyMoments"][0]["timestamp"] = "N/A"
    done = finished(Annotation.model_validate(tree), facts(60.0, [31.0]), FinishConfig()).annotation
    assert done.scenes[0].props[0].timestamp.start_timestamp == "00:00:28.000"
    assert done.scenes[0].props[0].timestamp.end_timestamp == "00:00:31.000"
    assert done.scenes[1].mood.keyMoments[0].timestamp is None
    assert done.scenes[1].timestamps.start_timestamp == "00:00:31.000"


def test_names_that_lead_nowhere_are_told(made_annotation) -> None:
    tree = made_annotation([(0.0, 60.0)])
    tree["storylines"]["scenes"] = [1, 9]
    tree["scenes"][0]["cast"] = ["Nobody"]
    warnings = " ".join(finished(Annotation.model_validate(tree), facts(60.0, []), FinishConfig()).warnings)
    assert "9" in warnings
    assert "Nobody" in warnings


@pytest.mark.parametrize(
    ("place", "value"),
    [("mood", "Thrilled"), ("dynamismScore", 1.2), ("audioVisualCorrelation", -0.1), ("qAndA", 4), ("extra", 1)],
)
def test_the_schema_is_strict(made_annotation, place: str, value: object) -> None:
    tree = made_annotation([(0.0, 60.0)])
    if place == "mood":
        tree["scenes"][0]["mood"]["description"] = value
    elif place == "qAndA":
        tree["qAndA"] = tree["qAndA"][:4]
    else:
        tree["scenes"][0][place] = value
    with pytest.raises(ValidationError):
        Annotation.model_validate(tree)


def test_fifteen_moods() -> None:
    assert len(Mood.__args__) == 15


def test_scenes_touch_and_reach_from_end_to_end(made_annotation) -> None:
    chance = random.Random(3)
    kept = 0
    for _ in range(200):
        inner = sorted(chance.sample(range(100, 5900), chance.randint(1, 6)))
        times = [0.0, *(time / 100 for time in inner), 60.0]
        measured = facts(60.0, sorted(chance.randrange(1, 5999) / 100 for _ in range(chance.randrange(20))))
        tree = made_annotation(list(pairwise(times)))
        try:
            done = finished(Annotation.model_validate(tree), measured, FinishConfig()).annotation
        except Reject as refused:
            assert refused.reason in ("scenes-collapse", "reversed-time")  # noqa: PT017
            continue
        kept += 1
        starts = [scene.timestamps.start_timestamp for scene in done.scenes]
        stops = [scene.timestamps.end_timestamp for scene in done.scenes]
        assert (starts[0], stops[-1], starts[1:]) == ("00:00:00.000", "00:01:00.000", stops[:-1])
    assert kept > 150


@pytest.mark.parametrize("kind", PLANTERS)
def test_planted_errors_are_caught(made_annotation, kind: str) -> None:
    chance = random.Random(7)
    caught = planted = 0
    for _ in range(60):
        times = sorted(chance.uniform(20, 280) for _ in range(chance.randint(2, 6)))
        bounds = [0.0, *times, 300.0]
        scenes = [pair for pair in pairwise(bounds) if pair[1] - pair[0] > 0.2]
        tree = made_annotation(scenes)
        measured = facts(300.0, [*times, 42.0, 111.0])
        try:
            finished(Annotation.model_validate(tree), measured, FinishConfig())
        except Reject:
            continue
        made = PLANTERS[kind](tree, 300.0, chance)
        if made is None:
            continue
        planted += 1
        try:
            finished(Annotation.model_validate(made), measured, FinishConfig())
        except Reject:
            caught += 1
    assert planted >= 30
    assert caught / planted >= (0.7 if kind == "swapped-contents" else 0.9), Proportion(caught, planted)


def test_every_reason_is_said_in_words() -> None:
    import sightline.media
    import sightline.recipes.video_annotation as recipe
    import sightline.verify

    files = [*Path(recipe.__file__).parent.glob("*.py"), *Path(sightline.media.__file__).parent.glob("video*.py")]
    files += [Path(sightline.verify.__file__).parent / name for name in ("integrity.py", "aligning.py")]
    pattern = re.compile(r"""(?:Reject\(\s*|reason=|against\(|Fault\(|return )"([a-z]+(?:-[a-z]+)+)\"""")
    used = {match for file in files for match in pattern.findall(file.read_text())}
    assert len(used) > 25
    assert used - REASONS.keys() == set()
