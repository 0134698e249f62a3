"""Paths from data to noise, and the conversions between them: VP, DDPM tables, EDM, flow matching, TrigFlow.

Every path is z_t = a(t) x0 + s(t) eps with eps ~ N(0, I) and data of standard deviation `sigma_data`. All of them are
the same curve in other coordinates: with the angle theta = atan(s / (a sigma_data)) the state z / hypot(a sigma_data,
s) is cos(theta) x0 / sigma_data + sin(theta) eps on each of them. The angle and this *unit state* are the one
language in which samplers and losses speak; a path only says how to translate. Sources: "Diffusion Meets Flow
Matching" (2024-12); sCM, arXiv 2410.11081, section 3; EDM, arXiv 2206.00364, table 1.

This file knows no network. Shapes: z, outputs (B, ...); t, angle () or (B,), broadcast over the rest.

Directions, because every code base has its own: the blog, SD3 and diffusers have noise at t = 1 and u = eps - x0
(diffusers feeds the network 1000 t); Lipman et al. and torchcfm have data at t = 1 and u = x0 - eps; EDM's raw
network output is the negative of TrigFlow's F; sCM's TrigFlow has noise of standard deviation sigma_data at t = pi /
2."""

from __future__ import annotations

from functools import lru_cache
from math import log, pi, tan
from typing import Annotated, Literal, NamedTuple, TypeAlias

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from sightline.core.errors import InputError

Output: TypeAlias = Literal["x0", "eps", "v", "u", "F"]
"""What a network predicts. x0: the data. eps: the noise. v = a eps - s x0 (progressive distillation). u: velocity of
the path in flow matching, eps - x0 elsewhere. F = cos(theta) eps - sin(theta) x0 / sigma_data (TrigFlow; EDM: its
negative)."""


class Coefficients(NamedTuple):
    """z = a x0 + s eps."""

    a: Tensor
    s: Tensor


class Ends(NamedTuple):
    """The two ends of a path, estimated from a state and an output."""

    x0: Tensor
    eps: Tensor


class Translated(NamedTuple):
    """A state, time and output in another path's coordinates."""

    z: Tensor
    t: Tensor
    out: Tensor


class _Path(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sigma_data: float = Field(default=1.0, gt=0)
    """Standard deviation of the data in this path's coordinates; 0.5 in EDM and sCM, 1 in most others."""

    def coefficients(self, t: Tensor) -> Coefficients:
        """a and s at the path's own time."""
        raise NotImplementedError

    def rates(self, t: Tensor) -> Coefficients:
        """da/dt and ds/dt."""
        raise NotImplementedError

    def time(self, angle: Tensor) -> Tensor:
        """The path's own time at an angle: inverse of `angle`."""
        raise NotImplementedError

    @property
    def velocity_sign(self) -> float:
        """+1 where u = eps - x0, -1 where u = x0 - eps."""
        return 1.0

    @property
    def f_sign(self) -> float:
        """-1 where the raw network output is the negative of TrigFlow's F."""
        return 1.0

    def angle(self, t: Tensor) -> Tensor:
        """theta in [0, pi/2]: tan(theta) = s / (a sigma_data). Equal angle = equal signal-to-noise ratio."""
        a, s = self.coefficients(t)
        return torch.atan2(s, a * self.sigma_data)

    def radius(self, t: Tensor) -> Tensor:
        """Standard deviation of z_t; z / radius is the unit state."""
        a, s = self.coefficients(t)
        return torch.hypot(a * self.sigma_data, s)

    def log_snr(self, t: Tensor) -> Tensor:
        """log(a^2 / s^2)."""
        a, s = self.coefficients(t)
        return 2 * (a.log() - s.log())

    def row(self, output: Output, t: Tensor) -> tuple[Tensor, Tensor]:
        """(c, d) with output = c x0 + d eps."""
        a, s = self.coefficients(t)
        one, none = torch.ones_like(a), torch.zeros_like(a)
        match output:
            case "x0":
                return one, none
            case "eps":
                return none, one
            case "v":
                return -s, a
            case "u":
                return -self.velocity_sign * one, self.velocity_sign * one
            case "F":
                theta = self.angle(t)
                return -self.f_sign * theta.sin() / self.sigma_data, self.f_sign * theta.cos()


class VP(_Path):
    """Variance preserving, a^2 + s^2 = 1, t in [0, 1]."""

    kind: Literal["vp"] = "vp"
    schedule: Literal["cosine", "linear"] = "cosine"
    """"cosine": a = cos(pi t / 2) (Nichol & Dhariwal 2021 without offset). "linear": beta linear in t (VP-SDE, Song et
    al. 2021, equation 33)."""
    beta_min: float = 0.1
    beta_max: float = 20.0

    def coefficients(self, t: Tensor) -> Coefficients:
        if self.schedule == "cosine":
            return Coefficients((pi / 2 * t).cos(), (pi / 2 * t).sin())
        log_a = -(t**2) * (self.beta_max - self.beta_min) / 4 - t * self.beta_min / 2
        return Coefficients(log_a.exp(), (-torch.expm1(2 * log_a)).sqrt())

    def rates(self, t: Tensor) -> Coefficients:
        a, s = self.coefficients(t)
        if self.schedule == "cosine":
            return Coefficients(-pi / 2 * s, pi / 2 * a)
        rate = -(self.beta_min + t * (self.beta_max - self.beta_min)) / 2
        return Coefficients(rate * a, -rate * a**2 / s)

    def time(self, angle: Tensor) -> Tensor:
        if self.schedule == "cosine":
            return 2 / pi * torch.atan2(self.sigma_data * angle.sin(), angle.cos())
        c = torch.log1p((self.sigma_data * angle.tan()) ** 2) / 2
        b, quarter = self.beta_min / 2, (self.beta_max - self.beta_min) / 4
        return 2 * c / (b + (b**2 + 4 * quarter * c).sqrt())


FARTHEST = log(tan(pi / 2))
"""log(s / a) that float64 can tell from pure noise: an abar of 0 stands there, as infinity has no numbers beside it."""


class DDPM(_Path):
    """A table of cumulative products as in DDPM and diffusers; the time is the index, fractions between two entries.

    Between entries log(s / a) is linear in the index, so that a network may be asked at every signal-to-noise ratio
    inside the table; outside of it there is an InputError, never a silent clamp."""

    kind: Literal["ddpm"] = "ddpm"
    alphas_cumprod: tuple[float, ...] = Field(min_length=2)
    """abar_i, strictly falling, inside (0, 1]; an abar of 0 ("zero terminal SNR") is the angle pi/2."""

    @classmethod
    def linear(
        cls,
        steps: int = 1000,
        beta_start: float = 1e-4,
        beta_end: float = 0.02,
        power: float = 1.0,
        *,
        sigma_data: float = 1.0,
    ) -> DDPM:
        """Betas linear (power 1) or "scaled linear" (power 0.5: linear in the square root; Stable Diffusion)."""
        root = torch.linspace(beta_start**power, beta_end**power, steps, dtype=torch.float64) ** (1 / power)
        return cls(alphas_cumprod=tuple((1 - root).cumprod(0).tolist()), sigma_data=sigma_data)

    def _log_ratio(self, like: Tensor) -> Tensor:
        return _log_ratios(self.alphas_cumprod).to(like.device)

    def coefficients(self, t: Tensor) -> Coefficients:
        ratio = _interpolate(t.double(), self._log_ratio(t))
        return Coefficients(torch.sigmoid(-2 * ratio).sqrt().to(t), torch.sigmoid(2 * ratio).sqrt().to(t))

    def rates(self, t: Tensor) -> Coefficients:
        table = self._log_ratio(t)
        below = t.double().floor().clamp(0, len(table) - 2).long()
        slope = (table[below + 1] - table[below]).to(t)
        a, s = self.coefficients(t)
        return Coefficients(-a * s**2 * slope, s * a**2 * slope)

    def time(self, angle: Tensor) -> Tensor:
        table = self._log_ratio(angle)
        ratio = (self.sigma_data * angle.double().tan()).log()
        slack = 1e-3  # what rounding the angle to float32 costs near pi/2
        if bool((ratio < table[0] - slack).any() or (ratio > table[-1] + slack).any()):
            low, high = ((table[i].exp() / self.sigma_data).atan().item() for i in (0, -1))
            raise InputError(
                "an angle outside the network's table",
                subject=f"[{angle.min().item():.6g}, {angle.max().item():.6g}]",
                remedy=f"the table covers {low:.6g} to {high:.6g}",
            )
        ratio = ratio.clamp(table[0], table[-1])
        above = torch.searchsorted(table, ratio.contiguous()).clamp(1, len(table) - 1)
        low_, high_ = table[above - 1], table[above]
        return (above - 1 + (ratio - low_) / (high_ - low_)).to(angle)


@lru_cache(maxsize=8)
def _log_ratios(alphas_cumprod: tuple[float, ...]) -> Tensor:
    """log(s / a) of each entry, float64: kept, because a sampler asks for it many times at every step."""
    abar = torch.tensor(alphas_cumprod, dtype=torch.float64)
    return ((torch.log1p(-abar) - abar.log()) / 2).clamp(max=FARTHEST)


class EDM(_Path):
    """Variance exploding, a = 1, s = t = sigma in [0, inf) (arXiv 2206.00364)."""

    kind: Literal["edm"] = "edm"
    sigma_data: float = Field(default=0.5, gt=0)

    @property
    def f_sign(self) -> float:
        return -1.0

    def coefficients(self, t: Tensor) -> Coefficients:
        return Coefficients(torch.ones_like(t), t)

    def rates(self, t: Tensor) -> Coefficients:
        return Coefficients(torch.zeros_like(t), torch.ones_like(t))

    def time(self, angle: Tensor) -> Tensor:
        if bool((angle >= pi / 2 - 1e-9).any()):
            raise InputError(
                "pure noise is at infinite sigma in EDM", remedy="begin at a finite one, e.g. atan(80 / 0.5)"
            )
        return self.sigma_data * angle.tan()


class Flow(_Path):
    """Flow matching and rectified flow on the straight path between data and noise."""

    kind: Literal["flow"] = "flow"
    noise_at: Literal[0, 1] = 1
    """1: noise at the end of time (blog, SD3, diffusers). 0: data there (Lipman et al., torchcfm)."""
    time_scale: float = Field(default=1.0, gt=0)
    """The time the network is fed runs over [0, time_scale]: 1000 in diffusers."""

    @property
    def velocity_sign(self) -> float:
        return 1.0 if self.noise_at == 1 else -1.0

    def _noise_share(self, t: Tensor) -> Tensor:
        unit = t / self.time_scale
        return unit if self.noise_at == 1 else 1 - unit

    def coefficients(self, t: Tensor) -> Coefficients:
        s = self._noise_share(t)
        return Coefficients(1 - s, s)

    def rates(self, t: Tensor) -> Coefficients:
        one = torch.full_like(t, self.velocity_sign / self.time_scale)
        return Coefficients(-one, one)

    def time(self, angle: Tensor) -> Tensor:
        a, s = angle.cos(), self.sigma_data * angle.sin()
        return self.time_scale * (s if self.noise_at == 1 else a) / (a + s)


class TrigFlow(_Path):
    """x_t = cos(t) x0 + sin(t) z with z ~ N(0, sigma_data^2 I), t in [0, pi/2] (arXiv 2410.11081, section 3.1)."""

    kind: Literal["trigflow"] = "trigflow"
    sigma_data: float = Field(default=0.5, gt=0)

    def coefficients(self, t: Tensor) -> Coefficients:
        return Coefficients(t.cos(), self.sigma_data * t.sin())

    def rates(self, t: Tensor) -> Coefficients:
        return Coefficients(-t.sin(), self.sigma_data * t.cos())

    def time(self, angle: Tensor) -> Tensor:
        return angle


Path: TypeAlias = Annotated[VP | DDPM | EDM | Flow | TrigFlow, Field(discriminator="kind")]


def over(t: Tensor, z: Tensor) -> Tensor:
    """`t` of shape () or (B,) made to broadcast over `z` of shape (B, ...)."""
    return t.reshape(t.shape + (1,) * (z.ndim - t.ndim)) if t.ndim else t


def ends(path: _Path, z: Tensor, t: Tensor, out: Tensor, output: Output) -> Ends:
    """Solve z = a x0 + s eps and out = c x0 + d eps for (x0, eps).

    Raises InputError at an end where the output does not hold what is asked: x0 says nothing of eps at s = 0, eps
    nothing of x0 at a = 0. F, u and v hold both at every time."""
    det = over(_determinant(path, t, output, path.coefficients(t), path.row(output, t)), z)
    a, s = (over(k, z) for k in path.coefficients(t))
    c, d = (over(k, z) for k in path.row(output, t))
    return Ends((d * z - s * out) / det, (a * out - c * z) / det)


def velocity_weights(path: _Path, t: Tensor, angle: Tensor, output: Output) -> tuple[Tensor, Tensor]:
    """(k, m) with TrigFlow's F = k z + m output at the time t of `angle`: `ends` and the combination cos(theta) eps -
    sin(theta) x0 / sigma_data in one, so that a whole picture costs two products. Raises what `ends` raises."""
    (a, s), (c, d) = path.coefficients(t), path.row(output, t)
    det = _determinant(path, t, output, (a, s), (c, d))
    cosine, sine = angle.cos(), angle.sin() / path.sigma_data
    return -(cosine * c + sine * d) / det, (cosine * a + sine * s) / det


def _determinant(
    path: _Path, t: Tensor, output: Output, state: tuple[Tensor, Tensor], row: tuple[Tensor, Tensor]
) -> Tensor:
    (a, s), (c, d) = state, row
    det = a * d - s * c
    if bool((det.abs() <= 16 * torch.finfo(det.dtype).eps * torch.hypot(a, s)).any()):
        raise InputError(
            f"a network that predicts {output} cannot be converted at this end of the path",
            subject=f"{path.__class__.__name__} t={t.flatten()[:4].tolist()}",
            remedy="stop short of the end, or convert the states between the ends only",
        )
    return det


def join(path: _Path, x0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
    """The state a x0 + s eps."""
    a, s = (over(k, x0) for k in path.coefficients(t))
    return a * x0 + s * eps


def combine(path: _Path, x0: Tensor, eps: Tensor, t: Tensor, output: Output) -> Tensor:
    """The output c x0 + d eps that a perfect network would give for these ends."""
    c, d = (over(k, x0) for k in path.row(output, t))
    return c * x0 + d * eps


def move(z: Tensor, t: Tensor, source: _Path, target: _Path) -> tuple[Tensor, Tensor]:
    """The same state on another path, at equal signal-to-noise ratio: z' = z radius' / radius. Both see the same data
    up to scale: x0' = x0 sigma_data' / sigma_data."""
    there = target.time(source.angle(t))
    return z * over(target.radius(there) / source.radius(t), z), there


def translate(
    z: Tensor, t: Tensor, out: Tensor, source: tuple[_Path, Output], target: tuple[_Path, Output]
) -> Translated:
    """State, time and output of one path as those of another, e.g. a VP eps network as a TrigFlow F network.

    >>> translate(z, t, eps, (VP(), "eps"), (TrigFlow(), "F"))
    """
    (path, output), (target_path, target_output) = source, target
    x0, eps = ends(path, z, t, out, output)
    there, time = move(z, t, path, target_path)
    scale = target_path.sigma_data / path.sigma_data
    return Translated(there, time, combine(target_path, scale * x0, eps, time, target_output))


def _interpolate(index: Tensor, table: Tensor) -> Tensor:
    """Linear between the entries of a table (T,); raises InputError outside of it."""
    last = len(table) - 1
    if bool((index < -1e-6).any() or (index > last + 1e-6).any()):
        raise InputError("a time outside the table", subject=index.flatten()[:4].tolist(), remedy=f"0 to {last}")
    below = index.floor().clamp(0, last - 1).long()
    share = (index - below).clamp(0, 1)
    return torch.where(share == 0, table[below], torch.lerp(table[below], table[below + 1], share))
