"""From a teacher that needs dozens of evaluations to a student that needs one or two.

    "path+scd"   regression on stored (guided) teacher paths, then a short sCD polish: the recipe that works at small
    budgets "scd"        consistency distillation from the teacher's weights alone (the paper's; wants ~10^8 samples)
    "sct"        consistency training on the data, no teacher velocity; begins from the teacher's weights

Each phase is a run of its own that resumes: OUT/paths.safetensors, OUT/regression/, OUT/ itself for the polish.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from sightline.core.errors import InputError
from sightline.core.fingerprint import fingerprint
from sightline.generate.checkpoint import load_model
from sightline.generate.consistency import Consistency, ConsistencyConfig
from sightline.generate.denoiser import Condition
from sightline.generate.foreign import DiffusersConfig
from sightline.generate.losses import Batches
from sightline.generate.model import ImageModel, ModelConfig
from sightline.generate.processes import main_first, usable
from sightline.generate.samplers import reachable
from sightline.generate.training import Progress, TrainConfig, train
from sightline.generate.trajectories import Journey, Paths, Regression, load_paths, save_paths, travel


class DistillConfig(BaseModel):
    """A whole distillation. The defaults fit a small network on a CPU."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["path+scd", "scd", "sct"] = "path+scd"
    guidance: tuple[float, float] = (1.3, 1.3)
    """Range of the teacher's guidance. One value: the student has it built in; a range: the student takes it as an
    input."""
    paths: int = Field(default=16384, gt=0)
    """Teacher paths to store."""
    teacher_steps: int = Field(default=32, gt=1)
    """Heun steps of each."""
    keep: int = Field(default=8, gt=1)
    """States kept of each path."""
    regression: TrainConfig = TrainConfig(steps=4000, lr=1e-3, cool=2000)
    polish: TrainConfig = TrainConfig(steps=1000, lr=1e-4, cool=500, ramp=50)
    consistency: ConsistencyConfig = ConsistencyConfig(warmup=0)
    """Its `method` and `guidance` are set from the ones here."""


def student_of(teacher: ImageModel, guidance: tuple[float, float]) -> ImageModel:
    """A student that begins as the teacher: same network, same weights, and where the guidance is a range, an input
    for it that begins without effect."""
    low, high = guidance
    if not 0 < low <= high:
        raise InputError("a guidance range must rise and be positive", subject=guidance)
    backbone = teacher.config.backbone
    if low < high and isinstance(backbone, DiffusersConfig):
        raise InputError("a diffusers network takes no guidance as an input", subject=guidance, remedy="give one value")
    if low < high:
        backbone = backbone.model_copy(update={"guidance": True})
    config = teacher.config.model_copy(update={"backbone": backbone, "role": "student"})
    torch.manual_seed(0)
    student = config.build()
    missing, unexpected = student.load_state_dict(teacher.state_dict(), strict=False)
    assert not unexpected
    assert all(".guidance" in name for name in missing), missing
    return student


def distill(
    teacher: nn.Module,
    student: nn.Module,
    batches: Batches,
    config: DistillConfig,
    out: FilePath,
    *,
    model: tuple[ModelConfig, str],
    watch: Callable[[str, Progress], None] = lambda phase, progress: None,
) -> Progress:
    """Train `student` in place; OUT/model.safetensors is the finished one.

    `model` is the student's configuration and the teacher's fingerprint (for the run record). Raises what `train`
    raises."""
    model_config, parent = model
    teacher = teacher.to(usable(config.polish.device)).eval().requires_grad_(False)
    consistency = config.consistency.model_copy(
        update={"method": "sct" if config.method == "sct" else "scd", "guidance": config.guidance}
    )
    polish = Consistency(consistency, teacher, model_config.frame)
    if config.method == "path+scd":
        with main_first():
            paths = _paths(teacher, batches, config, out, (model_config, parent))
        frame = {"objective": "path-regression", "paths": config.paths, "parent": parent}
        train(
            student,
            Regression(paths),
            paths,
            config.regression,
            out / "regression",
            record=(model_config, frame),
            watch=lambda progress: watch("regression", progress),
        )
        student.load_state_dict(load_model(out / "regression").state_dict())
    deciding = {
        "objective": config.method,
        "consistency": consistency.model_dump(),
        "weight_sign": consistency.weight_sign,
        "parent": parent,
    }
    return train(
        student,
        polish,
        batches,
        config.polish,
        out,
        record=(model_config, deciding),
        watch=lambda progress: watch(config.method, progress),
    )


def _paths(
    teacher: nn.Module, batches: Batches, config: DistillConfig, out: FilePath, made_by: tuple[ModelConfig, str]
) -> Paths:
    """The stored paths, made once; another teacher or setting makes others."""
    model, parent = made_by
    key = fingerprint([parent, config.paths, config.teacher_steps, config.keep, config.guidance])[:12]
    file = out / f"paths-{key}.safetensors"
    if file.is_file():
        return load_paths(file)
    low, high = config.guidance
    size = min(1024, config.paths)

    def asked(first: int, n: int) -> Condition:
        condition = batches(first // size, n).condition
        generator = torch.Generator().manual_seed(first)
        scale = low + (high - low) * torch.rand(n, generator=generator)
        return replace(condition, scale=scale)

    journey = Journey(
        count=config.paths,
        shape=tuple(batches(0, 1).x0.shape[1:]),
        angles=reachable(config.teacher_steps, model.frame.span),
        keep=config.keep,
        batch=size,
        seed=config.regression.seed,
        device=config.polish.device,
        guided=config.guidance != (1.0, 1.0),
    )
    paths = travel(teacher, asked, journey)
    save_paths(file, paths)
    return paths
