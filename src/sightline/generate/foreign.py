"""Networks of diffusers as backbones of ours: the same sampling, distillation, conversion and saving, nothing
special-cased.

A pipeline folder says everything needed: the network's class and configuration, and in its scheduler the path and
what the network predicts. Condition.label, .tokens and .pooled are what these networks take; prompts are encoded by
the pipeline's own text encoders (`encode_prompts`). Only safetensors weights are read and nothing is downloaded."""

from __future__ import annotations

import json
from pathlib import Path as FilePath
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from sightline.core.door import require
from sightline.core.errors import InputError
from sightline.generate.denoiser import NOTHING, Condition

NETWORKS = (
    "UNet2DModel",
    "UNet2DConditionModel",
    "DiTTransformer2DModel",
    "SD3Transformer2DModel",
    "SanaTransformer2DModel",
)
NetworkName = Literal[
    "UNet2DModel", "UNet2DConditionModel", "DiTTransformer2DModel", "SD3Transformer2DModel", "SanaTransformer2DModel"
]


class DiffusersConfig(BaseModel):
    """A network of diffusers by class name and configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["diffusers"] = "diffusers"
    network: NetworkName
    settings: dict[str, Any]
    """The network's own config.json."""
    shape: tuple[int, int, int]
    classes: int = 0
    text: int = 0
    """Always 0: text comes in as `Condition.tokens`."""
    guidance: Literal[False] = False
    """These networks take no guidance strength as an input."""
    empty: tuple[int, int] | None = None
    """(L, D) of the embedding of an empty prompt, kept among the weights; None = not read."""
    empty_pooled: int = 0
    """Width of its summary; 0 = none."""

    def build(self) -> DiffusersNetwork:
        return DiffusersNetwork(self)


class DiffusersNetwork(nn.Module):
    """z (B, C, H, W), time (B,), condition -> the network's raw output (B, C, H, W)."""

    empty: Tensor
    empty_pooled: Tensor

    def __init__(self, config: DiffusersConfig) -> None:
        super().__init__()
        self.config = config
        cls = getattr(require("diffusers", "generate"), config.network)
        self.body: nn.Module = cls.from_config(config.settings)
        if config.empty is not None:
            self.register_buffer("empty", torch.zeros(config.empty))
        if config.empty_pooled:
            self.register_buffer("empty_pooled", torch.zeros(config.empty_pooled))

    def forward(self, z: Tensor, time: Tensor, condition: Condition = NOTHING) -> Tensor:
        config, time = self.config, time.to(z.dtype)
        match config.network:
            case "UNet2DModel":
                out = self.body(z, time, class_labels=self._labels(condition, time))
            case "UNet2DConditionModel":
                labels = self._labels(condition, time)
                out = self.body(z, time, encoder_hidden_states=self._tokens(condition), class_labels=labels)
            case "DiTTransformer2DModel":
                out = self.body(z, timestep=time, class_labels=self._labels(condition, time))
            case "SD3Transformer2DModel":
                tokens, pooled = self._tokens(condition), self._pooled(condition)
                out = self.body(z, encoder_hidden_states=tokens, pooled_projections=pooled, timestep=time)
            case "SanaTransformer2DModel":
                tokens, guidance = self._tokens(condition), self._strength(condition, time)
                out = self.body(z, encoder_hidden_states=tokens, timestep=time, guidance=guidance)
        sample: Tensor = out.sample
        return sample[:, : config.shape[0]]  # the rest, where there is one, is DiT's learnt variance

    def _tokens(self, condition: Condition) -> Tensor:
        """A dropped prompt, a row of zeros, is the empty prompt to these networks."""
        tokens = _needed(condition.tokens)
        if self.config.empty is None:
            return tokens
        return torch.where((tokens == 0).flatten(1).all(1)[:, None, None], self.empty.to(tokens), tokens)

    def _pooled(self, condition: Condition) -> Tensor:
        pooled = _needed(condition.pooled)
        if not self.config.empty_pooled:
            return pooled
        return torch.where((pooled == 0).all(1)[:, None], self.empty_pooled.to(pooled), pooled)

    def _strength(self, condition: Condition, time: Tensor) -> Tensor | None:
        """SANA-Sprint's embedded guidance; its pipeline's default is 4.5."""
        if not self.config.settings.get("guidance_embeds"):
            return None
        scale = torch.full_like(time, 4.5) if condition.scale is None else condition.scale
        return scale * float(self.config.settings.get("guidance_embeds_scale", 0.1))

    def _labels(self, condition: Condition, time: Tensor) -> Tensor | None:
        """Unconditional = the class after the last one, as diffusers trains it."""
        if not self.config.classes:
            return None
        if condition.label is None:
            return torch.full(time.shape, self.config.classes, device=time.device)
        return torch.where(condition.label < 0, self.config.classes, condition.label)


def network_config(folder: FilePath) -> DiffusersConfig:
    """The network of a folder with config.json. Raises InputError naming the supported ones where it is another."""
    settings = _json(folder / "config.json")
    name = settings.get("_class_name")
    if name not in NETWORKS:
        raise InputError(f"a teacher of the kind {name} is not supported", subject=folder, remedy=f"one of {NETWORKS}")
    size = settings.get("sample_size")
    if size is None:
        raise InputError("the network's config.json names no sample_size", subject=folder)
    height, width = (size, size) if isinstance(size, int) else size
    classes = settings.get("num_class_embeds") or 0
    if name == "DiTTransformer2DModel":
        classes = settings.get("num_embeds_ada_norm") or 1000
    elif name.startswith("UNet") and classes:
        classes -= 1
    return DiffusersConfig(
        network=name, settings=settings, shape=(settings.get("in_channels", 4), height, width), classes=classes
    )


def read_weights(folder: FilePath, config: DiffusersConfig) -> dict[str, Tensor]:
    """The network's weights under the names of `DiffusersNetwork`. Raises InputError where there are no safetensors."""
    cls = getattr(require("diffusers", "generate"), config.network)
    try:
        network = cls.from_pretrained(folder, use_safetensors=True, local_files_only=True)
    except OSError as error:
        raise InputError("no readable safetensors weights", subject=folder, remedy=str(error)[:200]) from error
    return {f"body.{name}": tensor.float() for name, tensor in network.state_dict().items()}


def with_empty(config: DiffusersConfig, empty: Condition) -> tuple[DiffusersConfig, dict[str, Tensor]]:
    """The network's configuration and the weights to add, so that a dropped prompt is this one (of one row)."""
    tokens = _needed(empty.tokens)[0]
    update: dict[str, Any] = {"empty": tuple(tokens.shape)}
    weights = {"empty": tokens.float()}
    if empty.pooled is not None:
        update["empty_pooled"] = empty.pooled.shape[1]
        weights["empty_pooled"] = empty.pooled[0].float()
    return config.model_copy(update=update), weights


def encode_prompts(folder: FilePath, prompts: list[str]) -> Condition:
    """Prompts through the text encoders of a pipeline folder (Stable Diffusion 1 and 2, 3, SANA)."""
    diffusers = require("diffusers", "generate")
    empty = {"unet": None, "transformer": None, "vae": None, "safety_checker": None, "feature_extractor": None}
    index = _json(folder / "model_index.json")
    left_out = {name: None for name in empty if name in index}
    pipeline = diffusers.DiffusionPipeline.from_pretrained(
        folder, use_safetensors=True, local_files_only=True, **left_out
    )
    if not hasattr(pipeline, "encode_prompt"):
        raise InputError("this pipeline takes no prompt", subject=folder)
    with torch.no_grad():
        if index["_class_name"].startswith("StableDiffusion3"):
            tokens, _, pooled, _ = pipeline.encode_prompt(prompts, None, None, do_classifier_free_guidance=False)
            return Condition(tokens=tokens, pooled=pooled)
        if index["_class_name"].startswith("Sana"):
            return Condition(tokens=pipeline.encode_prompt(prompts, do_classifier_free_guidance=False)[0])
        return Condition(tokens=pipeline.encode_prompt(prompts, "cpu", 1, False)[0])


def _needed(part: Tensor | None) -> Tensor:
    if part is None:
        raise InputError("this network needs a prompt", remedy="pass --prompt")
    return part


def _json(path: FilePath) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError("not a readable JSON file", subject=path) from error
    if not isinstance(found, dict):
        raise InputError("not a JSON object", subject=path)
    return found
