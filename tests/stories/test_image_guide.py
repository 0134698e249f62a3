"""The Python of docs/guide/image-generation.md runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor

from sightline.generate.backbone.mlp import MLPConfig
from sightline.generate.checkpoint import save_model
from sightline.generate.convert import TARGETS
from sightline.generate.data import Pictures
from sightline.generate.denoiser import Condition
from sightline.generate.model import ModelConfig

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "image-generation.md"


def test_every_block_runs(tmp_path: Path) -> None:
    config = ModelConfig(backbone=MLPConfig(shape=(1, 8, 8), width=16, blocks=1), outside=TARGETS["flow"])
    save_model(tmp_path, config, config.build().state_dict())

    def my_network(z: Tensor, index: Tensor, condition: Condition) -> Tensor:
        return z / (1 + index[:, None, None, None].to(z.dtype))

    z, eps = torch.randn(2, 3, 1, 8, 8)
    known = {"z": z, "eps": eps, "t": torch.tensor([10.0, 500.0, 900.0]), "my_network": my_network, "FOLDER": tmp_path}
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        exec(compile(block, str(GUIDE), "exec"), known)
    angle = torch.tensor([0.3, 0.8, 1.2])
    assert known["velocity"](z, angle, Condition()).shape == z.shape
    assert known["denoise"](z, angle, Condition()).shape == z.shape
    pictures = Pictures(torch.zeros(4, 3, 8, 8, dtype=torch.uint8), torch.tensor([0, 1, 0, 1]), ("a", "b"))
    model, settings = known["run"](pictures)
    assert (model.backbone.kind, settings.steps) == ("dit", 20_000)
