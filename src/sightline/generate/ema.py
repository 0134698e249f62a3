"""Exponential moving averages of weights with power-function profiles, chosen after training (EDM2, arXiv 2312.02696).

Two averages with gamma from sigma_rel = 0.05 and 0.10 are kept and stored along the way; any other profile is their
least- squares combination. p(tau) = (gamma + 1) tau^gamma / t^(gamma + 1) on [0, t] is the profile of an average at
step t."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sightline.core.errors import InputError

Weights = dict[str, Tensor]


def gamma_of(sigma_rel: float) -> float:
    """The exponent whose profile has the relative width sigma_rel = (gamma + 1)^(1/2) (gamma + 2)^-1 (gamma + 3)^(-1/2)
    (equation 126 region of EDM2's appendix C): the largest real root of the cubic."""
    if not 0 < sigma_rel < 0.28:
        raise InputError("an EMA's relative width must lie in (0, 0.28)", subject=sigma_rel)
    per = sigma_rel**-2
    return float(np.roots([1, 7, 16 - per, 12 - per]).real.max())


class PowerEMA:
    """theta_hat_t = beta theta_hat_(t-1) + (1 - beta) theta_t with beta = (1 - 1/t)^(gamma + 1) (EDM2, equation 7 ff.).

    Beside the weights it is kept in float32; `widths` says how many profiles are tracked.
    """

    def __init__(self, weights: Mapping[str, Tensor], widths: Sequence[float] = (0.05, 0.10)) -> None:
        self.widths = tuple(widths)
        self._powers = tuple(gamma_of(width) + 1 for width in widths)
        self.averages: list[Weights] = [{k: v.detach().float().clone() for k, v in weights.items()} for _ in widths]

    @torch.no_grad()
    def update(self, weights: Mapping[str, Tensor], step: int) -> None:
        """`step` counts from 1."""
        trained = [weight if weight.dtype == torch.float32 else weight.float() for weight in weights.values()]
        for power, average in zip(self._powers, self.averages, strict=True):
            torch._foreach_lerp_([average[k] for k in weights], trained, 1 - (1 - 1 / step) ** power)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One stored average."""

    step: int
    width: float
    weights: Weights


def overlap(step_a: float, gamma_a: float, step_b: float, gamma_b: float) -> float:
    """Integral of the product of two profiles: (ga + 1)(gb + 1) / (ga + gb + 1) min^(ga + gb + 1) / (ta^(ga+1)
    tb^(gb+1))."""
    shortest = min(step_a, step_b)
    ratio = (shortest / step_a) ** (gamma_a + 1) * (shortest / step_b) ** (gamma_b + 1) / shortest
    return float((gamma_a + 1) * (gamma_b + 1) / (gamma_a + gamma_b + 1) * ratio)


def reconstruct(snapshots: Sequence[Snapshot], width: float, step: int) -> Weights:
    """The average that training with `width` up to `step` would have kept: least squares over the stored ones (EDM2,
    section 3.2, algorithm 3). Raises InputError without snapshots up to that step."""
    used = [snapshot for snapshot in snapshots if snapshot.step <= step]
    if not used:
        raise InputError("no stored average up to this step", subject=step)
    profiles = [(s.step, gamma_of(s.width)) for s in used]
    target = (step, gamma_of(width))
    gram = np.array([[overlap(*a, *b) for b in profiles] for a in profiles])
    right = np.array([overlap(*a, *target) for a in profiles])
    solution = np.linalg.lstsq(gram, right, rcond=1e-12)[0]
    return {
        name: sum(
            (float(c) * s.weights[name].double() for c, s in zip(solution, used, strict=True)), torch.zeros(())
        ).float()
        for name in used[0].weights
    }
