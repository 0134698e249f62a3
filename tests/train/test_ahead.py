"""Batches made ahead by other processes are those of the step, from any step on."""

from __future__ import annotations

import os

import torch
from torch import nn

from sightline.train.ahead import Ahead


def test_they_come_in_order_from_any_step_and_from_other_processes():
    made = Ahead(lambda step: {"step": torch.tensor([step]), "by": torch.tensor([os.getpid()])}, 2)
    batches = made.begin(nn.Linear(1, 1))
    found = [batches(step) for step in (0, 1, 2, 7, 8, 3)]
    assert [int(batch["step"]) for batch in found] == [0, 1, 2, 7, 8, 3]
    assert os.getpid() not in {int(batch["by"]) for batch in found}
    assert made.flush() is None
