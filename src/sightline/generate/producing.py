"""Pictures out of a model: n of them, in batches, the same for a seed whatever the batch size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import atan
from typing import Literal

import torch
from torch import Tensor

from sightline.core.errors import InputError
from sightline.generate.denoiser import NOTHING, Condition, Counted, Denoiser, Guided
from sightline.generate.model import ImageModel, Pixels, to_pixels
from sightline.generate.samplers import START, Noise, consistency, ddim, ddpm, dpmpp_2m, few, heun, reachable

SamplerName = Literal["auto", "ddim", "heun", "dpmpp-2m", "ddpm", "consistency"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to sample."""

    steps: int = 2
    sampler: SamplerName = "auto"
    """"auto": consistency for a student, Heun for a teacher."""
    guidance: float = 1.0
    """Classifier-free guidance of a teacher; of a student that takes it as an input, that input."""
    interval: tuple[float, float] = (0.0, 1e9)
    """Sigmas (in EDM's scale, sigma_data 0.5) between which the guidance works."""
    middle: float = 1.1
    """Middle angle of a student's two steps."""
    seed: int = 0
    batch: int = 256

    def angles(self, sampler: str, span: tuple[float, float]) -> Tensor:
        """The grid for a sampler, within the angles that the network can be asked at."""
        if sampler == "consistency":
            return few(self.steps, start=min(START, span[1]), middle=self.middle)
        return reachable(self.steps, span)


@dataclass(frozen=True, slots=True)
class Produced:
    """Pictures and what they cost."""

    units: Tensor
    """(N, C, H, W) in unit coordinates."""
    evaluations: float
    """Network evaluations for one picture (NFE); a guided one counts twice."""

    def pixels(self, pixels: Pixels) -> Tensor:
        """uint8 (N, C, H, W)."""
        return to_pixels(self.units, pixels)


def produce(model: ImageModel, n: int, recipe: Recipe, condition: Condition = NOTHING) -> Produced:
    """`n` samples; sample i depends on (seed, i) and its condition only. Raises InputError where sampler and model do
    not fit, and for a class that the model does not have."""
    classes = model.config.backbone.classes
    if classes and condition.label is not None and int(condition.label.max()) >= classes:
        raise InputError("no such class", subject=int(condition.label.max()), remedy=f"0 to {classes - 1}")
    student = model.config.role == "student"
    sampler = recipe.sampler if recipe.sampler != "auto" else ("consistency" if student else "heun")
    if sampler == "consistency" and not student:
        raise InputError(
            "a teacher cannot jump to the data", remedy="distill it first, or take heun, ddim, dpmpp-2m, ddpm"
        )
    device = next(model.parameters()).device
    parts: list[Tensor] = []
    evaluations = 0.0
    with torch.no_grad():
        for first in range(0, n, recipe.batch):
            rows = slice(first, min(first + recipe.batch, n))
            size = rows.stop - rows.start
            noise = Noise(recipe.seed, size, first)
            x = noise.start(*model.config.backbone.shape, device=device)
            counted = Counted(model, size)
            asked = condition[rows].to(device)
            denoise: Denoiser = counted
            if recipe.guidance != 1.0 and student:
                asked = _with_scale(asked, recipe.guidance, size, model)
            elif recipe.guidance != 1.0:
                low, high = (atan(sigma / 0.5) for sigma in recipe.interval)
                denoise = Guided(counted, recipe.guidance, low, high + 1e-6)
            angles = recipe.angles(sampler, model.config.frame.span)
            parts.append(_sample(sampler, denoise, x, angles, asked, noise).cpu())
            evaluations += counted.evaluations * size / n
    return Produced(torch.cat(parts), evaluations)


def _sample(sampler: str, denoise: Denoiser, x: Tensor, angles: Tensor, asked: Condition, noise: Noise) -> Tensor:
    match sampler:
        case "consistency":
            return consistency(denoise, x, angles, asked, noise=noise)
        case "ddpm":
            return ddpm(denoise, x, angles, asked, noise=noise)
        case "heun":
            return heun(denoise, x, angles, asked)
        case "ddim":
            return ddim(denoise, x, angles, asked)
        case "dpmpp-2m":
            return dpmpp_2m(denoise, x, angles, asked)
    raise InputError("no such sampler", subject=sampler, remedy="auto, ddim, heun, dpmpp-2m, ddpm or consistency")


def _with_scale(asked: Condition, guidance: float, size: int, model: ImageModel) -> Condition:
    if not model.config.backbone.guidance:
        raise InputError(
            "this student's guidance is built in and cannot be changed",
            subject=guidance,
            remedy="distill with a guidance range such as 1,2",
        )
    return replace(asked, scale=torch.full((size,), guidance))
