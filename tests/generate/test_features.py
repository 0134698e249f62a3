"""Features by a vision model of transformers, against transformers' own preparation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from sightline.generate.data import Pictures
from sightline.generate.features import hugging_face, pca

transformers = pytest.importorskip("transformers")
PICTURES = torch.randint(0, 256, (5, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def vision_model(folder: Path, **colours: list[float]) -> Path:
    torch.manual_seed(0)
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    transformers.ViTModel(transformers.ViTConfig(image_size=8, patch_size=4, **small)).save_pretrained(folder)
    if colours:
        transformers.ViTImageProcessorPil(size={"height": 8, "width": 8}, **colours).save_pretrained(folder)
    return folder


def test_pictures_have_the_colour_scale_of_the_models_own_processor(tmp_path: Path) -> None:
    folder = vision_model(tmp_path, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225])
    prepare = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    model = transformers.AutoModel.from_pretrained(folder).eval()
    opened = [Image.fromarray(picture.permute(1, 2, 0).numpy()) for picture in PICTURES]
    with torch.no_grad():
        wanted = model(**prepare(images=opened, return_tensors="pt")).pooler_output
    assert torch.allclose(hugging_face(str(folder))(PICTURES).float(), wanted, atol=1e-5)
    elsewhere = hugging_face(str(vision_model(tmp_path / "plain")))(PICTURES).float()
    assert (elsewhere - wanted).abs().max() > 1e-3


def test_components_are_of_all_pictures_in_whatever_order() -> None:
    """5000 of one class, then 1000 that differ among themselves where the others are all the same."""
    pixels = torch.zeros(6000, 1, 4, 4, dtype=torch.uint8)
    generator = torch.Generator().manual_seed(0)
    pixels[:5000, 0, 0] = torch.randint(0, 100, (5000, 4), generator=generator, dtype=torch.uint8)
    pixels[5000:, 0, 3] = torch.randint(0, 256, (1000, 4), generator=generator, dtype=torch.uint8)
    found = pca(Pictures(pixels, torch.zeros(6000, dtype=torch.long)), most=4)
    told = found(pixels[5000:]).var(0).sum() / (pixels[5000:].double() / 127.5).flatten(1).var(0).sum()
    assert told > 0.5


def test_a_model_without_processor_sees_the_usual_scale(tmp_path: Path) -> None:
    folder = vision_model(tmp_path)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        wanted = model(pixel_values=PICTURES.float() / 127.5 - 1).pooler_output
    assert torch.allclose(hugging_face(str(folder))(PICTURES).float(), wanted, atol=1e-5)
