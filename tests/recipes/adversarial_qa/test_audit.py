from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sightline.core.errors import InputError, ModelError
from sightline.core.message import Reply
from sightline.lm import Scripted
from sightline.pipeline import Progress
from sightline.recipes.adversarial_qa.audit import PLANTS, audit_questions
from sightline.recipes.adversarial_qa.judges import Judges
from sightline.recipes.adversarial_qa.refining import RefineConfig, refine_questions
from sightline.recipes.adversarial_qa.report import write_report
from sightline.recipes.audit_record import Audit
from sightline.recipes.running import Engine

sys.path.insert(0, str(Path(__file__).parent))
from choice_scripts import choice, constant, knowing

FIELDS = {"id", "question", "options", "answer", "context"}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    rows = [choice(n, answer=n % 5).model_dump(mode="json", include=FIELDS) for n in range(30)]
    for n, row in enumerate(rows):
        row["question"] = f"Which entrance opens at the beginning of part {n}?"
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    refine_questions(tmp_path / "q.jsonl", tmp_path / "d", Judges(constant()), engine=Engine(progress=Progress("none")))
    return tmp_path / "d"


def test_planted_wrong_keys_are_all_caught_and_right_ones_pass(dataset: Path) -> None:
    verifier = knowing({f"door {n}-{n % 5}" for n in range(30)}, "reader")
    audit = audit_questions(dataset, judge=verifier)
    caught = {row["kind"]: (row["caught"], row["planted"]) for row in audit.rows}
    assert caught == dict.fromkeys(PLANTS, (30, 30))
    assert {name: row["refused"] for name, row in audit.false_alarms.items()} == {"blind judge": 0, "key check": 0}
    assert Audit.model_validate_json((dataset / "audit.json").read_bytes()) == audit
    for text in (write_report(dataset), dataset / "README.md"):
        assert all(kind in text.read_text(encoding="utf-8") for kind in PLANTS)


def test_it_asks_as_the_run_did(dataset: Path, tmp_path: Path) -> None:
    config = RefineConfig(rotations=2, key_orders=3)
    quiet = Engine(progress=Progress("none"))
    refine_questions(dataset, tmp_path / "two", Judges(constant()), config, engine=quiet)
    blind, judge = constant(), constant(name="reader")
    audit_questions(tmp_path / "two", limit=1, blind=blind, judge=judge)
    assert len(blind.asked) == 2 * 4, "four plants; the untouched question was asked by the run"
    assert len(judge.asked) == 3, "a moved key asks the same"


def test_a_careless_verifier_is_shown_as_such(dataset: Path) -> None:
    audit = audit_questions(dataset, judge=constant("A", "careless"), limit=10)
    assert audit.pairs == 10
    assert audit.false_alarms["key check"]["refused"] == 10


def test_a_failed_request_is_neither_catch_nor_miss(dataset: Path, tmp_path: Path) -> None:
    failing = Scripted(lambda _: Reply(error="timeout", finish="error"), "reader")
    with pytest.raises(ModelError, match="timeout"):
        audit_questions(dataset, judge=failing)
    with pytest.raises(InputError):
        audit_questions(tmp_path / "none")
