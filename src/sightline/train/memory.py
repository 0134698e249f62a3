"""The memory of a run before its first step.

Two answers. `static` is arithmetic: weights, reference, gradients and moments, from counts alone. `dry_run` executes
one real optimizer step on fake tensors (shapes without numbers) and follows every allocation, so that activations,
temporaries and the peak come out of the code that will run; an 8-billion-parameter model takes seconds and no memory.

What it does not know: the allocator's own overhead (on CPU the process was measured at 1.4 x the tensor peak) and the
workspaces of GPU kernels.
"""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# torch leaves many of its functions untyped.
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import PreTrainedModel
from transformers.initialization import meta_device_safe_creation_ops, no_init_weights

from sightline.train.memory_gpu import WORKSPACE, gpu_attention
from sightline.train.numbers import Numbers

Reference = Literal["none", "copy", "adapter-off", "precomputed"]
"""Of preference training: a second copy of all weights; the same weights with the adapter switched off; its
log-probabilities computed once beforehand. Only the copy costs memory."""
GB = 1e9


class Static(BaseModel):
    """Bytes that stay allocated over the whole run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: int
    reference: int
    gradients: int
    moments: int
    trainable: int
    """Parameters, not bytes."""
    parameters: int

    @property
    def total(self) -> int:
        return self.weights + self.reference + self.gradients + self.moments

    def __str__(self) -> str:
        share = self.trainable / self.parameters
        return (
            f"weights {self.weights / GB:.1f} + reference {self.reference / GB:.1f} + gradients "
            f"{self.gradients / GB:.1f} + optimizer {self.moments / GB:.1f} = {self.total / GB:.1f} GB "
            f"({self.trainable:,} of {self.parameters:,} parameters train, {share:.3%})"
        )


def static(parameters: int, trainable: int | None = None, *, width: int = 4, reference: Reference = "none") -> Static:
    """AdamW: a gradient and two moments per trainable parameter, all of `width` bytes.

    >>> str(static(8_000_000_000, reference="copy")).split(" (")[0]
    'weights 32.0 + reference 32.0 + gradients 32.0 + optimizer 64.0 = 160.0 GB'
    """
    moving = parameters if trainable is None else trainable
    return Static(
        weights=parameters * width,
        reference=parameters * width if reference == "copy" else 0,
        gradients=moving * width,
        moments=2 * moving * width,
        trainable=moving,
        parameters=parameters,
    )


class Forecast(BaseModel):
    """What one step takes, in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    static: Static
    activations: int
    """Kept by the forward pass for the backward pass, beyond what is static."""
    sections: tuple[int, ...]
    """Largest sum of live tensors in each of `SECTIONS`. Each grows by the same bytes with every layer, which their
    maximum need not."""

    workspace: int = 0
    """What a GPU's library of matrix products keeps for itself."""

    @property
    def peak(self) -> int:
        """Largest sum of live tensors in two steps, the moments and a copy of the reference included."""
        return max(self.sections) + self.static.reference + self.workspace


SECTIONS = (
    "before the layers",
    "layers and head",
    "back to the layers",
    "back through them",
    "back to the start",
    "update",
)
BACK, UPDATE = 2, 5


class Follow(TorchDispatchMode):
    """Sums the bytes of live storages; works on fake and on real tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.live = 0
        self.peaks = [0]
        """Of each section so far."""
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    def track(self, tensor: Tensor) -> None:
        """Count a tensor that already exists."""
        storage = tensor.untyped_storage()
        if storage in self._known:
            return
        self._known.add(storage)
        size = storage.nbytes()
        self.live += size
        self.peaks[-1] = max(self.peaks[-1], self.live)
        weakref.finalize(storage, self._gone, size)

    def enter(self, section: int) -> None:
        """A section begins, and those before it that never began were empty."""
        self.peaks += [self.live] * (section + 1 - len(self.peaks))

    def _gone(self, size: int) -> None:
        self.live -= size

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self.track(leaf)
        return out


def followed(
    model: nn.Module,
    loss: Callable[[nn.Module], Tensor],
    reference: Reference = "none",
    layers: Callable[[Any], Sequence[nn.Module]] = lambda _: (),
) -> Forecast:
    """One optimizer step, its moments made beforehand as in every step but the first, on `model` as it is, real or
    fake. `loss` makes its own batch and must not keep it. `layers` finds those between which sections are told apart.
    """
    follow = Follow()
    _mark(layers(model), follow)
    parameters = list(model.parameters())
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    for tensor in (*parameters, *model.buffers()):
        follow.track(tensor)
    weights = follow.live
    optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True)  # as in training
    with follow:
        for one in trained:
            moments = {name: torch.zeros_like(one) for name in ("exp_avg", "exp_avg_sq")}
            optimizer.state[one] = {"step": torch.tensor(0.0), **moments}
        before = follow.live
        value = loss(model)
        activations = follow.live - before
        follow.enter(BACK)
        value.backward()
        del value
        follow.enter(UPDATE)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    moving = sum(parameter.numel() * parameter.element_size() for parameter in trained)
    copy = weights if reference == "copy" else 0
    return Forecast(
        static=Static(
            weights=weights,
            reference=copy,
            gradients=moving,
            moments=2 * moving,
            trainable=sum(parameter.numel() for parameter in trained),
            parameters=sum(parameter.numel() for parameter in parameters),
        ),
        activations=activations,
        sections=tuple(follow.peaks),
    )


def _mark(layers: Sequence[nn.Module], follow: Follow) -> None:
    """Tells `follow` when the step comes to the first layer, and when it is back at the last one and before the first.
    Layers run again in the backward pass under checkpointing: that counts as backward."""
    if not layers:
        return

    def when_back(at: Tensor, section: int) -> None:
        if at.requires_grad:
            at.register_hook(lambda _: follow.enter(section))

    def before_first(_: nn.Module, args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        if len(follow.peaks) == 1:
            follow.enter(1)
            when_back(args[0] if args else keywords["hidden_states"], BACK + 2)

    def after_last(_: nn.Module, __: Any, out: Any) -> None:
        if len(follow.peaks) == BACK:
            when_back(out if isinstance(out, Tensor) else out[0], BACK + 1)

    layers[0].register_forward_pre_hook(before_first, with_kwargs=True)
    layers[-1].register_forward_hook(after_last)


def dry_run(
    build: Callable[[], nn.Module],
    loss: Callable[[nn.Module], Tensor],
    *,
    dtype: torch.dtype = torch.float32,
    reference: Reference = "none",
    layers: Callable[[Any], Sequence[nn.Module]] = lambda _: (),
    real_inputs: bool = False,
    gpu: bool = False,
) -> Forecast:
    """`followed` without numbers: `build` makes the model (its weights are never filled), `loss` makes its inputs by
    ordinary torch calls and runs it, with an attention mask as training has one. Shapes must not depend on numbers,
    or, with `real_inputs`, on those of the inputs alone (see `numbers`). `gpu`: as a GPU's kernels keep tensors."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device("meta"), no_init_weights(), meta_device_safe_creation_ops():
            model = build()
        if isinstance(model, PreTrainedModel):
            model.tie_weights()  # left out with the numbers: a head shared with the embeddings would count twice
        with FakeTensorMode(allow_non_fake_inputs=real_inputs):
            _as_on_cpu(model)
            with Numbers() if real_inputs else nullcontext(), gpu_attention() if gpu else nullcontext():
                found = followed(model, loss, reference, layers)
        return found.model_copy(update={"workspace": WORKSPACE}) if gpu else found
    finally:
        torch.set_default_dtype(default)


def _as_on_cpu(model: nn.Module) -> None:
    """Parameters and buffers of a model on the meta device -> tensors of the mode at work; shared ones stay shared."""
    made: dict[int, Tensor] = {}
    for module in model.modules():
        for table in (module._parameters, module._buffers):
            for name, value in list(table.items()):
                if value is None:
                    continue
                if id(value) not in made:
                    empty = torch.empty(value.shape, dtype=value.dtype, device="cpu")
                    is_parameter = isinstance(value, nn.Parameter)
                    made[id(value)] = nn.Parameter(empty, requires_grad=value.requires_grad) if is_parameter else empty
                table[name] = made[id(value)]  # type: ignore[assignment]


def checkpointing(model: Any) -> None:
    """Activations of the layers that train are computed again in the backward pass instead of kept. transformers also
    makes the embeddings of every part ask for gradients, which keeps all activations of a frozen encoder; the form of
    checkpointing that is used (not re-entrant) does not need that, so it is undone."""
    model.activation_checkpointing_enable()
    model.disable_input_require_grads()


def split_batch(wanted: int, fits: int) -> tuple[int, int]:
    """(batch, accumulation) with batch <= fits and their product the wanted batch: halved until it fits.

    >>> split_batch(64, 3)
    (2, 32)
    """
    batch, many = wanted, 1
    while batch > fits:
        if batch % 2:
            return 1, wanted
        batch, many = batch // 2, many * 2
    return batch, many
