"""A vision-language model from parts, trained in two stages, saved and asked.

    python examples/compose_and_train.py [OUT]

Nothing is downloaded: the parts start from random weights and see synthetic pictures (one coloured square each), so
that it takes half a minute of one core. `SiglipVisionModel.from_pretrained(...)` and `AutoModelForCausalLM` stand
where the configs stand, `sightline.runs.vlm_data` reads a dataset where the pictures are drawn.
"""

from __future__ import annotations

import sys
from pathlib import Path

from transformers import Qwen2Config, ResNetConfig

from sightline import VLM, Request, Stage
from sightline.core.score import Proportion
from sightline.runs.vlm_pictures import SIDE, WORDS, Shown, series
from sightline.train import epochs, train
from sightline.vlm import Connector, Fixed, Fusion, VLMChat, VLMReader, byte_tokenizer, reader_for


def main(out: Path) -> None:
    # 1. Any encoder, any connector, any fusion ("embed", "cross", "hybrid"), any language model.
    model = VLM(
        ResNetConfig(embedding_size=32, hidden_sizes=[64, 128], depths=[2, 2], layer_type="basic"),
        Connector(kind="shuffle", merge=2),
        Fusion(kind="embed"),
        Qwen2Config(
            vocab_size=288, hidden_size=128, intermediate_size=384, num_hidden_layers=3, num_attention_heads=4,
            num_key_value_heads=2, tie_word_embeddings=True,
        ),
    )  # fmt: skip
    reader = reader_for(model, byte_tokenizer(WORDS), Fixed(size=SIDE, patch=8, merge=2))

    # 2. Conversations -> tokens, views, labels. What is trained is shown in green.
    rows = [reader.encode(shown.messages) for shown in series(("colour",), 1500, 0)]
    print(reader.coloured(rows[0]))

    # 3. Stages: what trains, how fast, how long. That the rest did not move is proven by hashes.
    every = ("encoder", "connector", "llm")
    stages = (
        Stage(name="all", trainable=every, lr=dict.fromkeys(every, 2e-3), steps=100),
        Stage(name="settle", trainable=("connector", "llm"), lr={"connector": 5e-4, "llm": 5e-4}, steps=20),
    )
    print(f"before: {accuracy(model, reader)}")
    course = train(model, stages, {"data": epochs(rows, 32, reader.collate, seed=0, by_length=False)}, out / "train")
    last = course.proofs[-1]
    same = [part for part, digest in last["before"].items() if last["after"][part] == digest]
    print(f"{len(course.losses)} steps, loss {course.losses[0]:.2f} -> {course.losses[-1]:.2f}; unchanged: {same}")
    print(f"after:  {accuracy(model, reader)}   (synthetic pictures)")

    # 4. A plain Hugging Face folder, which is a language model like any other: it chats, judges, is evaluated.
    model.save_pretrained(out / "model")
    reader.save_pretrained(out / "model")
    asked: Shown = next(series(("colour",), 1, 2))
    reply = next(VLMChat.open(out / "model").replies([Request(messages=asked.messages[:1], max_tokens=8)]))
    print(f"{asked.question} -> {reply.text}  (right: {asked.answer})")
    print(f'try: sightline chat {out / "model"} --image PICTURE --ask "colour?"')


def accuracy(model: VLM, reader: VLMReader) -> Proportion:
    """Of 100 fresh pictures."""
    test = list(series(("colour",), 100, 1))
    replies = VLMChat(model, reader).replies(Request(messages=shown.messages[:1], max_tokens=8) for shown in test)
    return Proportion(sum(r.text.strip() == s.answer for r, s in zip(replies, test, strict=True)), len(test))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/vlm"))
