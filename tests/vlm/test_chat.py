"""A trained model as an LM: order, batch = single, generate's own tokens, named failures, broken folders."""

from __future__ import annotations

import json

import pytest
import torch

from sightline.core.errors import InputError
from sightline.core.media import Box, MediaRef
from sightline.core.message import Clip, Message, Picture, Request
from sightline.core.ports import LM
from sightline.vlm.boxes import boxes_in, drawn, spelled
from sightline.vlm.chat import VLMChat, loaded
from sightline.vlm.pixels import opened


def ask(*parts, **options):
    return Request(messages=(Message.of("user", *parts),), max_tokens=options.pop("max_tokens", 6), **options)


@pytest.mark.parametrize("fusion", ["embed", "cross", "hybrid"])
def test_greedy_replies_are_those_of_generate_whatever_the_batch(tiny, fusion):
    model, reader = tiny.build("siglip", "llama", fusion)
    requests = [ask(tiny.picture(i), "what" * i) for i in range(3)] + [ask("no picture")]
    together = list(VLMChat(model, reader, batch_size=4).replies(requests))
    single = list(VLMChat(model, reader, batch_size=1).replies(requests))
    assert [r.text for r in together] == [r.text for r in single]
    for request, reply in zip(requests, together, strict=True):
        prompt = reader.collate([reader.encode(request.messages, prompt=True)])
        prompt.pop("labels")
        made = model.generate(**prompt, max_new_tokens=6, do_sample=False)[0, prompt["input_ids"].shape[1] :]
        text = reader.tokenizer.decode(made.tolist(), skip_special_tokens=True)
        assert reply.text == text.replace("\x00", "\ufffd")
        assert reply.usage.input_tokens == prompt["input_ids"].shape[1]


def test_it_is_an_lm_with_named_failures(tiny):
    model, reader = tiny.build("native", "llama", "embed")
    chat = VLMChat(model, reader, name="tiny", batch_size=3)
    assert isinstance(chat, LM)
    ref = MediaRef(sha256="0", media_type="image/png")
    errors = [
        reply.error
        for reply in chat.replies(
            [
                ask("fine"),
                ask(Picture(ref=ref, data=b"junk")),
                ask(Clip(ref=ref, uri="a.mp4")),
                ask(tiny.picture(size=(1, 10_000))),
                ask("x" * 5000),
                Request(messages=()),
            ]
        )
    ]
    assert errors == [None, "unreadable-picture", "cannot-see", "aspect-ratio", "too-long", "empty-conversation"]


def test_draws_depend_on_the_seed_alone(tiny):
    model, reader = tiny.build("native", "llama", "embed")
    chat = VLMChat(model, reader, batch_size=2)
    a, b, c = chat.replies([ask("hm", temperature=1.0, seed=s, max_tokens=12) for s in (1, 1, 2)])
    assert a.text == b.text != c.text


@pytest.fixture
def folder(tiny, tmp_path):
    model, reader = tiny.build("siglip", "llama", "cross")
    model.save_pretrained(tmp_path / "model")
    reader.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_a_folder_round_trips(tiny, folder):
    model, reader = tiny.build("siglip", "llama", "cross")
    request = ask(tiny.picture(), "what?")
    assert next(VLMChat.open(folder).replies([request])).text == next(VLMChat(model, reader).replies([request])).text


def test_broken_folders_are_named(folder, tmp_path):
    with pytest.raises(InputError, match="no model in this folder"):
        loaded(tmp_path / "nothing")
    with pytest.raises(InputError, match=f"name {folder}"):
        loaded(folder.parent)
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"junk" * 100):
        weights.write_bytes(broken)
        with pytest.raises(InputError, match="cannot be read"):
            loaded(folder)
    weights.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        loaded(folder)
    weights.write_bytes(whole)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "fusion": {**config["fusion"], "kind": "embed"}}))
    with pytest.raises(InputError, match="another model"):
        loaded(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(InputError, match="not one of ours"):
        loaded(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(InputError, match="not readable"):
        loaded(folder)


@pytest.mark.parametrize("space", ["pixel", "unit", "thousand"])
def test_boxes_round_trip_as_text(space):
    size, box = (640, 480), Box(17, 33, 401, 479)
    (back,) = boxes_in(f"here: {spelled(box, size, space)}.", size, space)
    assert all(abs(a - b) <= max(size) / 1000 for a, b in zip(back, box, strict=True))
    assert boxes_in("<box>900, 0, 100, 5</box><box>0, 0, 1001, 9</box><box>a, b</box>", size) == []


def test_drawn_boxes_change_only_their_outline(tiny):
    picture = opened(tiny.picture().data)
    out = drawn(picture, [Box(5, 5, 30, 30)])
    assert out.getpixel((5, 10)) == (220, 30, 30)
    assert out.getpixel((15, 15)) == picture.getpixel((15, 15))
    assert torch.tensor(picture.getpixel((5, 10))).tolist() != [220, 30, 30]
