"""Attention conversation by conversation = attention under transformers' mask; whatever is no pack runs as before."""

from __future__ import annotations

import pytest
import torch
from transformers import LlamaConfig, MistralConfig
from transformers.masking_utils import create_causal_mask, create_sliding_window_causal_mask

from sightline.train.pack_attention import NAME, Pack, attend_within_conversations
from sightline.train.packing import TESTED, leak, packed
from sightline.vlm.pixels import stacked

RESTARTS = torch.tensor([[0, 1, 2, 0, 1, 0]])


def _masked(kind=LlamaConfig, made=create_causal_mask, implementation=NAME, **given):
    config = kind(sliding_window=2) if kind is MistralConfig else kind()
    config._attn_implementation = implementation
    given = {"attention_mask": None, "position_ids": None, **given}
    return made(config, inputs_embeds=torch.zeros(given.pop("rows", 1), 6, 8), cache=None, **given)


def test_a_pack_is_told_by_its_restarts():
    assert _masked(position_ids=RESTARTS) == Pack([3, 2, 1])
    assert _masked(position_ids=torch.arange(6)[None]) is None
    assert _masked() is None


@pytest.mark.parametrize(
    "given",
    [
        {"attention_mask": torch.tensor([[0, 0, 1, 1, 1, 1]])},
        {"position_ids": RESTARTS.expand(2, -1), "rows": 2},
        {"position_ids": RESTARTS, "kind": MistralConfig, "made": create_sliding_window_causal_mask},
    ],
)
def test_all_else_keeps_its_mask(given):
    """Filling, several packs at once, and a conversation longer than the window of a sliding layer."""
    own, theirs = _masked(**given), _masked(**given, implementation="sdpa")
    assert isinstance(own, torch.Tensor)
    assert torch.equal(own, theirs)


@pytest.mark.parametrize("llm", sorted(TESTED))
def test_logits_and_gradients_are_those_of_the_mask(tiny, llm):
    model, reader = tiny.build("siglip", llm, "embed")
    pack = packed([reader.encode(tiny.chat(tiny.picture(i), answer="yes " * (i + 1))) for i in range(3)], stacked)

    def run():
        model.zero_grad()
        out = model(**pack, use_cache=False)
        out.loss.backward()
        return out.logits.detach(), [p.grad.clone() for p in model.parameters() if p.grad is not None]

    logits, gradients = run()
    attend_within_conversations(model)
    assert (model.get_decoder().config._attn_implementation == NAME) == (llm != "gemma2"), "gemma2 runs eagerly"
    own, own_gradients = run()
    assert torch.allclose(own, logits, atol=1e-5)
    for one, other in zip(own_gradients, gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_a_window_shorter_than_a_conversation_does_not_leak(tiny):
    model, reader = tiny.build("siglip", "mistral", "embed")
    model.get_decoder().config.sliding_window = 4
    attend_within_conversations(model)
    rows = [reader.encode(tiny.chat(tiny.picture(i))) for i in range(3)]
    assert leak(model, rows, stacked) <= 1e-5


def test_batches_and_decoding_are_the_same_to_the_last_bit(tiny):
    model, reader = tiny.build("siglip", "llama", "embed")
    model.eval()
    batch = reader.collate([reader.encode(tiny.chat(tiny.picture(i), answer="yes" * (i + 1))) for i in range(2)])
    prompt = reader.collate([reader.encode(tiny.chat(tiny.picture(0))[:1], prompt=True)], left=True)
    prompt.pop("labels")

    def run():
        with torch.no_grad():
            return model(**batch, use_cache=False).logits, model.generate(**prompt, max_new_tokens=5, do_sample=False)

    before = run()
    attend_within_conversations(model)
    for own, other in zip(run(), before, strict=True):
        assert torch.equal(own, other)
