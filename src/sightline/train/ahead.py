"""Batches made ahead by processes of their own, for data that is drawn while it trains: a GPU would wait for it."""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# torch leaves many of its functions untyped.
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import nn
from torch.utils.data import DataLoader, Dataset

from sightline.train.stages import Batch, Data


@dataclass(slots=True)
class Ahead:
    """The batches of `data`, which is a function of the step alone, so that as many `workers` as there are cores to
    spare give what one would. They are forked (Linux, macOS) and must not touch the GPU."""

    data: Data
    workers: int
    _next: int = field(default=-1, init=False)
    _batches: Iterator[Batch] = field(default_factory=lambda: iter(()), init=False)

    def begin(self, model: nn.Module) -> Data:
        """What a stage draws from."""
        return self._drawn

    def flush(self) -> None:
        """Nothing is kept."""

    def _drawn(self, step: int) -> Batch:
        if step != self._next:
            self._next = step
            self._batches = iter(
                DataLoader(
                    _Steps(self.data),
                    batch_size=None,
                    sampler=range(step, sys.maxsize),
                    num_workers=self.workers,
                    multiprocessing_context="fork",
                    prefetch_factor=4,
                )
            )
        self._next += 1
        return next(self._batches)


@dataclass(frozen=True, slots=True)
class _Steps(Dataset[Any]):
    data: Data

    def __getitem__(self, step: int) -> Batch:
        return self.data(step)
