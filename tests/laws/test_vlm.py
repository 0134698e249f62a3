"""Laws of the vision-language model."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig

from sightline.vlm.connector import Connector
from sightline.vlm.encoder import NativeVision, NativeVisionConfig
from sightline.vlm.fusion import Fusion
from sightline.vlm.model import VLM
from sightline.vlm.pixels import sizes_of, stacked
from sightline.vlm.resolution import Dynamic, Fixed, Native, Tiles, count, crosses, layout

torch.set_num_threads(1)
LLM = LlamaConfig(vocab_size=8, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=4)
STRATEGIES = [
    Fixed(size=224, patch=14),
    Tiles(patch=14, merge=3),
    Native(patch=16),
    Native(patch=16, merge=2),
    Dynamic(),
]


@st.composite
def sizes(draw):
    long = draw(st.integers(1, 4096))
    short = draw(st.integers(max(1, -(-long // 50)), long))
    return (long, short) if draw(st.booleans()) else (short, long)


@given(sizes(), st.sampled_from(STRATEGIES), st.sampled_from(["embed", "cross", "hybrid"]))
@settings(max_examples=60, deadline=None)
def test_count_is_what_encoder_and_connector_give(size, resolution, fusion):
    """Encoder and connector run as they do in training; the encoder has one layer of width 8."""
    vision = NativeVisionConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=0, num_attention_heads=1, patch_size=resolution.patch
    )
    kind = "shuffle" if resolution.merge > 1 else "linear"
    model = VLM(vision, Connector(kind=kind, merge=resolution.merge), Fusion(kind=fusion), LLM).model
    plan = resolution.plan(*size)
    views = stacked([torch.zeros(3, view.height, view.width) for view in plan.views])
    image_sizes = torch.tensor(sizes_of(plan, fusion))
    with torch.no_grad():
        made = model.views(model.encode(views, image_sizes), image_sizes)
    assert sum(len(view) for view in made) == plan.features
    in_sequence = sum(len(tokens) for tokens, view in zip(made, plan.views, strict=True) if not crosses(view, fusion))
    markers = sum(times for token, times in layout(plan, fusion) if token != "<image>")
    assert in_sequence + markers == count(plan, fusion)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=4), st.integers(0, 2**16))
@settings(max_examples=25, deadline=None)
def test_pictures_packed_in_the_native_encoder_are_separate_runs(grids, seed):
    torch.manual_seed(seed)
    config = NativeVisionConfig(
        hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, patch_size=4
    )
    encoder = NativeVision(config).eval()
    views = [torch.randn(3, 4 * rows, 4 * cols) for rows, cols in grids]
    with torch.no_grad():
        packed = encoder(stacked(views), torch.tensor([[*view.shape[1:], 0] for view in views])).last_hidden_state
        alone = [encoder(view[None], torch.tensor([[*view.shape[1:], 0]])).last_hidden_state for view in views]
    assert torch.allclose(packed, torch.cat(alone), atol=1e-5)
