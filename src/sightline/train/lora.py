"""Low-rank adapters by peft, inside the model itself: it stays a `VLM`, and merging gives back a plain one.

QLoRA (arXiv 2305.14314, section 3) by bitsandbytes: the layers beneath the adapters rest in four bits (NF4).
"""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# torch leaves many of its functions untyped.
from collections.abc import Sequence
from typing import Any, Final, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from sightline.core.door import require
from sightline.core.errors import PlanError
from sightline.train.parts import PARTS, Parts, part_of

BLOCK: Final = 64
"""Weights that share a scale. bitsandbytes 0.50 reads wrong values on a CPU where rows are no multiple of it."""


class Lora(BaseModel):
    """Shape of the adapters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(default=16, ge=1)
    alpha: float = Field(default=32.0, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    parts: tuple[str, ...] = ("llm",)
    """Whose linear layers get an adapter (the head never does)."""
    bits: Literal[4] | None = None
    """4: the adapted layers are rounded to NF4 first (QLoRA; needs bitsandbytes). The rounding stays after merging."""


def linear_layers(model: nn.Module, wanted: Sequence[str], parts: Parts = PARTS) -> list[str]:
    """Names of the linear layers of these parts."""
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and name != "lm_head" and part_of(f"{name}.weight", parts) in wanted
    ]


def add_lora(model: nn.Module, lora: Lora, parts: Parts = PARTS) -> None:
    """Adapters in place, starting at zero effect. Raises PlanError where there is no layer to adapt or adapters are
    there already, or a width has no four bits; MissingExtra without peft, or for 4 bits without bitsandbytes."""
    peft = require("peft", "train")
    if any(".lora_" in name for name, _ in model.named_parameters()):
        raise PlanError("the model has adapters already", remedy="merge them first")
    targets = linear_layers(model, lora.parts, parts)
    if not targets:
        raise PlanError("no linear layer to adapt", subject=lora.parts)
    if lora.bits:
        _to_four_bits(model, targets)
    config = peft.LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets, bias="none"
    )
    peft.inject_adapter_in_model(config, model)


def merge_lora(model: nn.Module) -> int:
    """Adds every adapter to its layer and removes it; returns how many there were. Four-bit layers become plain ones of
    their rounded weights."""
    kind = require("peft.tuners.tuners_utils", "train").BaseTunerLayer
    found: list[tuple[str, Any]] = [
        (name, module) for name, module in model.named_modules() if isinstance(module, kind)
    ]
    for name, layer in found:
        base = layer.get_base_layer()
        if getattr(base.weight, "quant_state", None) is None:
            layer.merge()
        else:
            base = _to_plain(base, layer)
        _replace(model, name, base)
    return len(found)


def _to_four_bits(model: Any, names: Sequence[str]) -> None:
    nf4 = require("bitsandbytes", "qlora").nn
    if odd := [name for name in names if model.get_submodule(name).in_features % BLOCK]:
        raise PlanError(f"a width that is no multiple of {BLOCK} has no four bits", subject=odd[:3], remedy="bits=None")
    for name in names:
        plain = model.get_submodule(name)
        small = nf4.Linear4bit(
            plain.in_features,
            plain.out_features,
            bias=plain.bias is not None,
            compute_dtype=plain.weight.dtype,
            quant_type="nf4",
            device="meta",
        )
        small.support_avx512bf16_for_cpu = False  # or a forward without gradients lays the frozen weights out anew
        small.weight = nf4.Params4bit(plain.weight.data, requires_grad=False, quant_type="nf4").to(plain.weight.device)
        small.bias = plain.bias
        _replace(model, name, small)
    model.is_loaded_in_4bit = True  # what peft asks for


def _to_plain(base: Any, layer: Any) -> nn.Linear:
    rounded = require("bitsandbytes", "qlora").functional.dequantize_4bit(base.weight.data, base.weight.quant_state)
    added = sum(layer.get_delta_weight(adapter) for adapter in layer.active_adapters)
    plain = nn.Linear(base.in_features, base.out_features, bias=base.bias is not None, device="meta")
    with torch.no_grad():
        plain.weight = nn.Parameter(rounded.to(added.dtype) + added)
        plain.bias = base.bias
    return plain


def _replace(model: nn.Module, name: str, new: nn.Module) -> None:
    above, _, last = name.rpartition(".")
    setattr(model.get_submodule(above), last, new)
