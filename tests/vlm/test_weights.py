"""Weights whole or not at all, in words; nothing else is said meanwhile."""

from __future__ import annotations

import pytest
from safetensors.torch import load_file, save_file
from transformers import AutoModel, ViTModel
from transformers.utils import logging

from sightline.core.errors import InputError
from sightline.vlm.pretrained import encoder_of
from sightline.vlm.ready.kit import ready
from sightline.vlm.weights import whole_weights


def _without(folder, part):
    """Takes the first weight whose name holds `part` out of a folder's file."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    name = next(name for name in sorted(tensors) if part in name)
    del tensors[name]
    save_file(tensors, path, {"format": "pt"})
    return name


def test_an_encoder_that_lacks_a_weight_is_refused_by_its_name(tiny, tmp_path, capfd):
    ViTModel(tiny.encoders["vit"]).save_pretrained(tmp_path)
    _without(tmp_path, "pooler")
    logging.set_verbosity_warning()
    try:
        assert encoder_of(str(tmp_path)).config.hidden_size == 32, "nobody reads the summary"
        _without(tmp_path, "layer")
        with pytest.raises(InputError, match=r"weights of another model.*layers\.0"):
            encoder_of(str(tmp_path))
        assert logging.get_verbosity() == logging.WARNING
    finally:
        logging.set_verbosity_error()
    assert "LOAD REPORT" not in "".join(capfd.readouterr())


def test_others_weights_are_refused_where_all_must_fit(tiny, tmp_path):
    ViTModel(tiny.encoders["vit"]).save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    save_file({**tensors, "odd": tensors["layernorm.weight"].clone()}, path, {"format": "pt"})
    assert isinstance(whole_weights(AutoModel, tmp_path), ViTModel)
    with pytest.raises(InputError, match="odd"):
        whole_weights(AutoModel, tmp_path, exact=True)


def test_a_ready_model_that_lacks_a_weight_is_refused(ready_parts, tmp_path):
    model, reader = ready_parts.build("smolvlm")
    model.save_pretrained(tmp_path)
    reader.save_pretrained(tmp_path)
    ready(tmp_path)
    name = _without(tmp_path, "text_model.layers.1")
    with pytest.raises(InputError, match=name):
        ready(tmp_path)
