"""Warm start of a student: regression on stored teacher paths (the idea of Song et al.'s consistency functions, taken
literally: every point of a path must map to the path's end).

    teacher path: x_T -> ... -> x_t -> ... -> x_0;   loss = mean (f(x_t, t) - x_0)^2,  f = cos(t) x - sin(t) F

Shapes: states (K, N, C, H, W), ends (N, C, H, W), angles (K,).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path as FilePath

import torch
from torch import Tensor, nn

from sightline.core.fingerprint import seeded
from sightline.generate.checkpoint import read, write
from sightline.generate.denoiser import Condition, Denoiser, Guided
from sightline.generate.losses import Batch, Draw, Terms
from sightline.generate.path import over
from sightline.generate.samplers import Noise, heun


@dataclass(frozen=True, slots=True)
class Paths:
    """Points on a teacher's paths and where each of them ends."""

    states: Tensor
    ends: Tensor
    angles: Tensor
    condition: Condition

    def __call__(self, step: int, size: int, /) -> Batch:
        """`Batches`: rows drawn by step; x0 is the path's end."""
        rows = torch.randint(len(self.ends), (size,), generator=torch.Generator().manual_seed(seeded(0, step) >> 1))
        return Batch(self.ends[rows], self.condition[rows], rows)


@dataclass(frozen=True, slots=True)
class Journey:
    """Which paths of a teacher are stored."""

    count: int
    """Noises that set out."""
    shape: tuple[int, ...]
    """Of one sample."""
    angles: Tensor
    """Noise levels of the teacher's steps, falling."""
    keep: int = 8
    """States kept of each path, the starting noise among them."""
    batch: int = 1024
    seed: int = 0
    device: str = "cpu"
    guided: bool = True
    """Whether `Condition.scale` guides the teacher."""


def travel(
    teacher: Denoiser,
    conditions: Callable[[int, int], Condition],
    journey: Journey,
    watch: Callable[[int], None] = lambda _: None,
) -> Paths:
    """Run the teacher (Heun) and keep some states of each path.

    `conditions(first, n)` says what samples first ... first + n - 1 are asked for.
    """
    angles, count, device = journey.angles, journey.count, journey.device
    states_kept = min(journey.keep, len(angles) - 1)
    kept = sorted({round(i * (len(angles) - 2) / max(1, states_kept - 1)) for i in range(states_kept)})
    parts: list[Tensor] = []
    ends: list[Tensor] = []
    asked: list[Condition] = []
    for first in range(0, count, journey.batch):
        n = min(journey.batch, count - first)
        condition = conditions(first, n).to(device)
        x = Noise(journey.seed, n, first).start(*journey.shape, device=device)
        denoise = Guided(teacher, condition.scale) if journey.guided and condition.scale is not None else teacher
        states = [x]
        with torch.no_grad():
            for i in range(len(angles) - 1):
                x = heun(denoise, x, angles[i : i + 2], condition)
                states.append(x)
        parts.append(torch.stack([states[i] for i in kept]).cpu())
        ends.append(x.cpu())
        asked.append(condition.to("cpu"))
        watch(first + n)
    return Paths(torch.cat(parts, 1), torch.cat(ends), angles[kept].float(), Condition.cat(asked))


def save_paths(path: FilePath, paths: Paths) -> None:
    """Atomic, like a checkpoint."""
    parts = {field.name: getattr(paths.condition, field.name) for field in fields(Condition)}
    tensors = {"states": paths.states, "ends": paths.ends, "angles": paths.angles}
    write(path, tensors | {f"condition/{k}": v for k, v in parts.items() if v is not None}, {})


def load_paths(path: FilePath) -> Paths:
    """What `save_paths` wrote."""
    tensors, _ = read(path)
    asked = Condition(**{k.removeprefix("condition/"): v for k, v in tensors.items() if k.startswith("condition/")})
    return Paths(tensors["states"], tensors["ends"], tensors["angles"], asked)


@dataclass(frozen=True, slots=True)
class Regression:
    """E (f(x_t, t) - x_0)^2 over stored points; the path's start, which one-step sampling uses, is drawn
    `start_share` of the time."""

    paths: Paths
    start_share: float = 0.4

    def __call__(self, model: nn.Module, batch: Batch, draw: Draw, step: int, /) -> Terms:
        which = draw.whole(len(self.paths.angles), batch.rows)
        which = torch.where(draw.uniform(batch.rows) < self.start_share, 0, which)
        x = self.paths.states[which, batch.rows].to(batch.x0)
        t = self.paths.angles[which].to(batch.x0)
        draw.fix_masks()
        f = over(t.cos(), x) * x - over(t.sin(), x) * model(x, t, batch.condition)
        loss = (f - batch.x0).square().flatten(1).mean(1)
        return Terms(loss, t, {"mse": loss.detach().mean()})
