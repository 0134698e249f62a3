"""Data whose every quantity is known: mixtures of Gaussians, their exact denoiser, flow and loss. The yardstick of
samplers, losses and conversions; also what `doctor` and the benchmarks run on.

Shapes: K components, D dimensions; x (B, D), t (B,). All in unit-state coordinates (see `denoiser`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sightline.generate.denoiser import NOTHING, Condition
from sightline.generate.path import over


@dataclass(frozen=True, slots=True)
class Mixture:
    """sum_k weight_k N(mean_k, std_k^2 I)."""

    mean: Tensor
    """(K, D)"""
    std: Tensor
    """(K,)"""
    weight: Tensor
    """(K,), sums to 1."""

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """(n, D)"""
        which = torch.multinomial(self.weight, n, replacement=True, generator=generator)
        noise = torch.randn(n, self.mean.shape[1], generator=generator, dtype=self.mean.dtype)
        return self.mean[which] + self.std[which, None] * noise

    def __call__(self, x: Tensor, t: Tensor, condition: Condition = NOTHING, /) -> Tensor:
        """E[dx/dt | x_t = x]: a perfect `Denoiser`. `condition.label` picks a component, NO_LABEL all of them."""
        c, s = t.cos()[:, None], t.sin()[:, None]
        variance = c**2 * self.std**2 + s**2
        centred = x[:, None, :] - c[..., None] * self.mean
        log_density = -(centred**2).sum(-1) / (2 * variance) - x.shape[-1] * variance.log() / 2 + self.weight.log()
        if condition.label is not None:
            other = torch.arange(len(self.std)) != condition.label[:, None]
            log_density = log_density.masked_fill(other & (condition.label >= 0)[:, None], -torch.inf)
        share = log_density.softmax(-1)
        # per component: x0 = mean + c std^2 / var (x - c mean), eps = s / var (x - c mean), F = c eps - s x0
        velocity = (c * s * (1 - self.std**2) / variance)[..., None] * centred - s[..., None] * self.mean
        return (share[..., None] * velocity).sum(1)

    def flow(self, x: Tensor, t: Tensor, s: Tensor) -> Tensor:
        """Where the probability-flow ODE carries x from angle t to s; one component only: with std_t = sqrt(cos^2
        std^2 + sin^2), x_s = cos(s) mean + std_s / std_t (x_t - cos(t) mean)."""
        assert len(self.std) == 1, "the flow of a mixture has no closed form"
        std_t, std_s = ((k.cos() ** 2 * self.std**2 + k.sin() ** 2).sqrt() for k in (t, s))
        centred = x - over(t.cos(), x) * self.mean
        return over(s.cos(), x) * self.mean + over(std_s / std_t, x) * centred

    def least_loss(self, t: Tensor) -> Tensor:
        """E|F - dx/dt|^2 per dimension of the perfect denoiser of one component: std^2 / (cos^2 std^2 + sin^2)."""
        assert len(self.std) == 1, "the least loss of a mixture has no closed form"
        return self.std**2 / (t.cos() ** 2 * self.std**2 + t.sin() ** 2)
