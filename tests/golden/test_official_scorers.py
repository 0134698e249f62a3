"""Equal to what the scorers' own programs print: values by benchmarks/golden_official.py, whose `made_by` names each
file and its hash. AMBER's program ran on the tables of nouns and similar words that stand in the values too."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sightline.evaluate.hallucination.amber import Amber, AmberResult, Annotation, amber, similarity_table
from sightline.evaluate.hallucination.pope import pope
from sightline.evaluate.metrics.anls import anls
from sightline.evaluate.metrics.vqa import vqa_accuracy

GOLDEN = json.loads((Path(__file__).parent / "data" / "official.json").read_text())
ANSWERED = {
    "Descriminative Task": "overall", "Exsitence": "existence", "Attribute": "attribute", "State": "state",
    "Number": "number", "Action": "action", "Relation": "relation",
}  # fmt: skip


def scored(case: dict[str, Any]) -> AmberResult:
    notes = [Annotation.model_validate(note) for note in case["annotations"]]
    data = Amber({note.id: note for note in notes}, case["association"], frozenset(case["safe"]))
    table = case["nouns"]

    def nouns(text: str) -> list[str]:
        return [table[word] for word in re.findall(r"[A-Za-z]+|[^\sA-Za-z]", text) if word in table]

    responses = {row["id"]: row["response"] for row in case["responses"]}
    return amber(responses, data, nouns=nouns, similar=similarity_table(case["similar"]))


@pytest.mark.parametrize("case", GOLDEN["amber"], ids=lambda case: f"{len(case['annotations'])}-items")
def test_amber_equals_the_official_program_to_its_printed_digits(case: dict[str, Any]) -> None:
    found, printed = scored(case), case["printed"]
    told = {name.lower(): value for name, value in printed.get("Generative Task", {}).items()}
    assert {name: str(score.value) for name, score in found.generative.items() if name in told} == told
    asked = {ours: printed[theirs] for theirs, ours in ANSWERED.items() if theirs in printed}
    ours = {
        name: {"Accuracy": str(h.accuracy), "Precision": str(h.precision), "Recall": str(h.recall), "F1": str(h.f1)}
        for name, h in found.discriminative.items()
    }
    assert ours == asked


def test_pope_equals_the_official_program() -> None:
    case = GOLDEN["pope"]
    found = pope(case["replies"], [label == "yes" for label in case["labels"]])
    printed = {name: float(value) for name, value in case["printed"].items() if name != "counts"}
    ours = [found.accuracy.value, found.precision.value, found.recall.value, found.f1.value, found.yes_ratio.value]
    assert ours == pytest.approx(list(printed.values()), abs=1e-12)


def test_vqa_accuracy_equals_the_official_program_of_2021() -> None:
    rows = GOLDEN["vqa"]["rows"]
    score = vqa_accuracy([row[0] for row in rows], [row[1] for row in rows])
    assert score.per_item == pytest.approx([row[2] for row in rows], abs=1e-9)
    assert round(100 * score.value, 2) == GOLDEN["vqa"]["overall"]


def test_anls_script_rule_equals_the_rrc_program() -> None:
    rows = GOLDEN["anls"]["script"]
    score = anls([row[0] for row in rows], [row[1] for row in rows], rule="script", nfc=False)
    assert score.per_item == pytest.approx([row[2] for row in rows], abs=1e-9)
    assert f"{score.value:2.4f}" == GOLDEN["anls"]["script-overall"]


def test_anls_paper_rule_equals_the_package_anls() -> None:
    """Texts whose capitals have another length are left out: the package measures the capitals, the paper does not."""
    rows = GOLDEN["anls"]["paper"]
    score = anls([row[0] for row in rows], [row[1] for row in rows], rule="paper", nfc=False)
    assert score.per_item == pytest.approx([row[2] for row in rows], abs=1e-9)
