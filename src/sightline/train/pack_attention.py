"""Attention within a pack, conversation by conversation: nothing is computed that a mask would then take away.

A pack of n conversations of L words costs n L^2 / 2 products here, (n L)^2 with a mask. transformers makes the mask as
ever, from positions that restart; where it would keep a word from the one before it, a conversation begins.
"""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# torch leaves many of its functions untyped.
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME: Final = "sightline_packed"


@dataclass(frozen=True, slots=True)
class Pack:
    """In place of a mask."""

    lengths: list[int]
    """Words of each conversation, in order."""


def attend_within_conversations(model: Any) -> None:
    """Has the language model of `model` run packs so, and all else as before. One whose attention is not torch's
    `scaled_dot_product_attention` is left alone: its packs keep their mask."""
    decoder = model.get_decoder()
    if decoder.config._attn_implementation == "sdpa":
        decoder.set_attn_implementation(NAME)


def _mask(
    batch_size: int, q_length: int, kv_length: int, *, mask_function: Callable[..., Tensor], **options: Any
) -> Tensor | Pack | None:
    plain = options.get("attention_mask") is None and not options.get("use_vmap")
    if plain and batch_size == 1 and q_length == kv_length > 1:
        at = torch.arange(1, q_length, device=options["device"])
        begins = [0, *(mask_function(0, 0, at, at - 1).logical_not().nonzero()[:, 0] + 1).tolist(), q_length]
        lengths = [end - begin for begin, end in pairwise(begins)]
        if len(lengths) > 1 and max(lengths) <= (options.get("local_size") or q_length):
            return Pack(lengths)
    made: Tensor | None = sdpa_mask(batch_size, q_length, kv_length, mask_function=mask_function, **options)
    return made


def _attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | Pack | None, **options: Any
) -> tuple[Tensor, None]:
    """(1, heads, words, width) each."""
    if not isinstance(attention_mask, Pack):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    own = zip(*(one.split(attention_mask.lengths, dim=2) for one in (query, key, value)), strict=True)
    return torch.cat([sdpa_attention_forward(module, q, k, v, None, **options)[0] for q, k, v in own], dim=1), None


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, _mask)
