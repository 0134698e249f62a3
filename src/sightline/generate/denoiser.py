"""The one parametrisation: F(x, t, condition) on the unit state. Every sampler and loss takes it; every model is
adapted into it.

    x = cos(t) x0 + sin(t) eps,  x0 of standard deviation 1,  eps ~ N(0, I),  t in [0, pi/2]
    F predicts dx/dt = cos(t) eps - sin(t) x0          (TrigFlow, arXiv 2410.11081, section 3.1, divided by sigma_data)
    x0 = cos(t) x - sin(t) F,  eps = sin(t) x + cos(t) F

F is regular at both ends, which neither x0 nor eps is. Shapes: x, F (B, C, H, W) or (B, D); t (B,).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import pi
from typing import Protocol

import torch
from torch import Tensor

from sightline.generate.path import Ends, over

NO_LABEL = -1
"""The label of an unconditional sample."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is asked of each sample. None = the batch has no such condition."""

    label: Tensor | None = None
    """(B,) int64, NO_LABEL where dropped."""
    text: Tensor | None = None
    """(B, L) int64: UTF-8 bytes + 1, 0 = padding; a row of zeros = no text."""
    scale: Tensor | None = None
    """(B,) guidance strength, an input of a guidance-distilled student; 1 = unguided."""
    tokens: Tensor | None = None
    """(B, L, D) prompt embeddings of a foreign text encoder."""
    pooled: Tensor | None = None
    """(B, P) its summary of the prompt, for networks that take one."""

    def dropped(self) -> Condition:
        """The unconditional twin; `scale` is kept."""
        return replace(
            self,
            label=None if self.label is None else torch.full_like(self.label, NO_LABEL),
            text=None if self.text is None else torch.zeros_like(self.text),
            tokens=None if self.tokens is None else torch.zeros_like(self.tokens),
            pooled=None if self.pooled is None else torch.zeros_like(self.pooled),
        )

    def drop_where(self, mask: Tensor) -> Condition:
        """Rows where `mask` (B,) is True become unconditional (classifier-free guidance training)."""
        return replace(
            self,
            label=None if self.label is None else self.label.masked_fill(mask, NO_LABEL),
            text=None if self.text is None else self.text.masked_fill(mask[:, None], 0),
            tokens=None if self.tokens is None else self.tokens.masked_fill(mask[:, None, None], 0),
            pooled=None if self.pooled is None else self.pooled.masked_fill(mask[:, None], 0),
        )

    def __getitem__(self, rows: slice | Tensor) -> Condition:
        return Condition(*(None if part is None else part[rows] for part in self._parts()))

    def to(self, device: torch.device | str) -> Condition:
        return Condition(*(None if part is None else part.to(device) for part in self._parts()))

    def cast(self, dtype: torch.dtype) -> Condition:
        """Floating-point parts in another precision."""
        parts = self._parts()
        return Condition(*(p if p is None or not p.is_floating_point() else p.to(dtype) for p in parts))

    @staticmethod
    def cat(conditions: Sequence[Condition]) -> Condition:
        """One batch after another; all must hold the same parts."""
        columns = zip(*(condition._parts() for condition in conditions), strict=True)
        return Condition(*(None if column[0] is None else torch.cat(column) for column in columns))

    def _parts(self) -> list[Tensor | None]:
        return [getattr(self, field.name) for field in fields(self)]


NOTHING = Condition()


class Denoiser(Protocol):
    """F(x, t, condition): see the head of this file."""

    def __call__(self, x: Tensor, t: Tensor, condition: Condition, /) -> Tensor: ...


def both_ends(x: Tensor, t: Tensor, velocity: Tensor) -> Ends:
    """(x0, eps) from the unit state and F."""
    c, s = over(t.cos(), x), over(t.sin(), x)
    return Ends(c * x - s * velocity, s * x + c * velocity)


@dataclass(frozen=True, slots=True)
class Guided:
    """Classifier-free guidance: F_uncond + scale (F_cond - F_uncond) while the angle is in [low, high), F_cond
    elsewhere (Ho & Salimans 2022; interval: Kynkäänniemi et al. 2024). A step inside the interval costs two
    evaluations, run as one batch. A `Denoiser` made of a `Denoiser`."""

    denoiser: Denoiser
    scale: float | Tensor
    """One strength, or (B,) one per sample."""
    low: float = 0.0
    high: float = pi / 2 + 1e-6
    """Angles, not sigmas: tan(angle) = sigma / sigma_data."""

    def __call__(self, x: Tensor, t: Tensor, condition: Condition, /) -> Tensor:
        inside = (t >= self.low) & (t < self.high)
        if not bool(inside.any()):
            return self.denoiser(x, t, condition)
        twice = Condition.cat([condition, condition.dropped()])
        times = t[:1].expand(2 * len(t)) if t.stride() == (0,) else torch.cat([t, t])
        cond, uncond = self.denoiser(torch.cat([x, x]), times, twice).chunk(2)
        scale = torch.as_tensor(self.scale, dtype=x.dtype, device=x.device).expand(t.shape)
        guided = uncond + over(scale, x) * (cond - uncond)
        return torch.where(over(inside, x), guided, cond)


class Counted:
    """A denoiser that counts its evaluations per sample (NFE): a doubled batch counts twice."""

    def __init__(self, denoiser: Denoiser, batch: int) -> None:
        self.denoiser = denoiser
        self.batch = batch
        self.evaluations = 0.0

    def __call__(self, x: Tensor, t: Tensor, condition: Condition, /) -> Tensor:
        self.evaluations += len(x) / self.batch
        return self.denoiser(x, t, condition)
