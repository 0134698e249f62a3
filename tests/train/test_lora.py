"""Adapters: zero effect at the start, nothing else trains, merging gives equal logits, contradictions refused."""

from __future__ import annotations

import sys

import pytest
import torch
from transformers import LlamaConfig

from sightline.core.errors import InputError, MissingExtra, PlanError
from sightline.train.lora import Lora, add_lora, merge_lora
from sightline.train.packing import epochs
from sightline.train.parts import PARTS, hashes
from sightline.train.stages import Stage, train
from sightline.vlm import VLM, Connector, Fusion, Tiles, byte_tokenizer, reader_for
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


WIDE = {
    "vocab_size": 288,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 512,
}


def test_four_bits_train_resume_and_merge(tiny, tmp_path):
    bitsandbytes = pytest.importorskip("bitsandbytes")

    def small(seed=0):
        torch.manual_seed(seed)
        model = VLM(tiny.encoders["native"], Connector(kind="shuffle", merge=2), Fusion(), LlamaConfig(**WIDE)).eval()
        reader = reader_for(model, byte_tokenizer(), Tiles(tile=32, longest=64, patch=model.config.patch, merge=2))
        full = model.model.language_model.layers[0].mlp.up_proj.weight.detach().clone()
        add_lora(model, Lora(rank=2, bits=4))
        return model, reader, full

    model, reader, full = small()
    layer = model.model.language_model.layers[0].mlp.up_proj.get_base_layer()
    assert isinstance(layer, bitsandbytes.nn.Linear4bit)
    rounded = bitsandbytes.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
    assert 0 < (rounded - full).abs().max() < 0.2 * full.abs().max()
    rows = [reader.encode(tiny.chat(tiny.picture(i), answer="ab" * i)) for i in (1, 2, 3)]
    batch = reader.collate(rows)
    data = {"data": lambda _: batch}
    stage = Stage(name="adapt", trainable=("lora",), lr={"lora": 1e-2}, steps=4, save_every=2)
    course = train(model, [stage], data, tmp_path / "whole")
    assert course.losses[-1] < course.losses[0]

    def dying(step):
        if step == 3:
            raise KeyboardInterrupt
        return batch

    with pytest.raises(KeyboardInterrupt):
        train(small()[0], [stage], {"data": dying}, tmp_path / "cut")
    resumed = small()[0]
    assert train(resumed, [stage], data, tmp_path / "cut").losses == course.losses
    assert hashes(resumed, PARTS) == hashes(model, PARTS)
    with pytest.raises(InputError, match="of another model"):
        train(small(seed=1)[0], [stage], data, tmp_path / "cut")
    model.eval()
    with torch.no_grad():
        tuned = model(**batch).logits
        merge_lora(model)
        assert type(model.model.language_model.layers[0].mlp.up_proj) is torch.nn.Linear
        assert torch.allclose(model(**batch).logits, tuned, atol=1e-4)


def test_four_bits_without_their_package_are_named(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    model, _ = tiny.build("native", "llama")
    with pytest.raises(MissingExtra, match=r"bitsandbytes.*\[qlora\]"):
        add_lora(model, Lora(bits=4))


def test_four_bits_refuse_a_width_that_is_read_wrongly(tiny):
    pytest.importorskip("bitsandbytes")
    model, _ = tiny.build("native", "llama")
    with pytest.raises(PlanError, match="no multiple of 64"):
        add_lora(model, Lora(bits=4))
