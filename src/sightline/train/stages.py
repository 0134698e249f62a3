"""Training by stages: what trains, how fast, on what, for how long; frozen parts proven unchanged; resume exact.

The batch of a step is a pure function of the step, so that a resumed run needs no sampler state and an interrupted run
equals an uninterrupted one to the last bit (on CPU).
"""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# torch leaves many of its functions untyped.
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from sightline.core.errors import InputError, ModelError, PlanError
from sightline.core.fingerprint import fingerprint
from sightline.train.checkpoint import load_state, save_state
from sightline.train.parts import PARTS, Parts, freeze_all_but, hashes, part_of, prove_frozen

Batch = Mapping[str, Any]
Data = Callable[[int], Batch]
"""Step (from 0 in its stage) -> keyword arguments of the model, "labels" among them."""
Evaluate = Callable[[nn.Module], Mapping[str, float]]


class Stage(BaseModel):
    """One stage of a schedule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    trainable: tuple[str, ...]
    """Parts: "encoder", "connector", "cross", "llm", "lora"."""
    lr: dict[str, float]
    """Peak learning rate of every trainable part."""
    steps: int = Field(ge=1)
    """Optimizer steps."""
    data: str = "data"
    """Which of the data given to `train`."""
    accumulate: int = Field(default=1, ge=1)
    """Batches per optimizer step; the loss is the mean over all their trained tokens."""
    warmup: float = Field(default=0.03, ge=0, le=1)
    """Share of the steps in which the rate rises."""
    decay: Literal["cosine", "constant"] = "cosine"
    """After warm-up: to a tenth of the peak by a cosine, or not at all."""
    weight_decay: float = Field(default=0.01, ge=0)
    """AdamW's; not applied to vectors (norms, biases, gates)."""
    clip: float = Field(default=1.0, gt=0)
    """Largest norm of the gradient."""
    save_every: int = Field(default=0, ge=0)
    """Steps between checkpoints (and evaluations, where there are any); 0: only at the end of the stage."""

    @model_validator(mode="after")
    def _rates(self) -> Stage:
        if set(self.lr) != set(self.trainable):
            raise ValueError(f"lr names {sorted(self.lr)}, trainable names {sorted(self.trainable)}")
        return self

    def rate(self, step: int) -> float:
        """Factor of the peak rate at `step`, from 0."""
        rise = math.ceil(self.warmup * self.steps)
        if step < rise:
            return (step + 1) / rise
        if self.decay == "constant":
            return 1.0
        done = (step - rise) / max(1, self.steps - rise)
        return 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * done))


class Choice(BaseModel):
    """How the best checkpoint is told: a weighted mean of named figures, higher is better."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: dict[str, float]

    def score(self, figures: Mapping[str, float]) -> float:
        """Raises PlanError where a weighted figure is missing."""
        if missing := sorted(set(self.weights) - set(figures)):
            raise PlanError("the evaluation lacks a weighted figure", subject=missing)
        return sum(w * figures[name] for name, w in self.weights.items()) / sum(self.weights.values())


@dataclass(slots=True)
class Course:
    """How a run went; kept in every checkpoint."""

    stage: int = 0
    step: int = 0
    losses: list[float] = field(default_factory=list)
    curve: list[dict[str, Any]] = field(default_factory=list)
    """One row per evaluation: stage, step, score and figures."""
    before: dict[str, str] = field(default_factory=dict)
    """Hashes of the parts when the stage began."""
    proofs: list[dict[str, Any]] = field(default_factory=list)
    """Per finished stage: name, what trained, hashes before and after."""
    seconds: float = 0.0


def train(
    model: nn.Module,
    stages: Sequence[Stage],
    data: Mapping[str, Data],
    out: Path,
    *,
    parts: Parts = PARTS,
    evaluate: tuple[Evaluate, Choice] | None = None,
    keep_best: Callable[[], None] | None = None,
) -> Course:
    """Run `stages` on `model` in place; goes on from OUT where a checkpoint of the same stages lies.

    `evaluate` runs at every save; `keep_best` is called when its score is the best so far. Raises PlanError for
    stages that do not fit the model or the data, InputError for a checkpoint of other stages, ModelError where the
    loss is not a number or a frozen part changed, StorageError where OUT cannot be written.
    """
    for stage in stages:
        if stage.data not in data:
            raise PlanError("no such data", subject=stage.data, remedy=f"given: {', '.join(data)}")
        freeze_all_but(model, stage.trainable, parts)
    key = fingerprint([stage.model_dump(mode="json") for stage in stages])
    course = Course()
    state = load_state(out)
    if state is not None:
        if state.facts["key"] != key:
            raise InputError("the checkpoint is of other stages", subject=out, remedy="choose another --out")
        course = Course(**state.facts["course"])
        _restore(model, state.tensors)
    while course.stage < len(stages):
        stage = stages[course.stage]
        run = _Run(model, stage, parts)
        if state is not None and course.step:
            run.restore(state.tensors)
        if not course.step:
            course.before = hashes(model, parts)
        state = None
        while course.step < stage.steps:
            begin = time.perf_counter()
            course.losses.append(run.step(data[stage.data], course.step))
            course.step += 1
            course.seconds += time.perf_counter() - begin
            last = course.step == stage.steps
            if last:
                after = hashes(model, parts)
                prove_frozen(course.before, after, stage.trainable)
                course.proofs.append(
                    {"stage": stage.name, "trained": list(stage.trainable), "before": course.before, "after": after}
                )
            if last or (stage.save_every and course.step % stage.save_every == 0):
                if evaluate is not None:
                    _evaluated(model, course, stage, evaluate, keep_best)
                    run.begin()
                saved = {**_tensors(model), **run.tensors()}
                facts: dict[str, Any] = {"key": key, "course": _facts(course), "trainable": list(stage.trainable)}
                if last:
                    facts["course"] |= {"stage": course.stage + 1, "step": 0}
                save_state(out, saved, facts)
        course.stage, course.step = course.stage + 1, 0
    return course


class _Run:
    """Optimizer and schedule of one stage."""

    def __init__(self, model: nn.Module, stage: Stage, parts: Parts) -> None:
        self.model, self.stage, self.parts = model, stage, parts
        self.begin()
        groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
        self.names: list[str] = []
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                groups.setdefault((part_of(name, parts), parameter.ndim > 1), []).append(parameter)
                self.names.append(name)
        self.optimizer = torch.optim.AdamW(
            [
                {"params": own, "peak": stage.lr[part], "weight_decay": stage.weight_decay if decayed else 0.0}
                for (part, decayed), own in groups.items()
            ],
            lr=0.0,
            betas=(0.9, 0.95),
        )
        self.trained = [parameter for own in groups.values() for parameter in own]

    def begin(self) -> None:
        """Freeze, and switch modes, as the stage says."""
        freeze_all_but(self.model, self.stage.trainable, self.parts)

    def step(self, data: Data, step: int) -> float:
        """One optimizer step; returns its loss."""
        many = self.stage.accumulate
        batches = [data(step * many + i) for i in range(many)]
        total = sum(int((batch["labels"][:, 1:] != -100).sum()) for batch in batches)
        if not total:
            raise ModelError("a batch without a trained token", subject=f"stage {self.stage.name}, step {step}")
        loss = 0.0
        for batch in batches:
            part = self.model(**batch, num_items_in_batch=total, use_cache=False).loss
            part.backward()
            loss += float(part.detach())
        norm = nn.utils.clip_grad_norm_(self.trained, self.stage.clip)
        if not (math.isfinite(loss) and math.isfinite(float(norm))):
            raise ModelError(
                f"the loss is {loss}, its gradient {float(norm)}",
                subject=f"stage {self.stage.name}, step {step}",
                remedy="the last checkpoint is whole: lower lr, then run again",
            )
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * self.stage.rate(step)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss

    def tensors(self) -> dict[str, Tensor]:
        """Moments and steps by parameter name, and the random state."""
        named = dict(self.model.named_parameters())
        out = {"random": torch.get_rng_state()}
        for name in self.names:
            for key, value in self.optimizer.state[named[name]].items():
                out[f"optimizer.{key}.{name}"] = value
        return out

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """The inverse of `tensors`."""
        named = dict(self.model.named_parameters())
        for name in self.names:
            self.optimizer.state[named[name]] = {
                key: tensors[f"optimizer.{key}.{name}"].to(named[name].device if key != "step" else "cpu")
                for key in ("step", "exp_avg", "exp_avg_sq")
            }
        torch.set_rng_state(tensors["random"])


def _evaluated(
    model: nn.Module,
    course: Course,
    stage: Stage,
    evaluate: tuple[Evaluate, Choice],
    keep_best: Callable[[], None] | None,
) -> None:
    judge, choice = evaluate
    model.eval()
    with torch.no_grad():
        figures = dict(judge(model))
    score = choice.score(figures)
    best = all(score > row["score"] for row in course.curve)
    course.curve.append({"stage": stage.name, "step": course.step, "score": score, "figures": figures})
    if best and keep_best is not None:
        keep_best()


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    return {f"model.{name}": value for name, value in model.state_dict().items()}


def _restore(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    weights = {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
    if odd := sorted(set(weights) ^ set(model.state_dict())):
        raise InputError("the checkpoint is of another model", subject=odd[:3], remedy="choose another --out")
    model.load_state_dict(weights)
    torch.set_rng_state(tensors["random"])


def _facts(course: Course) -> dict[str, Any]:
    return {name: getattr(course, name) for name in Course.__slots__}
