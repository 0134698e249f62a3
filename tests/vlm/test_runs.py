"""The stories: tiny run, fusion comparison, configs, plans, dataset reading, command lines - at toy sizes."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner
from markupsafe import escape
from PIL import Image
from scipy import stats

from sightline.cli.chat import command as chat_command
from sightline.cli.plan import command as plan_command
from sightline.cli.train_vlm import command as train_command
from sightline.core.errors import InputError
from sightline.core.message import Reply, Request
from sightline.runs.vlm_config import changed, read_config
from sightline.runs.vlm_data import items, told, usable
from sightline.runs.vlm_fusions import Synthetic, compare_fusions, synthetic
from sightline.runs.vlm_page import verdict
from sightline.runs.vlm_pictures import GRID, SIDE, SYLLABLES, TASKS, series, shown
from sightline.runs.vlm_plan import fitting, plan
from sightline.runs.vlm_planned import Load
from sightline.runs.vlm_stages import Tiny, _differences, _pooled, curriculum, joint, tiny, tiny_config
from sightline.vlm.chat import VLMChat

torch.set_num_threads(1)
CONFIG = """
from sightline.runs.vlm_stages import curriculum, tiny_config
def config(): return tiny_config(curriculum(10))
"""


SMALL = Tiny(steps=10, pictures=60, tests=1, checks=1, workers=1)


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory):
    out = tmp_path_factory.mktemp("tiny")
    return out, tiny(out, SMALL)


def test_tiny_writes_its_table_its_models_and_its_proofs(tiny_run):
    out, table = tiny_run
    assert json.loads((out / "table.json").read_text()) == table
    assert table["data"] == "synthetic, rendered"
    assert set(table["staged"]["scores"]) == set(table["before"]) == set(TASKS)
    for value, low, high in table["staged"]["scores"].values():
        assert 0 <= low <= value <= high <= 1
    for arm in ("staged", "joint"):
        assert [run["seed"] for run in table[arm]["runs"]] == [0]
        for run in table[arm]["runs"]:
            assert len(run["losses"]) == 10
            assert run["curve"][-1]["at"] == 10
            assert set(run["curve"][-1]["figures"]) == set(TASKS)
    assert "one seed says nothing" in verdict(table)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "synthetic" in page
    assert verdict(table) in page
    wrong = [sample for sample in table["staged"]["runs"][0]["samples"] if not sample["right"]]
    assert all(str(escape(sample["answer"])) in page for sample in wrong)
    picture = next(series(("colour",), 1, 9)).messages[:1]
    (reply,) = VLMChat.open(out / "staged" / "model").replies([Request(messages=picture, max_tokens=8)])
    assert reply.ok


def test_a_tiny_run_goes_on_where_it_stopped(tiny_run):
    out, table = tiny_run
    assert tiny(out, SMALL)["staged"]["scores"] == table["staged"]["scores"]


def _arms(*means):
    """Runs of one schedule, one per seed: each task is right in `mean` of 100."""
    return [{"mean": mean / 100, "scores": {task: [mean, 100] for task in TASKS}} for mean in means]


@pytest.mark.parametrize(
    ("staged", "joint", "words"),
    [
        ((90, 92, 91), (80, 81, 82), "staging beat joint training"),
        ((80, 81, 82), (90, 92, 91), "joint training beat staging"),
        ((90, 70, 80), (80, 81, 79), "no difference shown"),
        ((90,), (10,), "one seed says nothing"),
    ],
)
def test_a_verdict_needs_seeds_and_an_interval_off_zero(staged, joint, words):
    found = _differences(_arms(*staged), _arms(*joint))
    assert words in verdict({"staged_minus_joint": found, "sizes": {"seeds": len(staged)}})
    difference, low, high = found["count"]
    assert difference == pytest.approx(np.mean(staged) / 100 - np.mean(joint) / 100, abs=1e-4)
    if len(staged) == 3:
        expected = stats.ttest_rel(staged, joint).confidence_interval()
        assert (100 * low, 100 * high) == pytest.approx((expected.low, expected.high), abs=0.01)
    pooled = _pooled([one["scores"] for one in _arms(*staged)])["count"]
    assert pooled[0] == pytest.approx(np.mean(staged) / 100)


def test_sizes_of_the_tiny_run_are_checked(tmp_path):
    for bad in ("steps=0", "speed=9", "steps"):
        result = CliRunner().invoke(train_command, ["tiny", "--out", str(tmp_path), "--set", bad])
        assert isinstance(result.exception, InputError), bad


def test_chat_answers_about_a_picture_file(tiny_run, tmp_path):
    out, _ = tiny_run
    next(series(("box",), 1, 9)).picture.save(tmp_path / "a.png")
    asked = [
        "--image",
        str(tmp_path / "a.png"),
        "--ask",
        "box?",
        "--boxes",
        str(tmp_path / "b.png"),
        "--max-tokens",
        "8",
    ]
    result = CliRunner().invoke(chat_command, [str(out / "joint" / "model"), *asked])
    assert result.exit_code == 0, result.output
    (tmp_path / "a.png").write_bytes(b"junk")
    broken = CliRunner().invoke(chat_command, [str(out / "joint" / "model"), *asked])
    assert isinstance(broken.exception, InputError)
    assert "unreadable-picture" in str(broken.exception)


def test_chat_draws_the_boxes_of_an_answer(tmp_path, monkeypatch):
    spoken = Reply(text="<box>125, 250, 500, 750</box>", model="scripted")
    scripted = SimpleNamespace(replies=lambda requests: iter([spoken]))
    monkeypatch.setattr(VLMChat, "open", lambda folder, **_: scripted)
    Image.new("RGB", (80, 40), "white").save(tmp_path / "a.png")
    wanted = ["--image", str(tmp_path / "a.png"), "--ask", "box?", "--boxes", str(tmp_path / "b.png")]
    result = CliRunner().invoke(chat_command, [str(tmp_path), *wanted])
    assert result.exit_code == 0, result.output
    rows, cols = (np.asarray(Image.open(tmp_path / "b.png")).astype(int).sum(2) < 765).nonzero()
    assert (cols.min(), rows.min(), cols.max(), rows.max()) == (10, 10, 40, 30)


def test_fusions_compare_on_equal_terms(tmp_path):
    made = compare_fusions(*synthetic(Synthetic(steps=2, pictures=12, tests=2)), tmp_path)
    rows = made["fusions"]
    assert json.loads((tmp_path / "fusions.json").read_text())["fusions"][0]["scores"] == rows[0]["scores"]
    assert made["on"] == "test"
    assert set(rows[0]["scores"]) == {"colour exact", "count exact", "place exact"}
    assert rows[0]["minus_first"] == {}
    assert set(rows[1]["minus_first"]) == set(rows[0]["scores"])
    length = {row["fusion"]: row["sequence"] for row in rows}
    assert length["cross"] < length["hybrid"] < length["embed"]
    assert {row["fusion"] for row in rows} == {"embed", "cross", "hybrid"}
    assert all(row["tokens_per_second"] > 0 for row in rows)


def test_equal_compute():
    assert sum(stage.steps for stage in curriculum(1000)) == sum(stage.steps for stage in joint(1000)) == 1000


@pytest.mark.parametrize("task", TASKS)
def test_pictures_are_their_answers(task):
    pictures = [shown(task, np.random.default_rng(seed)) for seed in range(40)]
    again = shown(task, np.random.default_rng(3))
    assert again.picture.tobytes() == pictures[3].picture.tobytes()
    assert len({one.answer for one in pictures}) > 3
    for one in pictures:
        pixels = np.asarray(one.picture).astype(int)
        drawn = np.abs(pixels - pixels[0, 0]).sum(2) > 60 if task != "box" else None
        if drawn is not None:
            assert drawn.any()
        if one.box is not None:
            assert 0 <= one.box.left < one.box.right <= SIDE
            assert all(side % (SIDE // GRID) == 0 for side in one.box)
            inside = np.abs(pixels - pixels[0, 0]).sum(2) > 60 if one.box.left or one.box.top else None
            if inside is not None:
                rows, cols = inside.nonzero()
                assert (cols.min(), rows.min(), cols.max() + 1, rows.max() + 1) == one.box
        if task == "hangul":
            assert one.answer in SYLLABLES


def test_values_of_a_config_change_by_path(tmp_path):
    config = changed(tiny_config(curriculum(100)), ["stages.0.steps=7", "fusion.kind=cross", "llm.hidden_size=64"])
    assert (config.stages[0].steps, config.fusion.kind, config.llm["hidden_size"]) == (7, "cross", 64)
    for bad in ("stages.9.steps=1", "nothing", "stages.0.steps=-1", "seeds.x=1"):
        with pytest.raises(InputError):
            changed(config, [bad])
    file = tmp_path / "mine.py"
    file.write_text(CONFIG)
    assert read_config(str(file)).stages[0].steps == 3
    file.write_text("x = 1\n")
    with pytest.raises(InputError, match="defines no config"):
        read_config(str(file))
    with pytest.raises(InputError, match="no such run"):
        read_config("absent.py")


@pytest.mark.slow
def test_a_plan_answers_in_words_and_rises_with_the_load():
    config = tiny_config(curriculum(100))
    load = Load(batch=2, width=48, height=48, words=40, dtype="float32")
    small = plan(config, load)
    large = plan(config, load.model_copy(update={"batch": 8}))
    assert large.forecast.peak > small.forecast.peak
    assert large.forecast.static == small.forecast.static
    assert small.tokens == 49
    fits = fitting(config, load, 0.1)
    near = plan(config, load.model_copy(update={"batch": fits}))
    assert fits > 1
    assert near.forecast.peak <= 0.1e9
    for card, said in (("0.1", "conversations a batch"), ("0.05", "not even one")):  # cuBLAS alone keeps 0.07
        result = CliRunner().invoke(plan_command, ["tiny", "--size", "48x48", "--lora", "4", "--card", card])
        assert result.exit_code == 0, result.output
        assert said in result.output
    assert CliRunner().invoke(plan_command, ["tiny", "--size", "48"]).exit_code == 2


@pytest.mark.parametrize("fusion", ["cross", "hybrid"])
def test_fusions_can_be_planned(fusion):
    config = changed(
        tiny_config(curriculum(100)),
        [f"fusion.kind={fusion}", 'resolution={"kind": "tiles", "tile": 32, "longest": 64, "patch": 8, "merge": 2}'],
    )
    assert plan(config, Load(width=48, height=48, images=2, words=20)).forecast.activations > 0


def _dataset(folder, rows):
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / "train-0.parquet")


def _row(index, data, split="train"):
    text, image = {"type": "text", "text": "colour?"}, {"type": "image", "text": None}
    return {
        "id": f"r{index}",
        "split": split,
        "images": [{"bytes": data, "path": "a.png"}],
        "messages": [
            {"role": "user", "content": [image, text]},
            {"role": "assistant", "content": [{"type": "text", "text": "red"}]},
        ],
    }


def test_training_on_a_dataset_counts_what_it_refuses(tmp_path):
    pictures = [one.messages[0].pictures[0].data for one in series(("colour",), 6, 1)]
    rows = [*(_row(i, data) for i, data in enumerate(pictures)), _row(6, b"junk"), _row(7, pictures[0], "test")]
    _dataset(tmp_path / "set", rows)
    _, reader = tiny_config(curriculum(10)).build()
    refused = {}
    kept = usable(items(tmp_path / "set", refused), reader.encode, refused)
    assert [row.id for row in kept] == ["r0", "r1", "r2", "r3", "r4", "r5", "r7"]
    assert refused == {"r6": "unreadable-picture"}
    assert told(refused) == "1 rows refused: 1 unreadable-picture"
    changes = ["--set", "batch=2", "--set", "pack=200", "--set", "features=true", "--set", "hold=0.3"]
    arguments = ["--data", str(tmp_path / "set"), "--out", str(tmp_path / "out"), *changes]
    result = CliRunner().invoke(train_command, ["tiny", *changes, "--out", str(tmp_path / "bad")])
    assert result.exit_code != 0
    file = tmp_path / "mine.py"
    file.write_text(CONFIG)
    result = CliRunner().invoke(train_command, [str(file), *arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    assert "settle: features of the frozen encoder:" in result.output
    assert "settle 1/1  loss" in result.stderr, "progress with its forecast"
    assert "held-out rows" in result.stderr
    assert "Figures on test rows" in result.output
    assert json.loads((tmp_path / "out" / "refused.jsonl").read_text()) == {"id": "r6", "reason": "unreadable-picture"}
    told_all = json.loads((tmp_path / "out" / "tuned.json").read_text())
    assert {name: rows["train"] + rows["held"] for name, rows in told_all["rows"].items()}["mix"] == 6
    assert VLMChat.open(tmp_path / "out" / "model").name.startswith("model@")
    with pytest.raises(InputError, match="no dataset"):
        next(items(tmp_path, {}))
