"""The plan's peak against what a GPU takes: the trainer's own steps on real shapes with random weights.

    python benchmarks/plan_gpu.py [PART-OF-A-NAME ...]

Per case: the plan (made on the CPU, without the GPU), `torch.cuda.max_memory_allocated` over the second and third step
of the trainer, the plan's error, and what the allocator holds (`max_memory_reserved`), which is what must fit a card
beside the driver's context (about half a GB). Needs no downloads; synthetic pictures. On a machine without a GPU,
`--tiny` runs the cases small and on the CPU, to see that the script works; it measures nothing then.

Cases: our own model of SmolVLM-256M's shape (SigLIP-base at 512 px, Llama 576 x 30) by fusion, precision, what trains,
checkpointing and number of pictures; the stock classes of SmolVLM-256M and of Qwen2.5-VL-3B; the planner's own 8b.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib.util
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers as t
from torch import Tensor
from transformers.utils import logging

from sightline.runs.vlm_plan import PLANNED, plan
from sightline.runs.vlm_planned import DTYPES, Load, _row, prepared, subject
from sightline.runs.vlm_run import VLMRun
from sightline.train.machine import Machine
from sightline.train.memory import GB
from sightline.train.memory_layers import depth
from sightline.train.stages import Stage, _Run
from sightline.vlm.chat import whole_reader
from sightline.vlm.connector import Connector
from sightline.vlm.fusion import Fusion
from sightline.vlm.reader import reader_for
from sightline.vlm.resolution import Fixed, FusionKind
from sightline.vlm.tokenizer import byte_tokenizer

TINY = "--tiny" in sys.argv
DEVICE = "cpu" if TINY else "cuda"
STEPS = 3
ALL = ("encoder", "connector", "llm")
ACROSS = ("connector", "cross")
SIGLIP = {
    "model_type": "siglip_vision_model",
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "image_size": 512,
    "patch_size": 16,
    "vision_use_head": False,
}
LLAMA = {
    "model_type": "llama",
    "vocab_size": 49280,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "tie_word_embeddings": True,
    "max_position_embeddings": 8192,
}
QWEN = {
    "vocab_size": 151936,
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "tie_word_embeddings": True,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24], "type": "mrope"},
}
QWEN_TOWER = {
    "depth": 32,
    "hidden_size": 1280,
    "out_hidden_size": 2048,
    "intermediate_size": 3420,
    "num_heads": 16,
    "patch_size": 14,
    "window_size": 112,
    "fullatt_block_indexes": [7, 15, 23, 31],
    "tokens_per_second": 2,
}


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    name: str
    config: VLMRun
    load: Load


def ours(kind: FusionKind) -> VLMRun:
    parts = ALL if kind == "embed" else (*ALL, "cross")
    stage = Stage(name="sft", trainable=parts, lr=dict.fromkeys(parts, 1e-5), steps=STEPS)
    return VLMRun(
        encoder=SIGLIP | ({"hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 2} if TINY else {}),
        connector=Connector(kind="shuffle", merge=4),
        fusion=Fusion(kind=kind, every=5, heads=9),
        llm=LLAMA | ({"hidden_size": 144, "intermediate_size": 192, "num_hidden_layers": 5} if TINY else {}),
        resolution=Fixed(size=512, patch=16, merge=4),
        stages=(stage,),
    )


def stock(family: str, folder: Path) -> VLMRun:
    """Config, tokenizer and processor of a stock class at its published size; weights there are none."""
    place = Path(__file__).parents[1] / "tests" / "vlm" / "ready_parts.py"
    spec = importlib.util.spec_from_file_location("ready_parts", place)
    assert spec is not None
    assert spec.loader is not None
    parts = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(parts)
    words = parts.tokenizer(family)
    ids = {"image_token_id": words.convert_tokens_to_ids(parts.TOKENS[family][0]), "pad_token_id": 0}
    few = {"num_hidden_layers": 1} if TINY else {}
    if family == "smolvlm":
        vision = {k: v for k, v in SIGLIP.items() if k not in ("model_type", "vision_use_head")} | few
        config: Any = t.SmolVLMConfig(vision_config=vision, text_config=LLAMA | few, scale_factor=4, **ids)
        pictures: Any = t.SmolVLMImageProcessorPil(
            size={"longest_edge": 2048}, max_image_size={"longest_edge": 512}, resample=3
        )
    else:
        marks = {
            f"{name}_token_id": words.convert_tokens_to_ids(f"<|{name}|>") for name in ("vision_start", "vision_end")
        }
        tower = QWEN_TOWER | ({"depth": 2, "fullatt_block_indexes": [1]} if TINY else {})
        marks["video_token_id"] = words.convert_tokens_to_ids("<|video_pad|>")
        config = t.Qwen2_5_VLConfig(vision_config=tower, text_config=QWEN | few, **ids, **marks)
        pictures = t.Qwen2VLImageProcessorPil(size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 1280})
    home = folder / family
    for part in (config, words, pictures):
        part.save_pretrained(home)
    stage = Stage(name="sft", trainable=ALL, lr=dict.fromkeys(ALL, 1e-5), steps=STEPS)
    return VLMRun(model=str(home), stages=(stage,))


def cases(folder: Path) -> Iterator[Case]:
    side = {"width": 512, "height": 512, "words": 256}
    embed, cross = ours("embed"), ours("cross")
    llm = ("connector", "llm")
    for dtype in ("float32", "mixed", "bfloat16"):
        yield Case(f"ours, all, {dtype}", embed, Load(**side, batch=8, dtype=dtype))
        yield Case(f"ours, all, {dtype}, checkpointing", embed, Load(**side, batch=8, dtype=dtype, checkpointing=True))
        yield Case(f"ours, lora, {dtype}", embed, Load(**side, batch=8, dtype=dtype, lora=16))
    yield Case("ours, connector, bfloat16", embed, Load(**side, batch=8, trainable=("connector",)))
    yield Case("ours, llm, bfloat16, 8 pictures", embed, Load(**side, batch=4, images=8, trainable=llm))
    yield Case("ours, llm, bfloat16, text alone", embed, Load(**side, batch=8, images=0, trainable=("llm",)))
    yield Case("ours, lora, bfloat16, batch 1", embed, Load(**side, lora=16))
    yield Case("ours cross, all, bfloat16, 2 pictures", cross, Load(**side, batch=8, images=2))
    yield Case("ours cross, cross, float32", cross, Load(**side, batch=8, dtype="float32", trainable=ACROSS))
    page = {"width": 256 if TINY else 1024, "height": 256 if TINY else 1024, "words": 256}
    smol, qwen = stock("smolvlm", folder), stock("qwen2_5_vl", folder)
    yield Case("SmolVLM-256M, all, bfloat16", smol, Load(**page, batch=2))
    yield Case("SmolVLM-256M, all, mixed", smol, Load(**page, batch=2, dtype="mixed"))
    yield Case("SmolVLM-256M, lora, bfloat16, 2 pictures", smol, Load(**page, images=2, lora=16))
    yield Case("SmolVLM-256M, lora, bfloat16, checkpointing", smol, Load(**page, batch=4, lora=16, checkpointing=True))
    yield Case("Qwen2.5-VL-3B, lora, bfloat16", qwen, Load(**page, lora=16))
    yield Case("Qwen2.5-VL-3B, lora, bfloat16, checkpointing", qwen, Load(**page, batch=2, lora=16, checkpointing=True))
    yield Case("Qwen2.5-VL-3B, llm, bfloat16, checkpointing", qwen, Load(**page, trainable=llm, checkpointing=True))
    if not TINY:
        yield Case("8b, lora, bfloat16", PLANNED["8b"](), Load(lora=16))
        yield Case("8b, lora, bfloat16, checkpointing", PLANNED["8b"](), Load(lora=16, batch=4, checkpointing=True))


def batch_of(case: Case, model: Any) -> dict[str, Tensor]:
    """What a reader makes of equal rows; the last `words` tokens of each are trained."""
    config, load = case.config, case.load
    if config.model is None:
        assert config.resolution is not None
        reader: Any = reader_for(model, byte_tokenizer(), config.resolution)
    else:
        _, reader = whole_reader(config.model)
    row = _row(reader, load)
    labels = row.labels.clone()
    labels[-load.words :] = row.ids[-load.words :]
    made: dict[str, Tensor] = reader.collate([dataclasses.replace(row, labels=labels)] * load.batch)
    return made


@contextmanager
def made_as(dtype: torch.dtype) -> Iterator[None]:
    """Models are made on the device and in this type."""
    torch.set_default_dtype(dtype)
    try:
        with torch.device(DEVICE):
            yield
    finally:
        torch.set_default_dtype(torch.float32)


def prepared_run(case: Case) -> tuple[_Run, Any]:
    """The trainer of one stage, and its data."""
    load, about = case.load, subject(case.config, case.load)
    with made_as(DTYPES[load.dtype]):
        model, trained = prepared(case.config, load, about, depth(about.text))
    stage = Stage(name="stage", trainable=trained, lr=dict.fromkeys(trained, 1e-5), steps=STEPS)
    batch = batch_of(case, model)
    return _Run(model, stage, about.parts, Machine(mixed=load.dtype == "mixed")), lambda _: batch


def taken(case: Case) -> tuple[float, float, float]:
    """GB allocated and reserved at the peak, and seconds of a step."""
    run, data = prepared_run(case)
    run.step(data, 0)
    if TINY:
        return 0.0, 0.0, 0.0
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    begin = time.perf_counter()
    for step in range(1, STEPS):
        run.step(data, step)
    seconds = (time.perf_counter() - begin) / (STEPS - 1)
    return torch.cuda.max_memory_allocated() / GB, torch.cuda.max_memory_reserved() / GB, seconds


def main() -> None:
    logging.set_verbosity_error()
    wanted = [word for word in sys.argv[1:] if word != "--tiny"]
    if not TINY:
        print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, transformers {t.__version__}")
    print(f"{'case':46}{'planned':>9}{'taken':>9}{'error':>8}{'reserved':>10}{'step':>9}{'plan':>8}")
    errors = []
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(Path(folder)):
            if wanted and not any(word in case.name for word in wanted):
                continue
            begin = time.perf_counter()
            planned = plan(case.config, case.load).forecast.peak / GB
            spent = time.perf_counter() - begin
            allocated, reserved, seconds = taken(case)
            error = planned / allocated - 1 if allocated else 0.0
            errors.append(abs(error))
            print(
                f"{case.name:46}{planned:6.2f} GB{allocated:6.2f} GB{error:8.1%}{reserved:7.2f} GB{seconds:7.3f} s"
                f"{spent:6.1f} s",
                flush=True,
            )
            gc.collect()
            torch.cuda.empty_cache()
    print(f"error: median {statistics.median(errors):.1%}, largest {max(errors):.1%}")


if __name__ == "__main__":
    main()
