"""A small U-Net: residual blocks with adaptive double normalisation, attention at chosen sizes, skips by concatenation.

size 32: enter -> [block x n] -> down -> [block x n] -> down -> [block x n] -> middle
                      |                     |                     |             |
         leave <- [block x n+1] <- up <- [block x n+1] <- up <- [block x n+1] <-+
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from sightline.generate.backbone.conditioning import ConditionConfig, ConditionEmbedding, Conditioning
from sightline.generate.backbone.layers import Attention, DoubleNorm, zeroed
from sightline.generate.denoiser import NOTHING, Condition


class UNetConfig(ConditionConfig):
    """A U-Net."""

    kind: Literal["unet"] = "unet"
    shape: tuple[int, int, int]
    """Channels, height, width; height and width divisible by patch * 2^(levels - 1)."""
    patch: int = Field(default=1, gt=0)
    """Squares of so many pixels a side enter and leave as channels: 2 leaves out the dearest level."""
    width: int = Field(default=64, gt=0)
    """Channels of the first level."""
    multipliers: tuple[int, ...] = (1, 2, 2)
    """Channels of each level as multiples of `width`; each further level halves the size."""
    blocks: int = Field(default=2, gt=0)
    """Residual blocks per level."""
    attention: tuple[int, ...] = (8,)
    """Heights (in patches) at which tokens attend to each other, and to the text."""
    heads: int = Field(default=4, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _divisible(self) -> UNetConfig:
        halvings = self.patch * 2 ** (len(self.multipliers) - 1)
        if self.shape[1] % halvings or self.shape[2] % halvings:
            raise ValueError(
                f"a U-Net of {len(self.multipliers)} levels and patch {self.patch} needs sizes divisible by "
                f"{halvings}, not {self.shape[1]}x{self.shape[2]}: resize the images or take fewer multipliers"
            )
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not divisible by {self.heads} heads")
        return self

    def build(self) -> UNet:
        return UNet(self)


class UNet(nn.Module):
    """x (B, C, H, W), t (B,) -> F (B, C, H, W)."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        embedding = 4 * config.width
        self.embed = ConditionEmbedding(config, embedding)
        self.patch, pixels = config.patch, config.shape[0] * config.patch**2
        self.enter = nn.Conv2d(pixels, config.width, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        height, channels, skips = config.shape[1] // config.patch, config.width, [config.width]
        for level, multiplier in enumerate(config.multipliers):
            if level:
                self.down.append(nn.AvgPool2d(2))
                height //= 2
                skips.append(channels)
            for _ in range(config.blocks):
                self.down.append(_Block(channels, config.width * multiplier, config, height))
                channels = config.width * multiplier
                skips.append(channels)
        self.middle = nn.ModuleList(_Block(channels, channels, config, height) for _ in range(2))
        for level, multiplier in reversed(list(enumerate(config.multipliers))):
            for _ in range(config.blocks + 1):
                self.up.append(_Block(channels + skips.pop(), config.width * multiplier, config, height))
                channels = config.width * multiplier
            if level:
                self.up.append(nn.Upsample(scale_factor=2.0))
                height *= 2
        self.norm = DoubleNorm(channels, embedding, groups=_groups(channels))
        self.leave = zeroed(nn.Conv2d(channels, pixels, 3, padding=1))

    def forward(self, x: Tensor, t: Tensor, condition: Condition = NOTHING) -> Tensor:
        seen = self.embed(t, condition)
        h = self.enter(functional.pixel_unshuffle(x, self.patch))
        skips = [h]
        for layer in self.down:
            h = layer(h, seen) if isinstance(layer, _Block) else layer(h)
            skips.append(h)
        for layer in self.middle:
            h = layer(h, seen)
        for layer in self.up:
            h = layer(torch.cat([h, skips.pop()], dim=1), seen) if isinstance(layer, _Block) else layer(h)
        return functional.pixel_shuffle(self.leave(functional.silu(self.norm(h, seen.emb))), self.patch)


class _Block(nn.Module):
    """norm - silu - conv - norm - silu - dropout - conv on the residual, then attention where the config says so."""

    def __init__(self, inside: int, outside: int, config: UNetConfig, height: int) -> None:
        super().__init__()
        embedding = 4 * config.width
        self.norm1 = DoubleNorm(inside, embedding, groups=_groups(inside))
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1)
        self.norm2 = DoubleNorm(outside, embedding, groups=_groups(outside))
        self.conv2 = zeroed(nn.Conv2d(outside, outside, 3, padding=1))
        self.skip = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)
        self.attention = self.text = None
        if height in config.attention:
            self.norm3 = DoubleNorm(outside, embedding)
            self.attention = Attention(outside, config.heads)
            if config.text:
                self.norm4 = DoubleNorm(outside, embedding)
                self.text = Attention(outside, config.heads, context=embedding)

    def forward(self, x: Tensor, seen: Conditioning) -> Tensor:
        h = self.conv1(functional.silu(self.norm1(x, seen.emb)))
        h = self.skip(x) + self.conv2(self.dropout(functional.silu(self.norm2(h, seen.emb))))
        if self.attention is None:
            out: Tensor = h
            return out
        tokens = h.flatten(2).transpose(1, 2)
        tokens = tokens + self.attention(self.norm3(tokens, seen.emb))
        if self.text is not None:
            tokens = tokens + self.text(self.norm4(tokens, seen.emb), seen.tokens, seen.mask)
        mixed: Tensor = tokens.transpose(1, 2).reshape(h.shape)
        return mixed


def _groups(channels: int) -> int:
    """The largest number of groups up to 32 that divides the channels into at least 4 each."""
    return next(n for n in (32, 16, 8, 4, 2, 1) if channels % n == 0 and (channels // n >= 4 or n == 1))
