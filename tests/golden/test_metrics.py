"""Equal to the reference packages: values by benchmarks/golden_metrics.py, whose `made_by` names the versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sightline.evaluate.metrics.anls import anls
from sightline.evaluate.metrics.anls_star import anls_star
from sightline.evaluate.metrics.bleu import bleu
from sightline.evaluate.metrics.cider import cider, cider_d
from sightline.evaluate.metrics.relaxed import relaxed
from sightline.evaluate.metrics.rouge import rouge_l
from sightline.evaluate.metrics.vqa import vqa_accuracy
from sightline.evaluate.tokenizers.ptb import ptb

GOLDEN = json.loads((Path(__file__).parent / "data" / "metrics.json").read_text())
CAPTIONS = GOLDEN["captions"]
ANSWERS = GOLDEN["answers"]


@pytest.mark.parametrize(("text", "words"), CAPTIONS["tokens"])
def test_words_equal_the_java_tokenizer(text: str, words: str) -> None:
    assert ptb(text) == words


@pytest.mark.parametrize(("name", "metric"), [("cider-d", cider_d), ("cider", cider), ("rouge-l", rouge_l)])
def test_caption_metrics_equal_pycocoevalcap(name: str, metric: Any) -> None:
    score = metric(CAPTIONS["predictions"], CAPTIONS["references"])
    value, per_item = CAPTIONS[name]
    assert score.value == pytest.approx(value, abs=1e-6)
    assert score.per_item == pytest.approx(per_item, abs=1e-6)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_bleu_equals_pycocoevalcap(n: int) -> None:
    score = bleu(CAPTIONS["predictions"], CAPTIONS["references"], n=n)
    corpus, sentences = CAPTIONS["bleu"]
    assert score.value == pytest.approx(corpus[n - 1], abs=1e-6)
    assert score.per_item == pytest.approx(sentences[n - 1], abs=1e-6)


def test_anls_script_rule_equals_lmms_eval() -> None:
    rows = ANSWERS["anls-script"]
    score = anls([row[0] for row in rows], [row[1] for row in rows], rule="script", nfc=False)
    assert score.per_item == pytest.approx([row[2] for row in rows], abs=1e-9)


def test_paper_and_script_differ_exactly_at_one_half() -> None:
    assert anls(["abcd"], [["abxy"]], rule="paper").value == 0.0
    assert anls(["abcd"], [["abxy"]], rule="script").value == 0.5


def decoded(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"or"}:
        return tuple(decoded(v) for v in value["or"])
    if isinstance(value, dict):
        return {k: decoded(v) for k, v in value.items()}
    return [decoded(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("prediction", "reference", "value"), ANSWERS["anls-star"])
def test_anls_star_equals_its_package(prediction: Any, reference: Any, value: float) -> None:
    assert anls_star([prediction], [decoded(reference)]).value == pytest.approx(value, abs=1e-9)


def test_relaxed_accuracy_equals_lmms_eval() -> None:
    rows = ANSWERS["relaxed"]
    score = relaxed([row[0] for row in rows], [[row[1]] for row in rows])
    assert [bool(v) for v in score.per_item] == [row[2] for row in rows]


@pytest.mark.parametrize(("cleaning", "column"), [("official-2021", 2), ("always", 3)])
def test_vqa_accuracy_equals_the_official_rule(cleaning: Any, column: int) -> None:
    rows = ANSWERS["vqa"]
    score = vqa_accuracy([row[0] for row in rows], [row[1] for row in rows], cleaning=cleaning)
    assert score.per_item == pytest.approx([row[column] for row in rows], abs=1e-9)
