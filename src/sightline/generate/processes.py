"""One training in several processes (`accelerate launch`): each takes its rows of every batch; gradients and figures
are averaged, files are written by the first."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sightline.core.door import require
from sightline.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Processes:
    """How many train together, which one this is, and what they share."""

    count: int
    rank: int
    wrap: Callable[[nn.Module], nn.Module]
    """For a module whose gradients are shared."""
    backward: Callable[[Tensor], None]
    mean: Callable[[Tensor], Tensor]
    """A figure, averaged over the processes."""

    @property
    def main(self) -> bool:
        return self.rank == 0

    @property
    def share(self) -> slice:
        """This process's rows of the whole batch."""
        return slice(self.rank, None, self.count)


def usable(device: str) -> str:
    """The device itself. Raises InputError where torch has no such device here."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        remedy = "cpu, or cuda where torch finds a GPU"
        raise InputError("torch cannot use this device here", subject=device, remedy=remedy) from error
    return device


def processes(device: str) -> Processes:
    """One, or as many as `accelerate launch` (or torchrun) started; then this process's device is chosen too. The batch
    must divide by their number for the result to be that of one process."""
    if count() == 1:
        return Processes(1, 0, lambda module: module, lambda loss: loss.backward(), lambda figure: figure)  # type: ignore[no-untyped-call]
    accelerate: Any = require("accelerate", "generate")
    accelerator = accelerate.Accelerator(cpu=device == "cpu")
    return Processes(
        accelerator.num_processes,
        accelerator.process_index,
        accelerator.prepare_model,
        accelerator.backward,
        lambda figure: accelerator.reduce(figure, "mean"),
    )


def main_first() -> AbstractContextManager[None]:
    """What is inside happens in the first process, then in the others: they find the files that it wrote."""
    if count() == 1:
        return nullcontext()
    accelerate: Any = require("accelerate", "generate")
    context: AbstractContextManager[None] = accelerate.PartialState().main_process_first()
    return context


def count() -> int:
    """Processes that a launcher started."""
    return int(os.environ.get("WORLD_SIZE", "1"))
