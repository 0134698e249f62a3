"""One config for models of parts, whole folders and ready checkpoints, with and without adapters: train, save, plan."""

from __future__ import annotations

import importlib.util
import json
from io import BytesIO
from pathlib import Path

import peft
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from pydantic import ValidationError
from transformers import AutoModelForImageTextToText

from sightline.cli.evaluate import command as evaluate_command
from sightline.cli.plan import command as plan_command
from sightline.cli.train_vlm import command as train_command
from sightline.core.errors import InputError, PlanError
from sightline.core.media import MediaRef
from sightline.core.message import Message, Picture, Request
from sightline.runs.vlm_config import changed, read_config
from sightline.runs.vlm_plan import _dry_run
from sightline.runs.vlm_planned import Load, prepared, subject
from sightline.runs.vlm_run import VLMRun, run
from sightline.runs.vlm_stages import tiny_config
from sightline.train.memory import followed
from sightline.train.memory_layers import depth
from sightline.train.stages import Stage
from sightline.vlm.chat import VLMChat, whole_model
from sightline.vlm.ready.families import FAMILIES

torch.set_num_threads(1)
STAGE = Stage(name="sft", trainable=("connector", "llm"), lr={"connector": 1e-3, "llm": 1e-3}, steps=2)
ADAPTED = Stage(name="sft", trainable=("connector", "lora"), lr={"connector": 1e-3, "lora": 1e-2}, steps=2)
FAMILY = [f if f in ("idefics3", "qwen2_vl") else pytest.param(f, marks=pytest.mark.slow) for f in sorted(FAMILIES)]


def _parts():
    place = Path(__file__).parent.parent / "vlm" / "ready_parts.py"
    spec = importlib.util.spec_from_file_location("ready_parts", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A ready checkpoint of a family, random, on disk."""
    kept = {}

    def made(family):
        if family not in kept:
            kept[family] = tmp_path_factory.mktemp(family)
            model, reader = _parts().build(family)
            model.save_pretrained(kept[family])
            reader.save_pretrained(kept[family])
        return kept[family]

    return made


def _picture(colour="red", size=(60, 50)):
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return Picture(ref=MediaRef(sha256=colour, media_type="image/png"), data=out.getvalue())


def _rows(n=4):
    colours = ("red", "blue", "green", "white")
    return [
        (Message.of("user", _picture(colours[i % 4]), "colour?"), Message.of("assistant", colours[i % 4]))
        for i in range(n)
    ]


def _reply(chat):
    return next(chat.replies([Request(messages=_rows(1)[0][:1], max_tokens=8)])).text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"model": "x", "words": ("a",)}, "brings its own words"),
        ({"model": "x", "llm": {"model_type": "llama"}}, "brings its own llm"),
        ({"encoder": {"model_type": "resnet"}}, "these are needed: llm, resolution"),
        ({"model": "x", "stages": (ADAPTED,)}, "set lora.rank"),
        ({"model": "x", "lora": {"rank": 2}}, "no stage trains 'lora'"),
        ({"model": "x", "keep_adapter": True}, "no adapters to keep"),
        ({"model": "x", "lora": {"rank": 2, "parts": ["connector"]}, "stages": (ADAPTED,)}, "beneath its own adapter"),
        ({"model": "x", "lora": {"bits": 4}, "stages": (ADAPTED,), "sharded": True}, "cannot be sharded"),
        ({"model": "x", "stages": ()}, "at least 1"),
    ],
)
def test_contradictions_are_refused_before_anything_is_read(given, words):
    with pytest.raises(ValidationError, match=words):
        VLMRun(**{"stages": (STAGE,)} | given)


def test_a_row_longer_than_the_context_is_told_before_a_step(tmp_path):
    long = [(Message.of("user", _picture(), "why " * 200), Message.of("assistant", "red"))]
    with pytest.raises(PlanError, match=r"takes \d+ tokens, the language model has 512 places.*longest=512"):
        run(tiny_config((STAGE,)), {"data": _rows() + long}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_run_does_not_write_over_a_dataset(tmp_path):
    (tmp_path / "run.json").write_text('{"recipe": "document_qa"}')
    with pytest.raises(InputError, match="document_qa"):
        run(tiny_config((STAGE,)), {"data": _rows()}, tmp_path)


def test_a_folder_never_mixes_two_runs(tmp_path):
    config = tiny_config((STAGE,))
    first = run(config, {"data": _rows()}, tmp_path).course.losses
    assert run(config.model_copy(update={"checkpointing": True}), {"data": _rows()}, tmp_path).course.losses == first
    with pytest.raises(InputError, match=r"other rows.*choose another --out"):
        run(config, {"data": _rows(3)}, tmp_path)
    with pytest.raises(InputError, match="other batch, seed"):
        run(config.model_copy(update={"seed": 1, "batch": 2}), {"data": _rows()}, tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"llm": {"vocab_size": 300}}, "not a config of transformers"),
        ({"llm": {"model_type": "llamma"}}, "not a config of transformers.*llamma"),
        ({"llm": {"model_type": "siglip_vision_model"}}, "no model can be made of these parts"),
        ({"encoder": {"model_type": "llama", "hidden_size": 8, "num_attention_heads": 2}}, "no model can be made"),
        ({"encoder": {"model_type": "siglip_vision_model", "hidden_size": 30, "num_attention_heads": 4}}, "divisible"),
    ],
)
def test_parts_that_are_no_parts_are_named(change, words):
    with pytest.raises(InputError, match=words):
        tiny_config((STAGE,)).model_copy(update=change).build()


def test_stages_have_names_of_their_own_and_rates_that_move():
    values = tiny_config((STAGE,)).model_dump()
    with pytest.raises(ValidationError, match="two stages are called 'sft'"):
        VLMRun(**(values | {"stages": (STAGE, STAGE)}))
    for rate in (0.0, -1e-3, float("nan"), float("inf")):
        with pytest.raises(ValidationError, match="llm"):
            Stage(name="a", trainable=("llm",), lr={"llm": rate}, steps=1)
    with pytest.raises(ValidationError, match="trainable"):
        Stage(name="a", trainable=(), lr={}, steps=1)


@pytest.mark.parametrize(
    ("flags", "words"), [(("--batch", "0"), "--batch"), (("--speed", "0"), "--speed"), (("--size", "1x5000"), "aspect")]
)
def test_a_load_that_makes_no_sense_is_named(flags, words):
    result = CliRunner().invoke(plan_command, ["tiny", *flags])
    said = result.output if isinstance(result.exception, SystemExit) else str(result.exception)
    assert isinstance(result.exception, SystemExit | InputError), result.exception
    assert words in said


@pytest.mark.parametrize("family", FAMILY)
def test_a_ready_checkpoint_goes_through_the_same_run(folder, tmp_path, family):
    config = VLMRun(model=str(folder(family)), stages=(STAGE,), batch=2)
    before = _reply(VLMChat.open(folder(family)))
    result = run(config, {"data": _rows()}, tmp_path / "out")
    assert len(result.course.losses) == 2
    assert set(result.course.proofs[0]["before"]) == set(result.reader.parts)
    rested = [p for p in result.reader.parts if p not in STAGE.trainable]
    assert all(result.course.proofs[0]["before"][p] == result.course.proofs[0]["after"][p] for p in rested)
    chat = VLMChat.open(tmp_path / "out" / "model")
    stock = AutoModelForImageTextToText.from_pretrained(tmp_path / "out" / "model")
    named = dict(stock.named_parameters())
    assert all(torch.equal(value, named[name]) for name, value in result.model.named_parameters())
    assert isinstance(before + _reply(chat), str)
    once_more = config.model_copy(update={"model": str(tmp_path / "out" / "model")})
    assert run(once_more, {"data": _rows()}, tmp_path / "again").course.losses[0] < result.course.losses[0]


ALONE = STAGE.model_copy(update={"trainable": ("connector",), "lr": {"connector": 1e-3}})


def test_packing_and_features_of_ready_models_are_taken_or_refused_by_name(folder, tmp_path):
    packing = VLMRun(model=str(folder("idefics3")), stages=(STAGE,), pack=400)
    assert len(run(packing, {"data": _rows()}, tmp_path / "a").course.losses) == 2
    kept = run(packing.model_copy(update={"stages": (ALONE,)}), {"data": _rows()}, tmp_path / "b").course
    assert kept.proofs[0]["features"]["misses"] > 0
    with pytest.raises(PlanError, match="cannot run alone"):
        run(VLMRun(model=str(folder("qwen2_vl")), stages=(ALONE,), features=True), {"data": _rows()}, tmp_path / "c")


@pytest.mark.parametrize("family", [None, *FAMILY])
@pytest.mark.parametrize("precision", ["bfloat16", "mixed"])
def test_precision_is_that_of_weights_or_of_products_alone(folder, tmp_path, family, precision):
    plain = VLMRun(model=str(folder(family)), stages=(STAGE,), batch=2) if family else tiny_config((STAGE,))
    config = plain.model_copy(update={"precision": precision})
    result = run(config, {"data": _rows()}, tmp_path / precision)
    assert {value.dtype for value in result.model.parameters()} == {
        torch.bfloat16 if precision == "bfloat16" else torch.float32
    }
    exact = run(plain, {"data": _rows()}, tmp_path / "exact").course.losses
    assert result.course.losses != exact
    assert result.course.losses == pytest.approx(exact, rel=0.05)


def test_a_device_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="torch cannot use this device here"):
        run(tiny_config((STAGE,)).model_copy(update={"device": "cuda:99"}), {"data": _rows()}, tmp_path)


@pytest.mark.parametrize("whole", [False, True], ids=["parts", "ready"])
def test_adapters_are_merged_in_the_model_and_kept_beside_it(folder, tmp_path, whole):
    plain = VLMRun(model=str(folder("idefics3")), stages=(STAGE,)) if whole else tiny_config((STAGE,))
    only = json.dumps([{"name": "a", "trainable": ["lora"], "lr": {"lora": 0.05}, "steps": 3}])
    config = changed(plain, ["lora.rank=4", f"stages={only}", "keep_adapter=true"])
    result = run(config, {"data": _rows()}, tmp_path)
    begun, reader = plain.build()
    names = {name for name, _ in begun.named_parameters()}
    assert {name for name, _ in result.model.named_parameters()} == names
    batch = reader.collate([reader.encode(_rows(1)[0])])
    adapted = peft.PeftModel.from_pretrained(begun, tmp_path / "adapter").eval()
    with torch.no_grad():
        apart, merged = adapted(**batch).logits, result.model(**batch).logits
        torch.testing.assert_close(apart, merged, atol=1e-4, rtol=1e-4)
        with adapted.disable_adapter():
            assert not torch.allclose(adapted(**batch).logits, merged, atol=1e-3)


def test_an_adapted_run_goes_on_to_the_same_last_bit(tmp_path):
    stages = (ADAPTED.model_copy(update={"steps": 4, "save_every": 2}),)
    config = changed(tiny_config((STAGE,)), ["lora.rank=2", "stages=" + json.dumps([s.model_dump() for s in stages])])
    whole = run(config, {"data": _rows()}, tmp_path / "a")

    class Stop(Exception):
        pass

    def stop(progress):
        if progress.step == 3:
            raise Stop

    with pytest.raises(Stop):
        run(config, {"data": _rows()}, tmp_path / "b", tell=stop)
    again = run(config, {"data": _rows()}, tmp_path / "b")
    other = dict(again.model.named_parameters())
    assert all(torch.equal(value, other[name]) for name, value in whole.model.named_parameters())


@pytest.mark.parametrize("family", FAMILY)
@pytest.mark.parametrize("lora", [0, 2])
def test_the_plan_of_a_ready_model_is_what_a_real_step_takes(folder, family, lora):
    config = VLMRun(model=str(folder(family)), stages=(STAGE,))
    load = Load(batch=3, width=60, height=50, words=90, dtype="float32", device="cpu", lora=lora)
    about = subject(config, load)
    planned, sizes, trained = _dry_run(config, load, about, depth(about.text))
    model, reader = whole_model(folder(family))
    assert sum(sizes.values()) == planned.static.parameters
    real_about = about.__class__(**{n: getattr(about, n) for n in about.__slots__} | {"build": lambda _: model})
    real, _ = prepared(config, load, real_about, depth(about.text))
    told = followed(real, about.loss, "none")
    assert trained == (("lora",) if lora else STAGE.trainable)
    assert planned.static == told.static
    assert planned.peak == pytest.approx(told.peak, rel=0.01)
    assert about.tokens == reader.count(60, 50) + 90


def test_ready_models_and_adapters_on_the_command_line(folder, tmp_path):
    place = str(folder("idefics3"))
    asked = ["--batch", "2", "--size", "60x50", "--words", "90", "--dtype", "float32"]
    plain = CliRunner().invoke(plan_command, [place, *asked])
    assert plain.exit_code == 0, (plain.output, plain.exception)
    assert "trains: connector, llm" in plain.output
    adapters = CliRunner().invoke(plan_command, [place, *asked, "--lora", "2"])
    assert "trains: lora" in adapters.output
    wrong = CliRunner().invoke(plan_command, [str(tmp_path)])
    assert isinstance(wrong.exception, InputError)
    none = CliRunner().invoke(train_command, [place, "--out", str(tmp_path / "o")])
    assert isinstance(none.exception, InputError)


def _questions(place):
    Image.new("RGB", (60, 50), "red").save(place / "a.png")
    lines = [{"id": f"q{i}", "question": "colour?", "references": ["red"], "images": ["a.png"]} for i in range(3)]
    (place / "q.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return str(place / "q.jsonl")


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "ready"])
def test_a_trained_or_ready_folder_is_evaluated_where_an_endpoint_can_be(folder, tmp_path, ours):
    place = folder("qwen2_vl")
    if ours:
        run(tiny_config((STAGE,)), {"data": _rows()}, tmp_path / "out")
        place = tmp_path / "out" / "model"
    asked = [_questions(tmp_path), "--model", str(place), "--max-tokens", "6", "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(evaluate_command, asked)
    assert result.exit_code == 0, (result.output, result.exception)
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert [one["n"] for one in scores["scores"]] == [3, 3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", "no config"),
        ("def config(): return 3", "no config"),
        ("def config(:", "SyntaxError"),
        ("import nowhere_at_all", "ModuleNotFoundError"),
        ("def config(): return None.x", "AttributeError.*mine.py:1"),
        ("from sightline.runs.vlm_run import VLMRun\ndef config(): return VLMRun(stages=())", "stages: "),
    ],
)
def test_a_config_that_cannot_be_used_is_named_with_its_line(tmp_path, text, words):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(InputError, match=words):
        read_config(str(tmp_path / "mine.py"))


def test_what_a_run_wrote_replays_it(tmp_path):
    config = changed(tiny_config((STAGE,)), ["lora.rank=2", 'stages.0.trainable=["lora"]', 'stages.0.lr={"lora": 1}'])
    (tmp_path / "run.json").write_text(config.model_dump_json())
    assert read_config(str(tmp_path / "run.json")) == config
