"""Which loss a training recipe really minimises: w(logSNR), the only thing that a path, an output and a time proposal
change.

    loss = E_t[ weight(t) MSE_output ] = integral over L of w(L) MSE_eps(L)   ("Diffusion Meets Flow Matching", section
    "Training"; Kingma & Gao 2023)

Equal w (up to a factor) = the same training, whatever it is called. Shapes: t, w (n,).
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt

import torch
from torch import Tensor

from sightline.generate.path import Output, Path, TrigFlow


def mse_factor(path: Path, output: Output, t: Tensor) -> Tensor:
    """MSE of the output = factor x MSE of eps: (d - c s / a)^2, as z is given and so x0's error is -s/a of eps's.

    x0: exp(-L); v: a^2 (1 + exp(-L))^2; u: (1 + exp(-L/2))^2; F: 1 / cos(theta)^2.
    """
    a, s = path.coefficients(t)
    c, d = path.row(output, t)
    return (d - c * s / a) ** 2


def log_snr_rate(path: Path, t: Tensor) -> Tensor:
    """|dL/dt| = 2 |a'/a - s'/s|."""
    (a, s), (a_rate, s_rate) = path.coefficients(t), path.rates(t)
    return 2 * (a_rate / a - s_rate / s).abs()


def weight_over_log_snr(
    path: Path,
    output: Output,
    t: Tensor,
    *,
    density: Callable[[Tensor], Tensor] = torch.ones_like,
    weight: Callable[[Tensor], Tensor] = torch.ones_like,
) -> Tensor:
    """w(L(t)) of the loss E_{t ~ density}[ weight(t) MSE_output ].

    >>> weight_over_log_snr(Flow(), "u", t)      # exp(-L/2) / 2
    """
    return density(t) * weight(t) * mse_factor(path, output, t) / log_snr_rate(path, t)


def same_training(first: tuple[Path, Output], second: tuple[Path, Output], angles: Tensor) -> Tensor:
    """Ratio of the two weights at equal signal-to-noise ratio, each with uniform time; constant = the same training.

    Flow "u" against VP cosine "v" is pi / 2 everywhere.
    """
    ratios = [weight_over_log_snr(path, output, path.time(angles)) for path, output in (first, second)]
    return ratios[0] / ratios[1]


def angle_density(log_mean: float, log_std: float, path: TrigFlow) -> Callable[[Tensor], Tensor]:
    """Density over the angle of t = atan(exp(tau) / sigma_data), tau ~ N(log_mean, log_std) (sCM, section 3.1)."""

    def density(t: Tensor) -> Tensor:
        standard = ((path.sigma_data * t.tan()).log() - log_mean) / log_std
        return (-(standard**2) / 2).exp() / (log_std * sqrt(2 * pi) * t.sin() * t.cos())

    return density
