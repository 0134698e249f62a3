"""Tiny random parts, made on the spot."""

from __future__ import annotations

import importlib.util
from io import BytesIO
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from PIL import Image
from transformers import (
    CLIPVisionConfig,
    Dinov2Config,
    Gemma2Config,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
    ResNetConfig,
    SiglipVisionConfig,
    SmolLM3Config,
    ViTConfig,
)
from transformers.utils import logging

from sightline.core.media import MediaRef
from sightline.core.message import Message, Picture
from sightline.vlm.connector import Connector
from sightline.vlm.encoder import NativeVisionConfig, PatchVisionConfig
from sightline.vlm.fusion import Fusion
from sightline.vlm.model import VLM
from sightline.vlm.reader import reader_for
from sightline.vlm.resolution import Fixed, Tiles
from sightline.vlm.tokenizer import byte_tokenizer

torch.set_num_threads(1)
logging.set_verbosity_error()
logging.disable_progress_bar()

V = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 8}
T = {
    "vocab_size": 288,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": None,
}


class Tiny:
    """What the tests build from."""

    encoders: ClassVar = {
        "siglip": SiglipVisionConfig(**V, image_size=32),
        "clip": CLIPVisionConfig(**V, image_size=32),
        "dinov2": Dinov2Config(**{k: v for k, v in V.items() if k != "intermediate_size"}, mlp_ratio=2, image_size=32),
        "vit": ViTConfig(**V, image_size=32),
        "resnet": ResNetConfig(embedding_size=8, hidden_sizes=[16, 32], depths=[1, 1], layer_type="basic"),
        "native": NativeVisionConfig(**V),
        "none": PatchVisionConfig(hidden_size=32, patch_size=8),
    }
    decoders: ClassVar = {
        "llama": LlamaConfig(**T),
        "qwen2": Qwen2Config(**T),
        "qwen3": Qwen3Config(**T),
        "mistral": MistralConfig(**T),
        "gemma2": Gemma2Config(**T, attn_implementation="eager"),
        "phi3": Phi3Config(**T),
        "smollm3": SmolLM3Config(**T),
        "gpt2": GPT2Config(
            vocab_size=288, n_embd=32, n_layer=2, n_head=4, n_positions=512, bos_token_id=None, eos_token_id=None
        ),
    }

    @staticmethod
    def build(encoder="siglip", llm="llama", fusion="embed", *, merge=2, kind="shuffle", resolution=None, gate=0.5):
        """(model, reader). Gates at 0.5 so that pictures matter from the start."""
        torch.manual_seed(0)
        model = VLM(
            Tiny.encoders[encoder],
            Connector(kind=kind, merge=merge),
            Fusion(kind=fusion, every=1, heads=4),
            Tiny.decoders[llm],
        ).eval()
        for block in model.model.cross_blocks:
            torch.nn.init.constant_(block.gate, gate)
            torch.nn.init.constant_(block.mlp_gate, gate)
        patch = model.config.patch
        resolution = resolution or Tiles(tile=32, longest=64, patch=patch, merge=merge)
        return model, reader_for(model, byte_tokenizer(), resolution)

    @staticmethod
    def fixed(model):
        return Fixed(size=32, patch=model.config.patch, merge=model.config.connector["merge"])

    @staticmethod
    def picture(seed=0, size=(60, 50), kind="PNG"):
        pixels = torch.randint(0, 255, (size[1], size[0], 3), generator=torch.Generator().manual_seed(seed))
        out = BytesIO()
        Image.fromarray(pixels.to(torch.uint8).numpy()).save(out, kind)
        return Picture(ref=MediaRef(sha256=str(seed), media_type="image/png"), data=out.getvalue())

    @staticmethod
    def chat(*pictures, question="what is it?", answer="a box"):
        return [Message.of("user", *pictures, question), Message.of("assistant", answer)]


@pytest.fixture(scope="session")
def tiny():
    return Tiny


@pytest.fixture(scope="session")
def ready_parts():
    """tests/vlm/ready_parts.py."""
    spec = importlib.util.spec_from_file_location("ready_parts", Path(__file__).with_name("ready_parts.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
