"""Packed = separate, for every language model on the list, every fusion; others are refused by name."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import MambaConfig, MambaForCausalLM

from sightline.core.errors import PlanError
from sightline.core.message import Message
from sightline.train.packing import TESTED, bins, epochs, leak, make_packable, packed, packed_epochs
from sightline.vlm.pixels import stacked


def _rows(tiny, reader):
    chats = [
        tiny.chat(tiny.picture(0), tiny.picture(1)),
        [Message.of("user", "only words"), Message.of("assistant", "yes")],
        tiny.chat(tiny.picture(2, size=(30, 90)), answer="longer answer"),
        tiny.chat(tiny.picture(3)),
    ]
    return [reader.encode(chat) for chat in chats]


@pytest.mark.parametrize("fusion", ["embed", "cross", "hybrid"])
@pytest.mark.parametrize("llm", sorted(TESTED))
def test_packed_is_separate(tiny, llm, fusion):
    model, reader = tiny.build("siglip", llm, fusion)
    make_packable(model)
    rows = _rows(tiny, reader)
    assert leak(model, rows, stacked) <= 1e-5
    broken = {**packed(rows, stacked), "position_ids": torch.arange(sum(len(row.ids) for row in rows))[None]}
    with torch.no_grad():
        seen = model(**broken, use_cache=False).logits[0]
        alone = model(**packed(rows[1:2], stacked), use_cache=False).logits[0]
    start = len(rows[0].ids)
    assert (seen[start : start + len(alone)] - alone).abs().max() > 1e-3, "without restarts it must leak"


def test_losses_agree(tiny):
    model, reader = tiny.build("native", "llama")
    rows = _rows(tiny, reader)
    with torch.no_grad():
        pack = model(**packed(rows, stacked), use_cache=False).loss
        pad = model(**reader.collate(rows), use_cache=False).loss
    assert torch.allclose(pack, pad, atol=1e-5)


def test_other_language_models_are_refused():
    torch.manual_seed(0)
    model = MambaForCausalLM(MambaConfig(vocab_size=16, hidden_size=8, num_hidden_layers=1, state_size=4))
    with pytest.raises(PlanError, match=r"not proven leak-free.*mamba"):
        make_packable(model)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=60), st.integers(100, 300))
@settings(max_examples=100, deadline=None)
def test_bins_hold_everything_once_within_capacity(lengths, capacity):
    groups = bins(lengths, capacity)
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    assert all(sum(lengths[i] for i in group) <= capacity for group in groups)
    assert len(groups) <= 2 * sum(lengths) / capacity + 1


def test_a_row_longer_than_a_pack_is_named():
    with pytest.raises(PlanError, match="exceeds a pack"):
        bins([5, 500], 100)


def test_every_row_once_an_epoch_from_any_step(tiny):
    _, reader = tiny.build("native", "llama")
    rows = _rows(tiny, reader) * 3
    longest = max(len(row.ids) for row in rows)
    for make in (
        lambda: packed_epochs(rows, longest + 60, stacked, seed=1),
        lambda: epochs(rows, 5, reader.collate, seed=1),
        lambda: epochs(rows, 5, reader.collate, seed=1, by_length=False),
    ):
        forward, jumped = make(), make()
        steps = [forward(i) for i in range(12)]
        assert torch.equal(jumped(11)["input_ids"], steps[11]["input_ids"])
        assert torch.equal(forward(2)["input_ids"], steps[2]["input_ids"])
        tokens, step = 0, 0
        while tokens < sum(len(row.ids) for row in rows):
            tokens += int(steps[step].get("attention_mask", torch.ones_like(steps[step]["input_ids"])).sum())
            step += 1
        assert tokens == sum(len(row.ids) for row in rows)


def test_batches_by_length_pad_less_and_mixed_ones_hold_many_lengths(tiny):
    _, reader = tiny.build("native", "llama")
    rows = _rows(tiny, reader) * 8

    def kinds(by_length):
        batch = epochs(rows, 8, reader.collate, seed=1, by_length=by_length)
        return [len(set(batch(step)["attention_mask"].sum(1).tolist())) for step in range(4)]

    assert sum(kinds(False)) > sum(kinds(True))
