"""Image generation, side by side in one run, one thread: our sampler loop against the bare network calls, our
training step against a bare loop, the sCD step against a naive two-pass JVP, our pipeline against diffusers' on the
same network and steps.

    OMP_NUM_THREADS=1 python benchmarks/generate.py [--fast]

Both sides of a comparison run in turn, each time one right after the other and in changing order, so that a loaded
machine disturbs both alike. A figure is the median of the ratios of such pairs with its 95 % interval, by wall time,
and by the processor time of this process beside it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch
from scipy.stats import binom
from torch import Tensor, nn

from sightline.generate.backbone.unet import UNetConfig
from sightline.generate.consistency import Consistency, ConsistencyConfig, normalised, tangent
from sightline.generate.data import PictureBatches, Pictures
from sightline.generate.denoiser import NOTHING, Condition, both_ends
from sightline.generate.losses import Batch, Diffusion, Draw
from sightline.generate.model import Frame, ImageModel, ModelConfig, Network
from sightline.generate.path import DDPM, over
from sightline.generate.samplers import ddim, heun, karras
from sightline.generate.training import TrainConfig, train

PAIRS = 10 if "--fast" in sys.argv else 24
SHAPE = (1, 16, 16)


class Ratio(NamedTuple):
    """How many times as long the first side takes as the second."""

    wall: float
    low: float
    high: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.3f} x [{self.low:.3f}, {self.high:.3f}] wall, {self.cpu:.3f} x CPU"


def ratio(first: Callable[[], object], second: Callable[[], object], pairs: int = PAIRS) -> Ratio:
    """Median over pairs, with the interval of a median by order statistics (binomial, 95 %)."""
    first(), second()
    walls, cpus = [], []
    for number in range(pairs):
        jobs = (first, second) if number % 2 else (second, first)
        taken = {job: _taken(job) for job in jobs}
        walls.append(taken[first][0] / taken[second][0])
        cpus.append(taken[first][1] / taken[second][1])
    rank = int(binom.ppf(0.025, pairs, 0.5))
    walls.sort()
    return Ratio(median(walls), walls[max(0, rank - 1)], walls[pairs - max(1, rank)], median(cpus))


def _taken(job: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    job()
    return time.perf_counter() - wall, time.process_time() - cpu


def network() -> ImageModel:
    torch.manual_seed(0)
    backbone = UNetConfig(shape=SHAPE, classes=10, width=16, multipliers=(1, 2, 2), blocks=1, attention=(4,), heads=2)
    return ModelConfig(backbone=backbone).build()


def sampler_overhead() -> None:
    model, x, angles = network().eval(), torch.randn(16, *SHAPE), karras(10)
    t = torch.full((16,), 0.7)

    def bare() -> None:
        with torch.no_grad():
            for _ in range(19):
                model.network(x, t, NOTHING)

    def ours() -> None:
        with torch.no_grad():
            heun(model, x, angles)

    print(f"sampler loop over bare network calls (Heun 10, 19 NFE): {ratio(ours, bare)}   target <= 1.03")


def training_step() -> None:
    steps, batch = 12, 64
    pictures = Pictures(
        torch.randint(0, 256, (256, *SHAPE), dtype=torch.uint8), torch.arange(256) % 10, tuple("0123456789")
    )
    batches = PictureBatches(pictures, pictures.spread)

    def bare() -> None:
        model = network()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        for _ in range(steps):
            rows = torch.randint(256, (batch,))
            x0 = pictures.pixels[rows].float() / 127.5 - 1
            eps, t = torch.randn_like(x0), torch.rand(batch) * 1.5
            x = over(t.cos(), x0) * x0 + over(t.sin(), x0) * eps
            target = over(t.cos(), x0) * eps - over(t.sin(), x0) * x0
            loss = (model.network(x, t, Condition(label=pictures.labels[rows])) - target).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def ours() -> None:
        model = network()
        with tempfile.TemporaryDirectory() as folder:
            settings = TrainConfig(steps=steps, batch=batch, log_every=steps, checkpoint_every=10_000)
            train(model, Diffusion(Frame()), batches, settings, Path(folder), record=(model.config, {}))

    found = ratio(bare, ours, PAIRS // 2)
    print(f"training rate over a bare loop's (averages, weight head, checkpoint in): {found}   target >= 0.95")


def distillation_step() -> None:
    student, teacher = network(), network().eval()
    batch = Batch(torch.randn(32, *SHAPE), Condition(label=torch.arange(32) % 10), torch.arange(32))
    config = ConsistencyConfig(warmup=0)

    def naive() -> None:
        draw = Draw(0, 1)
        t, eps = config.proposal(draw, batch.x0), draw.normal(batch.x0)
        x = over(t.cos(), eps) * batch.x0 + over(t.sin(), eps) * eps
        with torch.no_grad():
            velocity = teacher(x, t, batch.condition)
        pace = t.cos() * t.sin()
        dual = torch.func.jvp(lambda x, t: student(x, t, batch.condition), (x, t), (over(pace, x) * velocity, pace))
        g = normalised(tangent(dual[0].detach(), dual[1].detach(), x, t, velocity, 1.0, config), config)
        current = student(x, t, batch.condition)
        (current - current.detach() - g).square().mean().backward()

    def step(objective: Consistency) -> Callable[[], None]:
        return lambda: objective(student, batch, Draw(0, 1), 1).loss.mean().backward()

    for jvp in ("difference", "separate", "reused"):
        kind = replace(Consistency(config, teacher), config=config.model_copy(update={"jvp": jvp}))
        found = ratio(naive, step(kind), PAIRS // 2)
        print(f"sCD step, jvp {jvp}, against a naive two-pass JVP (JVP with graph, then loss): {found}   target >= 1.3")


def against_diffusers() -> None:
    try:
        from diffusers import DDIMPipeline, DDIMScheduler, UNet2DModel
    except ImportError:
        print("diffusers is not installed: pipeline not compared")
        return
    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=16,
        in_channels=1,
        out_channels=1,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        norm_num_groups=8,
    ).eval()
    scheduler = DDIMScheduler(clip_sample=False)
    pipeline = DDIMPipeline(unet, scheduler)
    pipeline.set_progress_bar_config(disable=True)

    class Body(nn.Module):
        def forward(self, z: Tensor, time: Tensor, condition: Condition) -> Tensor:
            out: Tensor = unet(z, time.to(z.dtype)).sample
            return out

    path = DDPM(alphas_cumprod=tuple(scheduler.alphas_cumprod.double().tolist()), sigma_data=0.5)
    frame = Frame(path=path, output="eps", feed="state", clock="time")
    scheduler.set_timesteps(20)
    angles = path.angle(scheduler.timesteps.double())
    x, model = torch.randn(8, *SHAPE), Network(Body(), frame)

    def theirs() -> None:
        pipeline(batch_size=8, num_inference_steps=19, output_type="np", eta=0.0)

    def ours() -> None:
        with torch.no_grad():
            out = ddim(model, x, angles)
            (both_ends(out, torch.zeros(()), torch.zeros_like(out)).x0 / 2 + 0.5).clamp(0, 1).permute(
                0, 2, 3, 1
            ).numpy()

    print(f"rate of DDIM, 19 steps, same network, over diffusers' pipeline: {ratio(theirs, ours)}   target >= 1")


if __name__ == "__main__":
    torch.set_num_threads(1)
    sampler_overhead()
    training_step()
    distillation_step()
    against_diffusers()
