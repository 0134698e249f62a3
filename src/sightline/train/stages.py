"""Training by stages: what trains, how fast, on what, for how long; frozen parts proven unchanged; resume exact.

The batch of a step is a pure function of the step, so that a resumed run needs no sampler state and an interrupted run
equals an uninterrupted one to the last bit (on CPU), on as many processes as it began with.
"""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# torch leaves many of its functions untyped.
import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, runtime_checkable

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from sightline.core.errors import InputError, ModelError, PlanError
from sightline.core.fingerprint import fingerprint
from sightline.train.checkpoint import load_state, save_state
from sightline.train.machine import Loss, Machine, as_held, on, random_state, set_random, whole
from sightline.train.parts import PARTS, Parts, freeze_all_but, hashes, part_of, prove_frozen

Batch = Mapping[str, Any]
Data = Callable[[int], Batch]
"""Step (from 0 in its stage) -> keyword arguments of the model, "labels" among them."""
Evaluate = Callable[[nn.Module], Mapping[str, float]]


@runtime_checkable
class Source(Protocol):
    """Data that prepares itself once it is settled what trains, as `Featured` does."""

    def begin(self, model: nn.Module) -> Data:
        """Called when a stage begins or goes on."""

    def flush(self) -> Mapping[str, Any] | None:
        """Called at every save: store what is new, and say what was done in this stage."""


class Stage(BaseModel):
    """One stage of a schedule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    trainable: tuple[str, ...] = Field(min_length=1)
    """Parts: "encoder", "connector", "cross", "llm", "lora"."""
    lr: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]]
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


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands after a step."""

    stage: str
    step: int
    """Of the stage, from 1."""
    steps: int
    """Of the stage."""
    loss: float
    seconds: float
    """Spent on all steps so far, those before an interruption included."""
    left: float
    """Seconds to the end of the last stage: batches still to come at the pace of the stage's latest ones (a later stage
    may be faster or slower)."""

    def told(self) -> str:
        """ "align 40/500  loss 2.310  12 s, 138 s to go"."""
        place = f"{self.stage} {self.step}/{self.steps}"
        return f"{place}  loss {self.loss:.3f}  {self.seconds:.0f} s, {self.left:.0f} s to go"


@dataclass(frozen=True, slots=True)
class Watch:
    """What is looked at while a run goes on. `judge` runs at every save, and `keep` when its score is the best so far
    (on the first process alone); `tell` hears of every step there."""

    judge: Evaluate | None = None
    choice: Choice | None = None
    keep: Callable[[], None] | None = None
    tell: Callable[[Progress], None] | None = None


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
    idle: int = 0
    """Batches that could teach nothing: text alone, while only the connector trains. Their loss is counted."""


def train(
    model: nn.Module,
    stages: Sequence[Stage],
    data: Mapping[str, Data | Source],
    out: Path,
    *,
    parts: Parts = PARTS,
    watch: Watch | None = None,
    machine: Machine | None = None,
) -> Course:
    """Run `stages` on `model` in place; goes on from OUT where a checkpoint of the same stages lies.

    Raises PlanError for stages that do not fit the model, the data or the machine, InputError for a checkpoint of other
    stages, ModelError where the loss is not a number or a frozen part changed, StorageError where OUT cannot be
    written.
    """
    watch, machine = watch or Watch(), machine or Machine()
    _check(model, stages, data, parts, watch, machine)
    key = fingerprint([stage.model_dump(mode="json") for stage in stages])
    course = Course()
    state = load_state(out)
    if state is not None:
        if state.facts["key"] != key:
            raise InputError("the checkpoint is of other stages", subject=out, remedy="choose another --out")
        course = Course(**state.facts["course"])
        _restore(model, state.tensors, machine)
    machine.place(model)
    while course.stage < len(stages):
        stage = stages[course.stage]
        run = _Run(model, stage, parts, machine)
        if state is not None and course.step:
            run.restore(state.tensors)
        if not course.step:
            course.before = hashes(model, parts)
        state = None
        source = data[stage.data]
        batches = source.begin(model) if isinstance(source, Source) else source
        pace = _Pace(stages, course)
        while course.step < stage.steps:
            begin = time.perf_counter()
            loss, idle = run.step(batches, course.step)
            course.losses.append(loss)
            course.idle += idle
            course.step += 1
            pace.passed(time.perf_counter() - begin)
            if watch.tell is not None and not machine.rank:
                watch.tell(pace.progress())
            last = course.step == stage.steps
            if not (last or (stage.save_every and course.step % stage.save_every == 0)):
                continue
            used = source.flush() if isinstance(source, Source) else None
            if last:
                after = hashes(model, parts)
                prove_frozen(course.before, after, stage.trainable)
                proof = {"stage": stage.name, "trained": list(stage.trainable), "before": course.before, "after": after}
                course.proofs.append(proof | ({"features": used} if used else {}))
            if watch.judge is not None:
                _evaluated(model, course, stage, watch, machine)
                run.begin()
            saved = {**_tensors(model, machine), **run.tensors()}
            facts: dict[str, Any] = {"key": key, "course": _facts(course), "trainable": list(stage.trainable)}
            if last:
                facts["course"] |= {"stage": course.stage + 1, "step": 0}
            if not machine.rank:
                save_state(out, saved, facts)
            machine.wait()
        course.stage, course.step = course.stage + 1, 0
    return course


def _check(
    model: nn.Module,
    stages: Sequence[Stage],
    data: Mapping[str, Data | Source],
    parts: Parts,
    watch: Watch,
    machine: Machine,
) -> None:
    """Every mistake that can be told before a step."""
    for stage in stages:
        if stage.data not in data:
            raise PlanError("no such data", subject=stage.data, remedy=f"given: {', '.join(data)}")
        if stage.accumulate % machine.world:
            raise PlanError(
                f"{stage.accumulate} batches a step cannot be shared by {machine.world} processes",
                subject=f"stage {stage.name}",
                remedy="make `accumulate` a multiple of the processes",
            )
        freeze_all_but(model, stage.trainable, parts)
    if watch.judge is not None and watch.choice is None:
        raise PlanError("an evaluation needs a choice of its figures", remedy="Watch(judge=..., choice=Choice(...))")
    if machine.sharded and (watch.judge is not None or any(isinstance(data[stage.data], Source) for stage in stages)):
        raise PlanError(
            "a sharded model is neither evaluated nor asked for features while it trains",
            remedy="leave out Watch(judge=...) and Featured, or do not shard",
        )


class _Pace:
    """Seconds per batch, and what they say of the rest."""

    def __init__(self, stages: Sequence[Stage], course: Course) -> None:
        self.stages, self.course = stages, course
        self.latest: deque[float] = deque(maxlen=20)

    def passed(self, seconds: float) -> None:
        """After a step."""
        self.latest.append(seconds)
        self.course.seconds += seconds

    def progress(self) -> Progress:
        """Now."""
        course = self.course
        stage = self.stages[course.stage]
        pace = sum(self.latest) / len(self.latest) / stage.accumulate
        batches = (stage.steps - course.step) * stage.accumulate
        batches += sum(later.steps * later.accumulate for later in self.stages[course.stage + 1 :])
        return Progress(stage.name, course.step, stage.steps, course.losses[-1], course.seconds, batches * pace)


class _Run:
    """Optimizer and schedule of one stage."""

    def __init__(self, model: nn.Module, stage: Stage, parts: Parts, machine: Machine) -> None:
        self.model, self.stage, self.parts, self.machine = model, stage, parts, machine
        self.begin()
        self.device = next(model.parameters()).device
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
            fused=True,
        )
        self.trained = [parameter for own in groups.values() for parameter in own]
        self.loss = Loss(model, self.trained, shared=machine.world > 1 and not machine.sharded, mixed=machine.mixed)
        self.joined = machine.joined(self.loss)

    def begin(self) -> None:
        """Freeze, and switch modes, as the stage says."""
        freeze_all_but(self.model, self.stage.trainable, self.parts)

    def step(self, data: Data, step: int) -> tuple[float, int]:
        """One optimizer step; returns its loss, and how many of its batches could teach nothing."""
        many, world = self.stage.accumulate, self.machine.world
        batches = [data(step * many + i) for i in range(self.machine.rank, many, world)]
        self.machine.check(batches)
        total = self.machine.total(sum(int((batch["labels"][:, 1:] != -100).sum()) for batch in batches))
        if not total:
            raise ModelError("a batch without a trained token", subject=f"stage {self.stage.name}, step {step}")
        loss, self.loss.idle = 0.0, 0
        for i, batch in enumerate(batches):
            with self.machine.alone(self.joined, last=i == len(batches) - 1):
                part = self.joined(**on(self.device, batch), num_items_in_batch=total, use_cache=False)
                if part.requires_grad:
                    (part * world if world > 1 else part).backward()
            loss += float(part.detach())
        loss, idle = self.machine.total(loss), round(self.machine.total(self.loss.idle))
        for parameter in self.trained:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        norm = float(whole(nn.utils.clip_grad_norm_(self.trained, self.stage.clip)))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise ModelError(
                f"the loss is {loss}, its gradient {norm}",
                subject=f"stage {self.stage.name}, step {step}",
                remedy="lower lr and name another --out; the checkpoint before is whole",
            )
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * self.stage.rate(step)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss, idle

    def tensors(self) -> dict[str, Tensor]:
        """Moments and steps by parameter name, and the random state of every process: for the first, which saves them;
        the others of a sharded model only have a hand in it."""
        named = dict(self.model.named_parameters())
        out = {f"random.{rank}": state for rank, state in enumerate(self.machine.every(random_state(self.device)))}
        for name in self.names:
            for key, value in self.optimizer.state[named[name]].items():
                out |= self.machine.kept(f"optimizer.{key}.{name}", value)
        return out

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """The inverse of `tensors`."""
        named = dict(self.model.named_parameters())
        for name in self.names:
            self.optimizer.state[named[name]] = {
                "step": tensors[f"optimizer.step.{name}"].to(self.device),
                **{key: as_held(tensors[f"optimizer.{key}.{name}"], named[name]) for key in ("exp_avg", "exp_avg_sq")},
            }
        set_random(tensors[f"random.{self.machine.rank}"], self.device)


def _evaluated(model: nn.Module, course: Course, stage: Stage, watch: Watch, machine: Machine) -> None:
    assert watch.judge is not None
    assert watch.choice is not None
    model.eval()
    with torch.no_grad():
        figures = dict(watch.judge(model))
    score = watch.choice.score(figures)
    best = all(score >= row["score"] for row in course.curve)  # of equals the latest: it was trained longer
    course.curve.append({"stage": stage.name, "step": course.step, "score": score, "figures": figures})
    if best and watch.keep is not None and not machine.rank:
        watch.keep()


def _tensors(model: nn.Module, machine: Machine) -> dict[str, Tensor]:
    every = (machine.kept(f"model.{name}", value) for name, value in model.state_dict().items())
    return {name: value for kept in every for name, value in kept.items()}


def _restore(model: nn.Module, tensors: Mapping[str, Tensor], machine: Machine) -> None:
    weights = {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
    # a tied head is a parameter under both its names
    named = chain(model.named_parameters(remove_duplicate=False), model.named_buffers(remove_duplicate=False))
    own, held = model.state_dict(), {name for name, _ in named}
    odd = sorted(set(weights) ^ set(own))
    odd += [name for name in weights if name in own and weights[name].shape != own[name].shape]
    # what belongs to a parameter but is none (scales of four-bit weights) cannot be loaded: it must be there already
    if not odd:
        rest = own.keys() - held
        odd = [name for name in weights if name in rest and not torch.equal(weights[name], own[name].cpu())]
    if odd:
        raise InputError("the checkpoint is of another model", subject=odd[:3], remedy="choose another --out")
    processes = sum(name.startswith("random.") for name in tensors)
    if processes != machine.world:
        raise InputError(
            f"the checkpoint is of {processes} processes, this run has {machine.world}", remedy="run alike"
        )
    model.load_state_dict(weights, strict=False)
    set_random(tensors[f"random.{machine.rank}"], next(model.parameters()).device)


def _facts(course: Course) -> dict[str, Any]:
    return {name: getattr(course, name) for name in Course.__slots__}
