"""The encoder of a ready model as something that can run alone, so that a trainer may keep what it sees.

Only encoders that give every view of a batch a row of its own: SigLIP's and CLIP's, not those that lay views of many
sizes in one line (Pixtral, Qwen-VL) or join tiles (Mllama).
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutputWithPooling

from sightline.vlm.ready.families import Family


class Tower:
    """What the trainer's cache asks of a model, and the detour that lets the stock class have its answers."""

    def __init__(self, model: Any, family: Family) -> None:
        self.encoder = getattr(model.model, family.tower)
        self._own = self.encoder.forward
        layer = getattr(model.config, "vision_feature_layer", None)
        if model.config.model_type == "internvl" and layer == -1:
            layer = None  # as that class takes it: behind the last norm, not before it
        self._layers = tuple(layer) if isinstance(layer, list) else () if layer is None else (layer,)
        self.config = SimpleNamespace(patch=0, vision_layers=list(self._layers), crops=None)

    def encode(self, pixel_values: Tensor, image_sizes: Any) -> Tensor:
        """Views of one size (V, 3, H, W) -> (V * N, C); hidden states that the model joins lie side by side."""
        out = self._own(pixel_values, output_hidden_states=bool(self._layers))
        states = [out.hidden_states[layer] for layer in self._layers] or [out.last_hidden_state]
        return torch.cat(states, dim=-1).flatten(0, 1)

    def answer_by(self, kept: Callable[[Tensor, Any], Tensor] | None) -> None:
        """From now on the model takes features of a view (3, H, W) from `kept`; None: from its encoder again."""
        if kept is None:
            self.encoder.forward = self._own
            return

        def forward(pixel_values: Tensor, **options: Any) -> Any:
            mask = options.get("patch_attention_mask")
            trains = any(parameter.requires_grad for parameter in self.encoder.parameters())
            filled = mask is not None and not bool(mask.all())
            if trains or filled or options.get("interpolate_pos_encoding"):
                return self._own(pixel_values, **options)
            size = pixel_values.shape[-2:]
            seen = torch.stack([kept(view, size) for view in pixel_values]).to(pixel_values.device)
            if not self._layers:
                return BaseModelOutputWithPooling(last_hidden_state=seen)
            states: Any = dict(zip(self._layers, seen.chunk(len(self._layers), dim=-1), strict=True))
            return BaseModelOutputWithPooling(hidden_states=states)

        self.encoder.forward = forward
