"""Two processes see the batches that one sees and come to the same losses; what cannot be shared is refused."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sightline.core.errors import InputError, PlanError
from sightline.train.checkpoint import load_state, save_state
from sightline.train.machine import Machine

SCRIPT = Path(__file__).with_name("two_processes.py")
_SPEC = importlib.util.spec_from_file_location("two_processes", SCRIPT)
_ALONE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_ALONE)


def _launched(out, processes=2):
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    done = subprocess.run([*launch, str(SCRIPT), str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads((out / "losses.json").read_text(encoding="utf-8"))


def _agree(made, out, tolerance):
    alone, pictured = _ALONE.losses(out / "alone"), _ALONE.losses(out / "pictured", texts=False)
    assert made["replicated"] == pytest.approx(alone, abs=tolerance)
    assert made["cached"] == pytest.approx(alone, abs=tolerance)
    assert made["sharded"] == pytest.approx(pictured, abs=tolerance)
    assert made["cut"] == made["replicated"], "resume is exact"
    assert made["sharded cut"] == made["sharded"], "resume is exact"
    assert "3 batches a step cannot be shared by 2 processes" in made["odd"]


@pytest.mark.slow
def test_two_processes_come_to_the_losses_of_one(tmp_path):
    _agree(_launched(tmp_path), tmp_path, 1e-5)
    for many, one in (("replicated", "alone"), ("sharded", "pictured")):
        found, wanted = (load_state(tmp_path / name).tensors for name in (many, one))
        for name, value in wanted.items():
            # a key's bias moves every score of a query alike: its gradient is rounding, which Adam makes steps of
            if name.startswith("model.") and not name.endswith("k_proj.bias"):
                assert torch.allclose(found[name], value, atol=1e-4), (many, name)


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_two_gpus_come_to_the_losses_of_one(tmp_path):
    _agree(_launched(tmp_path), tmp_path, 1e-3)


def test_one_process_needs_nothing_and_cannot_shard():
    machine = Machine()
    assert (machine.world, machine.rank, machine.total(3.0)) == (1, 0, 3.0)
    with pytest.raises(PlanError, match="one process cannot shard"):
        Machine(sharded=True)


def test_only_the_first_process_holds_what_is_saved():
    machine, value = Machine(), torch.ones(3)
    assert machine.kept("a", value)["a"] is value
    machine.rank = 1
    assert machine.kept("a", value) == {}


def test_a_batch_without_pictures_is_refused_where_the_model_is_sharded(monkeypatch):
    machine = Machine()
    machine.check([{"input_ids": 1}])
    monkeypatch.setattr(machine, "sharded", True)
    machine.check([{"pixel_values": 1}, {"vision_features": 1}])
    with pytest.raises(PlanError, match="without pictures"):
        machine.check([{"pixel_values": 1}, {"input_ids": 1}])


def test_a_checkpoint_of_two_processes_is_not_gone_on_with_by_one(tmp_path):
    _ALONE.losses(tmp_path)
    state = load_state(tmp_path)
    save_state(tmp_path, {**state.tensors, "random.1": state.tensors["random.0"]}, state.facts)
    with pytest.raises(InputError, match="of 2 processes, this run has 1"):
        _ALONE.losses(tmp_path)
