"""The guide's evaluation section as it stands: its models and commands, on a dataset built as `make demo` does."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sightline.cli.main import sightline
from sightline.runs.evaluation_records import read_records, read_summary

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"```(python)?\n(.*?)```", (ROOT / "docs" / "guide" / "evaluation.md").read_text("utf-8"), re.S)


def run(*words: object) -> str:
    done = CliRunner().invoke(sightline, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_guide_runs_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_models", raising=False)
    documents = [ROOT / "examples" / "documents" / name for name in ("invoice.pdf", "notice_ko.pdf")]
    run("build", "documents", *documents, "--out", "demo/documents")
    blocks = {kind: [text for other, text in BLOCKS if other == kind] for kind in ("python", "")}
    (tmp_path / "my_models.py").write_text(next(text for text in blocks["python"] if "model_a" in text))
    (tmp_path / "predictions.jsonl").write_text(next(text for text in blocks[""] if text.startswith('{"id": "q1"')))
    commands = [line for text in blocks[""] for line in text.splitlines() if line.startswith("sightline ")]
    said = {}
    for command in commands:
        if "human.jsonl" in command:
            rated = [{"id": r.id, "rating": int(r.judge_state or 1)} for r in read_records(tmp_path / "run-b")]
            (tmp_path / "human.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rated))
        words = shlex.split(command)[1:]
        said[" ".join(words[:2])] = run(*words)
    scores = {run_: {s.name: s.value for s in read_summary(tmp_path / run_).scores} for run_ in ("run-a", "run-b")}
    assert scores["run-a"]["anls"] > scores["run-b"]["anls"] == 0
    assert scores["run-a"]["lave"] == scores["run-b"]["lave"] > 0
    assert "kappa" in said["agree run-b"]
    assert not said["disagree run-b"].startswith("0 items")
    assert "Judge against people" in (tmp_path / "run-b" / "report.html").read_text("utf-8")


def test_the_printed_example_is_what_comes_out() -> None:
    from sightline.evaluate import cider_d

    score = cider_d(["a red bus", "two dogs run"], [["the red bus"], ["two dogs running", "dogs run"]])
    text = (ROOT / "docs" / "guide" / "evaluation.md").read_text("utf-8")
    assert f"# {score}" in text
    assert f"# {score.signature}" in text
