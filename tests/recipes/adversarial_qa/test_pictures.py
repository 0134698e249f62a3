from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from sightline.core.errors import InputError
from sightline.pipeline import Progress
from sightline.recipes.adversarial_qa.judges import Judges
from sightline.recipes.adversarial_qa.pictures import Pictures
from sightline.recipes.adversarial_qa.refining import RefineConfig, refine_questions
from sightline.recipes.dataset import Dataset
from sightline.recipes.running import Engine

sys.path.insert(0, str(Path(__file__).parent))
from choice_scripts import knowing, rewriting, writer

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
