"""A small diffusion transformer (DiT, arXiv 2212.09748) with adaptive double normalisation in place of adaLN-Zero's
gates."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from sightline.generate.backbone.conditioning import ConditionConfig, ConditionEmbedding, Conditioning
from sightline.generate.backbone.layers import Attention, DoubleNorm, TimeEmbedding, zeroed
from sightline.generate.denoiser import NOTHING, Condition


class DiTConfig(ConditionConfig):
    """A diffusion transformer."""

    kind: Literal["dit"] = "dit"
    shape: tuple[int, int, int]
    """Channels, height, width; both sizes divisible by `patch`."""
    patch: int = Field(default=2, gt=0)
    width: int = Field(default=192, gt=0)
    blocks: int = Field(default=6, gt=0)
    heads: int = Field(default=4, gt=0)

    @model_validator(mode="after")
    def _divisible(self) -> DiTConfig:
        if self.shape[1] % self.patch or self.shape[2] % self.patch:
            raise ValueError(f"{self.shape[1]}x{self.shape[2]} is not divisible by patches of {self.patch}")
        if self.width % self.heads or self.width % 4:
            raise ValueError(f"width {self.width} must be divisible by {self.heads} heads and by 4")
        return self

    def build(self) -> DiT:
        return DiT(self)


class DiT(nn.Module):
    """x (B, C, H, W), t (B,) -> F (B, C, H, W)."""

    places: Tensor

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        self.patch = config.patch
        pixels = config.shape[0] * config.patch**2
        self.embed = ConditionEmbedding(config, config.width)
        self.enter = nn.Linear(pixels, config.width)
        rows, columns = config.shape[1] // config.patch, config.shape[2] // config.patch
        self.register_buffer("places", _places(rows, columns, config.width))
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.blocks))
        self.norm = DoubleNorm(config.width, config.width)
        self.leave = zeroed(nn.Linear(config.width, pixels))

    def forward(self, x: Tensor, t: Tensor, condition: Condition = NOTHING) -> Tensor:
        seen = self.embed(t, condition)
        h = self.enter(functional.pixel_unshuffle(x, self.patch).flatten(2).transpose(1, 2)) + self.places
        for block in self.blocks:
            h = block(h, seen)
        out = self.leave(self.norm(h, seen.emb)).transpose(1, 2)
        rows, columns = x.shape[2] // self.patch, x.shape[3] // self.patch
        return functional.pixel_shuffle(out.unflatten(2, (rows, columns)), self.patch)


class _Block(nn.Module):
    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        width = config.width
        self.norm1, self.norm2 = DoubleNorm(width, width), DoubleNorm(width, width)
        self.attention = Attention(width, config.heads)
        self.text = Attention(width, config.heads) if config.text else None
        self.norm_text = DoubleNorm(width, width) if config.text else None
        self.first = nn.Linear(width, 4 * width)
        self.second = zeroed(nn.Linear(4 * width, width))

    def forward(self, h: Tensor, seen: Conditioning) -> Tensor:
        h = h + self.attention(self.norm1(h, seen.emb))
        if self.text is not None and self.norm_text is not None:
            h = h + self.text(self.norm_text(h, seen.emb), seen.tokens, seen.mask)
        out: Tensor = h + self.second(functional.gelu(self.first(self.norm2(h, seen.emb)), approximate="tanh"))
        return out


def _places(rows: int, columns: int, width: int) -> Tensor:
    """Sines and cosines of the row in the first half of the channels, of the column in the second: (rows * columns,
    width)."""
    wave = TimeEmbedding(width // 2)
    y, x = wave(torch.arange(rows)), wave(torch.arange(columns))
    grid = torch.cat([y[:, None].expand(-1, columns, -1), x[None].expand(rows, -1, -1)], dim=-1)
    return grid.flatten(0, 1) / 2**0.5
