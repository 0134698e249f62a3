"""Freezing proven, resume exact, checkpoints whole whatever happens, mistakes named."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from sightline.core.errors import InputError, ModelError, PlanError, StorageError
from sightline.train.checkpoint import STATE, load_state, save_folder, save_state
from sightline.train.packing import epochs
from sightline.train.parts import PARTS, hashes
from sightline.train.stages import Choice, Course, Progress, Stage, Watch, train

ALIGN = Stage(name="align", trainable=("connector",), lr={"connector": 1e-2}, steps=4, save_every=2)
JOINT = Stage(
    name="joint",
    trainable=("connector", "llm"),
    lr={"connector": 1e-3, "llm": 1e-3},
    steps=4,
    accumulate=2,
    save_every=2,
)
ALL = Stage(
    name="all",
    trainable=("encoder", "connector", "llm"),
    lr={"encoder": 1e-3, "connector": 1e-3, "llm": 1e-3},
    steps=3,
)


def _setting(tiny, fusion="embed", encoder="resnet"):
    model, reader = tiny.build(encoder, "llama", fusion)
    rows = [reader.encode(tiny.chat(tiny.picture(i), answer="ab" * (i % 3 + 1))) for i in range(5)]
    return model, {"data": epochs(rows, 2, reader.collate, seed=3)}


def test_only_the_named_parts_change_and_the_proof_is_kept(tiny, tmp_path):
    model, data = _setting(tiny)
    start = hashes(model, PARTS)
    course = train(model, [ALIGN, JOINT, ALL], data, tmp_path)
    align, joint, everything = course.proofs
    assert align["before"] == start
    assert {part for part in start if align["after"][part] != start[part]} == {"connector"}
    assert {part for part in start if joint["after"][part] != joint["before"][part]} == {"connector", "llm"}
    assert all(everything["after"][part] != everything["before"][part] for part in start)
    assert joint["after"] == everything["before"]
    facts = load_state(tmp_path).facts
    assert facts["trainable"] == list(ALL.trainable)
    assert facts["course"]["proofs"] == course.proofs


def test_a_frozen_part_that_changes_is_an_error(tiny, tmp_path):
    model, data = _setting(tiny)

    def meddle(step):
        with torch.no_grad():
            model.model.encoder.embedder.embedder.normalization.running_mean.add_(1)
        return data["data"](step)

    with pytest.raises(ModelError, match="frozen parts have changed"):
        train(model, [ALIGN], {"data": meddle}, tmp_path)


@pytest.mark.parametrize("stop_at", [1, 3, 5, 7, 9])
def test_interrupted_equals_uninterrupted_to_the_last_bit(tiny, tmp_path, stop_at):
    stages = [ALIGN, JOINT, ALL]
    torch.manual_seed(7)
    model, data = _setting(tiny)
    whole = train(model, stages, data, tmp_path / "whole")
    torch.manual_seed(7)
    cut, data = _setting(tiny)
    calls = 0

    def dying(step):
        nonlocal calls
        calls += 1
        if calls == stop_at + 1:
            raise KeyboardInterrupt
        return data["data"](step)

    with pytest.raises(KeyboardInterrupt):
        train(cut, stages, {"data": dying}, tmp_path / "cut")
    torch.manual_seed(999)
    other, data = _setting(tiny)
    resumed = train(other, stages, data, tmp_path / "cut")
    assert resumed.losses == whole.losses
    assert hashes(other, PARTS) == hashes(model, PARTS)


def test_a_finished_run_does_nothing_again(tiny, tmp_path):
    model, data = _setting(tiny)
    first = train(model, [ALIGN], data, tmp_path)
    again, _ = _setting(tiny)
    second = train(again, [ALIGN], {"data": None}, tmp_path)
    assert second.losses == first.losses
    assert hashes(again, PARTS) == hashes(model, PARTS)


def test_training_learns(tiny, tmp_path):
    model, data = _setting(tiny, "cross", "native")
    everything = ("encoder", "connector", "cross", "llm")
    stage = Stage(name="all", trainable=everything, lr=dict.fromkeys(everything, 3e-3), steps=30)
    course = train(model, [stage], data, tmp_path)
    assert sum(course.losses[-3:]) < 0.5 * sum(course.losses[:3])


def test_accumulated_batches_give_the_gradient_of_one(tiny, tmp_path):
    losses = []
    for size, many in ((4, 1), (2, 2)):
        model, reader = tiny.build("native", "llama")
        rows = [reader.encode(tiny.chat(tiny.picture(i), answer="a" * (i + 1))) for i in range(4)]

        def batch(step, rows=rows, size=size, many=many, reader=reader):
            at = step % many * size
            return reader.collate(rows[at : at + size])

        stage = ALIGN.model_copy(update={"accumulate": many, "warmup": 0.0})
        losses.append(train(model, [stage], {"data": batch}, tmp_path / str(many)).losses)
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_the_best_checkpoint_is_chosen_by_the_weighted_score(tiny, tmp_path):
    model, data = _setting(tiny)
    given = iter([{"a": 0.2, "b": 0.2}, {"a": 0.9, "b": 0.1}, {"a": 0.1, "b": 0.6}])
    kept = []
    stage = ALIGN.model_copy(update={"steps": 6})
    choice = Choice(weights={"a": 3.0, "b": 1.0})
    course = train(
        model,
        [stage],
        data,
        tmp_path,
        watch=Watch(
            judge=lambda _: next(given),
            choice=choice,
            keep=lambda: kept.append(hashes(model, PARTS)["connector"]),
        ),
    )
    assert [round(row["score"], 3) for row in course.curve] == [0.2, 0.7, 0.225]
    assert len(kept) == 2
    assert kept[-1] != hashes(model, PARTS)["connector"], "best is not last"
    with pytest.raises(PlanError, match="lacks"):
        choice.score({"a": 1.0})


def test_every_step_is_told_with_what_is_left(tiny, tmp_path):
    model, data = _setting(tiny)
    heard: list[Progress] = []
    course = train(model, [ALIGN, JOINT], data, tmp_path, watch=Watch(tell=heard.append))
    assert [(one.stage, one.step) for one in heard] == [(s.name, i) for s in (ALIGN, JOINT) for i in (1, 2, 3, 4)]
    assert [one.loss for one in heard] == course.losses
    assert heard[-1].left == 0.0
    assert heard[-1].seconds == pytest.approx(course.seconds)
    first = heard[0]  # 3 batches of its own stage and 4 x 2 of the next are left
    assert first.left == pytest.approx(first.seconds * 11)
    assert first.told() == f"align 1/4  loss {first.loss:.3f}  {first.seconds:.0f} s, {first.left:.0f} s to go"


def test_mistakes_are_named_before_anything_runs(tiny, tmp_path):
    model, data = _setting(tiny)
    for stage, words in (
        (ALIGN.model_copy(update={"data": "other"}), "no such data"),
        (ALIGN.model_copy(update={"trainable": ("head",)}), "unknown part"),
        (ALIGN.model_copy(update={"trainable": ("cross",)}), "no such part to train"),
        (ALIGN.model_copy(update={"trainable": ("lora",)}), "no such part to train"),
    ):
        with pytest.raises(PlanError, match=words):
            train(model, [ALIGN, stage], data, tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="lr names"):
        Stage(name="x", trainable=("llm",), lr={"connector": 1.0}, steps=1)


def test_a_checkpoint_of_other_stages_or_another_model_is_refused(tiny, tmp_path):
    model, data = _setting(tiny)
    train(model, [ALIGN], data, tmp_path)
    with pytest.raises(InputError, match="other stages"):
        train(model, [JOINT], data, tmp_path)
    other, data = _setting(tiny, encoder="native")
    with pytest.raises(InputError, match="another model"):
        train(other, [ALIGN], data, tmp_path)
    wider, data = _setting(tiny)
    wider.resize_token_embeddings(400)
    with pytest.raises(InputError, match=r"another model.*embed_tokens"):
        train(wider, [ALIGN], data, tmp_path)
    (tmp_path / STATE).write_bytes(b"junk")
    with pytest.raises(InputError, match="not a readable checkpoint"):
        train(model, [ALIGN], data, tmp_path)


def test_a_loss_that_is_no_number_stops_with_the_checkpoint_whole(tiny, tmp_path):
    model, data = _setting(tiny, encoder="native")

    def poisoned(step):
        batch = dict(data["data"](step))
        if step == 3:
            batch["pixel_values"] = batch["pixel_values"] * float("nan")
        return batch

    with pytest.raises(ModelError, match=r"loss is nan.*stage align, step 3"):
        train(model, [ALIGN], {"data": poisoned}, tmp_path)
    assert load_state(tmp_path).facts["course"]["step"] == 2
    fresh, data = _setting(tiny, encoder="native")
    assert train(fresh, [ALIGN], data, tmp_path).stage == 1


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    save_state(tmp_path, {"a": torch.ones(3)}, {"n": 1})

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        save_state(tmp_path, {"a": torch.zeros(3)}, {"n": 2})
    assert load_state(tmp_path).facts == {"n": 1}
    assert [path.name for path in tmp_path.iterdir()] == [STATE]


def test_a_killed_process_leaves_a_whole_checkpoint(tmp_path):
    script = (
        "import sys, torch; from pathlib import Path; from sightline.train.checkpoint import save_state\n"
        "n = 0\n"
        "while True:\n"
        "    n += 1; save_state(Path(sys.argv[1]), {'a': torch.full((300_000,), float(n))}, {'n': n})\n"
        "    print(n, flush=True)\n"
    )
    for pause in (0.0, 0.003, 0.007):
        with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as process:
            for _ in range(3):
                process.stdout.readline()
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
        state = load_state(tmp_path)
        assert torch.all(state.tensors["a"] == state.facts["n"])
        assert state.facts["n"] >= 3


def test_a_model_folder_is_replaced_whole(tmp_path):
    place = tmp_path / "model"
    save_folder(place, lambda folder: (folder / "a").write_text("1"))

    def fails(folder):
        (folder / "a").write_text("2")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match="cannot store a model"):
        save_folder(place, fails)
    assert (place / "a").read_text() == "1"
    place.rename(tmp_path / "model.old")  # as a process leaves it that died between the two renames
    with pytest.raises(StorageError):
        save_folder(place, fails)
    assert (place / "a").read_text() == "1"
    save_folder(place, lambda folder: (folder / "b").write_text("3"))
    assert [path.name for path in place.iterdir()] == ["b"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_weights_are_as_readable_as_the_folder_around_them(tmp_path):
    save_folder(tmp_path / "model", lambda folder: save_file({"a": torch.ones(1)}, folder / "model.safetensors"))
    (tmp_path / "plain").write_text("by the usual permissions of this process")
    assert (tmp_path / "model" / "model.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_rates_rise_and_fall():
    stage = ALIGN.model_copy(update={"steps": 100, "warmup": 0.1})
    rates = [stage.rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == 1.0
    assert rates[-1] < 0.11
    assert Course().losses is not Course().losses


def test_a_batch_of_text_alone_teaches_a_connector_nothing_and_is_counted(tiny, tmp_path):
    model, reader = tiny.build("resnet", "llama", "embed")
    shown, text = (reader.encode(tiny.chat(*pictures, answer="ab")) for pictures in ([tiny.picture()], []))
    batches = [reader.collate([row]) for row in (text, text, shown, text)]
    start = hashes(model, PARTS)
    stage = ALIGN.model_copy(update={"accumulate": 2, "steps": 2, "save_every": 1, "weight_decay": 0.0})
    course = train(model, [stage.model_copy(update={"steps": 1})], {"data": lambda step: batches[step]}, tmp_path / "a")
    assert (course.idle, hashes(model, PARTS)) == (2, start)
    course = train(model, [stage], {"data": lambda step: batches[step]}, tmp_path / "b")
    assert course.idle == 3
    assert hashes(model, PARTS)["connector"] != start["connector"]
    assert load_state(tmp_path / "b").facts["course"]["idle"] == 3


def test_a_full_disk_in_the_words_of_safetensors_is_named_and_leaves_the_old_model(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").write_text("whole")

    def full(folder):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    with pytest.raises(StorageError, match="No space left"):
        save_folder(tmp_path / "model", full)
    assert (tmp_path / "model" / "old").read_text() == "whole"
    assert not (tmp_path / "model.writing").exists()
