"""The training loop of every image model: one objective, one data function, resumable to the last bit on a CPU.

Everything random of a step comes from (seed, step), so a state is weights, averages, optimizer, the step and what the
watch on the tangents has seen, nothing else. `kill -9` at any time loses the steps since the last state; running again
goes on from there and ends as if nothing had been.

    OUT/run.json         what this run is (a folder never mixes two runs)
    OUT/trace.jsonl      loss, gradient norm, ||g|| ... every `log_every` steps
    OUT/state.safetensors, OUT/model.safetensors, OUT/ema/      see `checkpoint`
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from sightline.core.errors import InputError, ModelError
from sightline.core.record import RunRecord
from sightline.generate.checkpoint import load_weights, read, save_model, save_snapshot, write
from sightline.generate.consistency import Watch
from sightline.generate.ema import PowerEMA, Snapshot
from sightline.generate.losses import AdaptiveWeight, Batch, Batches, Draw, Objective, Terms
from sightline.generate.model import ModelConfig
from sightline.generate.processes import Processes, main_first, processes, usable


class TrainConfig(BaseModel):
    """How long, how fast, where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=6000, gt=0)
    batch: int = Field(default=256, gt=0)
    """Samples per step over all devices."""
    lr: float = Field(default=1e-3, gt=0)
    ramp: int = Field(default=100, ge=0)
    """Steps over which the learning rate rises from 0."""
    decay_from: int = Field(default=0, ge=0)
    """From this step on the rate falls with 1 / sqrt(step / decay_from) (EDM2, equation 67); 0 = never."""
    cool: int = Field(default=0, ge=0)
    """Last steps, over which the rate falls linearly to 0."""
    betas: tuple[float, float] = (0.9, 0.99)
    epsilon: float = Field(default=1e-8, gt=0)
    clip: float = Field(default=1.0, gt=0)
    """Largest gradient norm."""
    seed: int = 0
    widths: tuple[float, ...] = (0.05, 0.10)
    """Relative widths of the kept averages; the first one is what the model is saved with."""
    snapshots: int = Field(default=0, ge=0)
    """How many times, evenly spaced, all averages are stored for post-hoc profiles."""
    checkpoint_every: int = Field(default=500, gt=0)
    log_every: int = Field(default=50, gt=0)
    adaptive_weight: bool = True
    device: str = "cpu"
    precision: Literal["fp32", "bf16"] = "fp32"
    """bf16: autocast in the loss; weights, averages and JVPs stay float32."""
    compile: bool = False
    """torch.compile of the loss's forward pass; the JVP runs on the bare module."""


@dataclass
class Progress:
    """What a finished or stopped run reports."""

    step: int = 0
    seconds: float = 0.0
    resumed_from: int = 0
    figures: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        figures = "  ".join(f"{name} {value:.4g}" for name, value in self.figures.items())
        return f"step {self.step}  {self.seconds:.0f} s  {figures}"


class _Run:
    """Model, weight head, averages and optimizer of a run, and their place on disk."""

    def __init__(
        self, model: nn.Module, model_config: ModelConfig, config: TrainConfig, out: FilePath, sign: str
    ) -> None:
        self.config, self.model_config, self.out = config, model_config, out
        self.model = model.to(config.device).train()
        torch.manual_seed(config.seed)
        self.weight = AdaptiveWeight(sign).to(config.device)
        parameters = [*self.model.named_parameters(), *((f"weight.{k}", v) for k, v in self.weight.named_parameters())]
        self.trained = [(name, parameter) for name, parameter in parameters if parameter.requires_grad]
        # fused: one pass over each weight, five times faster on a CPU than the default
        self.optimizer = torch.optim.Adam(
            [parameter for _, parameter in self.trained],
            lr=config.lr,
            betas=config.betas,
            eps=config.epsilon,
            fused=True,
        )
        self.weights = dict(self.model.named_parameters())
        self.ema = PowerEMA(self.weights, config.widths)
        self.guard = Watch()

    def share_over(self, many: Processes) -> None:
        """Wrap what is trained for several processes and, where asked, compile it; what is saved stays bare."""
        compiled: nn.Module = torch.compile(self.model) if self.config.compile else self.model  # type: ignore[assignment]
        self.wrapped, self.wrapped_weight = many.wrap(compiled), many.wrap(self.weight)

    def rate(self, step: int) -> float:
        """The learning rate of a step (from 0)."""
        config, rate = self.config, self.config.lr
        if config.ramp:
            rate *= min(1.0, (step + 1) / config.ramp)
        if config.decay_from:
            rate /= max(1.0, step / config.decay_from) ** 0.5
        if config.cool:
            rate *= min(1.0, (config.steps - step) / config.cool)
        return rate

    def averaged(self, which: int = 0) -> dict[str, Tensor]:
        """Weights of the model with one of the averages in place of the trained ones."""
        state = {name: tensor.detach() for name, tensor in self.model.state_dict().items()}
        return state | self.ema.averages[which]

    def save(self, step: int) -> None:
        tensors = {f"model/{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"weight/{k}": v for k, v in self.weight.state_dict().items()}
        for width, average in zip(self.ema.widths, self.ema.averages, strict=True):
            tensors |= {f"ema{width}/{k}": v for k, v in average.items()}
        for name, parameter in self.trained:
            for key, value in self.optimizer.state[parameter].items():
                tensors[f"optimizer/{key}/{name}"] = value
        write(self.out / "state.safetensors", tensors, {"step": str(step), "watch": self.guard.memory})
        save_model(self.out, self.model_config, self.averaged())

    def keep_averages(self, step: int) -> None:
        """Store all averages where one of the snapshots is due; the last is due at the end."""
        steps, many = self.config.steps, self.config.snapshots
        if step * many // steps > (step - 1) * many // steps:
            for which, width in enumerate(self.config.widths):
                save_snapshot(self.out, Snapshot(step, width, self.averaged(which)))

    def load(self) -> int:
        """The step to go on from; 0 where there is no state."""
        path = self.out / "state.safetensors"
        if not path.is_file():
            return 0
        tensors, facts = read(path)

        def part(prefix: str) -> dict[str, Tensor]:
            return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}

        load_weights(self.model, part("model/"), path)
        load_weights(self.weight, part("weight/"), path)
        device = self.config.device
        self.ema.averages = [{k: v.to(device) for k, v in part(f"ema{width}/").items()} for width in self.ema.widths]
        for name, parameter in self.trained:
            state = {key: tensors.get(f"optimizer/{key}/{name}") for key in ("step", "exp_avg", "exp_avg_sq")}
            # what never had a gradient has no state: the weight head where it is not used
            self.optimizer.state[parameter] = {k: v.to(device) for k, v in state.items() if v is not None}
        if "watch" in facts:
            self.guard.remember(facts["watch"])
        return int(facts["step"])


def train(
    model: nn.Module,
    objective: Objective,
    batches: Batches,
    config: TrainConfig,
    out: FilePath,
    *,
    record: tuple[ModelConfig, dict[str, Any]],
    watch: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Train `model` in place (its weights end as trained, the saved ones are the average) and return what happened.

    `record` is the model's configuration and everything else that decides the run; both are written to run.json, and a
    folder that holds another run is refused. Raises InputError for that, ModelError where a loss or gradient is not
    finite or the tangents diverge (the last good checkpoint is kept), StorageError where a checkpoint cannot be
    written."""
    model_config, deciding = record
    sign = str(deciding.get("weight_sign", "exp"))
    many = processes(usable(config.device))
    with main_first():
        _claim(out, RunRecord(recipe="train-image", version=1, config={"train": config.model_dump(), **deciding}))
        run = _Run(model, model_config, config, out, sign)
        progress = Progress(step=run.load())
        progress.resumed_from = progress.step
        _trim(out / "trace.jsonl", progress.step)
    run.share_over(many)
    started = time.perf_counter()
    with (out / "trace.jsonl").open("a") as trace:
        for step in range(progress.step, config.steps):
            terms, loss, norm = _step(run, many, objective, batches, step)
            if not torch.isfinite(loss + norm):
                kept = step // config.checkpoint_every * config.checkpoint_every
                held = f"the last good checkpoint, of step {kept}, is in {out}" if kept else "no checkpoint was due yet"
                raise ModelError(
                    f"training stopped at step {step}: the loss or its gradient is not finite",
                    remedy=f"{held}; lower the learning rate or check the data",
                )
            run.ema.update(run.weights, step + 1)
            if "tangent" in terms.figures:
                run.guard.see(terms.figures["tangent"].item(), step)
            progress.step, progress.seconds = step + 1, time.perf_counter() - started
            if progress.step % config.log_every == 0 or progress.step == config.steps:
                figures = {"loss": loss, "gradient": norm, **terms.figures}
                progress.figures = {name: round(float(value), 6) for name, value in figures.items()}
                if many.main:
                    trace.write(json.dumps({"step": progress.step, "rate": run.rate(step), **progress.figures}) + "\n")
                    trace.flush()
                    watch(progress)
            if many.main and (progress.step % config.checkpoint_every == 0 or progress.step == config.steps):
                run.save(progress.step)
            if many.main:
                run.keep_averages(progress.step)
    return progress


def _step(
    run: _Run, many: Processes, objective: Objective, batches: Batches, step: int
) -> tuple[Terms, Tensor, Tensor]:
    """One update; returns its terms, loss and gradient norm."""
    config = run.config
    for group in run.optimizer.param_groups:
        group["lr"] = run.rate(step)
    whole = batches(step, config.batch)
    batch = Batch(
        whole.x0[many.share].to(config.device, non_blocking=True),
        whole.condition[many.share].to(config.device),
        whole.rows[many.share],
    )
    draw = Draw(config.seed, step, len(whole.rows), many.share)
    with torch.autocast(torch.device(config.device).type, torch.bfloat16, enabled=config.precision == "bf16"):
        terms = objective(run.wrapped, batch, draw, step)
    weighted = run.wrapped_weight(terms.loss.float(), terms.t) if config.adaptive_weight else terms.loss
    loss = weighted.mean()
    run.optimizer.zero_grad(set_to_none=True)
    many.backward(loss)
    norm = nn.utils.clip_grad_norm_([parameter for _, parameter in run.trained], config.clip)
    run.optimizer.step()
    figures = {name: many.mean(value) for name, value in terms.figures.items()}
    return Terms(terms.loss, terms.t, figures), many.mean(loss.detach()), norm


def _claim(out: FilePath, record: RunRecord) -> None:
    """Write run.json, or check that the folder's is the same run. Raises InputError otherwise."""
    path = out / "run.json"
    if path.is_file():
        held = RunRecord.model_validate_json(path.read_text("utf-8"))
        if held.fingerprint != record.fingerprint:
            raise InputError("the folder holds another training run", subject=out, remedy="choose another --out")
        return
    out.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".writing")
    temporary.write_text(record.model_dump_json(indent=1), "utf-8")
    temporary.replace(path)


def _trim(path: FilePath, step: int) -> None:
    """Drop trace lines past the state that is resumed from, and a last line cut by a crash."""
    if not path.is_file():
        return
    kept = []
    for line in path.read_text("utf-8").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            break
        if row["step"] <= step:
            kept.append(line)
    path.write_text("".join(f"{line}\n" for line in kept), "utf-8")
