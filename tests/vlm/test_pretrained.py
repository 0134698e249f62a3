"""Parts by name: folders with weights."""

from __future__ import annotations

import pytest
import torch
from transformers import LlamaForCausalLM, SiglipVisionModel

from sightline.core.errors import InputError
from sightline.runs.vlm_stages import VLMRun
from sightline.train.stages import Stage
from sightline.vlm.connector import Connector
from sightline.vlm.pretrained import encoder_of, language_model_of
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
