"""A residual MLP for images small enough to be vectors: 8x8 digits train in minutes on one core."""

from __future__ import annotations

from math import prod
from typing import Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from sightline.generate.backbone.conditioning import ConditionConfig, ConditionEmbedding
from sightline.generate.backbone.layers import DoubleNorm, zeroed
from sightline.generate.denoiser import NOTHING, Condition


class MLPConfig(ConditionConfig):
    """A residual MLP over flattened pixels."""

    kind: Literal["mlp"] = "mlp"
    shape: tuple[int, int, int]
    """Channels, height, width."""
    width: int = Field(default=256, gt=0)
    blocks: int = Field(default=3, gt=0)

    def build(self) -> MLP:
        return MLP(self)


class MLP(nn.Module):
    """x (B, C, H, W), t (B,) -> F (B, C, H, W)."""

    def __init__(self, config: MLPConfig) -> None:
        super().__init__()
        pixels = prod(config.shape)
        self.embed = ConditionEmbedding(config, config.width)
        self.enter = nn.Linear(pixels, config.width)
        self.blocks = nn.ModuleList(_Block(config.width) for _ in range(config.blocks))
        self.norm = DoubleNorm(config.width, config.width)
        self.leave = zeroed(nn.Linear(config.width, pixels))

    def forward(self, x: Tensor, t: Tensor, condition: Condition = NOTHING) -> Tensor:
        emb = self.embed(t, condition).emb
        h = self.enter(x.flatten(1))
        for block in self.blocks:
            h = block(h, emb)
        out: Tensor = self.leave(self.norm(h, emb)).reshape(x.shape)
        return out


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = DoubleNorm(width, width)
        self.first = nn.Linear(width, width)
        self.second = zeroed(nn.Linear(width, width))

    def forward(self, h: Tensor, emb: Tensor) -> Tensor:
        out: Tensor = h + self.second(functional.silu(self.first(self.norm(h, emb))))
        return out
