"""Low-rank adapters by peft, inside the model itself: it stays a `VLM`, and merging gives back a plain one."""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# torch leaves many of its functions untyped.
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from sightline.core.door import require
from sightline.core.errors import PlanError
from sightline.train.parts import PARTS, Parts, part_of


class Lora(BaseModel):
    """Shape of the adapters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(default=16, ge=1)
    alpha: float = Field(default=32.0, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    parts: tuple[str, ...] = ("llm",)
    """Whose linear layers get an adapter (the head never does)."""


def linear_layers(model: nn.Module, wanted: Sequence[str], parts: Parts = PARTS) -> list[str]:
    """Names of the linear layers of these parts."""
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and name != "lm_head" and part_of(f"{name}.weight", parts) in wanted
    ]


def add_lora(model: nn.Module, lora: Lora, parts: Parts = PARTS) -> None:
    """Adapters in place, starting at zero effect. Raises PlanError where there is no layer to adapt or adapters are
    there already."""
    peft = require("peft", "train")
    if any(".lora_" in name for name, _ in model.named_parameters()):
        raise PlanError("the model has adapters already", remedy="merge them first")
    targets = linear_layers(model, lora.parts, parts)
    if not targets:
        raise PlanError("no linear layer to adapt", subject=lora.parts)
    config = peft.LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets, bias="none"
    )
    peft.inject_adapter_in_model(config, model)


def merge_lora(model: nn.Module) -> int:
    """Adds every adapter to its layer and removes it; returns how many there were."""
    kind = require("peft.tuners.tuners_utils", "train").BaseTunerLayer
    found: list[tuple[str, Any]] = [
        (name, module) for name, module in model.named_modules() if isinstance(module, kind)
    ]
    for name, layer in found:
        layer.merge()
        above, _, last = name.rpartition(".")
        setattr(model.get_submodule(above), last, layer.get_base_layer())
    return len(found)
