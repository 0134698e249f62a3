"""TRL's trainers take the model as it is, all three fusions; and its first preference loss is ln 2."""

from __future__ import annotations

import copy
from math import log

import pytest

from sightline.vlm.pixels import opened

datasets = pytest.importorskip("datasets")
trl = pytest.importorskip("trl")

OPTIONS = {"per_device_train_batch_size": 2, "use_cpu": True, "report_to": "none", "max_length": None, "max_steps": 2}


def _turn(role, text):
    return [{"role": role, "content": text}]


@pytest.mark.slow
@pytest.mark.parametrize("fusion", ["embed", "cross", "hybrid"])
def test_trl_trains_it(tiny, tmp_path, fusion):
    pictures = [opened(tiny.picture(i).data) for i in range(4)]
    model, reader = tiny.build("siglip", "qwen2", fusion)
    rows = [{"images": [p], "messages": _turn("user", "what?") + _turn("assistant", "box")} for p in pictures]
    options = {**OPTIONS, "save_strategy": "no", "output_dir": str(tmp_path)}
    sft = trl.SFTTrainer(
        model=model,
        args=trl.SFTConfig(**options, assistant_only_loss=True),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=reader,
    )
    assert 0 < sft.train().training_loss < 10
    pairs = [
        {
            "images": [p],
            "prompt": _turn("user", "what?"),
            "chosen": _turn("assistant", "box"),
            "rejected": _turn("assistant", "cat"),
        }
        for p in pictures
    ]
    dpo = trl.DPOTrainer(
        model=model,
        ref_model=copy.deepcopy(model),
        args=trl.DPOConfig(**options, logging_steps=1),
        train_dataset=datasets.Dataset.from_list(pairs),
        processing_class=reader,
    )
    dpo.train()
    assert dpo.state.log_history[0]["loss"] == pytest.approx(log(2), abs=1e-4)
