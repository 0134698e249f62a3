"""The planner against published arithmetic and against what the profiler sees of a real run."""

from __future__ import annotations

import json

import pytest
import torch
from torch.profiler import profile
from transformers import LlamaConfig, LlamaForCausalLM, SiglipVisionConfig

from sightline.train.lora import Lora, add_lora
from sightline.train.memory import dry_run, followed, split_batch, static
from sightline.train.parts import PARTS, freeze_all_but
from sightline.vlm import VLM, Connector, Fusion

BILLION = 10**9
TEXT = LlamaConfig(vocab_size=1000, hidden_size=96, intermediate_size=256, num_hidden_layers=3, num_attention_heads=4)
VISION = SiglipVisionConfig(
    hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2, image_size=64, patch_size=8
)


def gigabytes(plan):
    return [round(value / 1e9, 1) for value in (plan.weights, plan.reference, plan.gradients, plan.moments, plan.total)]


def test_published_arithmetic_of_preference_training():
    assert gigabytes(static(8 * BILLION, reference="copy")) == [32, 32, 32, 64, 160]
    trained = 55_348_736
    both = static(8 * BILLION, trained, width=2, reference="copy")
    assert gigabytes(both) == [16, 16, 0.1, 0.2, 32.3]
    for reference in ("adapter-off", "precomputed", "none"):
        assert gigabytes(static(8 * BILLION, trained, width=2, reference=reference)) == [16, 0, 0.1, 0.2, 16.3]
    assert "0.654%" in str(static(8_458_116_848, trained, width=2))


def build(mode="all"):
    model = VLM(VISION, Connector(kind="shuffle", merge=2), Fusion(), TEXT).train()
    if mode == "lora":
        add_lora(model, Lora(rank=4))
        freeze_all_but(model, ("lora",), PARTS)
    if mode == "connector":
        freeze_all_but(model, ("connector",), PARTS)
    return model


def loss_of(batch, tokens):
    def loss(model):
        sizes = [(64, 64, 0)] * batch
        views = model.model.views(model.model.encode(torch.randn(batch, 3, 64, 64), sizes), sizes)
        words = model.get_input_embeddings()(torch.zeros(batch, tokens, dtype=torch.long))
        embeds = torch.cat([torch.stack(views), words], 1)
        labels = torch.zeros(batch, embeds.shape[1], dtype=torch.long)
        mask = torch.ones_like(labels)
        mask[0, -1] = 0  # as in training: rows are padded or packed, so attention gets a mask
        return model(inputs_embeds=embeds, attention_mask=mask, labels=labels, use_cache=False).loss

    return loss


def _profiled(model, loss, folder):
    """Peak by the profiler's own allocation events: an oracle that shares no code with ours."""
    trained = [p for p in model.parameters() if p.requires_grad]
    base = sum(p.untyped_storage().nbytes() for p in (*model.parameters(), *model.buffers()))
    optimizer = torch.optim.AdamW(trained, lr=1e-4)
    with profile(profile_memory=True) as seen:
        for _ in range(2):
            value = loss(model)
            value.backward()
            del value
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    seen.export_chrome_trace(str(folder / "trace.json"))
    events = [e for e in json.loads((folder / "trace.json").read_text())["traceEvents"] if e.get("name") == "[memory]"]
    live = peak = 0
    for event in sorted(events, key=lambda e: e["ts"]):
        live += event["args"]["Bytes"]
        peak = max(peak, live)
    return base + peak


@pytest.mark.parametrize("mode", ["all", "connector", "lora"])
@pytest.mark.parametrize(("batch", "tokens"), [(2, 40), (8, 100)])
def test_peak_within_three_percent_of_a_real_run(tmp_path, mode, batch, tokens):
    loss = loss_of(batch, tokens)
    planned = dry_run(lambda: build(mode), loss)
    real = _profiled(build(mode), loss, tmp_path)
    assert planned.peak == pytest.approx(real, rel=0.03)
    measured = followed(build(mode), loss)
    assert measured.static == planned.static
    assert planned.activations == pytest.approx(measured.activations, rel=0.05)


def test_checkpointing_and_a_copy_of_the_reference_show(tmp_path):
    loss = loss_of(8, 100)

    def frugal():
        model = build()
        model.activation_checkpointing_enable()
        return model

    whole, less, copy = dry_run(build, loss), dry_run(frugal, loss), dry_run(build, loss, reference="copy")
    assert less.activations < 0.6 * whole.activations
    assert copy.peak - whole.peak == whole.static.weights == copy.static.reference


def test_a_large_model_is_planned_without_its_memory():
    large = LlamaConfig(
        vocab_size=32000, hidden_size=4096, intermediate_size=14336, num_hidden_layers=2, num_key_value_heads=8
    )

    def loss(model):
        ids = torch.zeros(1, 64, dtype=torch.long)
        return model(input_ids=ids, labels=ids, use_cache=False).loss

    plan = dry_run(lambda: LlamaForCausalLM(large).train(), loss, dtype=torch.bfloat16)
    assert plan.static.weights == pytest.approx(2 * plan.static.parameters, rel=1e-5)
    assert plan.static.parameters > 600_000_000


def test_a_batch_is_halved_until_it_fits():
    assert split_batch(64, 2) == (2, 32)
    assert split_batch(64, 100) == (64, 1)
    assert split_batch(9, 2) == (1, 9)
