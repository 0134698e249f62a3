from __future__ import annotations

import importlib.util
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sightline.core.media import Span
from sightline.core.record import RunRecord
from sightline.core.sample import Choice
from sightline.pipeline import Progress, write_parquet
from sightline.recipes.adversarial_qa.building import Authors, QuestionsConfig, build_questions
from sightline.recipes.adversarial_qa.items import Scene, Seed, Template
from sightline.recipes.adversarial_qa.pairs import OptionsFromAnswers, PairsConfig
from sightline.recipes.adversarial_qa.pictures import Pictures
from sightline.recipes.adversarial_qa.reading import read_scenes
from sightline.recipes.adversarial_qa.templates import STORY, categories_for
from sightline.recipes.dataset import Dataset
from sightline.recipes.running import Engine
from sightline.recipes.video_annotation.dataset import COLUMNS

sys.path.insert(0, str(Path(__file__).parent))
from choice_scripts import Counted, knowing, rewriting

VIDEO = Path(__file__).resolve().parents[1] / "video_annotation" / "conftest.py"


def annotation() -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("video_conftest", VIDEO)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: dict[str, Any] = module.annotation_of([(0.0, 5.0), (5.0, 12.0)])
    return made


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    picture = io.BytesIO()
    Image.new("RGB", (8, 6), "blue").save(picture, "JPEG")
    source = {
        "name": "a.mp4",
        "uri": "a.mp4",
        "sha256": "0" * 64,
        "media_type": "video/mp4",
        "size": 9,
        "licence": None,
    }
    row = {
        "id": "v1",
        "thumbnails": [{"bytes": picture.getvalue(), "path": "v1-0.jpg"}],
        "json": json.dumps({"content_metadata": annotation() | {"fps": 25.0}}),
        "questions": [{"question": "Who speaks?", "answer": "The narrator"}],
        "transcript": [{"start": 6.0, "end": 8.0, "text": "Look up."}],
        "duration": 12.0,
        "language": "",
        "split": "test",
        "group": "g",
        "source": source,
    }
    write_parquet([row], tmp_path / "v", COLUMNS)
    run = RunRecord(recipe="video_annotation", version=1, config={})
    (tmp_path / "v" / "run.json").write_text(run.model_dump_json(), encoding="utf-8")
    return tmp_path / "v"


def test_a_video_is_a_scene_in_timed_words(videos: Path) -> None:
    pictures = Pictures()
    (scene,) = read_scenes(videos, pictures)
    assert isinstance(scene, Scene)
    lines = scene.text.splitlines()
    assert [line.split("]")[0] for line in lines if line.startswith("[")] == [
        "[0.0-5.0 s", "[5.0-12.0 s", "[6.0-8.0 s",
    ]  # fmt: skip
    assert "Props: telescope" in scene.text
    assert '"Look up."' in scene.text
    assert (scene.span, scene.split, scene.seeds[0].question) == (Span(0.0, 12.0), "test", "Who speaks?")
    assert pictures(scene.images[0].sha256).startswith(b"\xff\xd8")
    assert categories_for(scene) == STORY


def test_a_pair_that_says_no_time_stands_somewhere_in_the_video(videos: Path) -> None:
    (scene,) = read_scenes(videos, Pictures())
    assert isinstance(scene, Scene)
    answers = ("narrator", "gardening club", "two pupils", "uncle Kim", "baker")
    scene = scene.model_copy(update={"seeds": tuple(Seed(f"Who is number {n}?", a) for n, a in enumerate(answers))})
    made = list(OptionsFromAnswers(PairsConfig()).all([scene]))
    assert [one.evidence.span for one in made if isinstance(one, Choice) and one.evidence] == [Span(0.0, 12.0)] * 5


def test_questions_about_a_video_carry_its_seconds(videos: Path, tmp_path: Path) -> None:
    options = ["Look up.", "Look down.", "Come in.", "Stay here.", "Go away."]
    said = rewriting("What is said first?", options, "A", quote="Look up.", start=6.0, end=8.0, template="Words")

    def answer(request: Any) -> str:
        return '{"names": ["Words"]}' if "make sound" in request.messages[-1].text else f'{{"questions": [{said}]}}'

    authors = Authors(Counted(answer, "writer"), knowing({"Look up."}, "reader"))
    config = QuestionsConfig(templates=(Template(name="Words", prototype="?", category=STORY[3]),), per_scene=1)
    build_questions(videos, tmp_path / "q", authors, config, engine=Engine(progress=Progress("none")))
    (row,) = Dataset(tmp_path / "q").rows()
    assert row["evidence"]["span"] == [6.0, 8.0]
    assert (row["split"], row["category"], len(row["images"])) == ("test", STORY[3], 1)
    (line,) = (tmp_path / "q" / "evaluate" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    shown = json.loads(line)
    assert shown["context"] == '[6.0-8.0 s] said: "Look up."', "what is said, not what the annotator saw"
    assert len(shown["images"]) == 1
