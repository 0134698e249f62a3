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
