"""Continuous-time consistency models, simplified and stabilised: sCT and sCD (arXiv 2410.11081, section 4, algorithm
1).

On the unit state (the paper's x divided by sigma_data), with v the path's velocity:

    f(x, t) = cos(t) x - sin(t) F(x, t)                                  f(x, 0) = x
    v  = cos(t) eps - sin(t) x0  (sCT)   or   F_teacher(x, t)  (sCD)
    g  = -cos^2(t) (F- - v) - r (cos(t) sin(t) x + cos(t) sin(t) dF-/dt)         = cos(t) df/dt at r = 1
    loss = exp(w(t)) mean (F - F- - g_normalised)^2 - w(t)

F- is F without gradient; r = min(1, step / warmup). Shapes: x, g (B, C, H, W); t, r (B,) or float.

The paper left five points open, and re-implementations differ in them; each is a named option of `ConsistencyConfig`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Final, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from sightline.core.errors import InputError, ModelError
from sightline.generate.denoiser import NOTHING, Condition, Denoiser, Guided
from sightline.generate.losses import Batch, Draw, Proposal, Terms
from sightline.generate.model import Frame
from sightline.generate.path import over
from sightline.generate.processes import count


class ConsistencyConfig(BaseModel):
    """sCT or sCD. The first five are the points on which paper and re-implementations differ."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    norm: Literal["sample", "rms", "clip"] = "rms"
    """g / (||g|| + c) with the norm over the whole sample, as printed; with ||g|| / sqrt(D) (FastGen, sCM-mnist),
    whose step does not shrink as images grow; or g clipped to [-1, 1]."""
    prior: Literal["none", "inverse-sigma"] = "none"
    """Multiply the loss by 1 / (sigma_data tan t) (FastGen, SANA) or not (sCM-mnist: unstable with it)."""
    warmup_form: Literal["scale", "rotate"] = "scale"
    """"scale": r multiplies the second term. "rotate" (rCM): the first factor is cos t sqrt(1 - r^2 sin^2 t) as
    well."""
    weight_sign: Literal["exp", "logvar"] = "exp"
    """exp(w) L - w, or L / exp(v) + v."""
    jvp: Literal["separate", "reused", "difference"] = "difference"
    """"separate": exact JVP in its own pass without gradient (SANA, rCM, FastGen). "reused": the JVP's primal is also
    the loss's F. "difference": central difference, two plain passes; about half the price on CPU, and works with
    every layer."""

    method: Literal["scd", "sct"] = "scd"
    step_size: float = Field(default=1e-3, gt=0)
    """Of the central difference."""
    c: float = Field(default=0.1, gt=0)
    warmup: int = Field(default=10_000, ge=0)
    """Steps over which r rises to 1; 0 = at once (after a warm start)."""
    sigma_data: float = Field(default=0.5, gt=0)
    """Scale of g against c; the paper's 0.5."""
    proposal: Proposal = Proposal(log_mean=-1.0, log_std=1.6)
    guidance: tuple[float, float] = (1.0, 1.0)
    """The teacher's guidance strength is drawn from this range and told to the student; (1, 1) = no guidance."""
    drop: float = Field(default=0.0, ge=0, lt=1)
    """Share of samples without condition."""


@dataclass(frozen=True, slots=True)
class Tangent:
    """The pieces of one tangent."""

    stopped: Tensor
    """F-: the student's F without gradient."""
    g: Tensor
    """Before normalisation, times sigma_data as in the paper."""


def warmup(step: int, config: ConsistencyConfig) -> float:
    """r = min(1, step / H)."""
    return 1.0 if config.warmup == 0 else min(1.0, step / config.warmup)


def directional(
    student: Denoiser, x: Tensor, t: Tensor, velocity: Tensor, condition: Condition, config: ConsistencyConfig
) -> tuple[Tensor, Tensor | None]:
    """cos(t) sin(t) dF/dt along the path as one JVP with tangents (cos t sin t v, cos t sin t) (sCM, section 4.1: "JVP
    rearrangement"), and the primal F where the pass gave it. Always in the precision of x, outside of autocast."""
    pace = t.cos() * t.sin()
    push = over(pace, x) * velocity
    with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
        if config.jvp == "difference":
            h = config.step_size
            ahead = student(x + h * push, t + h * pace, condition)
            behind = student(x - h * push, t - h * pace, condition)
            return (ahead - behind) / (2 * h), None
        dual = torch.func.jvp(lambda x, t: student(x, t, condition), (x, t), (push, pace))
        return dual[1], dual[0]


def tangent(
    stopped: Tensor, slope: Tensor, x: Tensor, t: Tensor, velocity: Tensor, r: float, config: ConsistencyConfig
) -> Tensor:
    """g (sCM, algorithm 1), times sigma_data. At r = 0 it is the diffusion target, -cos^2(t) (F- - v)."""
    c, s = over(t.cos(), x), over(t.sin(), x)
    first = c**2 if config.warmup_form == "scale" else c * (1 - r**2 * s**2).sqrt()
    return config.sigma_data * (-first * (stopped - velocity) - r * (c * s * x + slope))


def normalised(g: Tensor, config: ConsistencyConfig) -> Tensor:
    """g / (||g|| + c), or clipped (sCM, section 4.2)."""
    if config.norm == "clip":
        return g.clamp(-1, 1)
    length = g.flatten(1).norm(dim=1)
    if config.norm == "rms":
        length = length / g[0].numel() ** 0.5
    return g / over(length + config.c, g)


def prior(t: Tensor, config: ConsistencyConfig) -> Tensor:
    """(B,) factor of the loss."""
    return torch.ones_like(t) if config.prior == "none" else 1 / (config.sigma_data * t.tan())


FRAME: Final = Frame()


@dataclass(frozen=True, slots=True)
class Consistency:
    """The objective. `teacher` is needed for sCD only."""

    config: ConsistencyConfig
    teacher: nn.Module | None = None
    frame: Frame = FRAME
    """The student's: says which angles it can be asked at."""

    def __post_init__(self) -> None:
        """Raises InputError where several processes train and would not share what "reused" gives them."""
        if self.config.jvp == "reused" and count() > 1:
            raise InputError("jvp='reused' trains in one process only", remedy="--jvp difference, or separate")

    def __call__(self, model: nn.Module, batch: Batch, draw: Draw, step: int, /) -> Terms:
        config, bare = self.config, getattr(model, "module", model)
        t, eps = config.proposal(draw, batch.x0, self._span()), draw.normal(batch.x0)
        x = over(t.cos(), eps) * batch.x0 + over(t.sin(), eps) * eps
        condition = self._condition(batch, draw)
        velocity = self._velocity(x, t, batch.x0, eps, condition)
        if config.jvp == "reused":
            current, slope = self._reused(bare, x, t, velocity, condition, draw)
        else:
            draw.fix_masks()
            slope, _ = directional(_masked(bare, draw), x, t, velocity, condition, config)
            draw.fix_masks()
            current = model(x, t, condition).to(x.dtype)
        stopped = current.detach()
        g = tangent(stopped, slope, x, t, velocity, warmup(step, config), config)
        target = stopped + normalised(g, config)
        loss = prior(t, config) * (current - target).square().flatten(1).mean(1)
        return Terms(loss, t, {"tangent": g.square().mean().sqrt(), "mse": loss.detach().mean()})

    def _span(self) -> tuple[float, float]:
        """Inside by the reach of the central difference, which is at most step_size / 2."""
        low, high = self.frame.span
        margin = 0.0 if low == 0.0 else self.config.step_size
        return low + margin, high - margin

    def _condition(self, batch: Batch, draw: Draw) -> Condition:
        condition = batch.condition.drop_where(draw.uniform(batch.x0) < self.config.drop)
        low, high = self.config.guidance
        scale = low + (high - low) * draw.uniform(batch.x0)
        return replace(condition, scale=scale.to(batch.x0.dtype))

    @torch.no_grad()
    def _velocity(self, x: Tensor, t: Tensor, x0: Tensor, eps: Tensor, condition: Condition) -> Tensor:
        if self.config.method == "sct":
            return over(t.cos(), x) * eps - over(t.sin(), x) * x0
        assert self.teacher is not None, "sCD needs a teacher"
        assert condition.scale is not None
        if self.config.guidance == (1.0, 1.0):
            out: Tensor = self.teacher(x, t, condition)
            return out.to(x.dtype)
        return Guided(self.teacher, condition.scale)(x, t, condition).to(x.dtype)

    def _reused(
        self, bare: nn.Module, x: Tensor, t: Tensor, velocity: Tensor, condition: Condition, draw: Draw
    ) -> tuple[Tensor, Tensor]:
        """One pass for both, past the wrapper of several processes, which would not share its gradients."""
        pace = t.cos() * t.sin()
        draw.fix_masks()
        with torch.autocast(x.device.type, enabled=False):
            dual = torch.func.jvp(lambda x, t: bare(x, t, condition), (x, t), (over(pace, x) * velocity, pace))
        return dual[0], dual[1].detach()


def _masked(model: nn.Module, draw: Draw) -> Denoiser:
    """The model with the same dropout masks in every call."""

    def call(x: Tensor, t: Tensor, condition: Condition = NOTHING, /) -> Tensor:
        draw.fix_masks()
        out: Tensor = model(x, t, condition)
        return out

    return call


class Watch:
    """Stops a run whose tangents grow without bound, with advice (sCM, section 4: ||g|| is what diverges first).

    The reference is the median of the first `window` steps; a running median `factor` times larger stops the run.
    """

    def __init__(self, factor: float = 8.0, window: int = 100) -> None:
        self.factor, self.window = factor, window
        self.recent: list[float] = []
        self.reference: float | None = None

    @property
    def memory(self) -> str:
        """What a resumed run needs to go on watching as if it had not stopped."""
        return json.dumps([self.reference, self.recent])

    def remember(self, memory: str) -> None:
        """Go on from the `memory` of a stopped run."""
        self.reference, self.recent = json.loads(memory)

    def see(self, value: float, step: int) -> None:
        """Raises ModelError on divergence."""
        self.recent.append(value)
        if len(self.recent) < self.window:
            return
        median = sorted(self.recent)[self.window // 2]
        self.recent = []
        if self.reference is None:
            self.reference = max(median, 0.05)
        elif median > self.factor * self.reference:
            raise ModelError(
                f"distillation diverges: ||g|| rose from {self.reference:.3g} to {median:.3g} by step {step}",
                remedy="begin from path regression, lengthen the warm-up, lower the learning rate, keep prior='none', "
                "and use a network with positional time embedding and double normalisation",
            )
