"""Our stage against TRL's SFTTrainer and a bare loop: same tiny model, rows of mixed lengths, one thread.

    python benchmarks/vlm.py [ROWS]

Prints conversations a second of CPU time. Needs trl and datasets.
"""

from __future__ import annotations

import copy
import sys
import tempfile
import time
from pathlib import Path

import datasets
import torch
import trl
from transformers import LlamaConfig, SiglipVisionConfig

from sightline.core.message import Message
from sightline.runs.vlm_pictures import SIDE, series
from sightline.train.packing import epochs, packed_epochs
from sightline.train.stages import Stage, train
from sightline.vlm import VLM, Connector, Fixed, Fusion, byte_tokenizer, reader_for
from sightline.vlm.pixels import opened, stacked

LR = 1e-3
BATCH = 8


def setting(rows: int):
    torch.manual_seed(0)
    vision = SiglipVisionConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE, patch_size=8
    )
    text = LlamaConfig(
        vocab_size=288, hidden_size=128, intermediate_size=384, num_hidden_layers=3, num_attention_heads=4
    )
    model = VLM(vision, Connector(kind="shuffle", merge=2), Fusion(), text)
    reader = reader_for(model, byte_tokenizer(), Fixed(size=SIDE, patch=8, merge=2))
    chats = [one.messages for one in series(("colour",), rows, 1)]
    answers = ["yes " * (1 + 7 * i % 60) for i in range(rows)]
    return (
        model,
        reader,
        [(user, Message.of("assistant", words)) for (user, _), words in zip(chats, answers, strict=True)],
    )


def timed(act) -> float:
    begin = time.process_time()
    act()
    return time.process_time() - begin


def ours(rows: int, pack: int) -> float:
    model, reader, chats = setting(rows)

    def whole() -> None:
        encoded = [reader.encode(chat) for chat in chats]
        steps = rows // BATCH
        data = epochs(encoded, BATCH, reader.collate, 0)
        if pack:
            data = packed_epochs(encoded, pack, stacked, 0)
            seen, steps = 0, 0
            while seen < rows:
                seen += len(data(steps)["image_sizes"])
                steps += 1
        parts = ("encoder", "connector", "llm")
        stage = Stage(name="all", trainable=parts, lr=dict.fromkeys(parts, LR), steps=steps)
        with tempfile.TemporaryDirectory() as out:
            train(model, [stage], {"data": data}, Path(out))

    return rows / timed(whole)


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


def with_trl(rows: int) -> float:
    model, reader, chats = setting(rows)
    table = [
        {
            "images": [opened(user.pictures[0].data)],
            "messages": [
                {"role": "user", "content": user.text},
                {"role": "assistant", "content": answer.text},
            ],
        }
        for user, answer in chats
    ]
    data = datasets.Dataset.from_list(copy.copy(table))
    with tempfile.TemporaryDirectory() as out:
        config = trl.SFTConfig(
            output_dir=out,
            per_device_train_batch_size=BATCH,
            num_train_epochs=1,
            use_cpu=True,
            report_to="none",
            max_length=None,
            assistant_only_loss=True,
            learning_rate=LR,
            save_strategy="no",
            logging_steps=1000,
        )
        trainer = trl.SFTTrainer(model=model, args=config, train_dataset=data, processing_class=reader)
        return rows / timed(trainer.train)


def main() -> None:
    torch.set_num_threads(1)
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 96
    print(f"{rows} conversations of mixed lengths, one thread, conversations per CPU second")
    for name, rate in (
        ("trl SFTTrainer", with_trl(rows)),
        ("bare loop", bare(rows)),
        ("ours, padded by length", ours(rows, 0)),
        ("ours, packs of 1024", ours(rows, 1024)),
    ):
        print(f"{name:24} {rate:7.1f}")


if __name__ == "__main__":
    main()
