"""The plan of a run: advice, the largest batch, tokens and time."""

from __future__ import annotations

import pytest
import torch
from transformers import Gemma2Config, LlamaConfig

from sightline.runs import vlm_plan
from sightline.runs.vlm_plan import PLANNED, Plan, _dry_run, fitting, plan
from sightline.runs.vlm_planned import Load, subject
from sightline.runs.vlm_run import VLMRun
from sightline.train.memory import Forecast, checkpointing, static
from sightline.train.memory_layers import samples, shortened
from sightline.train.stages import Stage, train
from sightline.vlm.connector import Connector
from sightline.vlm.fusion import Fusion
from sightline.vlm.resolution import Fixed

TINY = PLANNED["tiny"]()


def _plan(peak, load=None):
    copied = static(8 * 10**9, width=2, reference="copy")
    forecast = Forecast(static=copied, activations=10**10, sections=(peak - copied.reference,))
    return Plan(forecast=forecast, tokens=1000, vision=100, flops=1e12, layers=8)


def test_the_largest_batch_is_safe_and_near_the_line(monkeypatch):
    """A made-up peak, the larger of a constant and a line: 10 GB, or 4 GB and 1 GB for each conversation."""
    asked = []

    def made(_, load):
        asked.append(load.batch)
        return _plan(max(10 * 10**9, (4 + load.batch) * 10**9))

    monkeypatch.setattr(vlm_plan, "plan", made)
    assert fitting(TINY, Load(), 24.0) == 20
    assert len(asked) <= 8
    assert fitting(TINY, Load(), 9.0) == 0
    assert fitting(TINY, Load(), 5000.0) == 1024


def test_advice_names_what_weighs_most():
    load = Load(words=100, wanted=64, rows=3600, speed=1.0)
    lines = "\n".join(_plan(200 * 10**9).words(load, 12.0, 0))
    for part in ("not even one", "3,600,000 tokens, about 1.0 hours", "switching the adapter off", "--lora 16",
                 "the weights alone are larger", "pictures are 90%"):  # fmt: skip
        assert part in lines
    assert "advice" not in "\n".join(_plan(200 * 10**9).words(load, 300.0, 64))
    assert "64 as 2 x 32" in "\n".join(_plan(10**9).words(load, 24.0, 2))


def test_a_bigger_batch_and_full_training_take_more():
    one, four = (plan(TINY, Load(batch=n, dtype="float32", width=48, height=48)) for n in (1, 4))
    adapters = plan(TINY, Load(lora=2, dtype="float32", width=48, height=48))
    assert one.forecast.peak < four.forecast.peak
    assert adapters.forecast.static.moments < one.forecast.static.moments / 5
    assert one.flops == four.flops > 0


def test_checkpointing_keeps_nothing_of_a_frozen_encoder(tiny):
    model, reader = tiny.build()
    model.model.encoder.requires_grad_(False)
    checkpointing(model.train())
    batch = reader.collate([reader.encode(tiny.chat(tiny.picture()))])
    features = model.model.encode(batch["pixel_values"], batch["image_sizes"])
    assert not features.requires_grad
    model(**batch, use_cache=False).loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.model.language_model.parameters())


DEEP = TINY.model_copy(update={"llm": TINY.llm | {"num_hidden_layers": 9}})
CROSS = DEEP.model_copy(update={"fusion": Fusion(kind="cross", every=2)})
SMALL = {"dtype": "float32", "width": 48, "height": 48, "words": 64}


@pytest.mark.parametrize(
    ("config", "load"),
    [
        (DEEP, Load(**SMALL, batch=4)),
        (DEEP, Load(**SMALL, batch=16, trainable=("encoder", "connector", "llm"), reference="copy")),
        (DEEP, Load(**SMALL, batch=8, trainable=("connector",))),
        (DEEP, Load(**SMALL, batch=8, lora=2, checkpointing=True)),
        (CROSS, Load(**SMALL, batch=8, trainable=("connector", "cross"))),
    ],
    ids=["text", "all, copy", "connector", "adapters, checkpointing", "cross"],
)
def test_two_short_dry_runs_tell_what_the_long_one_does(config, load):
    short = plan(config, load)
    assert short.run
    whole, sizes, _ = _dry_run(config, load, subject(config, load), 9)
    assert short.forecast.static == whole.static
    assert short.forecast.peak == pytest.approx(whole.peak, rel=0.01)
    assert short.forecast.activations == pytest.approx(whole.activations, rel=0.01)
    assert "carried on to the 9 equal ones" in "\n".join(short.words(load))
    assert sum(sizes.values()) == whole.static.parameters


def test_layers_that_alternate_are_sampled_by_their_period():
    config = Gemma2Config(num_hidden_layers=12)
    assert samples(config) == (4, 6)
    assert shortened(config, 4).layer_types == config.layer_types[:4]
    assert samples(Gemma2Config(num_hidden_layers=5)) is None
    assert samples(LlamaConfig(num_hidden_layers=9), every=2) == (5, 7)


@pytest.mark.parametrize("trainable", [("connector",), ("connector", "llm"), ("encoder", "connector", "llm")])
def test_the_trainer_gets_the_same_gradients_and_weights_with_checkpointing(tiny, tmp_path, trainable):
    stage = Stage(name="all", trainable=trainable, lr=dict.fromkeys(trainable, 1e-3), steps=2)
    again, losses, weights = [], [], []
    for on in (False, True):
        run = VLMRun(
            encoder=tiny.encoders["siglip"].to_dict(),
            connector=Connector(kind="shuffle", merge=2),
            llm=tiny.decoders["llama"].to_dict(),
            resolution=Fixed(size=32, patch=8, merge=2),
            stages=(stage,),
            checkpointing=on,
        )
        model, reader = run.build()
        calls = []
        model.model.language_model.layers[0].mlp.register_forward_pre_hook(lambda *_, seen=calls: seen.append(1))
        batch = reader.collate([reader.encode(tiny.chat(tiny.picture(seed))) for seed in range(3)])
        losses.append(train(model, run.stages, {"data": lambda _, batch=batch: batch}, tmp_path / str(on)).losses)
        again.append(len(calls))
        weights.append({name: value.clone() for name, value in model.state_dict().items()})
    assert losses[0] == losses[1]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    assert again == [2, 4 if "llm" in trainable else 2]


@pytest.mark.slow
def test_eight_billion_with_adapters_fit_a_card_of_24():
    made = plan(PLANNED["8b"](), Load(lora=16, checkpointing=True))
    assert 17 < made.forecast.static.total / 1e9 < made.forecast.peak / 1e9 < 24
