"""Samplers: functions of one denoiser, a unit-noise state and a falling row of angles. No class, no scheduler state.

    x0 = sampler(denoise, x, angles, condition)

x (B, ...) is the unit state at angles[0] (pure noise there, for all practical angles); angles (n + 1,) fall and
usually end at 0, where the unit state is the data divided by sigma_data. Angles and their arithmetic are float64 on
the CPU; states keep their own dtype and device. What differs between the published samplers is only the coordinates
in which a straight step is taken, so those take a `path`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from math import cos, expm1, inf, log, pi, sin, sqrt, tan
from typing import Final

import torch
from torch import Tensor

from sightline.core.errors import InputError
from sightline.core.fingerprint import seeded
from sightline.generate.denoiser import NOTHING, Condition, Denoiser, both_ends
from sightline.generate.path import EDM, Path

Sampler = Callable[[Denoiser, Tensor, Tensor, Condition], Tensor]


class Noise:
    """Normal noise that depends on the seed and the sample's number only, not on batch size, device or thread count."""

    def __init__(self, seed: int, count: int, first: int = 0) -> None:
        self._generators = [torch.Generator().manual_seed(seeded(seed, "noise", first + i) >> 1) for i in range(count)]

    def __call__(self, like: Tensor) -> Tensor:
        """The next draw for each sample, shaped like `like` (B, ...)."""
        dtype = torch.float64 if like.dtype == torch.float64 else torch.float32
        drawn = torch.empty(len(self._generators), *like.shape[1:], dtype=dtype)
        for row, generator in zip(drawn, self._generators, strict=True):
            row.normal_(generator=generator)
        return drawn.to(like)

    def start(self, *shape: int, device: torch.device | str = "cpu") -> Tensor:
        """Float32 noise (count, *shape): where a sampler begins."""
        return self(torch.empty(len(self._generators), *shape)).to(device)


def ddim(denoise: Denoiser, x: Tensor, angles: Tensor, condition: Condition = NOTHING) -> Tensor:
    """x_s = cos(t - s) x_t - sin(t - s) F: DDIM (Song et al. 2021, equation 12, eta = 0), which is also the Euler
    step of flow matching and of EDM, and the first-order DPM-Solver. Exact where the data is a point."""
    for t, s in _steps(angles):
        x = cos(t - s) * x - sin(t - s) * denoise(x, _full(t, x), condition)
    return x


def euler(denoise: Denoiser, x: Tensor, angles: Tensor, condition: Condition, path: Path) -> Tensor:
    """Euler on the path's own probability-flow ODE, dz/dt = a' x0 + s' eps. On `Flow` and `EDM` this is DDIM; on `VP`
    and `TrigFlow` it is not, as it also integrates a term linear in z ("Diffusion Meets Flow Matching")."""
    times = path.time(angles)
    z = x * path.radius(times[0])
    for t, s in pairwise(times):
        z = z + (s - t) * _slope(denoise, z, t, condition, path)
    return z / path.radius(times[-1])


def heun(
    denoise: Denoiser,
    x: Tensor,
    angles: Tensor,
    condition: Condition = NOTHING,
    *,
    path: Path | None = None,
    churn: Callable[[float], float] = lambda _: 0.0,
    noise: Noise | None = None,
) -> Tensor:
    """Heun's second-order step in the coordinates of `path` (default EDM: arXiv 2206.00364, algorithm 1), Euler into
    angle 0: 2 n - 1 evaluations. `churn` (from `edm_churn`) lifts each step's start to a higher noise level:
    algorithm 2."""
    path = path or EDM()
    for t, s in _steps(angles):
        lifted = t if churn(t) == 0.0 else _lift(t, churn(t))
        if lifted > t:
            x = _renoise(x, t, lifted, _needed(noise)(x))
        here, there = (path.time(torch.tensor(k, dtype=torch.float64)) for k in (lifted, s))
        z = x * path.radius(here)
        slope = _slope(denoise, z, here, condition, path)
        ahead = z + (there - here) * slope
        if s > 0:
            ahead = z + (there - here) * (slope + _slope(denoise, ahead, there, condition, path)) / 2
        x = ahead / path.radius(there)
    return x


def edm_churn(
    amount: float, steps: int, *, low: float = 0.0, high: float = inf, sigma_data: float = 0.5
) -> Callable[[float], float]:
    """gamma = min(S_churn / N, sqrt(2) - 1) for sigma in [S_tmin, S_tmax] (arXiv 2206.00364, algorithm 2)."""
    gamma = min(amount / steps, sqrt(2) - 1)
    return lambda t: gamma if low <= sigma_data * tan(t) <= high else 0.0


def dpmpp_2m(denoise: Denoiser, x: Tensor, angles: Tensor, condition: Condition = NOTHING) -> Tensor:
    """DPM-Solver++(2M), arXiv 2211.01095, algorithm 2, in logSNR / 2 = log(cot t); first order into angle 0."""
    before: tuple[Tensor, float] | None = None
    for t, s in _steps(angles):
        x0 = both_ends(x, torch.tensor(t, dtype=torch.float64), denoise(x, _full(t, x), condition)).x0
        h = inf if s == 0 else log(tan(t) / tan(s))
        data = x0
        if before is not None and s > 0:
            earlier, h_before = before
            data = x0 + h / (2 * h_before) * (x0 - earlier)
        x = sin(s) / sin(t) * x - cos(s) * expm1(-h) * data
        before = x0, h
    return x


def ddpm(
    denoise: Denoiser, x: Tensor, angles: Tensor, condition: Condition = NOTHING, *, noise: Noise, eta: float = 1.0
) -> Tensor:
    """The family between DDIM (eta = 0) and DDPM's ancestral sampling (eta = 1): Song et al. 2021, equations 12 and 16.
    Stochastic sampling from any network, flow matching ones included."""
    for t, s in _steps(angles):
        x0, eps = both_ends(x, torch.tensor(t, dtype=torch.float64), denoise(x, _full(t, x), condition))
        spread = eta * sin(s) / sin(t) * sqrt(max(0.0, 1 - (cos(t) / cos(s)) ** 2))
        x = cos(s) * x0 + sqrt(sin(s) ** 2 - spread**2) * eps
        if spread > 0:
            x = x + spread * noise(x)
    return x


def consistency(
    denoise: Denoiser, x: Tensor, angles: Tensor, condition: Condition = NOTHING, *, noise: Noise
) -> Tensor:
    """Multistep consistency sampling (Song et al. 2023, algorithm 1): f = cos(t) x - sin(t) F jumps to the data,
    fresh noise lifts to the next angle. One evaluation per step; no noise is drawn after the last one."""
    for t, s in _steps(angles):
        x = both_ends(x, torch.tensor(t, dtype=torch.float64), denoise(x, _full(t, x), condition)).x0
        if s > 0:
            x = cos(s) * x + sin(s) * noise(x)
    return x


def _steps(angles: Tensor) -> Iterator[tuple[float, float]]:
    row = angles.tolist()
    if len(row) < 2 or any(t <= s for t, s in pairwise(row)) or row[0] > pi / 2 + 1e-12 or row[-1] < 0:
        raise InputError("angles must fall, from at most pi/2 to at least 0", subject=row[:6])
    return pairwise(row)


def _full(t: float, x: Tensor) -> Tensor:
    return torch.full((), t, dtype=x.dtype, device=x.device).expand(len(x))


def _slope(denoise: Denoiser, z: Tensor, t: Tensor, condition: Condition, path: Path) -> Tensor:
    """dz/dt = a' x0 + s' eps in the path's own coordinates and data scale."""
    angle = path.angle(t)
    x = z / path.radius(t)
    x0, eps = both_ends(x, angle, denoise(x, _full(angle.item(), x), condition))
    a_rate, s_rate = path.rates(t)
    return a_rate * path.sigma_data * x0 + s_rate * eps


def _lift(t: float, gamma: float) -> float:
    """The angle whose sigma is (1 + gamma) times that of `t`."""
    return pi / 2 if t >= pi / 2 else torch.atan(torch.tensor((1 + gamma) * tan(t), dtype=torch.float64)).item()


def _renoise(x: Tensor, t: float, lifted: float, noise: Tensor) -> Tensor:
    """From angle t to a larger one by adding noise: cos(lifted)/cos(t) of the state is kept."""
    kept = cos(lifted) / cos(t)
    return kept * x + sqrt(sin(lifted) ** 2 - (kept * sin(t)) ** 2) * noise


def _needed(noise: Noise | None) -> Noise:
    if noise is None:
        raise InputError("churn needs a source of noise", remedy="pass noise=Noise(seed, count)")
    return noise


START: Final = 1.5645463
"""atan(80 / 0.5): EDM's largest sigma, sCM's t_max."""


def karras(n: int, *, low: float = 0.002, high: float = 80.0, rho: float = 7.0, sigma_data: float = 0.5) -> Tensor:
    """EDM's noise levels as angles: sigma_i = (high^(1/rho) + i/(n-1) (low^(1/rho) - high^(1/rho)))^rho, then 0
    (equation 5)."""
    share = torch.linspace(0, 1, n, dtype=torch.float64) if n > 1 else torch.zeros(1, dtype=torch.float64)
    sigma = (high ** (1 / rho) + share * (low ** (1 / rho) - high ** (1 / rho))) ** rho
    return torch.cat([(sigma / sigma_data).atan(), torch.zeros(1, dtype=torch.float64)])


def reachable(n: int, span: tuple[float, float]) -> Tensor:
    """`karras` with n steps between the largest and smallest angle that a network can be asked at, then 0."""
    low, high = (0.5 * tan(angle) for angle in span)
    return karras(n, low=max(0.002, low), high=min(80.0, high))


def uniform(n: int, start: float = START) -> Tensor:
    """Equal steps of the angle down to 0."""
    return torch.linspace(start, 0.0, n + 1, dtype=torch.float64)


def along(path: Path, n: int, start: float = START) -> Tensor:
    """Equal steps of another path's own time, e.g. `along(Flow(), 20)` for flow matching's usual grid."""
    ends = path.time(torch.tensor([start, 0.0], dtype=torch.float64))
    return path.angle(torch.lerp(ends[0], ends[1], torch.linspace(0, 1, n + 1, dtype=torch.float64)))


def few(n: int, *, start: float = START, middle: float = 1.1) -> Tensor:
    """The angles of a consistency student: n = 1: [t_max, 0]; n = 2 adds t_mid (1.1 in sCM, 1.3 in SANA-Sprint); more
    steps divide [t_mid, 0] equally."""
    if n < 1:
        raise InputError("a student needs at least one step", subject=n)
    inner = [middle * (1 - i / max(1, n - 1)) for i in range(n - 1)]
    return torch.tensor([start, *inner, 0.0], dtype=torch.float64)
