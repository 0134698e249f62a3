"""The parts that keep a continuous-time consistency model stable (sCM, arXiv 2410.11081, section 4.1), and attention
that forward-mode differentiation can pass.

Shapes: x (B, C, H, W) or (B, N, C) with channels `axis`; emb (B, E); t (B,).
"""

from __future__ import annotations

from math import log, pi
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

Layer = TypeVar("Layer", bound=nn.Module)


class TimeEmbedding(nn.Module):
    """c_noise = t as it is, then sines and cosines.

    "positional" has frequencies 1 down to 1/10000, so dF/dt stays bounded up to pi/2. "fourier" draws them from
    N(0, (2 pi fourier_scale)^2); at the scale 16 of EDM's networks the time derivative explodes (sCM, figure 4).
    """

    frequencies: Tensor

    def __init__(
        self, width: int, kind: Literal["positional", "fourier"] = "positional", fourier_scale: float = 0.02
    ) -> None:
        super().__init__()
        half = width // 2
        if kind == "positional":
            frequencies = torch.exp(-log(10000) * torch.arange(half) / half)
        else:
            generator = torch.Generator().manual_seed(0)
            frequencies = 2 * pi * fourier_scale * torch.randn(half, generator=generator)
        self.register_buffer("frequencies", frequencies)

    def forward(self, t: Tensor) -> Tensor:
        """(B,) -> (B, width), of unit mean square."""
        argument = t[:, None].to(self.frequencies.dtype) * self.frequencies
        return 2**0.5 * torch.cat([argument.cos(), argument.sin()], dim=-1)


def pixel_norm(a: Tensor, axis: int = -1) -> Tensor:
    """a / sqrt(mean(a^2) + 1e-8) over the channels."""
    return a * (a.square().mean(dim=axis, keepdim=True) + 1e-8).rsqrt()


class DoubleNorm(nn.Module):
    """norm(x) * pnorm(scale(emb)) + pnorm(shift(emb)): adaptive double normalisation (sCM, section 4.1). Where
    AdaGN's free scale lets dF/dt grow without bound, both factors here have unit mean square."""

    def __init__(self, channels: int, embedding: int, groups: int | None = None) -> None:
        """`groups` for (B, C, H, W); None for tokens (B, N, C) and vectors (B, C)."""
        super().__init__()
        self.groups = groups
        self.scale_shift = nn.Linear(embedding, 2 * channels)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        """Same shape as x."""
        scale, shift = self.scale_shift(emb).to(x.dtype).chunk(2, dim=-1)
        between = (1,) * (x.ndim - 2)
        shape = (len(x), -1, *between) if self.groups else (len(x), *between, -1)
        scale, shift = pixel_norm(scale).reshape(shape), pixel_norm(shift).reshape(shape)
        normed = (
            functional.group_norm(x, self.groups, eps=1e-6)
            if self.groups
            else functional.layer_norm(x, x.shape[-1:], eps=1e-6)
        )
        return normed * scale + shift


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """softmax(q k' / sqrt(d)) v, written out: torch's fused kernels have no forward-mode derivative (torch 2.13).

    q (B, h, N, d), k and v (B, h, M, d), mask (B, M) True where a key may be seen -> (B, h, N, d).
    """
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask[:, None, None, :], -1e9)
    result: Tensor = scores.softmax(-1) @ v
    return result


class Attention(nn.Module):
    """Tokens attend to each other (`context` None) or to other tokens. The output layer begins at zero."""

    def __init__(self, width: int, heads: int, context: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(context or width, 2 * width)
        self.out = zeroed(nn.Linear(width, width))

    def forward(self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """x (B, N, width), context (B, M, C), mask (B, M) -> (B, N, width)."""
        seen = x if context is None else context
        q, k, v = (self._split(part) for part in (self.q(x), *self.kv(seen).chunk(2, dim=-1)))
        q, k = pixel_norm(q), pixel_norm(k)
        result: Tensor = self.out(attend(q, k, v, mask).transpose(1, 2).flatten(2))
        return result

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)


def zeroed(layer: Layer) -> Layer:
    """The layer with all its parameters at zero: a branch that begins as the identity."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
