from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sightline.core.errors import InputError
from sightline.core.score import Proportion
from sightline.evaluate.hallucination.amber import (
    Amber,
    Annotation,
    amber,
    read_amber,
    read_responses,
    similarity_table,
)
from sightline.evaluate.hallucination.chair import chair
from sightline.evaluate.hallucination.pope import pope, read_answer
from sightline.evaluate.hallucination.words import vocabulary_words

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "data" / "metrics.json").read_text())["amber"]


def golden_data() -> Amber:
    notes = [Annotation.model_validate(row) for row in GOLDEN["annotations"]]
    return Amber({n.id: n for n in notes}, GOLDEN["association"], frozenset(GOLDEN["safe"]))


def run(rounding: Any) -> Any:
    responses = read_responses(GOLDEN["responses"])
    return amber(responses, golden_data(), nouns=str.split, similar=similarity_table(GOLDEN["same"]), rounding=rounding)


def test_generative_half_equals_the_programs_sums() -> None:
    s, found = GOLDEN["sums"], run("official").generative
    assert found["chair"].value == round(s["chair_score"] / s["chair_num"] * 100, 1)
    assert found["cover"].value == round(s["safe_cover_score"] / s["safe_cover_num"] * 100, 1)
    assert found["cog"].value == round(s["hallu_cover_score"] / s["hallu_cover_num"] * 100, 1)
    assert found["hal"].value == round(100 - s["non_hallu_score"] / s["non_hallu_num"] * 100, 1)
    exact = run("none").generative
    assert exact["chair"].value == pytest.approx(100 * s["chair_score"] / round(s["chair_num"]))
    assert exact["cog-paper"].value == pytest.approx(100 * s["hallu_cover_score"] / round(s["chair_num"]))
    assert exact["cover"].interval is not None


@pytest.mark.parametrize(
    ("kind", "prefixes", "guard"),
    [("overall", [""], 1e-4), ("existence", ["ha_"], 1e-3), ("attribute", ["as_", "an_", "aa_"], 1e-4),
     ("state", ["as_"], 1e-4), ("number", ["an_"], 1e-4), ("action", ["aa_"], 1e-4), ("relation", ["asso_"], 1e-4)],
)  # fmt: skip
def test_discriminative_half_equals_the_programs_sums(kind: str, prefixes: list[str], guard: float) -> None:
    def share(part: str) -> float:
        top = sum(GOLDEN["sums"][f"{p}qa_{part}_score"] for p in prefixes)
        bottom = sum(GOLDEN["sums"][f"{p}qa_{part}_num"] for p in prefixes)
        return round(top / bottom * 100, 1)

    half = run("official").discriminative[kind]
    precision, recall = share("ans_no"), share("no")
    f1 = round(2 * precision / 100 * recall / 100 / (precision / 100 + recall / 100 + guard) * 100, 1)
    assert (half.accuracy, half.precision, half.recall, half.f1) == (share("correct"), precision, recall, f1)


def test_amber_score_and_existence_precision() -> None:
    found = run("official")
    assert found.amber == pytest.approx(
        (100 - found.generative["chair"].value + found.discriminative["overall"].f1) / 2
    )
    assert found.discriminative["existence"].precision == pytest.approx(100.0, abs=0.1)
    assert found.other_answers == sum(r["response"] == "Perhaps" for r in GOLDEN["responses"])
    with pytest.raises(InputError, match="without an annotation"):
        amber({999: "x"}, golden_data())


def test_ambers_intervals_know_that_questions_share_pictures() -> None:
    notes = {0: Annotation(id=0, type="generative", truth=("dog",))}
    notes |= {n: Annotation(id=n, type="discriminative-hallucination", truth="no") for n in range(1, 201)}
    data = Amber(notes, {"dog": [], "cat": []}, frozenset())
    said = {n: "No" if n % 40 > 20 else "Yes" for n in range(1, 201)} | {0: "a dog and a cat"}
    said |= dict.fromkeys(range(1, 41), "No")
    alone = amber(said, data)
    together = amber(said, data, groups={n: f"picture {(n - 1) // 20}" for n in range(1, 201)} | {0: "picture 0"})
    for name in ("f1_interval", "accuracy_interval"):
        narrow, wide = (getattr(one.discriminative["overall"], name) for one in (alone, together))
        assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert together.amber_interval is not None
    assert together.amber is not None
    assert together.amber_interval.low < together.amber < together.amber_interval.high


def test_amber_files_are_read_and_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"annotations\.json"):
        read_amber(tmp_path)
    (tmp_path / "annotations.json").write_text('[{"id": 1}]')
    (tmp_path / "relation.json").write_text("{}")
    (tmp_path / "safe_words.txt").write_text("sky\n")
    with pytest.raises(InputError, match="layout"):
        read_amber(tmp_path)
    (tmp_path / "annotations.json").write_text('[{"id": 1, "type": "generative", "truth": ["dog"], "hallu": []}]')
    assert read_amber(tmp_path).safe == {"sky"}
    with pytest.raises(InputError, match="twice"):
        read_responses([{"id": 1, "response": "a"}, {"id": 1, "response": "b"}])


@pytest.mark.parametrize(
    ("reply", "official", "strict"),
    [("Yes", True, True), ("No", False, False), ("NO", True, False), ("Nope", True, False),
     ("There are none", True, False),
     ("I cannot see one", True, None), ("Yes, there is no doubt", False, True),
     ("No, there isn't.", False, False),

     ("There is a dog.", True, True), ("There is not a dog", False, False), ("", True, None),
     ("네, 있습니다", True, True),
     ("아니요", True, False), ("Yes. No.", True, True)],
)  # fmt: skip
def test_pope_parsers(reply: str, official: bool, strict: bool | None) -> None:
    assert read_answer(reply) is official
    assert read_answer(reply, "strict") is strict


def test_pope_figures_by_hand() -> None:
    found = pope(["Yes", "Yes", "No", "No", "hm"], [True, False, False, True, False], parser="strict")
    assert (found.accuracy.value, found.precision.value, found.recall.value, found.f1.value) == (0.4, 0.5, 0.5, 0.5)
    assert (found.yes_ratio.value, found.yes_ratio.interval) == (0.4, Proportion(2, 5).interval)
    assert found.unread.value == 0.2
    assert (found.precision.per_item, len(found.accuracy.per_item)) == ((), 5), "an item has no precision"


def test_chair_by_hand() -> None:
    vocabulary = {"dog": ["puppy"], "hot dog": [], "bench": ["seat"], "person": ["man", "woman"]}
    found = chair(
        ["Two puppies eat a hot dog on benches", "A man and women", "nothing"],
        [["dog", "seat"], ["person"], ["dog"]],
        vocabulary,
    )
    assert found.chair_i.value == pytest.approx(1 / 5)
    assert found.chair_s.value == pytest.approx(1 / 3)
    assert found.recall.value == pytest.approx(3 / 4)
    assert found.hallucinated == (("hot dog",), (), ())
    with pytest.raises(InputError, match="vocabulary"):
        chair(["a"], [["ufo"]], vocabulary)


def test_vocabulary_words() -> None:
    assert vocabulary_words(["man", "knife", "traffic light"])("Men, knives & traffic lights") == [
        "man", "knife", "traffic light"]  # fmt: skip
