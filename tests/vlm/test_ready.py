"""Ready families against the stock classes of transformers (5.23): tokens, pixels, logits, loss, packing, decoding.

Where the stock processor runs without torchvision it is the oracle; where it does not, its own function that spells a
picture, or the published count, is.
"""

from __future__ import annotations

from io import BytesIO
from types import SimpleNamespace

import pytest
import torch
import transformers as t
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch.nn import functional as F
from transformers.models.internvl.processing_internvl import InternVLProcessor
from transformers.models.smolvlm.processing_smolvlm import get_image_prompt_string

from sightline.core.errors import InputError, PlanError, Reject
from sightline.core.message import Message, Request
from sightline.train.lora import Lora, add_lora, merge_lora
from sightline.train.packing import LEAKY, READY, make_packable
from sightline.train.parts import part_of
from sightline.train.stages import Stage, train
from sightline.vlm.chat import VLMChat
from sightline.vlm.ready.families import FAMILIES
from sightline.vlm.ready.kit import ReadyReader, ready

ALL = sorted(FAMILIES)
SOME = [f if f in ("idefics3", "mllama", "qwen2_vl") else pytest.param(f, marks=pytest.mark.slow) for f in ALL]
"""By default three kinds (in the sequence, across, turned by rows and columns), all of them when slow."""
SIZES = [(60, 50), (90, 30), (20, 64), (33, 33), (500, 11)]
STOCK = {
    "idefics3": lambda p, w: t.Idefics3Processor(p, w, image_seq_len=4),
    "llava": lambda p, w: t.LlavaProcessor(
        p, w, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1
    ),
    "mllama": t.MllamaProcessor,
    "paligemma": t.PaliGemmaProcessor,
    "gemma3": lambda p, w: t.Gemma3Processor(p, w, image_seq_length=4),
    "janus": lambda p, w: t.JanusProcessor(p, w, num_image_tokens=16),
}


@pytest.fixture(scope="module")
def made(ready_parts):
    cache = {}
    return lambda family: cache[family] if family in cache else cache.setdefault(family, ready_parts.build(family))


def _chats(tiny, family):
    if family == "paligemma":
        return [tiny.chat(tiny.picture(i, size), answer="상자") for i, size in enumerate(SIZES)]
    return [
        tiny.chat(tiny.picture(0, (60, 50))),
        [Message.of("user", tiny.picture(1, (90, 30)), "differs?"), Message.of("assistant", "예, yes"),
         Message.of("user", "sure?"), Message.of("assistant", "no")],
    ]  # fmt: skip


def _image(picture):
    return Image.open(BytesIO(picture.data)).convert("RGB")


@pytest.mark.parametrize("family", sorted(STOCK))
@pytest.mark.parametrize("size", SIZES)
def test_tokens_pixels_and_logits_equal_the_stock_processor(tiny, made, ready_parts, family, size):
    model, reader = made(family)
    picture = tiny.picture(3, size)
    row = reader.encode([Message.of("user", picture, "무엇 what?")], prompt=True)
    stock = STOCK[family](reader.image_processor, reader.tokenizer)
    text = "무엇 what?"
    if family != "paligemma":
        words = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}]
        text = reader.tokenizer.apply_chat_template(words, tokenize=False, add_generation_prompt=True)
    else:
        text = f"<image>{text}"
    theirs = stock(images=[_image(picture)], text=[text], return_tensors="pt", add_special_tokens=False)
    ours = reader.collate([row])
    assert theirs["input_ids"].tolist() == ours["input_ids"].tolist()
    assert reader.count(*size) == _taken(row.ids, reader, ready_parts.TOKENS[family])
    for key in set(theirs) & set(ours) - {"labels"}:
        assert torch.equal(theirs[key].double(), ours[key].double()), key
    for name in ("labels", "return_mm_token_type_ids"):
        ours.pop(name, None)
        theirs.pop(name, None)
    with torch.no_grad():
        assert torch.equal(model(**ours).logits, model(**theirs).logits)


def _taken(ids, reader, marks):
    """Tokens from the first to the last mark of the only picture; Gemma 3 writes two line ends before and after."""
    known = {reader.tokenizer.convert_tokens_to_ids(token) for token in marks}
    at = [i for i, one in enumerate(ids.tolist()) if one in known]
    return at[-1] - at[0] + 1 + 4 * (reader.config.model_type == "gemma3")


@pytest.mark.parametrize("size", SIZES)
def test_spelling_equals_the_stock_functions_where_the_processor_does_not_run(made, size):
    _, reader = made("smolvlm")
    _, rows, cols = reader.image_processor.get_number_of_image_patches(size[1], size[0], {})
    names = {"fake_token_around_image": "<fake_token_around_image>", "image_token": "<image>"}
    assert reader.spelled(*size) == get_image_prompt_string(rows, cols, 4, global_image_token="<global-img>", **names)
    _, reader = made("internvl")
    tiles = reader.image_processor([Image.new("RGB", size)], return_tensors="pt")["num_patches"].tolist()
    own = SimpleNamespace(start_image_token="<img>", end_image_token="</img>", image_token="<IMG_CONTEXT>")
    own.image_seq_length = 4
    assert reader.spelled(*size) == InternVLProcessor.replace_image_token(own, {"num_patches": tiles}, 0)


def test_published_counts_of_ready_families(ready_parts):
    _, qwen = ready_parts.build("qwen2_vl")
    qwen.image_processor = t.Qwen2VLImageProcessorPil()
    assert len(qwen.spelled(224, 224)) == len("<|image_pad|>") * 64
    assert len(qwen.spelled(1024, 1024)) == len("<|image_pad|>") * 1225
    _, pixtral = ready_parts.build("pixtral")
    pixtral.config.vision_config.patch_size = 16
    pixtral.image_processor = t.PixtralImageProcessorPil()
    assert pixtral.count(1024, 1024) == 64 * 65 == 4160
    _, idefics = ready_parts.build("smolvlm")
    idefics.config.vision_config.image_size, idefics.config.vision_config.patch_size = 384, 14
    idefics.config.scale_factor = 3
    idefics.image_processor = t.SmolVLMImageProcessorPil(
        size={"longest_edge": 1536}, max_image_size={"longest_edge": 384}
    )
    assert idefics.spelled(1024, 1024).count("<image>") == 17 * 81


@pytest.mark.parametrize("family", SOME)
def test_count_is_what_is_fed(tiny, made, family):
    """The stock class itself refuses a batch whose placeholders and features differ."""
    model, reader = made(family)
    for size in [(1, 1), (7, 300), (64, 64), (1000, 21)]:
        row = reader.encode([Message.of("user", tiny.picture(0, size), "a"), Message.of("assistant", "b")])
        with torch.no_grad():
            assert torch.isfinite(model(**reader.collate([row])).loss)


@pytest.mark.parametrize("family", ALL)
def test_loss_gradients_and_rows_of_a_batch(tiny, made, family):
    model, reader = made(family)
    rows = [reader.encode(chat) for chat in _chats(tiny, family)]
    batch = reader.collate(rows)
    count = int((batch["labels"][:, 1:] != -100).sum())
    model.zero_grad()
    out = model(**batch, num_items_in_batch=2 * count, use_cache=False)
    out.loss.backward()
    logits = out.logits[:, :-1].flatten(0, 1)
    by_hand = F.cross_entropy(logits, batch["labels"][:, 1:].flatten(), ignore_index=-100) / 2
    assert torch.allclose(out.loss, by_hand, atol=1e-5)
    grown = {part_of(n, reader.parts) for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert {"encoder", "connector", "llm"} <= grown
    with torch.no_grad():
        for i, row in enumerate(rows):
            alone = model(**reader.collate([row]), use_cache=False).logits[0]
            assert torch.allclose(alone, out.logits[i, : len(row.ids)], atol=1e-5)
        other = reader.encode(tiny.chat(tiny.picture(9, (60, 50)), answer="상자"))
        first = reader.encode(tiny.chat(tiny.picture(0, (60, 50)), answer="상자"))
        seen = [model(**reader.collate([row])).logits[0, -1] for row in (first, other)]
        assert not torch.allclose(*seen, atol=1e-4)


def test_mllama_refuses_rows_of_different_numbers_of_pictures(tiny, made):
    _, reader = made("mllama")
    none, one, two = (reader.encode(tiny.chat(*[tiny.picture(i) for i in range(n)])) for n in range(3))
    for rows in ([one, two], [none, one]):
        with pytest.raises(InputError, match="equally many pictures"):
            reader.collate(rows)
    assert reader.collate([two, two])["pixel_values"].shape[:2] == (2, 2)


@pytest.mark.parametrize("family", ALL)
def test_trained_are_the_answers_and_their_ends(tiny, made, family):
    _, reader = made(family)
    for chat in _chats(tiny, family):
        row = reader.encode(chat)
        trained = reader.tokenizer.decode(row.ids[row.labels != -100].tolist())
        assert trained == "".join(m.parts[0].text + "<|im_end|>" for m in chat if m.role == "assistant")


SPOKEN = (
    "{% for m in messages %}{{ m['role'] | capitalize }}: {% for p in m['content'] %}"
    "{% if p['type'] == 'image' %}<image>{% else %}{{ p['text'] }}{% endif %}{% endfor %} {% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""As of LLaVA 1.5 and SmolVLM: a space before the answer, none where one is asked for, no mark of the beginning."""


@pytest.mark.parametrize("space", ["\u2581", "\u0120"])
def test_a_token_of_the_answer_is_trained_though_it_begins_with_the_templates_space(tiny, ready_parts, space):
    marks = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    words = (f"{space}{word}" for word in ("User:", "Assistant:", "cat", "what", "yes"))
    vocabulary = {word: i for i, word in enumerate([*marks.values(), "<image>", *words, "User:", "what", space])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = (
        pre_tokenizers.Metaspace(prepend_scheme="first")
        if space == "\u2581"
        else pre_tokenizers.Sequence(
            [
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
                pre_tokenizers.Split(space, "merged_with_next"),
            ]
        )
    )
    inner.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer = t.PreTrainedTokenizerFast(tokenizer_object=inner, chat_template=SPOKEN, **marks)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    tokenizer.image_token = "<image>"
    model = ready_parts.model_of("llava", tokenizer)
    reader = ReadyReader(model, tokenizer, ready_parts.processor("llava"))
    chat = [Message.of("user", tiny.picture(), "what"), Message.of("assistant", "cat"), Message.of("user", "what"),
            Message.of("assistant", "yes")]  # fmt: skip
    row, prompt = reader.encode(chat), reader.encode(chat[:-1], prompt=True)
    asked = [{"role": "user", "content": [{"type": "image", "image": _image(chat[0].parts[0])},
                                          {"type": "text", "text": "what"}]}]  # fmt: skip
    stock = STOCK["llava"](reader.image_processor, tokenizer)
    stock.chat_template = SPOKEN
    theirs = stock.apply_chat_template(asked, tokenize=True, return_dict=True, add_generation_prompt=True)
    assert theirs["input_ids"][0] == reader.encode(chat[:1], prompt=True).ids.tolist()
    assert row.ids[: len(prompt.ids)].equal(prompt.ids)
    trained = [tokenizer.convert_ids_to_tokens(one) for one in row.ids[row.labels != -100].tolist()]
    assert [one for one in trained if one != space] == [f"{space}cat", f"{space}yes", "</s>"]
    assert row.labels[len(prompt.ids)] != -100, "the first token that is to be written"


@pytest.mark.parametrize("family", ALL)
def test_packed_equals_separate_or_is_refused_with_the_reason(tiny, made, family):
    model, reader = made(family)
    if family in LEAKY:
        with pytest.raises(PlanError, match="packing leaks"):
            make_packable(model)
        return
    assert model.config.model_type in READY
    make_packable(model)
    rows = [reader.encode(chat) for chat in _chats(tiny, family)]
    rows.append(reader.encode([Message.of("user", "no picture"), Message.of("assistant", "x")]))
    with torch.no_grad():
        together = model(**reader.packed(rows), use_cache=False).logits[0]
        alone = torch.cat([model(**reader.collate([row]), use_cache=False).logits[0] for row in rows])
        assert float((together - alone).abs().max()) <= 1e-5


@pytest.mark.parametrize("family", SOME)
def test_chat_equals_stock_generate(tiny, made, family):
    model, reader = made(family)
    asked = [chat[:1] for chat in _chats(tiny, family)]
    chat = VLMChat(model, reader)
    replies = list(chat.replies([Request(messages=tuple(one), max_tokens=5) for one in asked]))
    for one, reply in zip(asked, replies, strict=True):
        batch = reader.collate([reader.encode(one, prompt=True)])
        batch.pop("labels")
        out = model.generate(
            **batch, max_new_tokens=5, do_sample=False, eos_token_id=sorted(reader.ends),
            pad_token_id=0, suppress_tokens=reader.never or None,
        )[0, batch["input_ids"].shape[1] :]  # fmt: skip
        assert reply.error is None
        assert reply.text == reader.tokenizer.decode(out.tolist(), skip_special_tokens=True).replace("\x00", "\ufffd")


@pytest.mark.parametrize("family", SOME)
def test_the_same_trainer_proves_frozen_parts_and_the_folder_opens_again(tiny, tmp_path, ready_parts, family):
    model, reader = ready_parts.build(family)
    rows = [reader.encode(chat) for chat in _chats(tiny, family)]
    stages = (
        Stage(name="align", trainable=("connector",), lr={"connector": 1e-3}, steps=1),
        Stage(name="sft", trainable=("connector", "llm"), lr={"connector": 1e-3, "llm": 1e-3}, steps=1),
    )
    course = train(model, stages, {"data": lambda _: reader.collate(rows)}, tmp_path / "run", parts=reader.parts)
    changed = [{p for p in proof["before"] if proof["before"][p] != proof["after"][p]} for proof in course.proofs]
    assert changed == [{"connector"}, {"connector", "llm"}]
    model.save_pretrained(tmp_path / "model")
    reader.save_pretrained(tmp_path / "model")
    again, other = ready(tmp_path / "model")
    with torch.no_grad():
        model.eval()
        same = other.encode(_chats(tiny, family)[0])
        assert torch.equal(model(**reader.collate(rows[:1])).logits, again(**other.collate([same])).logits)


@pytest.mark.parametrize("family", ["idefics3", "qwen2_vl"])
def test_adapters_merge_to_equal_logits(tiny, ready_parts, family):
    model, reader = ready_parts.build(family)
    batch = reader.collate([reader.encode(_chats(tiny, family)[0])])
    add_lora(model, Lora(rank=2), reader.parts)
    for name, value in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value, std=0.1)
    model.eval()
    with torch.no_grad():
        before = model(**batch).logits
        assert merge_lora(model) > 0
        assert torch.allclose(before, model(**batch).logits, atol=1e-4)


def test_refusals(tiny, made, tmp_path):
    _, reader = made("llava")
    for reason, row in {
        "control-token-in-words": tiny.chat(question="say <|im_end|>"),
        "empty-conversation": [],
        "aspect-ratio": tiny.chat(tiny.picture(size=(1, 10_000))),
        "nothing-to-train": [Message.of("user", "hello")],
    }.items():
        with pytest.raises(Reject) as refused:
            reader.encode(row)
        assert refused.value.reason == reason
    with pytest.raises(Reject, match="row-too-long"):
        reader.encode(tiny.chat(tiny.picture()), longest=5)
    with pytest.raises(Reject, match="over-budget"):
        reader.encode(tiny.chat(tiny.picture()), picture_budget=3)
    _, qwen = made("qwen2_vl")
    small = qwen.encode(tiny.chat(tiny.picture(size=(64, 64))), picture_budget=9)
    assert int((small.ids == qwen.image_token_id).sum()) <= 9
    t.BertConfig().save_pretrained(tmp_path)
    with pytest.raises(InputError, match="no adapter for this family") as unknown:
        ready(tmp_path)
    assert "qwen2_5_vl" in str(unknown.value)
