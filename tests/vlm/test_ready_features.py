"""Kept features of ready models: the same losses, the encoder once per view, nothing of it left behind."""

from __future__ import annotations

import pytest
import torch

from sightline.core.message import Message
from sightline.train.feature_cache import Remembered
from sightline.train.packing import epochs
from sightline.train.stages import Stage, train
from sightline.vlm.ready.families import FAMILIES

ABLE = sorted(name for name, family in FAMILIES.items() if family.tower)
ALIGN = Stage(name="align", trainable=("connector",), lr={"connector": 1e-2}, steps=6, save_every=2)
WARM = Stage(name="warm", trainable=("encoder",), lr={"encoder": 1e-3}, steps=2)


def _rows(tiny, reader):
    sizes = [(60, 50), (90, 30), (20, 64)]
    rows = [reader.encode(tiny.chat(tiny.picture(i, size))) for i, size in enumerate(sizes)]
    if reader.config.model_type == "paligemma":
        return rows
    return [*rows, reader.encode([Message.of("user", "no picture"), Message.of("assistant", "x")])]


def test_seven_families_can():
    assert ABLE == ["gemma3", "idefics3", "internvl", "janus", "llava", "paligemma", "smolvlm"]


@pytest.mark.parametrize("family", ABLE)
def test_training_with_kept_features_is_training_without(tiny, ready_parts, tmp_path, family):
    model, reader = ready_parts.build(family)
    plain = epochs(_rows(tiny, reader), 2, reader.collate, seed=1)
    slow = train(model, [ALIGN], {"data": plain}, tmp_path / "slow", parts=reader.parts)
    model, reader = ready_parts.build(family)
    rows = _rows(tiny, reader)
    runs = []
    tower = reader.tower()
    inner = tower.encode
    tower.encode = lambda *given: runs.append(1) or inner(*given)
    data = Remembered(epochs(rows, 2, reader.collate, seed=1), tower, tmp_path / "features")
    fast = train(model, [ALIGN, WARM], {"data": data}, tmp_path / "fast", parts=reader.parts)
    assert fast.losses[:6] == pytest.approx(slow.losses, rel=1e-5)
    views = {view.numpy().tobytes() for row in rows for p in row.pictures for view in p["pixel_values"].flatten(0, -4)}
    assert len(runs) == len(views), "each view once"
    used = fast.proofs[0]["features"]
    assert (used["misses"], used["unread"]) == (len(views), [])
    assert used["hits"] > 0
    assert "features" not in fast.proofs[1], "there the encoder trains"
    assert fast.proofs[1]["before"]["encoder"] != fast.proofs[1]["after"]["encoder"]


def test_another_run_finds_them_and_a_trained_encoder_does_not(tiny, ready_parts, tmp_path):
    for expected in ("computed", "kept"):
        model, reader = ready_parts.build("smolvlm")
        data = Remembered(epochs(_rows(tiny, reader), 4, reader.collate, seed=1), reader.tower(), tmp_path / "features")
        used = train(model, [ALIGN], {"data": data}, tmp_path / expected, parts=reader.parts).proofs[0]["features"]
        assert (used["misses"] > 0) == (expected == "computed")
    with torch.no_grad():
        next(model.model.vision_model.parameters()).add_(1)
    other = Remembered(data.data, reader.tower(), tmp_path / "features")
    used = train(model, [ALIGN], {"data": other}, tmp_path / "other", parts=reader.parts).proofs[0]["features"]
    assert used["misses"] > 0
