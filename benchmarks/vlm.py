"""Our stages against TRL's SFTTrainer and a bare loop, our decoding against transformers' generate: same tiny model,
same rows of mixed lengths with one picture each, one thread.

    python benchmarks/vlm.py [ROWS [ROUNDS]] [--gpu]

Prints pictures (for decoding: tokens) a second of CPU time, the median of ROUNDS rounds in which the ways take turns,
and what share of its yardstick each reaches. TRL's gradient checkpointing and bfloat16 are off, as everywhere here.
"trl by length" groups rows of like length, for which TRL must be given a column of lengths. Synthetic pictures. Needs
trl and datasets.

`--gpu`: SmolVLM-256M's published size in mixed precision (bfloat16 products, as TRL trains by default), batches of 32,
seconds by the clock after a round that is not counted. Of our stage its rows and steps are timed, not hashes and
checkpoint (TRL writes none here).

The connector's stage has models of its own: SmolVLM-256M and 500M by their published configs, made small by one rule
(widths, patches and text a quarter; layers and heads a third; the vocabulary a twelfth, so that the head keeps its
share). One whole picture, as in a stage of alignment on captions.

                              SmolVLM-256M      here   SmolVLM-500M      here
    tower, width x layers         768 x 12   192 x 4       768 x 12   192 x 4
    patches -> tokens           1024 -> 64  256 -> 16    1024 -> 64  256 -> 16
    LM, width x layers            576 x 30   144 x 10      960 x 32   240 x 11
    heads / of keys                 9 / 3      3 / 1        15 / 5      5 / 1
    feed-forward                     1536       384           2560       640
    vocabulary                      49280      4107          49280      4107
    tokens of text, trained      164, 132    41, 33       164, 132    41, 33
    GFLOP forward, tower            216.2      1.15          216.2      1.15
    GFLOP forward, LM                65.0      0.34          171.4      0.90
    tower : LM                  3.3 : 1   3.4 : 1      1.3 : 1   1.3 : 1

(torch.utils.flop_counter.) What keeping features saves is the tower's time, so its share decides the figure: with t for
tower : LM, arithmetic alone allows (t + 2) / 2, 2.7 for the smaller and 1.6 for the larger, the backward pass through
the frozen language model taking as much as the forward pass. What lies above is saved elsewhere: rows read once, heads
before trained tokens only (TRL does so on a GPU, on a CPU it runs its head everywhere), no mask for filling at the end.
SmolVLM cuts large pictures in up to 17 views, of which each costs its tower as much again; that is not measured here.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import torch
import trl
from transformers import LlamaConfig, SiglipVisionConfig
from transformers.utils import logging

from sightline.core.message import Message, Request
from sightline.runs.vlm_pictures import SIDE, WORDS, series
from sightline.train.feature_cache import Featured
from sightline.train.machine import Machine
from sightline.train.packing import bins, epochs, make_packable, packed_epochs
from sightline.train.parts import PARTS, freeze_all_but
from sightline.train.stages import Stage, train
from sightline.vlm import VLM, Connector, Fixed, Fusion, byte_tokenizer, reader_for
from sightline.vlm.chat import VLMChat
from sightline.vlm.pixels import opened, stacked

GPU = "--gpu" in sys.argv
DEVICE = "cuda" if GPU else "cpu"
LR = 1e-4 if GPU else 1e-3
BATCH = 32 if GPU else 8
PACK = 6144 if GPU else 1152
"""Tokens of a pack: about as many conversations as in a batch."""
EPOCHS = 3
"""Of the connector's stage."""
ALL = ("encoder", "connector", "llm")
ALONE = ("connector",)
ANSWER = 64
"""Tokens of an answer, in decoding."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a model and its rows. Pictures are `side` pixels, and 4 x 4 patches of them become one token."""

    side: int
    tower: dict[str, int]
    llm: dict[str, Any]
    longest: int
    """"yes " of the longest answer; they vary evenly from 1."""
    words: tuple[str, ...] = ()
    """That are one token, as the question is for a trained tokenizer; everything else is bytes."""
    patch: int = 4


PLAIN = Shape(
    side=SIDE,
    tower={"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2},
    llm={
        "vocab_size": 288,
        "hidden_size": 128,
        "intermediate_size": 384,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
    },
    longest=60,
)
SMOL_TOWER = {"hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 4, "num_attention_heads": 4}
SMOL = {
    "256M": {"hidden_size": 144, "intermediate_size": 384, "num_hidden_layers": 10, "num_attention_heads": 3},
    "500M": {"hidden_size": 240, "intermediate_size": 640, "num_hidden_layers": 11, "num_attention_heads": 5},
}
PUBLISHED = {
    "256M": {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9},
}
BASE_TOWER = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
SHAPES = {
    size: Shape(
        side=64,
        tower=SMOL_TOWER,
        llm={**llm, "num_key_value_heads": 1, "vocab_size": 4107, "tie_word_embeddings": True},
        longest=15,
        words=WORDS,
    )
    for size, llm in SMOL.items()
}
if GPU:
    SHAPES = {
        size: Shape(
            side=512,
            patch=16,
            tower=BASE_TOWER,
            llm={**llm, "num_key_value_heads": llm["num_attention_heads"] // 3, "vocab_size": 49280,
                 "tie_word_embeddings": True},
            longest=60,
            words=WORDS,
        )
        for size, llm in PUBLISHED.items()
    }  # fmt: skip
    PLAIN = SHAPES["256M"]


def setting(rows: int, shape: Shape):
    torch.manual_seed(0)
    vision = SiglipVisionConfig(**shape.tower, image_size=shape.side, patch_size=shape.patch)
    with torch.device(DEVICE):
        model = VLM(vision, Connector(kind="shuffle", merge=4), Fusion(), LlamaConfig(**shape.llm))
    reader = reader_for(model, byte_tokenizer(shape.words), Fixed(size=shape.side, patch=shape.patch, merge=4))
    users = [one.messages[0] for one in series(("colour",), rows, 1)]
    answers = ["yes " * (1 + 7 * i % shape.longest) for i in range(rows)]
    return (
        model,
        reader,
        [(user, Message.of("assistant", words)) for user, words in zip(users, answers, strict=True)],
    )


def timed(act: Callable[[], object]) -> float:
    clock = time.perf_counter if GPU else time.process_time
    begin = clock()
    act()
    if GPU:
        torch.cuda.synchronize()
    return clock() - begin


def staged(model, encode: Callable[[], Any], data: Callable[[Any], Any], trainable, counted) -> float:
    """Seconds of encoding the rows and of the stage; `counted` tells its steps from the rows."""
    made: list[Any] = []
    spent = timed(lambda: made.append(encode()))
    encoded = made[0]
    stage_s = 0.0

    def whole() -> None:
        nonlocal stage_s
        stage_s = _train(model, trainable, data(encoded), counted(encoded))

    all_s = timed(whole)
    return spent + (stage_s if GPU else all_s)


def ours(rows: int, *, packed: bool = False) -> float:
    model, reader, chats = setting(rows, PLAIN)

    def counted(encoded) -> int:
        if not packed:
            return rows // BATCH
        make_packable(model)
        return len(bins([len(row.ids) for row in encoded], PACK))

    def data(encoded):
        return packed_epochs(encoded, PACK, stacked, 0) if packed else epochs(encoded, BATCH, reader.collate, 0)

    return rows / staged(model, lambda: [reader.encode(chat) for chat in chats], data, ALL, counted)


def our_connector(rows: int, shape: Shape, features: Path | None = None) -> float:
    model, reader, chats = setting(rows, shape)

    def batches(given):
        return epochs(given, BATCH, reader.collate, 0)

    def data(encoded):
        return batches(encoded) if features is None else Featured(encoded, batches, features)

    spent = staged(
        model,
        lambda: [reader.encode(chat) for chat in chats],
        data,
        ALONE,
        lambda _: EPOCHS * rows // BATCH,
    )
    return EPOCHS * rows / spent


def _train(model, trainable: tuple[str, ...], data, steps: int) -> float:
    """Seconds of the steps."""
    stage = Stage(name="stage", trainable=trainable, lr=dict.fromkeys(trainable, LR), steps=steps)
    with tempfile.TemporaryDirectory() as out:
        return train(model, [stage], {"data": data}, Path(out), machine=Machine(mixed=GPU)).seconds


def bare(rows: int) -> float:
    model, reader, chats = setting(rows, PLAIN)

    def whole() -> None:
        encoded = sorted((reader.encode(chat) for chat in chats), key=lambda row: len(row.ids))
        optimizer = torch.optim.AdamW(model.parameters(), lr=LR, fused=GPU)
        model.train()
        for at in range(0, rows, BATCH):
            batch = {name: value.to(DEVICE) for name, value in reader.collate(encoded[at : at + BATCH]).items()}
            with torch.autocast(DEVICE, torch.bfloat16, enabled=GPU):
                loss = model(**batch, use_cache=False).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()

    return rows / timed(whole)


def with_trl(rows: int, trainable: tuple[str, ...], shape: Shape, rounds: int = 1, *, by_length: bool = False) -> float:
    model, reader, chats = setting(rows, shape)
    freeze_all_but(model, trainable, PARTS)
    table = [
        {
            "images": [opened(user.pictures[0].data)],
            "messages": [{"role": "user", "content": user.text}, {"role": "assistant", "content": answer.text}],
            "length": len(answer.text),
        }
        for user, answer in chats
    ]
    with tempfile.TemporaryDirectory() as out:
        config = trl.SFTConfig(
            output_dir=out,
            per_device_train_batch_size=BATCH,
            num_train_epochs=rounds,
            use_cpu=not GPU,
            bf16=GPU,
            report_to="none",
            max_length=None,
            assistant_only_loss=True,
            learning_rate=LR,
            save_strategy="no",
            logging_steps=1000,
            gradient_checkpointing=False,
            train_sampling_strategy="group_by_length" if by_length else "random",
            remove_unused_columns=not by_length,
            disable_tqdm=True,
        )
        data = datasets.Dataset.from_list(table)
        trainer = trl.SFTTrainer(model=model, args=config, train_dataset=data, processing_class=reader)
        return rounds * rows / timed(trainer.train)


def decoded(rows: int) -> tuple[float, float]:
    """Tokens a second: our chat, and `generate` of transformers. Raises where their words differ."""
    model, reader, chats = setting(rows, PLAIN)
    model.eval()
    users = [user for user, _ in chats[:BATCH]]
    replies, texts = [], []
    requests = [Request(messages=[user], max_tokens=ANSWER) for user in users]
    ours_ = timed(lambda: replies.extend(VLMChat(model, reader, batch_size=BATCH).replies(requests)))
    spent = sum(reply.usage.output_tokens for reply in replies)

    def stock() -> None:
        batch = reader.collate([reader.encode([user], prompt=True) for user in users], left=True)
        batch.pop("labels")
        batch = {name: value.to(DEVICE) for name, value in batch.items()}
        made = model.generate(**batch, max_new_tokens=ANSWER, do_sample=False)[:, batch["input_ids"].shape[1] :]
        texts.extend(reader.tokenizer.batch_decode(made, skip_special_tokens=True))

    theirs = timed(stock)
    assert texts == [reply.text for reply in replies], "the two must say the same"
    return spent / ours_, spent / theirs


def _turn(rows: int) -> Iterator[tuple[str, float]]:
    yield "trl, everything trains", with_trl(rows, ALL, PLAIN)
    yield "trl by length", with_trl(rows, ALL, PLAIN, by_length=True)
    yield "bare loop", bare(rows)
    yield "padded by length", ours(rows)
    yield "packed", ours(rows, packed=True)
    for size, shape in SHAPES.items():
        yield f"trl, connector {size}", with_trl(rows, ALONE, shape, EPOCHS)
        yield f"no cache {size}", our_connector(rows, shape)
        with tempfile.TemporaryDirectory() as kept:
            yield f"empty cache {size}", our_connector(rows, shape, Path(kept))
            yield f"full cache {size}", our_connector(rows, shape, Path(kept))
    yield from zip(("our decoding", "generate"), decoded(rows), strict=True)


COMPARED: tuple[tuple[str, str, float | None], ...] = (
    ("padded by length", "trl, everything trains", None),
    ("packed", "trl, everything trains", 1.5),
    ("packed", "trl by length", None),
    ("padded by length", "bare loop", 0.95),
    *((f"no cache {size}", f"trl, connector {size}", None) for size in SHAPES),
    *((f"empty cache {size}", f"trl, connector {size}", None) for size in SHAPES),
    *((f"full cache {size}", f"trl, connector {size}", 3.0 if size == "256M" else None) for size in SHAPES),
    ("our decoding", "generate", 1.0),
)
"""Way, yardstick, share wanted."""


def main() -> None:
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    rows, rounds = [*numbers, *(96, 3)[len(numbers) :]]
    made: dict[str, list[float]] = {}
    for turn in range(-int(GPU), rounds):
        for name, rate in _turn(rows):
            print(f"{name} {rate:.1f}", file=sys.stderr, flush=True)
            if turn >= 0:
                made.setdefault(name, []).append(rate)
    where = f"{torch.cuda.get_device_name()}, by the clock" if GPU else "one thread, per CPU second"
    print(f"{rows} conversations of mixed lengths, {where}, median of {rounds}")
    for name, yardstick, target in COMPARED:
        rate, against = statistics.median(made[name]), statistics.median(made[yardstick])
        share = statistics.median(a / b for a, b in zip(made[name], made[yardstick], strict=True))
        wanted = "" if target is None else f"  wanted {target:4.2f}  {'holds' if share >= target else 'MISSED'}"
        print(f"{name:24}{rate:8.1f}   {yardstick:24}{against:8.1f}   {share:5.2f} x{wanted}")


if __name__ == "__main__":
    main()
