"""What differs on a GPU: where the model goes, rounding, memory, four bits, exact resuming. `make test-gpu`."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from transformers import LlamaConfig

from sightline.cli.chat import command as chat_command
from sightline.core.message import Request
from sightline.runs.vlm_config import changed
from sightline.runs.vlm_documents import Sizes, reading_config
from sightline.runs.vlm_lines import rendered
from sightline.runs.vlm_plan import plan
from sightline.runs.vlm_run import run
from sightline.train.lora import Lora, add_lora, merge_lora
from sightline.train.machine import Machine
from sightline.train.packing import TESTED, epochs, leak, make_packable
from sightline.train.stages import Stage, train
from sightline.vlm import VLM, Connector, Fixed, Fusion, byte_tokenizer, reader_for
from sightline.vlm.chat import VLMChat
from sightline.vlm.pixels import stacked

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]
ALL = ("encoder", "connector", "llm")
STAGES = [
    Stage(name="align", trainable=("connector",), lr={"connector": 1e-2}, steps=4, save_every=2),
    Stage(name="all", trainable=ALL, lr=dict.fromkeys(ALL, 1e-3), steps=6, accumulate=2, save_every=2),
]
WIDE = {
    "vocab_size": 288,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 512,
}


def _rows(tiny, reader, n=6):
    return [reader.encode(tiny.chat(tiny.picture(i), answer="ab" * (i + 1))) for i in range(n)]


def _losses(tiny, out, machine, fusion="embed", dtype=torch.float32, die=0):
    """Of a run of `STAGES`, or of one that dies in its `die`-th batch."""
    model, reader = tiny.build("native", "llama", fusion)
    inner = epochs(_rows(tiny, reader), 3, reader.collate, seed=0)
    left = [die]

    def data(step):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return inner(step)

    return train(model.to(dtype), STAGES, {"data": data}, out, machine=machine).losses


@pytest.mark.parametrize("fusion", ["embed", "cross"])
def test_a_gpu_trains_near_what_the_processor_does(tiny, tmp_path, fusion):
    alone = _losses(tiny, tmp_path / "cpu", Machine(), fusion)
    for name, tolerance, machine, dtype in (
        ("float32", 1e-3, Machine(device="cuda"), torch.float32),
        ("mixed", 0.1, Machine(device="cuda", mixed=True), torch.float32),
        ("bfloat16", 0.2, Machine(device="cuda"), torch.bfloat16),
    ):
        found = _losses(tiny, tmp_path / name, machine, fusion, dtype)
        apart = max(abs(a - b) for a, b in zip(found, alone, strict=True))
        print(f"{fusion} {name}: largest difference of a loss {apart:.2e}")
        assert apart < tolerance, name


@pytest.mark.parametrize("mixed", [False, True])
def test_a_run_that_goes_on_is_the_run_that_was_not_interrupted(tiny, tmp_path, mixed):
    machine = Machine(device="cuda", mixed=mixed)
    whole = _losses(tiny, tmp_path / "whole", machine)
    again = _losses(tiny, tmp_path / "again", machine)
    with pytest.raises(KeyboardInterrupt):
        _losses(tiny, tmp_path / "cut", machine, die=12)
    resumed = _losses(tiny, tmp_path / "cut", machine)
    noise, apart = (max(abs(a - b) for a, b in zip(whole, one, strict=True)) for one in (again, resumed))
    print(f"mixed={mixed}: two runs {noise:.2e} apart, the resumed one {apart:.2e}")
    assert apart <= max(noise, 1e-6)


@pytest.mark.parametrize("llm", sorted(TESTED))
def test_packed_is_separate(tiny, llm):
    model, reader = tiny.build("native", llm)
    model.cuda()
    rows = [
        type(row)(row.ids.cuda(), row.labels.cuda(), tuple(view.cuda() for view in row.views), row.sizes)
        for row in _rows(tiny, reader, 4)
    ]
    make_packable(model)
    with torch.device("cuda"):
        exact = leak(model, rows, stacked)
        rounded = leak(model.bfloat16(), rows, stacked)
    print(f"{llm}: {exact:.1e} in float32, {rounded:.1e} in bfloat16")
    assert exact < 1e-4
    assert rounded < 0.25


def test_four_bits_train_and_merge(tiny, tmp_path):
    pytest.importorskip("bitsandbytes")
    torch.manual_seed(0)
    model = VLM(tiny.encoders["native"], Connector(kind="shuffle", merge=2), Fusion(), LlamaConfig(**WIDE)).eval()
    reader = reader_for(model, byte_tokenizer(), Fixed(size=32, patch=model.config.patch, merge=2))
    add_lora(model.bfloat16(), Lora(rank=4, bits=4))
    batch = reader.collate(_rows(tiny, reader))
    stage = Stage(name="adapt", trainable=("lora",), lr={"lora": 1e-2}, steps=8)
    losses = train(model, [stage], {"data": lambda _: batch}, tmp_path, machine=Machine(device="cuda")).losses
    assert losses[-1] < losses[0] - 0.1
    batch = {name: value.cuda() for name, value in batch.items()}
    with torch.no_grad():
        tuned = model.eval()(**batch).logits
        assert merge_lora(model) == 14
        merged = model(**batch).logits
    apart = float((merged - tuned).abs().max())
    print(f"merged logits {apart:.2e} apart of {float(tuned.abs().max()):.2e}")
    assert apart < 0.05 * float(tuned.abs().max())


@pytest.mark.parametrize("lines", [[], ["lora.bits=4"]], ids=["lora", "qlora"])
def test_a_config_names_the_gpu_and_its_folder_answers(tmp_path, lines):
    if lines:
        pytest.importorskip("bitsandbytes")
    stage = {"name": "a", "trainable": ["connector", "lora"], "lr": {"connector": 1e-3, "lora": 1e-3}, "steps": 4}
    plain = reading_config(Sizes(steps=4))
    config = changed(
        plain, ["lora.rank=4", f"stages={json.dumps([stage])}", "device=cuda", "precision=bfloat16", *lines]
    )
    rows = [line.messages for line in rendered(8, 6, 1)]
    result = run(config, {"data": rows}, tmp_path)
    assert result.model.device.type == "cuda"
    assert result.model.dtype == torch.bfloat16
    (tmp_path / "line.png").write_bytes(rendered(1, 6, 2)[0].data)
    told = CliRunner().invoke(
        chat_command,
        [str(tmp_path / "model"), "--image", str(tmp_path / "line.png"), "--ask", "read", "--device", "cuda",
         "--max-tokens", "4"],
    )  # fmt: skip
    assert told.exit_code == 0, told.output


@pytest.mark.parametrize("fusion", ["embed", "cross", "hybrid"])
def test_decoding_says_what_generate_says(tiny, fusion):
    model, reader = tiny.build("native", "llama", fusion)
    model.cuda()
    users = [tiny.chat(tiny.picture(i), question="what" * (i + 1))[0] for i in range(3)]
    requests = [Request(messages=[user], max_tokens=12) for user in users]
    replies = [reply.text for reply in VLMChat(model, reader, batch_size=3).replies(requests)]
    batch = reader.collate([reader.encode([user], prompt=True) for user in users], left=True)
    batch.pop("labels")
    batch = {name: value.cuda() for name, value in batch.items()}
    ids = model.generate(**batch, max_new_tokens=12, do_sample=False)[:, batch["input_ids"].shape[1] :]
    assert replies == reader.tokenizer.batch_decode(ids, skip_special_tokens=True)


@pytest.mark.parametrize("name", ["ours, all, bfloat16", "ours, lora, mixed", "ours cross, cross, float32"])
def test_the_plan_is_near_what_a_gpu_takes(tmp_path, name):
    place = Path(__file__).parents[2] / "benchmarks" / "plan_gpu.py"
    spec = importlib.util.spec_from_file_location("plan_gpu", place)
    sys.modules["plan_gpu"] = bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    case = next(one for one in bench.cases(tmp_path) if one.name == name)
    planned = plan(case.config, case.load).forecast.peak / 1e9
    allocated, _, _ = bench.taken(case)
    assert planned == pytest.approx(allocated, rel=0.05)
