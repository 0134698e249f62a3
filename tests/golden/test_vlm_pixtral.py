"""Our native-size encoder against transformers' Pixtral with the same weights."""

from __future__ import annotations

import torch
from transformers import PixtralVisionConfig, PixtralVisionModel

from sightline.vlm.encoder import NativeVision, NativeVisionConfig

NAMES = {"patch_conv": "patch_proj", "transformer.layers": "layers", "attention.": "", "feed_forward.": ""}


def test_same_weights_same_features():
    torch.manual_seed(0)
    shape = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "patch_size": 8,
    }
    rope = {"rope_type": "axial", "rope_theta": 1e4}
    config = PixtralVisionConfig(**shape, image_size=128, hidden_act="silu", rope_parameters=rope)
    stock = PixtralVisionModel(config)
    stock.eval()
    ours = NativeVision(NativeVisionConfig(**shape)).eval()
    weights = {}
    for name, value in stock.state_dict().items():
        for old, new in NAMES.items():
            name = name.replace(old, new)
        weights[name] = value.flatten(1) if "patch_proj" in name else value
    ours.load_state_dict(weights)
    pixels = torch.randn(2, 3, 64, 48)
    sizes = torch.tensor([[64, 48], [32, 40]])
    with torch.no_grad():
        theirs = stock(pixels, image_sizes=sizes).last_hidden_state[0]
        made = ours(pixels, sizes).last_hidden_state
    assert made.shape == theirs.shape == (6 * 8 + 4 * 5, 32)
    assert torch.allclose(made, theirs, atol=1e-5)


def test_places_stay_apart_in_half_precision():
    """A strip of 200 columns: angles rounded to bfloat16 gave an error of 0.078."""
    torch.manual_seed(0)
    config = NativeVisionConfig(
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        patch_size=8,
        initializer_range=0.2,
    )
    model = NativeVision(config).eval().to(torch.bfloat16)
    pixels = torch.randn(1, 3, 16, 1600).to(torch.bfloat16)
    with torch.no_grad():
        half = model(pixels, [[16, 1600]]).last_hidden_state.float()
        whole = model.float()(pixels.float(), [[16, 1600]]).last_hidden_state
    assert float((half - whole).norm() / whole.norm()) < 0.03
