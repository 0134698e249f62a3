"""How features meet words: in the sequence (`embed`), through gated cross-attention before every n-th layer (`cross`),
or both, the whole picture in the sequence and its tiles across (`hybrid`, NVLM-H, arXiv 2409.11402).

Who sees what in `cross`: a token attends to the views whose marker stands at or before it in its own sample.

Shapes: B rows, L tokens, S features of a row, D width.
"""

# mypy: disable-error-code="no-untyped-call"
# transformers and torch leave many of their functions untyped.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from transformers.modeling_layers import GradientCheckpointingLayer

from sightline.core.errors import InputError
from sightline.vlm.resolution import FusionKind

KEY = "sight_memory"
"""The keyword under which the memory travels through the language model to its layers."""


class Fusion(BaseModel):
    """Which fusion."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FusionKind = "embed"
    every: int = Field(default=4, ge=1)
    """A cross-attention block before every n-th layer of the language model (Llama 3.2: 4). Unused by `embed`."""
    heads: int = Field(default=8, ge=1)
    """Of the cross-attention; must divide the language model's width."""


@dataclass(slots=True)
class Memory:
    """What the tokens of a batch may look at."""

    features: Tensor
    """(B, S, D), padded with zeros."""
    visible: Tensor
    """(B, 1, L, S) bool."""
    real: Tensor
    """(B, 1, 1, S) bool: False on padding; what every later token sees."""
    kept: dict[int, tuple[Tensor, Tensor]] | None = None
    """Keys and values of each block, kept while decoding."""
    reached: set[int] = field(default_factory=set)
    """Blocks that looked: proof that the language model passed the memory on."""


def remembered(views: list[Tensor], marks: Tensor, shape: tuple[int, int], position_ids: Tensor | None) -> Memory:
    """Memory of `views` (each (tokens, D)) whose markers stand at `marks` (views, 2) as (row, position) in a batch of
    `shape` (B, L). `position_ids` that restart at 0 tell samples packed in one row apart."""
    rows, length = shape
    places = marks.tolist()
    per_row = [[i for i, (row, _) in enumerate(places) if row == wanted] for wanted in range(rows)]
    none = views[0][:0]
    features = pad_sequence([torch.cat([none, *(views[i] for i in own)]) for own in per_row], batch_first=True)
    starts = pad_sequence(
        [marks.new_tensor([places[i][1] for i in own for _ in range(len(views[i]))]) for own in per_row],
        batch_first=True,
        padding_value=length,
    )
    real = starts < length
    steps = torch.arange(length, device=marks.device)
    visible = (starts[:, None, :] <= steps[None, :, None]) & real[:, None, :]
    if position_ids is not None:
        sample = (position_ids == 0).cumsum(-1).expand(rows, length)
        visible &= sample[:, :, None] == sample.gather(1, starts.clamp(max=length - 1))[:, None, :]
    return Memory(features, visible[:, None], real[:, None, None])


class CrossBlock(GradientCheckpointingLayer):
    """Gated cross-attention and feed-forward before a layer (Flamingo, arXiv 2204.14198, section 2.2; Llama 3.2):
    y = x + tanh(a) attention(x, memory); y + tanh(b) mlp(y) where the token sees anything. Gates start at 0."""

    def __init__(self, width: int, heads: int, layer: int) -> None:
        super().__init__()
        if width % heads:
            raise InputError(f"{heads} heads do not divide the width {width}", remedy="choose Fusion(heads=...)")
        self.heads, self.layer = heads, layer
        self.norm, self.mlp_norm = nn.RMSNorm(width, eps=1e-6), nn.RMSNorm(width, eps=1e-6)
        self.memory_norm = nn.RMSNorm(width, eps=1e-6)
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.up_proj, self.down_proj = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.gate = nn.Parameter(torch.zeros(1))
        self.mlp_gate = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """x (B, L, D)."""
        q = self._heads(self.q_proj(self.norm(x)))
        k, v = self._kept(memory)
        decoding = memory.visible.shape[2] != x.shape[1]
        visible = memory.real.expand(-1, -1, x.shape[1], -1) if decoding else memory.visible
        sees = visible.any(-1, keepdim=True)  # a softmax over nothing is NaN: such rows look anywhere and count 0
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=visible | ~sees)
        weight = sees[:, 0].to(x.dtype)
        x = x + torch.tanh(self.gate) * weight * self.o_proj(mixed.transpose(1, 2).flatten(2))
        grown = self.down_proj(F.gelu(self.up_proj(self.mlp_norm(x))))
        out: Tensor = x + torch.tanh(self.mlp_gate) * weight * grown
        return out

    def before_layer(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Forward pre-hook of a layer of the language model: its input passes through this block first."""
        memory = kwargs.pop(KEY, None)
        if memory is None:
            return args, kwargs
        memory.reached.add(self.layer)
        if args:
            return (self(args[0], memory), *args[1:]), kwargs
        return args, {**kwargs, "hidden_states": self(kwargs["hidden_states"], memory)}

    def _kept(self, memory: Memory) -> tuple[Tensor, Tensor]:
        if memory.kept is not None and self.layer in memory.kept:
            return memory.kept[self.layer]
        normed = self.memory_norm(memory.features)
        pair = self._heads(self.k_proj(normed)), self._heads(self.v_proj(normed))
        if memory.kept is not None:
            memory.kept[self.layer] = pair
        return pair

    def _heads(self, x: Tensor) -> Tensor:
        out: Tensor = x.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return out


def drop_memory(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Forward pre-hook of the layers without a block: their attention must not receive the memory."""
    kwargs.pop(KEY, None)
    return args, kwargs


def layers_of(language_model: nn.Module) -> nn.ModuleList:
    """The decoder layers. Raises InputError where the model keeps them elsewhere."""
    for name in ("layers", "h"):
        found = getattr(language_model, name, None)
        if isinstance(found, nn.ModuleList):
            return found
    raise InputError(
        "cross-attention needs a decoder whose layers are called `layers` or `h`",
        subject=type(language_model).__name__,
        remedy="use Fusion(kind='embed')",
    )
