"""From the encoder's features to the language model's width: linear, MLP, pixel shuffle, convolutional abstractor,
attention pooling.

Shapes: B views of one size, r rows and c columns of patches, C encoder width, D model width, m merge. All give
(B, (r // m)(c // m), D): rows and columns beyond a multiple of m are left out, as the token count says.
"""

# mypy: disable-error-code="no-untyped-call"
# transformers and torch leave many of their functions untyped.

from __future__ import annotations

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

ConnectorKind = Literal["linear", "mlp", "shuffle", "abstractor", "pooling"]


class Connector(BaseModel):
    """Which connector."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ConnectorKind = "mlp"
    merge: int = Field(default=1, ge=1)
    """Patches of a side that become one feature; must be the resolution's `merge`."""

    @model_validator(mode="after")
    def _merges(self) -> Connector:
        if self.kind in ("linear", "mlp") and self.merge != 1:
            raise ValueError(f"connector {self.kind!r} cannot merge patches; use shuffle, abstractor or pooling")
        return self

    def build(self, channels: int, width: int) -> nn.Module:
        """From `channels` to `width`."""
        if self.kind == "linear":
            return Project(channels, width, hidden=0)
        if self.kind == "mlp":
            return Project(channels, width, hidden=width)
        if self.kind == "shuffle":
            return Shuffle(channels, width, self.merge)
        if self.kind == "abstractor":
            return Abstractor(channels, width, self.merge)
        return Pooling(channels, width, self.merge)


class Project(nn.Module):
    """One linear layer, or two with GELU between (LLaVA 1.5)."""

    def __init__(self, channels: int, width: int, hidden: int) -> None:
        super().__init__()
        self.first = nn.Linear(channels, hidden or width)
        self.second = nn.Linear(hidden, width) if hidden else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x.flatten(1, 2))
        return x if self.second is None else self.second(F.gelu(x))


class Shuffle(nn.Module):
    """m x m neighbouring patches laid side by side along C, then one linear layer (Idefics3, SmolVLM)."""

    def __init__(self, channels: int, width: int, merge: int) -> None:
        super().__init__()
        self.merge = merge
        self.project = nn.Linear(channels * merge**2, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.project(cells(x, self.merge).flatten(2))
        return out


class Abstractor(nn.Module):
    """Convolutions, a merge of m x m patches by their mean, convolutions, an MLP readout (the form of Honeybee,
    arXiv 2312.06742, and of Kanana-v), without normalisation over the batch."""

    def __init__(self, channels: int, width: int, merge: int) -> None:
        super().__init__()
        self.merge = merge
        self.before, self.after = Mix(channels), Mix(channels)
        self.readout = Project(channels, width, hidden=width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x.permute(0, 3, 1, 2))
        x = self.after(F.avg_pool2d(x, self.merge))
        out: Tensor = self.readout(x.permute(0, 2, 3, 1))
        return out


class Mix(nn.Module):
    """A residual 3 x 3 depthwise and 1 x 1 convolution on (B, C, r, c)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)
        self.depth = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.point = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.point(F.gelu(self.depth(self.norm(x))))
        return out


class Pooling(nn.Module):
    """Each m x m cell is read by attention with its mean as the query (Molmo, arXiv 2409.17146), then an MLP."""

    def __init__(self, channels: int, width: int, merge: int) -> None:
        super().__init__()
        self.merge = merge
        self.query, self.key, self.value = (nn.Linear(channels, channels) for _ in range(3))
        self.readout = Project(channels, width, hidden=width)

    def forward(self, x: Tensor) -> Tensor:
        cell = cells(x, self.merge)  # B, N, m * m, C
        query = self.query(cell.mean(2, keepdim=True))
        read = F.scaled_dot_product_attention(query, self.key(cell), self.value(cell))
        out: Tensor = self.readout(read)
        return out


def cells(x: Tensor, merge: int) -> Tensor:
    """(B, r, c, C) -> (B, (r // m)(c // m), m * m, C)."""
    batch, rows, cols, channels = x.shape
    rows, cols = rows // merge, cols // merge
    x = x[:, : rows * merge, : cols * merge].reshape(batch, rows, merge, cols, merge, channels)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(batch, rows * cols, merge * merge, channels)


def connected(connector: nn.Module, features: Tensor, grids: list[tuple[int, int]]) -> list[Tensor]:
    """Features (T, C) of views with these grids -> one (tokens, D) per view; views of one size run together."""
    parts = features.split([rows * cols for rows, cols in grids])
    out: list[Tensor] = [features] * len(grids)
    for grid in dict.fromkeys(grids):
        members = [i for i, other in enumerate(grids) if other == grid]
        made = connector(torch.stack([parts[i] for i in members]).unflatten(1, grid))
        for i, tokens in zip(members, made, strict=True):
            out[i] = tokens
    return out
