"""Which layer breaks forward-mode differentiation, what to put in its place, and the proof that the substitute is
right.

Continuous-time consistency training needs JVPs of the network. Many layers have none (fused attention above all). The
doctor runs every module of a network alone on what it really receives, names the innermost that fail, applies the
known substitutes and compares the JVP with a central difference. A network it cannot mend can still be distilled:
`jvp="difference"`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from sightline.core.door import require
from sightline.generate.denoiser import Condition

Call = Callable[[Tensor, Tensor], Tensor]


class Fault(BaseModel):
    """One module without a forward-mode derivative."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    module: str
    """Its dotted name."""
    kind: str
    error: str
    substitute: str


class Diagnosis(BaseModel):
    """What the doctor found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    works: bool
    """Forward mode passes as the network is."""
    faults: tuple[Fault, ...] = ()
    works_mended: bool = False
    """It passes with the substitutes."""
    same_output: float | None = None
    """Largest relative difference between the outputs with and without substitutes."""
    against_difference: float | None = None
    """Relative difference between the JVP (mended where needed) and a central difference in float64."""

    @property
    def advice(self) -> str:
        """One sentence."""
        if self.works:
            return "forward mode works: jvp='separate' and 'reused' can be used"
        if self.works_mended:
            return "forward mode works inside `forward_differentiable(network)`"
        return "forward mode cannot be had: distil with jvp='difference'"


SUBSTITUTES = {
    "Attention": "attention written out on (B, N, C) tokens",
    "MultiheadAttention": "sdpa_kernel(MATH) in training mode, or attention written out (fast path fails)",
    "TransformerEncoderLayer": "training mode with dropout 0 inside sdpa_kernel(MATH)",
    "BatchNorm2d": "evaluation mode (running statistics are changed in place in training)",
    "GroupNorm": "a contiguous input (its derivative uses `view`, and attention changed the layout before it)",
    "CheckpointFunction": "checkpoint(use_reentrant=False)",
}


@contextmanager
def forward_differentiable(network: nn.Module) -> Iterator[None]:
    """Inside, the known substitutes are in place: unfused attention kernels, diffusers' attention on tokens written
    out, batch norms in evaluation mode. Outputs stay the same up to rounding; everything is put back at the end."""
    restore: list[Callable[[], Any]] = []
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training:
            module.eval()
            restore.append(module.train)
        elif isinstance(module, nn.GroupNorm):
            restore.append(module.register_forward_pre_hook(_contiguous).remove)
        elif type(module).__module__.startswith("diffusers.") and _plain_attention(module):
            attention: Any = module
            old = attention.processor
            attention.processor = _OnTokens()
            restore.append(partial(setattr, attention, "processor", old))
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for back in restore:
            back()


def examine(network: nn.Module, x: Tensor, t: Tensor, condition: Condition) -> Diagnosis:
    """Diagnose a `Denoiser` module on a real input. x (B, C, H, W), t (B,)."""

    def call(x: Tensor, t: Tensor) -> Tensor:
        out: Tensor = network(x, t, condition)
        return out

    if _passes(call, x, t) is None:
        return Diagnosis(
            works=True, works_mended=True, same_output=0.0, against_difference=_gap(network, x, t, condition)
        )
    faults = tuple(_faults(network, call, x, t))
    with torch.no_grad():
        plain = call(x, t)
    with forward_differentiable(network):
        if _passes(call, x, t) is not None:
            return Diagnosis(works=False, faults=faults)
        with torch.no_grad():
            same = ((call(x, t) - plain).abs().max() / plain.abs().max().clamp(min=1e-12)).item()
        gap = _gap(network, x, t, condition)
    return Diagnosis(works=False, faults=faults, works_mended=True, same_output=same, against_difference=gap)


def _passes(call: Call, x: Tensor, t: Tensor) -> str | None:
    """The error of a JVP, or None."""
    try:
        with torch.no_grad():
            torch.func.jvp(call, (x, t), (torch.randn_like(x), torch.ones_like(t)))
    except (RuntimeError, NotImplementedError, TypeError) as error:
        return str(error).split("\n")[0][:200]
    return None


def _faults(network: nn.Module, call: Call, x: Tensor, t: Tensor) -> Iterator[Fault]:
    """Innermost failing modules, each run alone on what it received."""
    seen: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}
    hooks = [
        module.register_forward_pre_hook(_remember(seen, name), with_kwargs=True)
        for name, module in network.named_modules()
        if name
    ]
    with torch.no_grad():
        call(x, t)
    for hook in hooks:
        hook.remove()
    modules = dict(network.named_modules())
    failing: dict[str, str] = {}
    for layout in (torch.contiguous_format, torch.channels_last):
        alone = {name: _fails_alone(modules[name], *seen[name], layout) for name in seen}
        failing = {name: error for name, error in alone.items() if error is not None}
        if failing:
            break
    inner = [name for name in failing if not any(other.startswith(name + ".") for other in failing)]
    for name in inner or ["(the network as a whole)"]:
        kind = type(modules[name]).__name__ if name in modules else type(network).__name__
        substitute = SUBSTITUTES.get(kind, "jvp='difference'")
        yield Fault(module=name, kind=kind, error=failing.get(name, _passes(call, x, t) or ""), substitute=substitute)


def _remember(seen: dict[str, tuple[tuple[Any, ...], dict[str, Any]]], name: str) -> Callable[..., None]:
    def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.setdefault(name, (args, kwargs))

    return hook


def _fails_alone(
    module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], layout: torch.memory_format
) -> str | None:
    """The error of this module's JVP in all its floating-point inputs, or None. Some modules fail only where the
    tangent is laid out in memory as normalisation layers leave it (channels last): `view` does not survive that."""
    places = [i for i, value in enumerate(args) if isinstance(value, Tensor) and value.is_floating_point()]
    names = [key for key, value in kwargs.items() if isinstance(value, Tensor) and value.is_floating_point()]
    primals = (*(args[i] for i in places), *(kwargs[key] for key in names))
    if not primals:
        return None

    def tangent(value: Tensor) -> Tensor:
        drawn = torch.randn_like(value)
        return drawn.contiguous(memory_format=layout) if value.ndim == 4 else drawn

    def call(*values: Tensor) -> Any:
        given, named = list(args), dict(kwargs)
        for i, value in zip(places, values[: len(places)], strict=True):
            given[i] = value
        named.update(zip(names, values[len(places) :], strict=True))
        out = module(*given, **named)
        return out if isinstance(out, Tensor) else next(iter(_tensors(out)))

    try:
        with torch.no_grad():
            torch.func.jvp(call, primals, tuple(tangent(value) for value in primals))
    except (RuntimeError, NotImplementedError, TypeError) as error:
        return str(error).split("\n")[0][:200]
    return None


def _tensors(out: Any) -> Iterator[Tensor]:
    values = out.values() if hasattr(out, "values") else out
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple | list):
            yield from _tensors(value)


def _gap(network: nn.Module, x: Tensor, t: Tensor, condition: Condition) -> float:
    """Relative difference of the JVP and a central difference, in float64."""
    exact, asked = copy.deepcopy(network).double(), condition.cast(torch.float64)
    x, t = x.double(), t.double()

    def call(x: Tensor, t: Tensor) -> Tensor:
        out: Tensor = exact(x, t, asked)
        return out

    push, pace = torch.randn_like(x), torch.ones_like(t)
    gaps = []
    with torch.no_grad():
        slope = torch.func.jvp(call, (x, t), (push, pace))[1]
        for h in (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5):
            difference = (call(x + h * push, t + h * pace) - call(x - h * push, t - h * pace)) / (2 * h)
            gaps.append(float((slope - difference).norm() / difference.norm().clamp(min=1e-12)))
    return min(gaps)


def _contiguous(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """A copy, as `contiguous()` leaves the tangent's layout alone where only that is off."""
    return (args[0].clone(memory_format=torch.contiguous_format), *args[1:])


def _plain_attention(module: nn.Module) -> bool:
    """diffusers' Attention with one of its two ordinary processors."""
    processor = type(getattr(module, "processor", None)).__name__
    return type(module).__name__ == "Attention" and processor in ("AttnProcessor", "AttnProcessor2_0")


class _OnTokens:
    """diffusers' written-out attention, called on (B, N, C): on (B, C, H, W) it uses `view`, which a tangent of
    another memory layout does not survive."""

    def __init__(self) -> None:
        self.inner = require("diffusers.models.attention_processor", "generate").AttnProcessor()

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        rest = (encoder_hidden_states, attention_mask, temb)
        if hidden_states.ndim != 4:
            out: Tensor = self.inner(attn, hidden_states, *rest)
            return out
        mixed: Tensor = self.inner(attn, hidden_states.flatten(2).transpose(1, 2), *rest)
        return mixed.transpose(1, 2).reshape(hidden_states.shape).contiguous()
