"""Where training runs: one process, or several that `accelerate launch` or `torchrun` started.

    one process      the model goes to the device that is named; without one it stays where it is
    replicated       every process holds the model; accelerate's DDP adds up the gradients
    sharded          every process holds a part of each block (torch's FSDP2)

The batches of a step are shared out among the processes, so a step sees the same batches however many there are.
"""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# torch leaves many of its functions untyped.
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers.modeling_layers import GradientCheckpointingLayer

from sightline.core.door import require
from sightline.core.errors import PlanError


@runtime_checkable
class GivesLossAlone(Protocol):
    """A model that computes a loss without the logits of what is not trained, when called with `loss_alone=True`."""

    gives_loss_alone: bool


class Loss(nn.Module):
    """The loss of a batch. `shared`: every trained parameter has a part in it, if only a sum over nothing, because the
    processes wait for one another's gradient of each: a batch without pictures has none for the connector.
    `mixed`: as of `Machine`."""

    def __init__(self, model: nn.Module, trained: Sequence[nn.Parameter], *, shared: bool, mixed: bool) -> None:
        super().__init__()
        self.model, self.shared, self.mixed = model, shared, mixed
        self._trained = list(trained)
        self._spared: dict[str, Any] = {"loss_alone": True} if isinstance(model, GivesLossAlone) else {}
        self.idle = 0
        """Batches without a gradient so far."""

    def forward(self, **batch: Any) -> Tensor:
        """A scalar; without a gradient where nothing that trains had a part in it and it is not `shared`."""
        with torch.autocast(self._trained[0].device.type, torch.bfloat16, enabled=self.mixed):
            loss: Tensor = self.model(**batch, **self._spared).loss
        self.idle += not loss.requires_grad
        if self.shared:
            loss = loss + sum(parameter.flatten()[:0].sum() for parameter in self._trained)
        return loss


class Machine:
    """The processes of this run, as the launcher's environment says, and their `device` as torch names it: without one
    a single process leaves the model where it is, and several take the GPUs that are there. `mixed`: products of
    matrices in bfloat16 (autocast), weights, gradients and moments in float32. Raises PlanError where `sharded` has
    nothing to shard over, MissingExtra without accelerate."""

    def __init__(self, *, device: str | None = None, mixed: bool = False, sharded: bool = False) -> None:
        self.device, self.mixed = device, mixed
        self.world = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0")) if self.world > 1 else 0
        self.sharded = sharded
        self._accelerator: Any = None
        if self.world > 1:
            accelerate = require("accelerate", "train")
            spared = not torch.cuda.is_available() if device is None else device == "cpu"
            self._accelerator = accelerate.Accelerator(cpu=spared)
        elif sharded:
            raise PlanError("one process cannot shard a model", remedy="torchrun --nproc-per-node 2 ...")

    def place(self, model: nn.Module) -> None:
        """The model on this process' device, and cut up where it is to be."""
        if self._accelerator is None:
            if self.device is not None:
                model.to(self.device)
            return
        device = self._accelerator.device
        model.to(device)
        if self.sharded and not isinstance(model, FSDPModule):
            mesh = init_device_mesh(device.type, (self.world,))
            for module in model.modules():
                if isinstance(module, GradientCheckpointingLayer):
                    fully_shard(module, mesh=mesh)
            fully_shard(model, mesh=mesh)

    def joined(self, loss: Loss) -> nn.Module:
        """What a step calls: it gives every process the mean of all gradients."""
        if self._accelerator is None or self.sharded:
            return loss
        wrapped: nn.Module = self._accelerator.prepare_model(loss)
        return wrapped

    def alone(self, joined: nn.Module, last: bool) -> AbstractContextManager[None]:
        """Around a batch: only after the last one are gradients exchanged."""
        if isinstance(joined, Loss) and isinstance(joined.model, FSDPModule):
            joined.model.set_requires_gradient_sync(last)
            return nullcontext()
        if self._accelerator is None or last:
            return nullcontext()
        found: AbstractContextManager[None] = self._accelerator.no_sync(joined)
        return found

    def check(self, batches: Sequence[Mapping[str, Any]]) -> None:
        """Raises PlanError for a batch without pictures where the model is sharded: this process would not ask for the
        encoder, and the others would wait for it without end."""
        if self.sharded and not all({"pixel_values", "vision_features"} & batch.keys() for batch in batches):
            raise PlanError(
                "a sharded model cannot take a batch without pictures", remedy="leave such rows out, or do not shard"
            )

    def total(self, value: float) -> float:
        """Sum over the processes."""
        if self._accelerator is None:
            return value
        own = torch.tensor(value, dtype=torch.float64, device=self._accelerator.device)
        return float(self._accelerator.reduce(own, reduction="sum"))

    def every(self, value: Tensor) -> list[Tensor]:
        """One CPU tensor of each process."""
        if self._accelerator is None:
            return [value]
        return list(self._accelerator.gather(value[None].to(self._accelerator.device)).cpu())

    def kept(self, name: str, value: Tensor) -> dict[str, Tensor]:
        """The whole tensor by its name on the first process, nothing on the others; all must call it."""
        full = whole(value)
        return {} if self.rank else {name: full}

    def wait(self) -> None:
        """Until all are here."""
        if self._accelerator is not None:
            self._accelerator.wait_for_everyone()


def is_first() -> bool:
    """Whether this is the process that writes what each of them knows."""
    return os.environ.get("RANK", "0") == "0"


def whole(value: Tensor) -> Tensor:
    """All of a tensor; where this process holds a part of it, on the CPU: all of a model may not fit the device."""
    return value.full_tensor().cpu() if isinstance(value, DTensor) else value


def as_held(value: Tensor, like: Tensor) -> Tensor:
    """A whole tensor, on the device of `like` and cut as it is."""
    value = value.to(like.device)
    return distribute_tensor(value, like.device_mesh, like.placements) if isinstance(like, DTensor) else value


def on(device: torch.device, batch: Mapping[str, Any]) -> dict[str, Any]:
    """The batch on this device."""
    return {name: value.to(device) if isinstance(value, Tensor) else value for name, value in batch.items()}


def random_state(device: torch.device) -> Tensor:
    """State of the CPU's generator, then of the device's own."""
    own = [torch.get_rng_state()]
    if device.type == "cuda":
        own.append(torch.cuda.get_rng_state(device))
    return torch.cat(own)


def set_random(state: Tensor, device: torch.device) -> None:
    """The inverse of `random_state`."""
    size = len(torch.get_rng_state())
    torch.set_rng_state(state[:size])
    if device.type == "cuda" and len(state) > size:
        torch.cuda.set_rng_state(state[size:], device)
