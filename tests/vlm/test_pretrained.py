"""Parts by name: folders with weights."""

from __future__ import annotations

import pytest
import torch
from PIL import Image
from transformers import (
    AutoProcessor,
    BitImageProcessorPil,
    CLIPImageProcessorPil,
    LlamaForCausalLM,
    SiglipImageProcessorPil,
    SiglipVisionModel,
)

from sightline.core.errors import InputError
from sightline.runs.vlm_run import VLMRun
from sightline.train.stages import Stage
from sightline.vlm.connector import Connector
from sightline.vlm.pretrained import colours_of, encoder_of, language_model_of
from sightline.vlm.reader import reader_for
from sightline.vlm.resolution import Fixed
from sightline.vlm.tokenizer import byte_tokenizer


def test_a_run_starts_from_the_weights_and_tokenizer_of_folders(tiny, tmp_path):
    torch.manual_seed(3)
    eyes = SiglipVisionModel(tiny.encoders["siglip"]).eval()
    words = LlamaForCausalLM(tiny.decoders["llama"]).eval()
    eyes.save_pretrained(tmp_path / "eyes")
    words.save_pretrained(tmp_path / "words")
    byte_tokenizer(["상자"]).save_pretrained(tmp_path / "words")
    run = VLMRun(
        encoder=str(tmp_path / "eyes"),
        connector=Connector(kind="shuffle", merge=2),
        llm=str(tmp_path / "words"),
        resolution=Fixed(size=32, patch=8, merge=2),
        stages=(Stage(name="align", trainable=("connector",), lr={"connector": 1e-3}, steps=1),),
    )
    model, reader = run.build()
    model.eval()
    pixels, ids = torch.randn(1, 3, 32, 32), torch.randint(0, 200, (1, 7))
    with torch.no_grad():
        assert torch.equal(model.model.encode(pixels, [(32, 32, 0)]), eyes(pixels).last_hidden_state[0])
        same = model(input_ids=ids).logits[..., :256]
        assert torch.allclose(same, words(input_ids=ids).logits[..., :256], atol=1e-6)
    assert len(reader.tokenizer.encode("상자", add_special_tokens=False)) == 1


@pytest.mark.parametrize("opened", [encoder_of, language_model_of])
def test_pickled_weights_and_empty_folders_are_refused(tiny, tmp_path, opened):
    with pytest.raises(InputError, match="cannot be read"):
        opened(str(tmp_path))
    model = LlamaForCausalLM(tiny.decoders["llama"])
    model.config.save_pretrained(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match="cannot be read"):
        opened(str(tmp_path))


STOCK = {  # the class that each family's folder names
    "siglip": (SiglipImageProcessorPil, {"size": {"height": 32, "width": 32}}),
    "clip": (CLIPImageProcessorPil, {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}),
    "dinov2": (
        BitImageProcessorPil,
        {
            "size": {"shortest_edge": 32},
            "crop_size": {"height": 32, "width": 32},
            "image_mean": [0.485, 0.456, 0.406],
            "image_std": [0.229, 0.224, 0.225],
        },
    ),
}


@pytest.mark.parametrize("family", list(STOCK))
def test_pixels_are_what_the_encoders_own_processor_makes(tiny, tmp_path, family):
    kind, options = STOCK[family]
    stock = kind(**options, do_convert_rgb=True)
    stock.save_pretrained(tmp_path / "encoder")
    model, old = tiny.build(family)
    reader = reader_for(model, old.tokenizer, tiny.fixed(model), *colours_of(str(tmp_path / "encoder")))
    reader.save_pretrained(tmp_path / "whole")
    again = AutoProcessor.from_pretrained(tmp_path / "whole")
    noise = torch.randint(0, 255, (32, 32, 3), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    picture = Image.fromarray(noise.numpy())
    wanted = stock(picture, return_tensors="pt")["pixel_values"]
    for one in (reader, again):
        assert torch.allclose(one(picture, "<image>", return_tensors="pt")["pixel_values"], wanted, atol=1e-6)


def test_a_folder_without_a_processor_is_read_as_siglip_and_a_broken_one_is_refused(tmp_path):
    tmp_path.joinpath("config.json").write_text("{}")
    assert colours_of(str(tmp_path)) == colours_of({"model_type": "vit"}) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    for said in (
        "{",
        "{}",
        '{"image_mean": [0.5], "image_std": [0.5]}',
        '{"rescale_factor": 1}',
        '{"do_rescale": false}',
    ):
        tmp_path.joinpath("preprocessor_config.json").write_text(said)
        with pytest.raises(InputError, match="what the encoder does to pixels"):
            colours_of(str(tmp_path))
    tmp_path.joinpath("preprocessor_config.json").write_text('{"do_normalize": false}')
    assert colours_of(str(tmp_path)) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
