"""Adapters: zero effect at the start, nothing else trains, merging gives equal logits, contradictions refused."""

from __future__ import annotations

import pytest
import torch

from sightline.core.errors import PlanError
from sightline.train.lora import Lora, add_lora, merge_lora
from sightline.train.packing import epochs
from sightline.train.parts import PARTS, hashes
from sightline.train.stages import Stage, train
from sightline.vlm.chat import loaded


def test_adapters_train_alone_and_merge_to_a_plain_model(tiny, tmp_path):
    model, reader = tiny.build("native", "llama", "cross")
    rows = [reader.encode(tiny.chat(tiny.picture(i), answer="ab" * i)) for i in (1, 2, 3)]
    batch = reader.collate(rows)
    with torch.no_grad():
        bare = model(**batch).logits
        add_lora(model, Lora(rank=2))
        assert torch.equal(model(**batch).logits, bare)
    start = hashes(model, PARTS)
    stage = Stage(name="adapt", trainable=("lora",), lr={"lora": 1e-2}, steps=4)
    train(model, [stage], {"data": epochs(rows, 3, reader.collate, seed=0)}, tmp_path / "run")
    assert {part for part, digest in hashes(model, PARTS).items() if digest != start[part]} == {"lora"}
    model.eval()
    with torch.no_grad():
        tuned = model(**batch).logits
        assert not torch.allclose(tuned, bare, atol=1e-3)
        assert merge_lora(model) == 14
        assert torch.allclose(model(**batch).logits, tuned, atol=1e-5)
        model.save_pretrained(tmp_path / "merged")
        reader.save_pretrained(tmp_path / "merged")
        assert torch.allclose(loaded(tmp_path / "merged")[0](**batch).logits, tuned, atol=1e-5)


def test_contradictions_are_refused(tiny, tmp_path):
    model, _ = tiny.build("native", "llama")
    add_lora(model, Lora(rank=2))
    with pytest.raises(PlanError, match="adapters already"):
        add_lora(model, Lora(rank=2))
    both = Stage(name="both", trainable=("lora", "llm"), lr={"lora": 1e-3, "llm": 1e-3}, steps=1)
    with pytest.raises(PlanError, match="beneath its own adapter"):
        train(model, [both], {"data": lambda _: {}}, tmp_path)
    bare, _ = tiny.build("native", "llama")
    with pytest.raises(PlanError, match="no linear layer"):
        add_lora(bare, Lora(parts=("cross",)))
