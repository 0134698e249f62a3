"""Low-rank adapters by peft, inside the model itself: it stays a `VLM`, and merging gives back a plain one.

QLoRA (arXiv 2305.14314, section 3) by bitsandbytes: the layers beneath the adapters rest in four bits (NF4).
"""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# torch leaves many of its functions untyped.
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from safetensors.torch import save_file
from torch import Tensor, nn

from sightline.core.door import require
from sightline.core.errors import PlanError
from sightline.train.machine import whole
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
    found = _adapted(model)
    for name, layer in found.items():
        base = layer.get_base_layer()
        plain = nn.Linear(base.in_features, base.out_features, bias=base.bias is not None, device="meta")
        plain.weight, plain.bias = nn.Parameter(_merged(layer)), base.bias
        _replace(model, name, plain)
    return len(found)


def plain_state(model: nn.Module) -> dict[str, Tensor]:
    """The weights as `merge_lora` would leave them, whole even where processes hold a part each; the model stays as it
    is. All processes of a sharded model must call it."""
    layers = _adapted(model)
    state: dict[str, Tensor] = {}
    for name, value in model.state_dict().items():
        layer, found, inner = name.rpartition(".base_layer.")
        if not found:
            if ".lora_" not in name:
                state[name] = whole(value)
        elif inner == "weight":
            state[f"{layer}.weight"] = _merged(layers[layer])
        elif inner == "bias":
            state[f"{layer}.bias"] = whole(value)
    return state


def save_adapter(model: nn.Module, folder: Path) -> None:
    """The adapters alone, as peft keeps them: `PeftModel.from_pretrained(base, folder)` reads them."""
    config: Any = model.peft_config
    named = {name: value for name, value in model.state_dict().items() if ".lora_" in name}
    folder.mkdir(parents=True, exist_ok=True)
    config["default"].save_pretrained(folder)
    tensors = {f"base_model.model.{name.replace('.default.', '.')}": one.contiguous() for name, one in named.items()}
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})


def _adapted(model: nn.Module) -> dict[str, Any]:
    kind = require("peft.tuners.tuners_utils", "train").BaseTunerLayer
    return {name: module for name, module in model.named_modules() if isinstance(module, kind)}


@torch.no_grad()
def _merged(layer: Any) -> Tensor:
    """Weight of a layer with its adapters added: W + (alpha / rank) B A."""
    weight = layer.get_base_layer().weight
    if (packed := getattr(weight, "quant_state", None)) is not None:
        made: Tensor = require("bitsandbytes", "qlora").functional.dequantize_4bit(weight.data, packed)
    else:
        made = whole(weight.detach())
    for name in layer.active_adapters:
        low, high = (whole(part[name].weight.detach()).float() for part in (layer.lora_A, layer.lora_B))
        made = made + (layer.scaling[name] * (high @ low)).to(made.dtype)
    return made


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


def _replace(model: nn.Module, name: str, new: nn.Module) -> None:
    above, _, last = name.rpartition(".")
    setattr(model.get_submodule(above), last, new)
