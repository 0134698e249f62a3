"""`sightline audit` over a real build: the table, its figures, a scripted judge, and what it needs."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sightline.core.score import Proportion
from sightline.lm import Scripted
from sightline.recipes.audit_record import saved_audit
from sightline.recipes.card import write_card
from sightline.recipes.dataset import Dataset
from sightline.recipes.document_audit import TEXT, audit_documents
from sightline.recipes.document_report import write_report
from sightline.verify import PLANTS

Cli = Callable[..., Any]


@pytest.fixture
def folder(built_examples: Path, tmp_path: Path) -> Path:
    """A copy of the built examples that a test may write to."""
    return Path(shutil.copytree(built_examples, tmp_path / "built"))


def test_every_kind_of_error_is_measured_without_a_model(cli: Cli, folder: Path) -> None:
    before = {path: path.read_bytes() for path in (folder / "data").glob("*.parquet")}
    ran = cli("audit", folder)
    assert ran.code == 0, ran.err
    audit = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    assert {row["kind"] for row in audit["rows"]} == set(PLANTS)
    assert list(audit["checks"]) == [TEXT]
    for row in audit["rows"]:
        interval = Proportion(row["caught"], row["planted"]).interval
        assert (row["low"], row["high"]) == pytest.approx(tuple(interval))
        assert row["planted"] + audit["skipped"].get(row["kind"], 0) == audit["pairs"]
        line = next(line for line in ran.out.splitlines() if line.split()[:1] == [row["kind"]] or row["kind"] in line)
        assert row["planted"] == 0 or f"{row['caught'] / row['planted']:.1%}" in line
    assert audit["pairs"] == len(list(Dataset(folder).rows(["id"])))
    alarms = audit["false_alarms"][TEXT]
    assert alarms["checked"] == audit["drafts"] >= audit["pairs"]
    assert {path: path.read_bytes() for path in before} == before, "the dataset itself is not changed"
    assert "What the checks catch" in (folder / "README.md").read_text(encoding="utf-8")


def test_an_audit_of_other_rows_is_not_shown_as_theirs(folder: Path) -> None:
    made = audit_documents(folder, limit=5)
    assert saved_audit(folder) == made
    path = min((folder / "data").glob("*.parquet"))
    pq.write_table(pq.read_table(path).slice(1), path)
    assert saved_audit(folder) is None
    assert "Not audited yet" in write_report(folder).read_text(encoding="utf-8")
    assert "Not audited yet" in write_card(folder).read_text(encoding="utf-8")


def test_text_checks_reach_the_target_on_the_samples(built_samples: Path, tmp_path: Path) -> None:
    """>= 95 % of changed numbers, swapped pages and invented answers, at <= 2 % false alarms."""
    folder = Path(shutil.copytree(built_samples, tmp_path / "built"))
    audit = audit_documents(folder)
    rates = {row["kind"]: Proportion(row["caught"], row["planted"]) for row in audit.rows}
    aimed = [kind for kind in rates if re.search("digit|number|page|document|hallucinat|invent", kind)]
    assert len(aimed) >= 3, rates
    for kind in aimed:
        assert rates[kind].value >= 0.95, (kind, str(rates[kind]))
    alarms = audit.false_alarms[TEXT]
    assert alarms["refused"] / alarms["checked"] <= 0.02


def test_a_judge_is_measured_beside_the_text_checks(folder: Path) -> None:
    """A judge who knows every right answer catches what changes an answer, and raises no alarm."""
    truth = {row["texts"][0]["user"]: row["texts"][0]["assistant"] for row in Dataset(folder).rows(["texts"])}

    def answer(request: Any) -> str:
        text = request.messages[-1].text
        known = [question for question in truth if question in text]
        return truth[max(known, key=len)] if known else "UNKNOWN"

    audit = audit_documents(folder, judge=Scripted(answer, "a-judge"), limit=40)
    assert list(audit.checks) == [TEXT, "judge"]
    assert "a-judge" in audit.checks["judge"]
    judged = {row["kind"]: Proportion(row["caught"], row["planted"]) for row in audit.rows if row["check"] == "judge"}
    assert set(judged) == {row["kind"] for row in audit.rows if row["check"] == TEXT}
    swapped = [rate for kind, rate in judged.items() if "entity" in kind]
    assert swapped
    assert all(rate.value > 0.9 for rate in swapped)
    assert audit.false_alarms["judge"]["refused"] <= 0.1 * audit.false_alarms["judge"]["checked"]


def test_a_judge_behind_http_is_asked_once_a_question(
    cli: Cli, folder: Path, scripted_endpoint: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-some-length")
    server = scripted_endpoint()
    flags = ("--judge", server.url, "--judge-model", "judge", "--rows", 10)
    assert cli("audit", folder, *flags).code == 0
    asked = len(server.bodies)
    assert asked
    assert max(server.seen.values()) == 1
    assert cli("audit", folder, *flags).code == 0
    assert len(server.bodies) == asked, "the second audit asks nothing"


@pytest.mark.parametrize("flags", [(), ("--judge", "http://127.0.0.1:9/v1", "--judge-model", "j")])
def test_without_its_state_it_says_what_to_do(cli: Cli, folder: Path, flags: tuple[str, ...]) -> None:
    shutil.rmtree(folder / ".sightline")
    ran = cli("audit", folder, *flags, OPENAI_API_KEY="a-key-of-some-length")
    assert (ran.code, ran.out) == (2, "")
    assert ".sightline" in ran.error
    assert "run the same build again" in ran.error
    assert not (folder / ".sightline").exists()
    assert cli("audit", folder / "nowhere", *flags, OPENAI_API_KEY="a-key-of-some-length").code == 2
    assert not (folder / "nowhere").exists()


def test_the_same_seed_gives_the_same_table(folder: Path) -> None:
    assert audit_documents(folder, seed=3, limit=20) == audit_documents(folder, seed=3, limit=20)
