"""Encoders of our own, registered with `AutoModel`: native size with 2-D rotary positions (Pixtral), and none at all
(Fuyu's linear patches); and one way to read features from any other vision backbone.

Shapes: V views, H x W pixels, p patch side, T = sum over views of (h/p)(w/p), C channels, D head width.
"""

# mypy: disable-error-code="no-untyped-call"
# transformers and torch leave many of their functions untyped.

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutput

from sightline.core.errors import InputError


class NativeVisionConfig(PreTrainedConfig):
    """Shape of the native-size encoder; defaults are a small one."""

    model_type = "sightline_native_vision"

    hidden_size: int = 256
    intermediate_size: int = 768
    num_hidden_layers: int = 6
    num_attention_heads: int = 4
    patch_size: int = 16
    num_channels: int = 3
    rope_theta: float = 10000.0
    initializer_range: float = 0.02


class PatchVisionConfig(PreTrainedConfig):
    """No encoder: each patch goes through one linear layer (Fuyu)."""

    model_type = "sightline_patch_vision"

    hidden_size: int = 256
    patch_size: int = 16
    num_channels: int = 3
    initializer_range: float = 0.02


Sizes = Sequence[Sequence[int]]
"""(height, width, ...) in pixels per view."""
Crops = Sequence[int]
"""Side in pixels and margin in patches."""


def listed(image_sizes: Tensor | Sizes) -> Sizes:
    """Sizes as plain numbers: they decide shapes, also where tensors hold no numbers (a dry run)."""
    return image_sizes.tolist() if isinstance(image_sizes, Tensor) else image_sizes


def patches(pixel_values: Tensor, sizes: Sizes, side: int) -> tuple[Tensor, Tensor]:
    """(V, 3, H, W) with true sizes -> patches (T, 3pp) of all views in a row, and their places (T, 3) as (view, row,
    column)."""
    views, channels, high, wide = pixel_values.shape
    cut = pixel_values.unfold(2, side, side).unfold(3, side, side)  # V, 3, H/p, W/p, p, p
    cut = cut.permute(0, 2, 3, 1, 4, 5).reshape(views, high // side, wide // side, channels * side * side)
    grids = [(size[0] // side, size[1] // side) for size in sizes]
    places = [(view, row, col) for view, (rows, cols) in enumerate(grids) for row in range(rows) for col in range(cols)]
    where = torch.tensor(places, device=pixel_values.device)
    if all(grid == (high // side, wide // side) for grid in grids):
        return cut.flatten(0, 2), where
    parts = [one[:rows, :cols].flatten(0, 1) for one, (rows, cols) in zip(cut, grids, strict=True)]
    return torch.cat(parts), where


class NativeBlock(GradientCheckpointingLayer):
    """Pre-norm attention and gated feed-forward, as Pixtral's."""

    def __init__(self, config: NativeVisionConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.heads = config.num_attention_heads
        self.attention_norm = nn.RMSNorm(width, eps=1e-5)
        self.ffn_norm = nn.RMSNorm(width, eps=1e-5)
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.gate_proj = nn.Linear(width, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(width, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, width, bias=False)

    def forward(self, x: Tensor, angles: Tensor, mask: Tensor | None) -> Tensor:
        """x (B, N, C), angles (B, N, D/2), mask (N, N) or None."""
        normed = self.attention_norm(x)
        q, k, v = (
            project(normed).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = F.scaled_dot_product_attention(_turned(q, angles), _turned(k, angles), v, attn_mask=mask)
        x = x + self.o_proj(mixed.transpose(1, 2).flatten(2))
        normed = self.ffn_norm(x)
        out: Tensor = x + self.down_proj(F.silu(self.gate_proj(normed)) * self.up_proj(normed))
        return out


class NativeVision(PreTrainedModel):
    """Pictures at their own size; pictures of different sizes run as one sequence in which none sees another
    (block-diagonal mask), as in Pixtral 12B (arXiv 2410.07073, section 2.1)."""

    config_class = NativeVisionConfig
    main_input_name = "pixel_values"
    supports_gradient_checkpointing = True

    def __init__(self, config: NativeVisionConfig) -> None:
        super().__init__(config)
        side = config.patch_size
        self.patch_proj = nn.Linear(config.num_channels * side * side, config.hidden_size, bias=False)
        self.ln_pre = nn.RMSNorm(config.hidden_size, eps=1e-5)
        self.layers = nn.ModuleList(NativeBlock(config) for _ in range(config.num_hidden_layers))
        self.post_init()

    def forward(self, pixel_values: Tensor, image_sizes: Tensor | Sizes, **_: Any) -> BaseModelOutput:
        """`last_hidden_state` (T, C): all views in a row."""
        sizes = listed(image_sizes)
        cut, places = patches(pixel_values, sizes, self.config.patch_size)
        x = self.ln_pre(self.patch_proj(cut))
        angles = self._angles(places)
        same = len({(size[0], size[1]) for size in sizes}) == 1
        views = len(pixel_values) if same else 1
        mask = None if same else places[:, None, 0] == places[None, :, 0]
        x, angles = x.unflatten(0, (views, -1)), angles.unflatten(0, (views, -1))
        for layer in self.layers:
            x = layer(x, angles, mask)
        return BaseModelOutput(last_hidden_state=x.flatten(0, 1))

    def _angles(self, places: Tensor) -> Tensor:
        """(T, 3) -> (T, D/2): even frequencies turn with the row, odd ones with the column."""
        width = self.config.hidden_size // self.config.num_attention_heads
        steps = torch.arange(0, width, 2, device=places.device, dtype=torch.float32)
        frequencies = self.config.rope_theta ** (-steps / width)
        rows = places[:, 1, None] * frequencies[0::2]
        cols = places[:, 2, None] * frequencies[1::2]
        return torch.cat([rows, cols], dim=-1)


class PatchVision(PreTrainedModel):
    """One linear layer on raw patches."""

    config_class = PatchVisionConfig
    main_input_name = "pixel_values"

    def __init__(self, config: PatchVisionConfig) -> None:
        super().__init__(config)
        self.patch_proj = nn.Linear(config.num_channels * config.patch_size**2, config.hidden_size)
        self.post_init()

    def forward(self, pixel_values: Tensor, image_sizes: Tensor | Sizes, **_: Any) -> BaseModelOutput:
        """`last_hidden_state` (T, C)."""
        cut, _places = patches(pixel_values, listed(image_sizes), self.config.patch_size)
        return BaseModelOutput(last_hidden_state=self.patch_proj(cut))


OWN = (NativeVision, PatchVision)


def stride(config: PreTrainedConfig) -> int:
    """Pixels of a feature's side: the patch, or the total stride of a convolutional backbone (found by a run on the
    meta device, which holds no numbers)."""
    side = getattr(config, "patch_size", None)
    if isinstance(side, int):
        return side
    with torch.device("meta"), torch.no_grad():
        out = AutoModel.from_config(config)(torch.empty(1, getattr(config, "num_channels", 3), 256, 256))
    if out.last_hidden_state.ndim != 4:
        raise InputError("cannot tell the patch size of this vision backbone", subject=config.model_type)
    return 256 // int(out.last_hidden_state.shape[-1])


def check_size(config: PreTrainedConfig, side: int) -> None:
    """Raises InputError where a vision backbone takes no squares of `side` pixels, as its table of positions is for
    others (found on the meta device)."""
    if config.model_type in (NativeVisionConfig.model_type, PatchVisionConfig.model_type):
        return
    try:
        with torch.device("meta"), torch.no_grad():
            AutoModel.from_config(config)(torch.empty(1, getattr(config, "num_channels", 3), side, side))
    except (RuntimeError, ValueError) as error:
        held = getattr(config, "image_size", "another size")
        raise InputError(
            f"the vision backbone takes no pictures of {side} x {side} pixels",
            subject=config.model_type,
            remedy=f"a resolution whose squares have the side that it was made for: {held}",
        ) from error


def encoded(encoder: nn.Module, pixel_values: Tensor, sizes: Sizes, side: int, layers: tuple[int, ...]) -> Tensor:
    """Features of every patch (T, C), all views in a row; class and register tokens are dropped. `layers` names the
    hidden states to join along C (Molmo: -2 and -9); empty for the last."""
    if isinstance(encoder, OWN):
        out: Tensor = encoder(pixel_values, sizes).last_hidden_state
        return out
    high, wide = pixel_values.shape[-2:]
    if any((size[0], size[1]) != (high, wide) for size in sizes):
        raise InputError(
            "this vision backbone takes one picture size at a time",
            subject=type(encoder).__name__,
            remedy="use resolution Fixed or Tiles, or the native encoder",
        )
    result = encoder(pixel_values, output_hidden_states=bool(layers))
    states = [result.hidden_states[layer] for layer in layers] if layers else [result.last_hidden_state]
    expected = (high // side) * (wide // side)
    flat = [state.flatten(2).transpose(1, 2) if state.ndim == 4 else state for state in states]
    if any(state.shape[1] < expected for state in flat):
        raise InputError(
            f"the vision backbone gives {flat[0].shape[1]} features, {expected} were counted",
            subject=type(encoder).__name__,
            remedy="does the resolution state its patch size?",
        )
    return torch.cat([state[:, state.shape[1] - expected :] for state in flat], dim=-1).flatten(0, 1)


def in_crops(see: Callable[[Tensor], Tensor], pixel_values: Tensor, sizes: Sizes, side: int, crops: Crops) -> Tensor:
    """Features of every patch (T, C) by an encoder `see` of squares of one size, crops (N, 3, S, S) -> (N * n * n, C):
    every view is cut into squares that overlap, and of two that see a patch the one is taken in which it lies further
    inside (Molmo, arXiv 2409.17146)."""
    size, margin = crops
    stride = size - 2 * margin * side
    places = [
        (view, [(y, x) for y in range(0, shape[0] - size + 1, stride) for x in range(0, shape[1] - size + 1, stride)])
        for view, shape in enumerate(sizes)
    ]
    cut = [pixel_values[view, :, y : y + size, x : x + size] for view, corners in places for y, x in corners]
    n = size // side
    seen = iter(see(torch.stack(cut)).unflatten(0, (-1, n, n)))
    views = []
    for view, corners in places:
        high, wide = sizes[view][:2]
        rows: dict[int, list[Tensor]] = {}
        for y, x in corners:
            down = slice(margin if y else 0, n if y + size == high else n - margin)
            across = slice(margin if x else 0, n if x + size == wide else n - margin)
            rows.setdefault(y, []).append(next(seen)[down, across])
        views.append(torch.cat([torch.cat(row, dim=1) for row in rows.values()]).flatten(0, 1))
    return torch.cat(views)


def _turned(x: Tensor, angles: Tensor) -> Tensor:
    """Rotary positions: x (B, heads, N, D), angles (B, N, D/2) in float32: in bfloat16 that of place 100 would be off
    by a quarter."""
    cos, sin = (part[:, None].to(x.dtype) for part in (angles.cos(), angles.sin()))
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


AutoConfig.register(NativeVisionConfig.model_type, NativeVisionConfig, exist_ok=True)
AutoConfig.register(PatchVisionConfig.model_type, PatchVisionConfig, exist_ok=True)
AutoModel.register(NativeVisionConfig, NativeVision, exist_ok=True)
AutoModel.register(PatchVisionConfig, PatchVision, exist_ok=True)
