"""A vision model as extractor: a random one of a few kilobytes, made here. It has learned nothing; only the plumbing is
tested."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModel, ViTConfig, ViTImageProcessorPil, ViTModel

from sightline.core.errors import InputError, ModelError
from sightline.evaluate import VisionFeatures, frechet, moments


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models") / "tiny-vit"
    torch.manual_seed(0)
    config = ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32,
                       patch_size=8)  # fmt: skip
    ViTModel(config).save_pretrained(out)
    ViTImageProcessorPil(size={"height": 32, "width": 32}, image_mean=[0.2] * 3, image_std=[0.7] * 3).save_pretrained(
        out
    )
    return out


def pictures(count: int, seed: int) -> list[bytes]:
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (20, 30, 3), np.uint8)).save(file, "PNG")
        out.append(file.getvalue())
    return out


def test_features_are_what_processor_and_model_give(folder: Path) -> None:
    extract = VisionFeatures(folder, batch=3)
    given = pictures(5, 0)
    batches = list(extract(iter(given)))
    assert [len(batch) for batch in batches] == [3, 2]
    prepare, model = AutoImageProcessor.from_pretrained(folder, backend="pil"), AutoModel.from_pretrained(folder).eval()
    opened = [Image.open(io.BytesIO(data)).convert("RGB") for data in given]
    with torch.no_grad():
        pooled = model(**prepare(images=opened, return_tensors="pt")).pooler_output
    assert np.concatenate(batches) == pytest.approx(pooled.double().numpy(), abs=1e-6)
    assert extract.name == "tiny-vit:vit"


def test_a_distance_says_which_model_it_rests_on(folder: Path) -> None:
    extract = VisionFeatures(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same, other = (
            frechet(moments(extract(pictures(40, 0))), moments(extract(pictures(40, seed))), extractor=extract.name)
            for seed in (0, 1)
        )
    assert same.value < 1e-9 < other.value
    assert "features:tiny-vit:vit" in same.signature


def test_what_is_no_model_or_no_picture_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="folder is not complete"):
        VisionFeatures(tmp_path)
    with pytest.raises(InputError, match="picture 1 cannot be read"):
        list(VisionFeatures(folder)([*pictures(1, 0), b"no picture"]))
