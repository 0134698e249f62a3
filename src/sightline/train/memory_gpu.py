"""What a GPU's attention keeps, for a dry run on a CPU: its kernels keep other tensors than a CPU's.

Measured on one NVIDIA H100 with torch 2.11 (docs/lab-log.md): fused kernels keep queries, keys, values, the output and
a number per query; keys that several queries share stay as they are. Where float32 meets shared keys, or a mask does,
no fused kernel exists and the whole matrix of scores is kept.
"""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# torch leaves many of its functions untyped.
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

WORKSPACE: Final = 70_000_000
"""Bytes that cuBLAS keeps for itself on an H100: two times 32 MiB, and what rounding adds."""


@contextmanager
def gpu_attention() -> Iterator[None]:
    """Around a forward and backward pass. A function in the place of torch's, as a backward pass under checkpointing
    leaves torch's own function modes."""
    plain = F.scaled_dot_product_attention
    F.scaled_dot_product_attention = partial(_attention, plain)
    try:
        yield
    finally:
        F.scaled_dot_product_attention = plain


def _attention(
    plain: Callable[..., Tensor],
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    **options: Any,
) -> Tensor:
    if torch.is_autocast_enabled("cpu"):
        query, key, value = (one.to(torch.get_autocast_dtype("cpu")) for one in (query, key, value))
    if query.shape[1] != key.shape[1] and (attn_mask is not None or query.dtype == torch.float32):
        with sdpa_kernel(SDPBackend.MATH):
            return plain(query, key, value, attn_mask, **options)
    made: Tensor = _Fused.apply(query, key, value, attn_mask)
    return made


class _Fused(torch.autograd.Function):
    """Shapes alone: nothing is computed."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        out = torch.empty_like(query)
        sums = torch.empty(query.shape[:-1], dtype=torch.float32)
        ctx.save_for_backward(query, key, value, mask, out, sums)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, *_ = ctx.saved_tensors
        return torch.empty_like(query), torch.empty_like(key), torch.empty_like(value), None
