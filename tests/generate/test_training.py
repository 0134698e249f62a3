from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sightline.core.errors import InputError, ModelError, StorageError
from sightline.generate.backbone.mlp import MLPConfig
from sightline.generate.checkpoint import load_model, load_snapshots, read, save_model, write
from sightline.generate.data import PictureBatches, Pictures
from sightline.generate.ema import PowerEMA, Snapshot, gamma_of, overlap, reconstruct
from sightline.generate.losses import AdaptiveWeight, Batch, Diffusion, Draw, Terms
from sightline.generate.model import ModelConfig
from sightline.generate.training import Progress, TrainConfig, train

MODEL = ModelConfig(backbone=MLPConfig(shape=(1, 4, 4), classes=2, width=16, blocks=1))
PICTURES = Pictures(
    torch.randint(0, 256, (40, 1, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8),
    torch.arange(40) % 2,
    ("a", "b"),
)


def config(steps: int = 12, **more: object) -> TrainConfig:
    return TrainConfig(steps=steps, batch=8, checkpoint_every=4, log_every=1, ramp=2, **more)  # type: ignore[arg-type]


def go(
    out: Path, settings: TrainConfig, stop: int | None = None, objective: object = None, pause: float = 0.0
) -> Progress:
    torch.manual_seed(1)

    def watch(progress: Progress) -> None:
        time.sleep(pause)
        if progress.step == stop:
            raise KeyboardInterrupt

    used = objective or Diffusion(MODEL.frame)
    batches = PictureBatches(PICTURES, PICTURES.spread, flip=True)
    return train(MODEL.build(), used, batches, settings, out, record=(MODEL, {}), watch=watch)  # type: ignore[arg-type]


def equal(first: Path, second: Path) -> bool:
    a, b = read(first)[0], read(second)[0]
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_stopped_and_resumed_is_uninterrupted_to_the_last_bit(tmp_path: Path) -> None:
    go(tmp_path / "whole", config())
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "parts", config(), stop=6)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "parts", config(), stop=11)
    assert go(tmp_path / "parts", config()).resumed_from == 8
    for name in ("state.safetensors", "model.safetensors"):
        assert equal(tmp_path / "whole" / name, tmp_path / "parts" / name)
    assert (tmp_path / "whole" / "trace.jsonl").read_text() == (tmp_path / "parts" / "trace.jsonl").read_text()


def test_a_run_without_the_weight_head_goes_on_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, config(adaptive_weight=False), stop=6)
    assert go(tmp_path, config(adaptive_weight=False)).resumed_from == 4


def test_kill_9_and_resume(tmp_path: Path) -> None:
    script = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_training import config, go
go(Path({str(tmp_path / "killed")!r}), config(80), pause=0.05)
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", script], env=environment)
    trace = tmp_path / "killed" / "trace.jsonl"
    for _ in range(600):
        if trace.is_file() and len(trace.read_text().splitlines()) > 30:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    resumed = go(tmp_path / "killed", config(80))
    assert 0 < resumed.resumed_from < 80
    go(tmp_path / "whole", config(80))
    assert equal(tmp_path / "whole" / "state.safetensors", tmp_path / "killed" / "state.safetensors")
    steps = [json.loads(line)["step"] for line in trace.read_text().splitlines()]
    assert steps == list(range(1, 81))


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_model(tmp_path: Path) -> None:
    class Poison:
        def __call__(self, model: nn.Module, batch: Batch, draw: Draw, step: int) -> Terms:
            terms = Diffusion(MODEL.frame)(model, batch, draw, step)
            return Terms(terms.loss * (float("nan") if step == 9 else 1.0), terms.t, terms.figures)

    with pytest.raises(ModelError, match=r"step 9.*not finite.*last good checkpoint"):
        go(tmp_path, config(), objective=Poison())
    assert read(tmp_path / "state.safetensors")[1]["step"] == "8"
    assert all(tensor.isfinite().all() for tensor in load_model(tmp_path).state_dict().values())


def test_a_watch_on_diverging_tangents_survives_a_stop(tmp_path: Path) -> None:
    """Tangents ten times larger from step 110 on stop the run, also where it was stopped and resumed at step 120."""

    class Rising:
        def __call__(self, model: nn.Module, batch: Batch, draw: Draw, step: int) -> Terms:
            terms = Diffusion(MODEL.frame)(model, batch, draw, step)
            return Terms(terms.loss, terms.t, {"tangent": torch.tensor(1.0 if step < 110 else 10.0)})

    settings = config(240).model_copy(update={"checkpoint_every": 60})
    with pytest.raises(ModelError, match="by step 199") as whole:
        go(tmp_path / "whole", settings, objective=Rising())
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "parts", settings, objective=Rising(), stop=125)
    with pytest.raises(ModelError, match="by step 199") as parts:
        go(tmp_path / "parts", settings, objective=Rising())
    assert str(whole.value).split("checkpoint")[0] == str(parts.value).split("checkpoint")[0]


def test_a_folder_never_mixes_two_runs(tmp_path: Path) -> None:
    go(tmp_path, config())
    with pytest.raises(InputError, match="another training run"):
        go(tmp_path, config(lr=0.5))


def test_saved_model_is_the_model(tmp_path: Path) -> None:
    model = MODEL.build().eval()
    nn.init.normal_(model.network.leave.weight)  # type: ignore[union-attr, arg-type]
    save_model(tmp_path, MODEL, model.state_dict())
    again = load_model(tmp_path)
    x, t = torch.randn(3, 1, 4, 4), torch.tensor([0.1, 0.5, 1.5])
    assert torch.equal(model(x, t), again(x, t))
    assert again.config == MODEL


def test_broken_and_foreign_model_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such model file"):
        load_model(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"half a file")
    with pytest.raises(InputError, match="safetensors"):
        load_model(tmp_path)
    write(tmp_path / "model.safetensors", {"a": torch.zeros(1)}, {})
    with pytest.raises(InputError, match="not an image model"):
        load_model(tmp_path)
    write(tmp_path / "model.safetensors", {"a": torch.zeros(1)}, {"format": "sightline-image-model-1", "config": "{}"})
    with pytest.raises(InputError, match="does not fit this version"):
        load_model(tmp_path)
    with pytest.raises(StorageError):
        write(tmp_path / "model.safetensors" / "below" / "x.safetensors", {"a": torch.zeros(1)}, {})


def test_gamma_of_the_published_widths() -> None:
    assert gamma_of(0.05) == pytest.approx(16.97, abs=0.005)
    assert gamma_of(0.10) == pytest.approx(6.94, abs=0.005)
    with pytest.raises(InputError):
        gamma_of(0.5)


def test_power_ema_has_its_profile() -> None:
    """The weight of step tau in the average is the profile's integral over (tau - 1, tau]."""
    steps, gamma = 50, gamma_of(0.1)
    share = []
    for marked in range(1, steps + 1):
        ema = PowerEMA({"w": torch.zeros(1)}, widths=(0.1,))
        for step in range(1, steps + 1):
            ema.update({"w": torch.full((1,), float(step == marked))}, step)
        share.append(ema.averages[0]["w"].item())
    edges = torch.arange(steps + 1) / steps
    assert torch.allclose(torch.tensor(share), (edges ** (gamma + 1)).diff(), atol=1e-6)


def test_overlap_is_the_integral() -> None:
    (ta, ga), (tb, gb) = (30.0, 3.0), (50.0, 7.0)
    tau = torch.linspace(0, 30, 200_001, dtype=torch.float64)
    product = (ga + 1) * tau**ga / ta ** (ga + 1) * (gb + 1) * tau**gb / tb ** (gb + 1)
    assert overlap(ta, ga, tb, gb) == pytest.approx(torch.trapezoid(product, tau).item(), rel=1e-6)


def test_post_hoc_average_is_the_one_that_was_not_kept() -> None:
    torch.manual_seed(0)
    walk = torch.cumsum(torch.randn(400, 20) * 0.1, 0)
    ema = PowerEMA({"w": walk[0]}, widths=(0.05, 0.10, 0.07))
    snapshots = []
    for step in range(1, 401):
        ema.update({"w": walk[step - 1]}, step)
        if step % 25 == 0:
            stored = zip(ema.widths[:2], ema.averages[:2], strict=True)
            snapshots += [Snapshot(step, width, {"w": average["w"].clone()}) for width, average in stored]
    wanted = ema.averages[2]["w"]
    nearest = min((ema.averages[i]["w"] - wanted).norm().item() for i in (0, 1))
    assert (reconstruct(snapshots, 0.07, 400)["w"] - wanted).norm().item() < 0.02 * nearest
    with pytest.raises(InputError):
        reconstruct([], 0.07, 400)


def test_snapshots_are_stored(tmp_path: Path) -> None:
    go(tmp_path, config(snapshots=3))
    assert [(s.step, s.width) for s in load_snapshots(tmp_path)] == [(s, w) for s in (4, 8, 12) for w in (0.05, 0.1)]


def test_snapshots_are_as_many_as_asked_for_whenever_checkpoints_are_due(tmp_path: Path) -> None:
    for many, steps in ((6, [2, 4, 6, 8, 10, 12]), (5, [3, 5, 8, 10, 12])):
        go(tmp_path / str(many), config(snapshots=many))
        assert sorted({s.step for s in load_snapshots(tmp_path / str(many))}) == steps


def test_the_two_ways_to_write_the_weight_are_one() -> None:
    loss, t = torch.rand(6), torch.rand(6)
    exp, logvar = AdaptiveWeight("exp"), AdaptiveWeight("logvar")
    for parameter in exp.parameters():
        nn.init.normal_(parameter)
    logvar.load_state_dict({k: -v if "leave" in k else v for k, v in exp.state_dict().items()})
    first, second = exp(loss, t), logvar(loss, t)
    assert torch.allclose(first, second)


def test_batches_are_epochs_in_a_seeded_order() -> None:
    batches = PictureBatches(PICTURES, PICTURES.spread)
    seen: Tensor = torch.cat([batches(step, 8).rows for step in range(10)])
    assert sorted(seen[:40].tolist()) == sorted(seen[40:].tolist()) == list(range(40))
    assert seen[:40].tolist() != seen[40:].tolist()
    assert torch.equal(batches(3, 8).x0, batches(3, 8).x0)
    assert batches(0, 40).x0.std().item() == pytest.approx(1.0, abs=0.02)
