from __future__ import annotations

import hashlib
import io
import json
import sys
from pathlib import Path
from unittest.mock import patch

import pyarrow.parquet as pq
import pytest
from PIL import Image

from sightline.core.errors import InputError
from sightline.core.message import Request
from sightline.evaluate.benchmarks.mcq import MCQ
from sightline.pipeline import Progress, write_parquet
from sightline.recipes.adversarial_qa.building import Authors, QuestionsConfig, build_questions
from sightline.recipes.adversarial_qa.items import Scene, Template
from sightline.recipes.adversarial_qa.judges import Judges
from sightline.recipes.adversarial_qa.pictures import Pictures
from sightline.recipes.adversarial_qa.reading import read_scenes
from sightline.recipes.adversarial_qa.refining import RefineConfig, refine_questions
from sightline.recipes.adversarial_qa.report import write_report
from sightline.recipes.adversarial_qa.templates import PHOTO, categories_for
from sightline.recipes.dataset import Dataset
from sightline.recipes.running import Engine

sys.path.insert(0, str(Path(__file__).parent))
from choice_scripts import Counted, knowing, rewriting, writer

QUIET = Engine(progress=Progress("none"))
NEW = ["pane r", "pane s", "pane t", "pane u", "pane v"]


def photo_set(folder: Path) -> Path:
    Image.new("RGB", (8, 6), "red").save(folder / "a.jpg")
    row = {
        "id": "p",
        "question": "Which?",
        "options": [f"door {i}" for i in range(5)],
        "answer": 1,
        "images": ["a.jpg"],
    }
    (folder / "q.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    return folder / "q.jsonl"


def test_a_photo_set_is_refined_by_models_that_see_the_photo(tmp_path: Path) -> None:
    data = photo_set(tmp_path)
    blind, verifier = knowing({"door 1"}), knowing({"pane s"}, "verifier")
    says = writer(rewriting("Which window is open?", NEW, "B"))
    config = RefineConfig(sees="picture")
    refine_questions(data, tmp_path / "out", Judges(blind, says, verifier), config, engine=QUIET)
    assert not any(request.messages[-1].pictures for request in blind.asked)
    for request in (*says.asked, *verifier.asked):
        (picture,) = request.messages[-1].pictures
        assert picture.data == (tmp_path / "a.jpg").read_bytes()
    (row,) = Dataset(tmp_path / "out").rows()
    assert row["question"] == "Which window is open?"
    assert Image.open(io.BytesIO(row["images"][0]["bytes"])).size == (8, 6)
    # a refined set can be refined again, pictures and all
    refine_questions(tmp_path / "out", tmp_path / "again", Judges(blind, says, verifier), config, engine=QUIET)
    (again,) = Dataset(tmp_path / "again").rows()
    assert again["images"] == row["images"]
    (line,) = (tmp_path / "again" / "evaluate" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    (name,) = json.loads(line)["images"]
    assert (tmp_path / "again" / "evaluate" / name).read_bytes() == (tmp_path / "a.jpg").read_bytes()


def test_a_photo_without_words_is_not_rewritten_from_words(tmp_path: Path) -> None:
    says = writer(rewriting("Which window is open?", NEW, "B"))
    judges = Judges(knowing({"door 1"}), says, knowing({"pane s"}, "verifier"))
    refine_questions(photo_set(tmp_path), tmp_path / "out", judges, engine=QUIET)
    (row,) = Dataset(tmp_path / "out").rows()
    assert row["split"] == "unfixed_train"
    assert says.asked == []


def test_a_picture_that_changes_or_is_none_is_named(tmp_path: Path) -> None:
    pictures = Pictures()
    photo_set(tmp_path)
    ref = pictures.add_file(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes(b"other")
    with pytest.raises(InputError, match="changed"):
        pictures(ref.sha256)
    with pytest.raises(InputError, match="no picture of that hash"):
        pictures("0" * 64)


def test_an_album_is_asked_about_refined_and_evaluated(tmp_path: Path) -> None:
    """Three photos are one context: every model that may look sees all three, in order."""
    names = []
    for n, colour in enumerate(("red", "green", "blue")):
        Image.new("RGB", (8, 6), colour).save(tmp_path / f"{n}.png")
        names.append(f"{n}.png")
    data = tmp_path / "album.jsonl"
    data.write_text(json.dumps({"id": "home", "images": names}) + "\n", encoding="utf-8")
    draft = rewriting("Which room has the red wall?", NEW, "B", template="Rooms")

    def answer(request: Request) -> str:
        return '{"names": ["Rooms"]}' if "make sound" in request.messages[-1].text else f'{{"questions": [{draft}]}}'

    authors = Authors(Counted(answer, "writer"), knowing({"pane s"}, "reader"))
    (scene,) = read_scenes(data, Pictures())
    assert isinstance(scene, Scene)
    assert categories_for(scene) == PHOTO
    config = QuestionsConfig(templates=(Template(name="Rooms", prototype="?"),), per_scene=1, sees="picture")
    build_questions(data, tmp_path / "q", authors, config, engine=QUIET)
    (row,) = Dataset(tmp_path / "q").rows()
    assert len(row["images"]) == 3
    says = writer(rewriting("Which window is open?", [f"{one} x" for one in NEW], "C"))
    judges = Judges(knowing({"pane s"}), says, knowing({"pane t x"}, "third"))
    refine_questions(tmp_path / "q", tmp_path / "r", judges, RefineConfig(sees="picture"), engine=QUIET)
    assert Dataset(tmp_path / "r").run.figures["refinement"]["fixed"] == [1, 1]
    for request in says.asked:
        assert [one.data for one in request.messages[-1].pictures] == [(tmp_path / name).read_bytes() for name in names]
    (example,) = MCQ.read(tmp_path / "r" / "evaluate" / "train.jsonl")
    assert len(example.pictures) == 3
    assert "figure" in write_report(tmp_path / "r").read_text(encoding="utf-8")


def test_pictures_of_one_row_group_are_read_once(tmp_path: Path) -> None:
    shown = [bytes([n]) * 9 for n in range(6)]
    names = [hashlib.sha256(one).hexdigest() for one in shown]
    rows = [
        {"split": "train", "images": [one], "image_pages": [{"sha256": n}]} for one, n in zip(shown, names, strict=True)
    ]
    write_parquet(rows, tmp_path, {"images": ["image"], "image_pages": [{"sha256": "string"}]}, rows_per_group=3)
    pictures = Pictures()
    pictures.add_dataset(sorted((tmp_path / "data").iterdir()))
    with patch.object(pq, "ParquetFile", wraps=pq.ParquetFile) as opened:
        assert [pictures(name) for name in names for _ in range(2)] == [one for one in shown for _ in range(2)]
    assert opened.call_count == 2
