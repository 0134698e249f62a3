"""Forward, backward, image dependence, cache, reload - for a sample by default, for every combination when slow."""

from __future__ import annotations

import itertools

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor, LlamaForCausalLM, SiglipVisionModel

from sightline.core.errors import InputError
from sightline.core.message import Message
from sightline.train.packing import packed
from sightline.vlm.connector import Connector
from sightline.vlm.fusion import Fusion
from sightline.vlm.model import VLM
from sightline.vlm.pixels import stacked
from sightline.vlm.resolution import Crops, Dynamic, Fixed, Native, Tiles

ENCODERS = ("siglip", "clip", "dinov2", "vit", "resnet", "native", "none")
DECODERS = ("llama", "qwen2", "qwen3", "mistral", "gemma2", "phi3", "smollm3", "gpt2")
FUSIONS = ("embed", "cross", "hybrid")
SAMPLE = [
    ("siglip", "qwen2", "embed"),
    ("clip", "gpt2", "cross"),
    ("native", "llama", "hybrid"),
    ("resnet", "phi3", "cross"),
    ("none", "gemma2", "embed"),
    ("dinov2", "smollm3", "hybrid"),
    ("vit", "qwen3", "cross"),
]


def _whole_check(tiny, tmp_path, encoder, llm, fusion):
    model, reader = tiny.build(encoder, llm, fusion)
    row = reader.encode(tiny.chat(tiny.picture(0)))
    batch = reader.collate([row, reader.encode(tiny.chat(tiny.picture(1), answer="another thing"))])
    out = model(**batch)
    out.loss.backward()
    grown = {name.split(".")[1] for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum()}
    assert {"encoder", "connector", "language_model"} <= grown
    other = reader.collate([reader.encode(tiny.chat(tiny.picture(5))), row])
    with torch.no_grad():
        assert not torch.allclose(
            model(**other).logits[0, len(row.ids) - 1], out.logits[0, len(row.ids) - 1], atol=1e-4
        )
    prompts = [tiny.chat(tiny.picture(0))[:1], tiny.chat(tiny.picture(1), question="why?")[:1]]
    prompt = reader.collate([reader.encode(p, prompt=True) for p in prompts], left=True)
    prompt.pop("labels")
    kept, anew = (
        model.generate(**prompt, max_new_tokens=6, do_sample=False, use_cache=use, eos_token_id=None)
        for use in (True, False)
    )
    assert torch.equal(kept, anew)
    model.save_pretrained(tmp_path)
    reader.save_pretrained(tmp_path)
    again = AutoModelForImageTextToText.from_pretrained(tmp_path).eval()
    assert isinstance(again, VLM)
    with torch.no_grad():
        assert torch.equal(again(**batch).logits, model(**batch).logits)
    loaded = AutoProcessor.from_pretrained(tmp_path)
    assert torch.equal(loaded.encode(tiny.chat(tiny.picture(0))).ids, row.ids)


@pytest.mark.parametrize(("encoder", "llm", "fusion"), SAMPLE)
def test_sample_of_the_matrix(tiny, tmp_path, encoder, llm, fusion):
    _whole_check(tiny, tmp_path, encoder, llm, fusion)


@pytest.mark.slow
@pytest.mark.parametrize(("encoder", "llm", "fusion"), list(itertools.product(ENCODERS, DECODERS, FUSIONS)))
def test_whole_matrix(tiny, tmp_path, encoder, llm, fusion):
    _whole_check(tiny, tmp_path, encoder, llm, fusion)


@pytest.mark.parametrize("llm", DECODERS)
def test_gate_zero_is_the_bare_language_model_bit_for_bit(tiny, llm):
    model, reader = tiny.build("siglip", llm, "cross", gate=0.0)
    batch = reader.collate([reader.encode(tiny.chat(tiny.picture()))])
    with torch.no_grad():
        seen = model(**batch).logits
        hidden = model.model.language_model(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
        ).last_hidden_state
        bare = model.lm_head(hidden)
    if model.softcap:
        bare = torch.tanh(bare / model.softcap) * model.softcap
    assert torch.equal(seen, bare)


@pytest.mark.parametrize("llm", DECODERS)
@pytest.mark.parametrize("fusion", ["embed", "hybrid"])
def test_a_loss_alone_is_the_loss_of_all_logits(tiny, llm, fusion):
    model, reader = tiny.build("siglip", llm, fusion)
    short, long = tiny.chat(tiny.picture(0), answer="no"), tiny.chat(tiny.picture(1), answer="another thing")
    rows = [reader.encode(short), reader.encode((*long, *long))]
    batches = [reader.collate(rows), reader.collate(rows, left=True)]
    if fusion == "embed":
        batches.append(packed(rows, stacked))
    assert not batches[0]["attention_mask"].all()
    for batch in batches:
        found = []
        for options in ({}, {"loss_alone": True}):
            model.zero_grad()
            out = model(**batch, **options, num_items_in_batch=7, use_cache=False)
            out.loss.backward()
            found.append((out, [p.grad.clone() for p in model.parameters() if p.grad is not None]))
        (whole, slopes), (alone, spared) = found
        assert alone.logits is None
        torch.testing.assert_close(alone.loss, whole.loss, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(spared, slopes, rtol=1e-4, atol=1e-6)


def test_given_models_are_taken_over(tiny):
    torch.manual_seed(1)
    llm = LlamaForCausalLM(tiny.decoders["llama"]).eval()
    encoder = SiglipVisionModel(tiny.encoders["siglip"]).eval()
    model = VLM(encoder, Connector(kind="linear"), Fusion(kind="cross", heads=4), llm).eval()
    ids = torch.randint(0, 200, (2, 9))
    with torch.no_grad():
        assert torch.equal(model(input_ids=ids).logits, llm(input_ids=ids).logits)
        pixels = torch.randn(1, 3, 32, 32)
        features = model.model.encode(pixels, torch.tensor([[32, 32, 1]]))
        assert torch.equal(features, encoder(pixels).last_hidden_state[0])


@pytest.mark.parametrize("kind", ["shuffle", "abstractor", "pooling"])
@pytest.mark.parametrize("merge", [1, 2, 3])
def test_every_connector_gives_the_counted_features(tiny, kind, merge):
    model, reader = tiny.build(
        "native", "llama", kind=kind, merge=merge, resolution=Native(patch=8, merge=merge, longest=64)
    )
    row = reader.encode(tiny.chat(tiny.picture(size=(61, 33))))
    assert torch.isfinite(model(**reader.collate([row])).loss)


def test_features_of_several_layers(tiny):
    model = VLM(tiny.encoders["clip"], Connector(kind="linear"), Fusion(), tiny.decoders["llama"], layers=(-1, -2))
    assert model.model.encode(torch.randn(2, 3, 32, 32), torch.tensor([[32, 32, 0]] * 2)).shape == (32, 64)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_many_pictures_text_only_and_turns_in_one_batch(tiny, fusion):
    model, reader = tiny.build("siglip", "llama", fusion)
    a, b, c = (tiny.picture(i, size=(40 + 9 * i, 50)) for i in range(3))
    chats = [
        [Message.of("user", a, "and", b, "differ?"), Message.of("assistant", "yes")],
        [Message.of("user", "no picture"), Message.of("assistant", "none")],
        [
            Message.of("system", "be brief"),
            Message.of("user", c),
            Message.of("assistant", "a"),
            Message.of("user", "again", a),
            Message.of("assistant", "b"),
        ],
    ]
    rows = [reader.encode(chat) for chat in chats]
    with torch.no_grad():
        together = model(**reader.collate(rows)).logits
        for row, logits in zip(rows, together, strict=True):
            alone = model(**reader.collate([row])).logits[0]
            assert torch.allclose(alone, logits[: len(row.ids)], atol=1e-5)


def test_a_token_sees_only_the_views_before_it(tiny):
    model, reader = tiny.build("siglip", "llama", "cross")
    a, b, other = (tiny.picture(i) for i in (0, 1, 2))
    first, second = ([Message.of("user", a, "first", p), Message.of("assistant", "x")] for p in (b, other))
    rows = [reader.encode(chat) for chat in (first, second)]
    seen = int(torch.nonzero(rows[0].ids == model.config.seen_token_id)[5])
    with torch.no_grad():
        left, right = (model(**reader.collate([row])).logits[0] for row in rows)
    assert torch.allclose(left[:seen], right[:seen], atol=1e-6)
    assert not torch.allclose(left[-1], right[-1], atol=1e-4)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_wrong_numbers_of_pictures_are_named(tiny, fusion):
    model, reader = tiny.build("siglip", "llama", fusion)
    batch = reader.collate([reader.encode(tiny.chat(tiny.picture()))])
    fewer = {**batch, "pixel_values": batch["pixel_values"][:-1], "image_sizes": batch["image_sizes"][:-1]}
    with pytest.raises(InputError, match=r"placeholders|markers"):
        model(**fewer)
    without = {key: value for key, value in batch.items() if key not in ("pixel_values", "image_sizes")}
    with pytest.raises(InputError, match=r"placeholders|markers"):
        model(**without)


def test_parts_that_do_not_fit_are_named(tiny):
    with pytest.raises(InputError, match="needs a language model"):
        VLM(tiny.encoders["siglip"])
    with pytest.raises(InputError, match="do not divide"):
        VLM(tiny.encoders["siglip"], Connector(), Fusion(kind="cross", heads=5), tiny.decoders["llama"])
    with pytest.raises(InputError, match="patch 16"):
        tiny.build(resolution=Dynamic(patch=16))
    for resolution in (
        Fixed(size=64, patch=8, merge=2),
        Tiles(tile=48, patch=8, merge=2),
        Crops(size=64, patch=8, merge=2, margin=2),
    ):
        with pytest.raises(InputError, match=r"made for: 32"):
            tiny.build("siglip", resolution=resolution)
    model, reader = tiny.build("siglip", resolution=Fixed(size=32, patch=8, merge=2))
    batch = reader.collate([reader.encode(tiny.chat(tiny.picture()))])
    batch["image_sizes"][0, 0] = 16
    with pytest.raises(InputError, match="one picture size"):
        model(**batch)


def test_gradient_checkpointing_gives_the_same_gradients(tiny):
    model, reader = tiny.build("native", "llama", "cross")
    batch = reader.collate([reader.encode(tiny.chat(tiny.picture()))])
    grads = []
    for checkpointing in (False, True):
        if checkpointing:
            model.activation_checkpointing_enable()
        model.train().zero_grad()
        model(**batch, use_cache=False).loss.backward()
        grads.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*grads, strict=True))
