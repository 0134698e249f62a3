"""Our stages against TRL's SFTTrainer and a bare loop, our decoding against transformers' generate: same tiny model,
same rows of mixed lengths with one picture each, one thread.

    python benchmarks/vlm.py [ROWS [ROUNDS]]

Prints pictures (for decoding: tokens) a second of CPU time, the median of ROUNDS rounds in which the ways take turns,
and what share of its yardstick each reaches. Gradient checkpointing, on by default in TRL, is off everywhere. Synthetic
pictures. Needs trl and datasets.

The connector's stage has a tower of its own. Keeping features saves what the tower takes, so its share decides the
figure. It is about that of SigLIP-400M at 384 pixels (729 patches) before a 0.5B Qwen2 that reads 81 tokens of picture
and 100 of text: 665 to 180 GFLOP forward, 3.7 to 1 (counted by hand from both configs). Here: 6 layers of width 192 on
144 patches, 0.86 GFLOP, to 0.24 of a language model (3 layers, width 128, 160 tokens), 3.6 to 1. Where the language
model takes most of the time (as with the other ways' tower, 0.03 GFLOP) kept features bring next to nothing.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import datasets
import torch
import trl
from transformers import LlamaConfig, SiglipVisionConfig
from transformers.utils import logging

from sightline.core.message import Message, Request
from sightline.runs.vlm_pictures import SIDE, series
from sightline.train.feature_cache import Featured
from sightline.train.packing import epochs, packed_epochs
from sightline.train.parts import PARTS, freeze_all_but
from sightline.train.stages import Stage, train
from sightline.vlm import VLM, Connector, Fixed, Fusion, byte_tokenizer, reader_for
from sightline.vlm.chat import VLMChat
from sightline.vlm.pixels import opened, stacked

LR = 1e-3
BATCH = 8
PACK, PACKS = 320, 3
"""Tokens of a pack, and packs of a step: about eight conversations, as in a batch."""
EPOCHS = 3
"""Of the connector's stage."""
ALL = ("encoder", "connector", "llm")
ALONE = ("connector",)
WORDS = 64
"""Tokens of an answer, in decoding."""


SMALL = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
TOWER = {"hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 6, "num_attention_heads": 3}
"""Of the connector's stage."""


def setting(rows: int, trainable: tuple[str, ...] = ALL):
    torch.manual_seed(0)
    vision = SiglipVisionConfig(**(TOWER if trainable == ALONE else SMALL), image_size=SIDE, patch_size=4)
    text = LlamaConfig(
        vocab_size=288, hidden_size=128, intermediate_size=384, num_hidden_layers=3, num_attention_heads=4
    )
    model = VLM(vision, Connector(kind="shuffle", merge=4), Fusion(), text)
    reader = reader_for(model, byte_tokenizer(), Fixed(size=SIDE, patch=4, merge=4))
    users = [one.messages[0] for one in series(("colour",), rows, 1)]
    answers = ["yes " * (1 + 7 * i % 60) for i in range(rows)]
    return (
        model,
        reader,
        [(user, Message.of("assistant", words)) for user, words in zip(users, answers, strict=True)],
    )


def timed(act: Callable[[], object]) -> float:
    begin = time.process_time()
    act()
    return time.process_time() - begin


def ours(
    rows: int, trainable: tuple[str, ...], *, packed: bool = False, rounds: int = 1, features: Path | None = None
) -> float:
    model, reader, chats = setting(rows, trainable)

    def whole() -> None:
        encoded = [reader.encode(chat) for chat in chats]

        def batches(given):
            if packed:
                return packed_epochs(given, PACK, stacked, 0)
            return epochs(given, BATCH, reader.collate, 0)

        steps, accumulate = rounds * rows // BATCH, 1
        if packed:
            lengths = batches([_Length(row) for row in encoded])
            packs, seen = 0, 0
            while seen < rounds * rows:
                seen += int((lengths(packs)["position_ids"] == 0).sum())
                packs += 1
            steps, accumulate = -(-packs // PACKS), PACKS
        stage = Stage(
            name="stage", trainable=trainable, lr=dict.fromkeys(trainable, LR), steps=steps, accumulate=accumulate
        )
        data = batches(encoded) if features is None else Featured(encoded, batches, features)
        with tempfile.TemporaryDirectory() as out:
            train(model, [stage], {"data": data}, Path(out))

    return rounds * rows / timed(whole)


class _Length:
    """A row without its pictures, to count packs."""

    def __init__(self, row) -> None:
        self.ids, self.labels, self.views, self.sizes = row.ids, row.labels, (), ()


def bare(rows: int) -> float:
    model, reader, chats = setting(rows)

    def whole() -> None:
        encoded = sorted((reader.encode(chat) for chat in chats), key=lambda row: len(row.ids))
        optimizer = torch.optim.AdamW(model.parameters(), lr=LR)
        model.train()
        for at in range(0, rows, BATCH):
            model(**reader.collate(encoded[at : at + BATCH]), use_cache=False).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()

    return rows / timed(whole)


def with_trl(rows: int, trainable: tuple[str, ...], rounds: int = 1) -> float:
    model, reader, chats = setting(rows, trainable)
    freeze_all_but(model, trainable, PARTS)
    table = [
        {
            "images": [opened(user.pictures[0].data)],
            "messages": [{"role": "user", "content": user.text}, {"role": "assistant", "content": answer.text}],
        }
        for user, answer in chats
    ]
    with tempfile.TemporaryDirectory() as out:
        config = trl.SFTConfig(
            output_dir=out,
            per_device_train_batch_size=BATCH,
            num_train_epochs=rounds,
            use_cpu=True,
            report_to="none",
            max_length=None,
            assistant_only_loss=True,
            learning_rate=LR,
            save_strategy="no",
            logging_steps=1000,
            gradient_checkpointing=False,
            disable_tqdm=True,
        )
        data = datasets.Dataset.from_list(table)
        trainer = trl.SFTTrainer(model=model, args=config, train_dataset=data, processing_class=reader)
        return rounds * rows / timed(trainer.train)


def decoded(rows: int) -> tuple[float, float]:
    """Tokens a second: our chat, and `generate` of transformers. Raises where their words differ."""
    model, reader, chats = setting(rows)
    model.eval()
    users = [user for user, _ in chats[:BATCH]]
    replies, texts = [], []
    requests = [Request(messages=[user], max_tokens=WORDS) for user in users]
    ours_ = timed(lambda: replies.extend(VLMChat(model, reader, batch_size=BATCH).replies(requests)))
    spent = sum(reply.usage.output_tokens for reply in replies)

    def stock() -> None:
        batch = reader.collate([reader.encode([user], prompt=True) for user in users], left=True)
        batch.pop("labels")
        made = model.generate(**batch, max_new_tokens=WORDS, do_sample=False)[:, batch["input_ids"].shape[1] :]
        texts.extend(reader.tokenizer.batch_decode(made, skip_special_tokens=True))

    theirs = timed(stock)
    assert texts == [reply.text for reply in replies], "the two must say the same"
    return spent / ours_, spent / theirs


def _turn(rows: int) -> Iterator[tuple[str, float]]:
    yield "trl, everything trains", with_trl(rows, ALL)
    yield "bare loop", bare(rows)
    yield "padded by length", ours(rows, ALL)
    yield "packed", ours(rows, ALL, packed=True)
    yield "trl, connector alone", with_trl(rows, ALONE, EPOCHS)
    yield "connector, no cache", ours(rows, ALONE, rounds=EPOCHS)
    with tempfile.TemporaryDirectory() as kept:
        yield "connector, empty cache", ours(rows, ALONE, rounds=EPOCHS, features=Path(kept))
        yield "connector, full cache", ours(rows, ALONE, rounds=EPOCHS, features=Path(kept))
    yield from zip(("our decoding", "generate"), decoded(rows), strict=True)


def main() -> None:
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 96
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    made: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, rate in _turn(rows):
            made.setdefault(name, []).append(rate)
    print(f"{rows} conversations of mixed lengths, one thread, per CPU second, median of {rounds}")
    for name, yardstick, target in (
        ("padded by length", "trl, everything trains", None),
        ("packed", "trl, everything trains", 1.5),
        ("padded by length", "bare loop", 0.95),
        ("connector, no cache", "trl, connector alone", None),
        ("connector, empty cache", "trl, connector alone", None),
        ("connector, full cache", "trl, connector alone", 3.0),
        ("our decoding", "generate", 1.0),
    ):
        rate, against = statistics.median(made[name]), statistics.median(made[yardstick])
        share = statistics.median(a / b for a, b in zip(made[name], made[yardstick], strict=True))
        wanted = "" if target is None else f"  wanted {target:4.2f}  {'holds' if share >= target else 'MISSED'}"
        print(f"{name:24}{rate:8.1f}   {yardstick:24}{against:8.1f}   {share:5.2f} x{wanted}")


if __name__ == "__main__":
    main()
