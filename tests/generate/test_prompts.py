"""A text-to-image pipeline folder made on the spot (random weights): prompt, guidance, distillation, conversion."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from sightline.cli import card, convert, distill, generate
from sightline.core.errors import InputError
from sightline.generate.convert import TARGETS, presented
from sightline.generate.denoiser import Condition
from sightline.generate.foreign import encode_prompts
from sightline.generate.opening import open_model

diffusers = pytest.importorskip("diffusers")
transformers = pytest.importorskip("transformers")

WORDS = ["<|startoftext|>", "<|endoftext|>", *ascii_lowercase, *(f"{letter}</w>" for letter in ascii_lowercase)]


def call(command: Any, *arguments: object) -> str:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def autoencoder(at: Path, kind: str) -> None:
    torch.manual_seed(0)
    if kind == "dc":
        model = diffusers.AutoencoderDC(
            in_channels=3,
            latent_channels=4,
            encoder_block_types=("ResBlock", "ResBlock"),
            decoder_block_types=("ResBlock", "ResBlock"),
            encoder_block_out_channels=(8, 8),
            decoder_block_out_channels=(8, 8),
            encoder_layers_per_block=(1, 1),
            decoder_layers_per_block=(1, 1),
            encoder_qkv_multiscales=((), ()),
            decoder_qkv_multiscales=((), ()),
        )
    else:
        model = diffusers.AutoencoderKL(
            block_out_channels=(8, 8),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            norm_num_groups=4,
        )
    model.save_pretrained(at, safe_serialization=True)


def pipeline(at: Path, kind: str) -> Path:
    torch.manual_seed(0)
    text = transformers.CLIPTextConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=12,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    transformers.CLIPTextModel(text).save_pretrained(at / "text_encoder", safe_serialization=True)
    (at / "words").mkdir(parents=True)
    (at / "words" / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(WORDS)}))
    (at / "words" / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = transformers.CLIPTokenizer(
        str(at / "words" / "vocab.json"), str(at / "words" / "merges.txt"), model_max_length=12
    )
    tokenizer.save_pretrained(at / "tokenizer")
    unet = diffusers.UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(16, 32),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=16,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    unet.save_pretrained(at / "unet", safe_serialization=True)
    autoencoder(at / "vae", kind)
    diffusers.DDIMScheduler(clip_sample=False).save_pretrained(at / "scheduler")
    library = {
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "safety_checker": [None, None],
        "feature_extractor": [None, None],
    }
    (at / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"} | library))
    return at


@pytest.fixture(scope="module", params=["kl", "dc"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pipeline(tmp_path_factory.mktemp(request.param), request.param)


def test_a_dropped_prompt_is_the_empty_prompt(made: Path) -> None:
    model = open_model(made, text=True)
    asked, empty = encode_prompts(made, ["red dog"]), encode_prompts(made, [""])
    assert asked.tokens is not None
    assert empty.tokens is not None
    assert (asked.tokens - empty.tokens).abs().max() > 1e-3
    x, t = torch.randn(1, *model.config.backbone.shape), torch.tensor([0.7])
    with torch.no_grad():
        assert torch.equal(model(x, t, asked.dropped()), model(x, t, empty))
        assert not torch.equal(model(x, t, asked), model(x, t, empty))
        zeros = open_model(made)(x, t, Condition(tokens=torch.zeros_like(asked.tokens)))
        assert not torch.equal(zeros, model(x, t, empty))


def test_prompt_convert_and_distil_end_to_end(made: Path, tmp_path: Path) -> None:
    draw = ("--n", 2, "--steps", 2, "--guidance", 2, "--prompt")
    said = call(generate.command, made, "--out", tmp_path / "red", *draw, "red dog")
    assert "2 pictures, 6 network evaluations" in said
    call(generate.command, made, "--out", tmp_path / "blue", *draw, "blue dog")
    first = (tmp_path / "red" / "00000.png").read_bytes()
    assert first != (tmp_path / "blue" / "00000.png").read_bytes()

    call(convert.command, made, "--to", "flow", "--out", tmp_path / "flow")
    again = open_model(tmp_path / "flow")
    assert presented(again).frame == TARGETS["flow"]
    call(generate.command, tmp_path / "flow", "--out", tmp_path / "same", *draw, "red dog")
    same = Image.open(tmp_path / "same" / "00000.png")
    assert same.tobytes() == Image.open(tmp_path / "red" / "00000.png").tobytes()
    with pytest.raises(InputError, match="not converted"):
        presented(open_model(made))

    for number in range(30):
        shade = (200, 20, 20 + number) if number % 2 else (20, 20, 200 + number)
        (tmp_path / "pictures").mkdir(exist_ok=True)
        Image.new("RGB", (16, 16), shade).save(tmp_path / "pictures" / f"{number}.png")
    rows = [{"file_name": f"{n}.png", "text": "red" if n % 2 else "blue"} for n in range(30)]
    (tmp_path / "pictures" / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    short = ("--paths", 4, "--teacher-steps", 2, "--regression-steps", 1, "--steps", 1, "--batch", 4, "--size", 16)
    with pytest.raises(InputError, match=r"teacher's size.*another --size"):
        call(distill.command, made, "--out", tmp_path / "x", "--data", tmp_path / "pictures", *short[:-1], 24)
    call(distill.command, tmp_path / "flow", "--out", tmp_path / "s", "--data", tmp_path / "pictures", *short)
    said = call(generate.command, tmp_path / "s", "--out", tmp_path / "two", "--n", 2, "--prompt", "red")
    assert "2 network evaluations" in said
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said = call(card.command, tmp_path / "s", made)
    assert "FD pca" in said
    assert (tmp_path / "s" / "card.html").is_file()
