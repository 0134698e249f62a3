"""The parts of a vision-language model by name, which of them train, and the proof that the others did not.

A part is a set of parameter-name prefixes. Adapters (LoRA) are a part of their own, wherever they sit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import torch
from torch import Tensor, nn

from sightline.core.errors import ModelError, PlanError
from sightline.train.machine import whole

Parts = Mapping[str, tuple[str, ...]]

LORA: Final = "lora"
PARTS: Final[Parts] = {
    "encoder": ("model.encoder.",),
    "connector": ("model.connector.",),
    "cross": ("model.cross_blocks.",),
    "llm": ("model.language_model.", "lm_head."),
}
"""Of our own VLM."""


def part_of(name: str, parts: Parts) -> str:
    """The part that a parameter or buffer belongs to. Raises PlanError where it belongs to none."""
    if ".lora_" in name:
        return LORA
    for part, prefixes in parts.items():
        if name.startswith(prefixes):
            return part
    raise PlanError("a parameter belongs to no part", subject=name, remedy=f"known parts: {', '.join(parts)}")


def freeze_all_but(model: nn.Module, trainable: Sequence[str], parts: Parts) -> None:
    """Sets `requires_grad`, and puts frozen parts in evaluation mode so that running averages rest too. Raises
    PlanError for unknown or empty parts, and where a part is to train in full beneath its own adapter."""
    names = {name: part_of(name, parts) for name, _ in model.named_parameters()}
    present = set(names.values())
    for part in trainable:
        if part not in parts and part != LORA:
            raise PlanError("unknown part", subject=part, remedy=f"one of {', '.join([*parts, LORA])}")
        if part not in present:
            raise PlanError("this model has no such part to train", subject=part)
    adapted = {part_of(name.replace(".lora_", ".", 1), parts) for name in names if ".lora_" in name}
    if clash := adapted & set(trainable):
        raise PlanError(
            "a part cannot train in full beneath its own adapter",
            subject=sorted(clash),
            remedy=f"name {LORA!r} alone, or merge the adapter first",
        )
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(names[name] in trainable)
    model.train()
    for module_name, module in model.named_modules():
        own = [name for name in names if name.startswith(f"{module_name}.")] if module_name else []
        if own and not any(names[name] in trainable for name in own):
            module.eval()


def hashes(model: nn.Module, parts: Parts) -> dict[str, str]:
    """SHA-256 of every part: names, shapes, types and bytes of parameters and buffers."""
    grouped: dict[str, dict[str, Tensor]] = {}
    for name, value in model.state_dict().items():
        grouped.setdefault(part_of(name, parts), {})[name] = value
    return {part: digest(values) for part, values in grouped.items()}


def digest(values: Mapping[str, Tensor]) -> str:
    """SHA-256 of named tensors, in the order of their names."""
    whole = hashlib.sha256()
    for name, value in sorted(values.items()):
        whole.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        whole.update(_bytes(value))
    return whole.hexdigest()


def prove_frozen(before: Mapping[str, str], after: Mapping[str, str], trainable: Sequence[str]) -> None:
    """Raises ModelError where a part that was to rest has changed."""
    changed = sorted(part for part in before if part not in trainable and before[part] != after[part])
    if changed:
        raise ModelError("frozen parts have changed", subject=changed, remedy="this is a defect: the run is not valid")


def _bytes(value: Tensor) -> bytes:
    flat = whole(value.detach()).cpu().contiguous().flatten()
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
