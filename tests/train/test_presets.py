"""Published schedules: trainable sets, rates, and that each can be trained."""

from __future__ import annotations

import pytest

from sightline.core.errors import PlanError
from sightline.train.parts import PARTS, freeze_all_but
from sightline.train.presets import LONG_CONTEXT, PRESETS, preset
from sightline.train.stages import train

SETS = {
    "llava": ["connector", "connector llm"],
    "molmo": ["encoder connector llm"] * 2,
    "baichuan": ["connector", "encoder connector", "encoder connector llm"],
    "varco": ["connector", "encoder connector llm", "encoder connector llm"],
    "smolvlm-context": ["llm"],
}


@pytest.mark.parametrize("name", list(PRESETS))
def test_trainable_sets_in_order(tiny, name):
    stages = preset(name, 7)
    assert [" ".join(stage.trainable) for stage in stages] == SETS[name]
    model, _ = tiny.build()
    for stage in stages:
        assert stage.steps == 7
        freeze_all_but(model, stage.trainable, PARTS)
        names = {n for n, p in model.named_parameters() if p.requires_grad}
        assert names == {n for n, _ in model.named_parameters() for p in stage.trainable if n.startswith(PARTS[p])}


def test_published_rates():
    align, sft = preset("llava", 1)
    assert (align.lr, sft.lr) == ({"connector": 1e-3}, {"connector": 2e-5, "llm": 2e-5})
    assert align.weight_decay == sft.weight_decay == 0
    captions, mixture = preset("molmo", 1)
    assert captions.lr == {"encoder": 6e-6, "connector": 2e-4, "llm": 2e-5}
    assert mixture.lr == {"encoder": 5e-6, "connector": 5e-6, "llm": 1e-5}
    one, *rest = preset("varco", 1)  # LLaVA-OneVision's
    assert one.lr == {"connector": 1e-3}
    assert all(stage.lr == {"encoder": 2e-6, "connector": 1e-5, "llm": 1e-5} for stage in rest)
    assert LONG_CONTEXT["rope_theta"] == 273_000
    with pytest.raises(PlanError, match="no such schedule"):
        preset("unknown", 1)


def test_a_schedule_runs_and_proves_what_rested(tiny, tmp_path):
    model, reader = tiny.build()
    rows = [reader.encode(tiny.chat(tiny.picture()))]
    stages = preset("baichuan", 1)
    data = {stage.data: lambda _: reader.collate(rows) for stage in stages}
    course = train(model, stages, data, tmp_path)
    moved = [{p for p in proof["before"] if proof["before"][p] != proof["after"][p]} for proof in course.proofs]
    assert moved == [set(s.split()) for s in SETS["baichuan"]]
