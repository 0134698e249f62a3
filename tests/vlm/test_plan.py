"""The plan of a run: advice, the largest batch, tokens and time."""

from __future__ import annotations

import pytest
import torch

from sightline.runs import vlm_plan
from sightline.runs.vlm_plan import PLANNED, Load, Plan, fitting, plan
from sightline.train.memory import Forecast, checkpointing, static

TINY = PLANNED["tiny"]()


def _plan(peak, load=None):
    forecast = Forecast(static=static(8 * 10**9, width=2, reference="copy"), activations=10**10, peak=peak)
    return Plan(forecast=forecast, tokens=1000, vision=100, flops=1e12)


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


@pytest.mark.slow
def test_eight_billion_with_adapters_fit_a_card_of_24():
    made = plan(PLANNED["8b"](), Load(lora=16, checkpointing=True))
    assert 17 < made.forecast.static.total / 1e9 < made.forecast.peak / 1e9 < 24
