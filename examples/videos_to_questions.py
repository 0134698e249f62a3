"""A video in, aligned scenes, questions that need a look, and a model that looks against one that does not.

    python examples/videos_to_questions.py [OUT]

The video is made here (five coloured scenes of three seconds with subtitles) and the models are scripted, so that all
of it runs offline: they show the flow. Your own videos and `Models(annotator=open_lm("http://localhost:8000/v1",
"NAME"))` stand in their place.
"""

from __future__ import annotations

import io
import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from sightline import Dataset, Request, Scripted, build_questions, build_videos, refine_questions
from sightline.evaluate.benchmarks.mcq import MCQ_ALL
from sightline.recipes.adversarial_qa import Heuristics, Judges, QuestionsConfig
from sightline.recipes.video_annotation import Models
from sightline.runs.evaluation import EvaluationConfig, evaluate
from sightline.runs.evaluation_compare import compare
from sightline.verify.integrity import timecode

COLOURS = {"red": (220, 40, 40), "blue": (50, 80, 220), "yellow": (230, 200, 40), "black": (25, 25, 25),
           "violet": (150, 60, 180)}  # fmt: skip
SECONDS, RATE = 3, 24
SAID = ("the first card is shown to you now", "here comes the next one in the row", "look at how this one is different",
        "we are nearly through with the cards", "and that was the last of the five")  # fmt: skip


def main(out: Path) -> None:
    # 1. One decoding pass gives length, cuts, standstills and pictures; the annotator's times go onto the true cuts.
    film(out / "in" / "cards.mp4")
    models = Models(
        annotator=Scripted(lambda request: "Five coloured cards are shown, one after the other.", "scripted-annotator"),
        structurer=Scripted(lambda request: json.dumps(annotation(late=0.4)), "scripted-structurer"),
    )
    build_videos([out / "in"], out / "videos", models)
    for row in Dataset(out / "videos").rows():
        scenes = json.loads(row["json"])["content_metadata"]["scenes"]
        print(row["source"]["name"], "scenes begin at", *(one["timestamps"]["start_timestamp"] for one in scenes))

    # 2. Its question-answer pairs become multiple choice; options are answers of the same kind.
    build_questions(out / "videos", out / "questions", config=QuestionsConfig(made_from="pairs"))

    # 3. Can they be answered without looking? The embedded judge is no model: it finds shallow leaks only.
    refine_questions(out / "questions", out / "refined", Judges(blind=Heuristics()))
    for row in Dataset(out / "refined").rows():
        options = " | ".join(row["options"])
        print(f"{row['question']}  {options}  weak: {row['flags']['weak']}, at {row['evidence']['span']} s")

    # 4. A model that looks (at the mean colour of the pictures) and one that always says A.
    runs = []
    for model in (Scripted(looking, "looking"), Scripted(lambda request: "Answer: A", "always-a")):
        runs.append(out / model.name)
        config = EvaluationConfig(benchmark=MCQ_ALL.name, data=str(out / "refined"))
        print(model.name, evaluate(MCQ_ALL, config, model, runs[-1]).scores[0])
    one = compare(*runs).differences[0]
    bounds = "" if one.interval is None else f" [{one.interval.low:+.2f}, {one.interval.high:+.2f}]"
    print(f"{one.metric}: always-a - looking {one.difference:+.2f}{bounds}, five questions of one video")


def film(path: Path) -> None:
    """Noisy coloured cards (a picture that stands still would be refused), and what is said beside them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(0)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for n in range(len(COLOURS) * SECONDS * RATE):
            card = np.array(list(COLOURS.values())[n // (SECONDS * RATE)])
            pixels = np.clip(card + draw.normal(0, 12, (120, 160, 1)), 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = n, Fraction(1, RATE)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    cues = [
        f"{n + 1}\n{timecode(n * SECONDS + 0.3)} --> {timecode((n + 1) * SECONDS - 0.3)}\n{said}, {said}\n".replace(
            ".", ","
        )
        for n, said in enumerate(SAID)
    ]
    path.with_suffix(".srt").write_text("\n".join(cues), encoding="utf-8")


def annotation(late: float) -> dict[str, Any]:
    """What a structuring model would reply; its cuts lie `late` seconds behind the true ones."""
    starts = [0.0, *(n * SECONDS + late for n in range(1, len(COLOURS)))]
    ends = [*starts[1:], float(len(COLOURS) * SECONDS)]
    empty: dict[str, Any] = {"cast": [], "activities": [], "props": [], "videoEditingDetails": [],
                             "narrativeProgression": [], "characterInteraction": []}  # fmt: skip
    scenes = [
        empty
        | {
            "sceneId": n + 1,
            "title": f"Card {n + 1}",
            "timestamps": {"start_timestamp": timecode(start), "end_timestamp": timecode(end)},
            "mood": {"description": "Calm", "keyMoments": []},
            "thematicElements": "colours",
            "contextualRelevance": "none",
            "dynamismScore": 0.1,
            "audioVisualCorrelation": 0.5,
        }
        for n, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
    pairs = [{"question": f"Which colour has card {n}?", "answer": name} for n, name in enumerate(COLOURS, 1)]
    climax = {"description": "none", "timestamp": None}
    return {
        "title": "Five cards", "description": "Coloured cards.", "characterList": [], "scenes": scenes,
        "storylines": {"description": "none", "scenes": [], "climax": climax}, "qAndA": pairs,
        "trimmingSuggestions": [],
    }  # fmt: skip


def looking(request: Request) -> str:
    """The letter of the colour that is nearest to the mean of the asked card's picture."""
    message = request.messages[-1]
    card = int(message.text.partition("has card ")[2][0])
    data = message.pictures[card - 1].data or b""
    seen = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).mean((0, 1))
    name = min(COLOURS, key=lambda colour: float(np.abs(seen - COLOURS[colour]).sum()))
    return next(f"Answer: {line[0]}" for line in message.text.splitlines() if line[1:].strip(") ") == name)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/videos"))
