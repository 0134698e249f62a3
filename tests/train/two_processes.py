"""Trains a tiny model as one of several processes: torchrun --nproc-per-node 2 two_processes.py OUT."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import torch

from sightline.core.errors import PlanError
from sightline.train.feature_cache import Featured
from sightline.train.machine import Machine
from sightline.train.packing import epochs
from sightline.train.stages import Stage, train

PARTS = ("encoder", "connector", "llm")
STAGES = [
    Stage(name="align", trainable=("connector",), lr={"connector": 1e-2}, steps=3, accumulate=2, save_every=2),
    Stage(name="all", trainable=PARTS, lr=dict.fromkeys(PARTS, 1e-3), steps=3, accumulate=4, save_every=2),
]


def setting(seed: int = 7, *, texts: bool = True):
    """Model and rows; `texts`: some have no picture, so that a process has no gradient for encoder or connector."""
    place = Path(__file__).parents[1] / "vlm" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tiny_parts", place)
    parts = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(parts)
    torch.manual_seed(seed)
    model, reader = parts.Tiny.build("siglip", "llama", "embed")
    chats = [
        parts.Tiny.chat(*[parts.Tiny.picture(i)] * (not texts or i % 3 > 0), answer="ab" * (i + 1)) for i in range(6)
    ]
    return model, reader, [reader.encode(chat) for chat in chats]


def losses(
    out: Path, *, machine: Machine | None = None, cached: bool = False, stop: int = 0, texts: bool = True
) -> list[float]:
    """Of a whole run, or of one that dies after `stop` batches and goes on."""
    left = [stop]

    def trained() -> list[float]:
        model, reader, rows = setting(texts=texts)

        def batches(rows):
            inner = epochs(rows, 1, reader.collate, seed=1)

            def batch(step):
                left[0] -= 1
                if left[0] == 0:
                    raise KeyboardInterrupt
                return inner(step)

            return batch

        data = Featured(rows, batches, out / "features") if cached else batches(rows)
        return train(model, STAGES, {"data": data}, out, machine=machine).losses

    if stop:
        try:
            trained()
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError("it did not stop")
    return trained()


def main(out: Path) -> None:
    """One figure per way to run, written by the first process."""
    machine = Machine()
    made = {
        "replicated": losses(out / "replicated", machine=machine),
        "cached": losses(out / "cached", machine=machine, cached=True),
        "cut": losses(out / "cut", machine=machine, stop=9),
        "sharded": losses(out / "sharded", machine=Machine(sharded=True), texts=False),
        "sharded cut": losses(out / "sharded-cut", machine=Machine(sharded=True), stop=9, texts=False),
    }
    model, _, _ = setting()
    odd = [STAGES[0].model_copy(update={"accumulate": 3})]
    try:
        train(model, odd, {"data": lambda _: {}}, out / "odd", machine=machine)
    except PlanError as error:
        made["odd"] = str(error)
    if not machine.rank:
        (out / "losses.json").write_text(json.dumps(made), encoding="utf-8")
    machine.wait()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
