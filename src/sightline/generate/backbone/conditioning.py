"""Time, class, guidance strength and text as one embedding vector (B, E), and text as tokens (B, L, E) to attend to.

Text is UTF-8 bytes, so that every language works and nothing has to be downloaded; a foreign text encoder's tokens
come in through `Condition.tokens`. A missing or dropped condition is a learnt vector of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from sightline.core.errors import InputError
from sightline.generate.backbone.layers import Attention, TimeEmbedding
from sightline.generate.denoiser import Condition

BYTES = 257
"""Values of `Condition.text`: 0 = padding, 1 + byte."""


class Conditioning(NamedTuple):
    """What the blocks see."""

    emb: Tensor
    """(B, E)"""
    tokens: Tensor | None
    """(B, L, E)"""
    mask: Tensor | None
    """(B, L) True where there is text; the first place is always seen."""


class ConditionConfig(BaseModel):
    """Which conditions a network takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: int = Field(default=0, ge=0)
    """0 = no class conditioning."""
    text: int = Field(default=0, ge=0)
    """Longest text in bytes; 0 = no text conditioning."""
    guidance: bool = False
    """Takes the guidance strength as an input (students)."""
    time: Literal["positional", "fourier"] = "positional"
    fourier_scale: float = 0.02


class ConditionEmbedding(nn.Module):
    """(t, Condition) -> Conditioning."""

    def __init__(self, config: ConditionConfig, width: int) -> None:
        super().__init__()
        self.config = config
        self.time = TimeEmbedding(width, config.time, config.fourier_scale)
        self.mix = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        if config.classes:
            self.label = nn.Embedding(config.classes + 1, width)
        if config.guidance:
            self.guidance_time = TimeEmbedding(width)
            self.guidance = nn.Linear(width, width)
            nn.init.zeros_(self.guidance.weight)
            nn.init.zeros_(self.guidance.bias)
        if config.text:
            self.text = TextTokens(config.text, width)

    def forward(self, t: Tensor, condition: Condition) -> Conditioning:
        emb = self.mix(self.time(t))
        if self.config.classes:
            emb = emb + self.label(self._labels(condition, t))
        if self.config.guidance and condition.scale is not None:
            emb = emb + self.guidance(self.guidance_time(condition.scale))
        tokens = mask = None
        if self.config.text:
            text = condition.text
            if text is None:
                text = torch.zeros(len(t), 1, dtype=torch.long, device=t.device)
            tokens, mask = self.text(text)
            emb = emb + tokens[:, 0]
        return Conditioning(functional.silu(self.out(functional.silu(emb))), tokens, mask)

    def _labels(self, condition: Condition, t: Tensor) -> Tensor:
        none = self.config.classes
        if condition.label is None:
            return torch.full((len(t),), none, device=t.device)
        return torch.where(condition.label < 0, none, condition.label)


class TextTokens(nn.Module):
    """Bytes (B, L) -> tokens (B, L + 1, width) and mask; place 0 is a summary that attended to all bytes."""

    def __init__(self, longest: int, width: int) -> None:
        super().__init__()
        self.byte = nn.Embedding(BYTES, width)
        self.place = nn.Parameter(torch.randn(longest + 1, width) * 0.02)
        self.read = nn.ModuleList(Attention(width, max(1, width // 64)) for _ in range(2))
        self.think = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        for read in self.read:
            assert isinstance(read, Attention)
            nn.init.normal_(read.out.weight, std=width**-0.5)

    def forward(self, text: Tensor) -> tuple[Tensor, Tensor]:
        """Raises InputError where the text is longer than the network's places."""
        if text.shape[1] + 1 > len(self.place):
            raise InputError(
                "a prompt is too long", subject=f"{text.shape[1]} bytes", remedy=f"{len(self.place) - 1} at most"
            )
        summary = torch.zeros(len(text), 1, dtype=torch.long, device=text.device)
        ids = torch.cat([summary, text], dim=1)
        mask = ids > 0
        mask = torch.cat([torch.ones_like(mask[:, :1]), mask[:, 1:]], dim=1)
        x = self.byte(ids) + self.place[: ids.shape[1]]
        for read, think in zip(self.read, self.think, strict=True):
            normed = functional.layer_norm(x, x.shape[-1:])
            x = x + read(normed, None, mask)
            x = x + think(functional.silu(functional.layer_norm(x, x.shape[-1:])))
        return x, mask


def text_bytes(prompts: Sequence[str], longest: int) -> Tensor:
    """Prompts as (B, longest of them) bytes + 1, padded with 0. Raises InputError where one has more than `longest`
    bytes.

    >>> text_bytes(["ab", ""], 8).tolist()
    [[98, 99], [0, 0]]
    """
    rows = [[1 + byte for byte in prompt.encode("utf-8", "replace")] for prompt in prompts]
    most = max(1, *map(len, rows)) if rows else 1
    if most > longest:
        raise InputError("a prompt is too long", subject=f"{most} bytes", remedy=f"{longest} bytes at most")
    return torch.tensor([row + [0] * (most - len(row)) for row in rows], dtype=torch.long)
