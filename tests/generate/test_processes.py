"""Two processes train what one does; mixed precision keeps the tangent exact; what an accelerator needs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sightline.core.errors import InputError
from sightline.generate.backbone.mlp import MLPConfig
from sightline.generate.checkpoint import read
from sightline.generate.consistency import Consistency, ConsistencyConfig, directional
from sightline.generate.denoiser import Condition
from sightline.generate.losses import Batch, Diffusion, Draw
from sightline.generate.model import ModelConfig
from sightline.generate.training import TrainConfig, train

MODEL = ModelConfig(backbone=MLPConfig(shape=(1, 4, 4), classes=2, width=16, blocks=1), classes=("a", "b"))


def batches(step: int, size: int, /) -> Batch:
    generator = torch.Generator().manual_seed(step)
    x0 = torch.randn(size, 1, 4, 4, generator=generator)
    return Batch(x0, Condition(label=torch.arange(size) % 2), torch.arange(size))


def go(out: Path, **more: object) -> None:
    torch.manual_seed(1)
    settings = TrainConfig.model_validate(
        {"steps": 6, "batch": 8, "checkpoint_every": 3, "log_every": 1, "ramp": 2, **more}
    )
    teacher = MODEL.build().to(settings.device)
    train(teacher, Diffusion(MODEL.frame), batches, settings, out / "teacher", record=(MODEL, {}))
    student = MODEL.build().to(settings.device)
    objective = Consistency(ConsistencyConfig(warmup=0, guidance=(1.3, 1.3)), teacher.eval().requires_grad_(False))
    train(student, objective, batches, settings, out / "student", record=(MODEL, {}))


def apart(first: Path, second: Path) -> float:
    a, b = read(first / "model.safetensors")[0], read(second / "model.safetensors")[0]
    return max(float((a[name] - b[name]).abs().max()) for name in a)


@pytest.mark.slow
def test_two_processes_train_what_one_does(tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_processes import go
go(Path({str(tmp_path / "two")!r}))
"""
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, **common, "RANK": str(rank), "LOCAL_RANK": str(rank), "ACCELERATE_USE_CPU": "true"},
        )
        for rank in (0, 1)
    ]
    assert [worker.wait(timeout=600) for worker in workers] == [0, 0]
    go(tmp_path / "one")
    for name in ("teacher", "student"):
        assert apart(tmp_path / "one" / name, tmp_path / "two" / name) < 1e-5
        lines = [(tmp_path / at / name / "trace.jsonl").read_text().splitlines() for at in ("one", "two")]
        losses = [[json.loads(line)["loss"] for line in part] for part in lines]
        assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert set(read(tmp_path / "two" / "teacher" / "state.safetensors")[0]) == set(
        read(tmp_path / "one" / "teacher" / "state.safetensors")[0]
    )


def test_what_would_not_be_shared_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Consistency(ConsistencyConfig(jvp="reused"))
    monkeypatch.setenv("WORLD_SIZE", "2")
    Consistency(ConsistencyConfig(jvp="separate"))
    with pytest.raises(InputError, match="one process only"):
        Consistency(ConsistencyConfig(jvp="reused"))


def test_shares_of_a_draw_are_rows_of_the_whole() -> None:
    like = torch.empty(4, 3)
    whole = Draw(0, 5)
    halves = [Draw(0, 5, 8, slice(rank, None, 2)) for rank in (0, 1)]
    expected, parts = whole.normal(torch.empty(8, 3)), [half.normal(like) for half in halves]
    assert torch.equal(torch.stack(parts, 1).flatten(0, 1), expected)
    assert torch.equal(torch.stack([half.whole(9, like) for half in halves], 1).flatten(), whole.whole(9, expected))


def test_mixed_precision_trains_and_its_tangent_stays_float32(tmp_path: Path) -> None:
    go(tmp_path / "half", precision="bf16")
    go(tmp_path / "full")
    assert 0 < apart(tmp_path / "half" / "student", tmp_path / "full" / "student") < 0.05
    model, generator = MODEL.build(), torch.Generator().manual_seed(0)
    torch.nn.init.normal_(model.network.leave.weight, generator=generator)  # type: ignore[union-attr, arg-type]
    x, v = torch.randn(2, 4, 1, 4, 4, generator=generator)
    t = torch.tensor([0.2, 0.6, 1.0, 1.4])
    for jvp in ("difference", "separate"):
        config = ConsistencyConfig(jvp=jvp)
        plain, _ = directional(model, x, t, v, Condition(), config)
        with torch.autocast("cpu", torch.bfloat16):
            mixed, _ = directional(model, x, t, v, Condition(), config)
        assert mixed.dtype == torch.float32
        assert torch.equal(plain, mixed)


@pytest.mark.gpu
@pytest.mark.parametrize("settings", [{}, {"precision": "bf16"}, {"precision": "bf16", "compile": True}])
def test_an_accelerator_trains_near_what_the_processor_does(tmp_path: Path, settings: dict[str, object]) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    go(tmp_path / "gpu", device="cuda", **settings)
    go(tmp_path / "cpu")
    assert apart(tmp_path / "gpu" / "student", tmp_path / "cpu" / "student") < (0.05 if settings else 1e-3)
