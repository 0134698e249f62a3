"""A scripted annotator: it reads the pictures' times out of the request and answers as a model would."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from sightline.core.message import Request
from sightline.lm import Scripted
from sightline.recipes.video_annotation.models import Models
from sightline.verify.integrity import stated_time, timecode

Scenes = Callable[[float], list[tuple[float, float]]]


def halves(duration: float) -> list[tuple[float, float]]:
    return [(0.0, duration / 2), (duration / 2, duration)]


def annotation_of(scenes: list[tuple[float, float]], title: str = "A scripted title") -> dict[str, Any]:
    """An annotation with everything in it, times inside the scenes."""
    out = []
    for n, (start, end) in enumerate(scenes):
        inside = {
            "start_timestamp": timecode(start + (end - start) * 0.25),
            "end_timestamp": timecode((start + end) / 2),
        }
        out.append(
            {
                "sceneId": n + 1,
                "title": f"Scene {n + 1}",
                "timestamps": {"start_timestamp": timecode(start), "end_timestamp": timecode(end)},
                "cast": ["Narrator"],
                "activities": [{"description": "speaks", "timestamp": inside}],
                "props": [{"name": "telescope", "timestamp": inside}],
                "videoEditingDetails": [{"description": "cut", "timestamps": inside}],
                "mood": {"description": "Curious", "keyMoments": [{"timestamp": None, "changeDescription": "none"}]},
                "narrativeProgression": [{"description": "goes on", "timestamp": inside["end_timestamp"]}],
                "characterInteraction": [{"characters": ["Narrator"], "description": "alone"}],
                "thematicElements": "science",
                "contextualRelevance": "shows scale",
                "dynamismScore": 0.4,
                "audioVisualCorrelation": 0.8,
            }
        )
    return {
        "title": title,
        "description": "What a script says.",
        "characterList": [{"characterId": "1", "name": "Narrator", "description": "a voice"}],
        "scenes": out,
        "storylines": {
            "description": "facts",
            "scenes": list(range(1, len(out) + 1)),
            "climax": {"description": "the last scene", "timestamp": timecode(scenes[-1][0])},
        },
        "qAndA": [{"question": f"Question {n}?", "answer": f"Answer {n}"} for n in range(5)],
        "trimmingSuggestions": [],
    }


@pytest.fixture
def scripted() -> Callable[..., Models]:
    """scripted(scenes=halves, spoil=None): models that answer from a script; `spoil(role, request, text)` may return
    another text or Reply. `models.annotator.asked` counts requests by role."""

    def make(scenes: Scenes = halves, spoil: Any = None) -> Models:
        asked: dict[str, int] = {"annotator": 0, "structurer": 0, "classifier": 0}

        def answer(role: str, request: Request) -> Any:
            asked[role] += 1
            text = request.messages[0].text
            if role == "classifier":
                said = "Science & Technology > Space Exploration > Astronomy"
            else:
                found = re.search(r"(?:video of|길이가) (\d\d:\d\d:\d\d\.\d{3})", text)
                assert found is not None
                duration = stated_time(found[1], 0.0)
                assert duration is not None
                made = annotation_of(scenes(duration))
                said = json.dumps(made) if role == "structurer" else f"A free description of {duration} seconds."
            return said if spoil is None else spoil(role, request, said)

        models = Models(
            annotator=Scripted(lambda request: answer("annotator", request), "scripted-annotator"),
            structurer=Scripted(lambda request: answer("structurer", request), "scripted-structurer"),
            classifier=Scripted(lambda request: answer("classifier", request), "scripted-classifier"),
        )
        models.annotator.asked = asked  # type: ignore[attr-defined]
        return models

    return make


@pytest.fixture
def made_annotation() -> Callable[..., dict[str, Any]]:
    return annotation_of


@pytest.fixture
def reencode() -> Callable[..., None]:
    """reencode(source, target, change): every frame through `change`, encoded anew."""
    import av
    import numpy as np

    def make(source: Any, target: Any, change: Callable[..., Any]) -> None:
        with av.open(str(source)) as read, av.open(str(target), "w") as out:
            stream = None
            for frame in read.decode(video=0):
                pixels = np.ascontiguousarray(change(frame.to_ndarray(format="rgb24")))
                if stream is None:
                    stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "28"})
                    stream.height, stream.width = pixels.shape[:2]
                    stream.pix_fmt = "yuv420p"
                out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            assert stream is not None
            out.mux(stream.encode())

    return make
