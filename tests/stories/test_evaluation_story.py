"""Build a dataset, evaluate two models on it, compare them, report: all by the commands a person types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from sightline.cli.build_documents import command as build
from sightline.cli.compare import command as compare
from sightline.cli.disagree import command as disagree
from sightline.cli.evaluate import command as evaluate
from sightline.runs.evaluation_records import read_records, read_summary

MODELS = """
from pathlib import Path
from sightline.lm import Scripted
from sightline.recipes.dataset import Dataset

KNOWN = {text["user"]: text["assistant"] for row in Dataset(Path("DATA")).rows(["texts"]) for text in row["texts"]}

def truth(request):
    return KNOWN[request.messages[-1].text.rpartition("\\nAnswer the question")[0]]

def wordy(request):
    return f"The page says, near its top, that this is: {truth(request)}, as far as can be read."

def judge(request):
    item = request.messages[-1].text.rpartition("\\n\\n")[2]
    reference = item.partition("Reference answers: '")[2].partition("'\\n")[0]
    found = reference in item.partition("Candidate answer: ")[2]
    return "It holds the reference. So rating=3" if found else "It does not. So rating=1"

good, long, kind = Scripted(truth, "good"), Scripted(wordy, "wordy"), Scripted(judge, "kind-judge")
"""


def run(command: click.Command, *arguments: object) -> str:
    result = CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_build_evaluate_compare_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any) -> None:
    documents = Path(__file__).parents[2] / "examples" / "documents"
    data = tmp_path / "data"
    run(build, documents / "invoice.pdf", documents / "notice_ko.pdf", "--out", data)
    (tmp_path / "story_models.py").write_text(MODELS.replace("DATA", str(data)))
    monkeypatch.syspath_prepend(tmp_path)
    asked = ("--benchmark", "sightline-all", "--judge", "story_models:kind", "--metric", "anls,exact")
    run(evaluate, data, "--model", "story_models:good", *asked, "--out", tmp_path / "a")
    run(evaluate, data, "--model", "story_models:long", *asked, "--out", tmp_path / "b")
    scores = {score.name: score for score in read_summary(tmp_path / "a").scores}
    assert scores["anls"].value == 1.0
    assert scores["lave"].value == 1.0
    worse = {score.name: score for score in read_summary(tmp_path / "b").scores}
    assert worse["anls"].value < 0.5
    assert worse["lave"].value == 1.0
    assert "anls" in run(compare, tmp_path / "a", tmp_path / "b", "--margin", 0.05)
    count = sum(r.figures["anls"] == 0 for r in read_records(tmp_path / "b"))
    assert count > 0
    assert f"{count} items" in run(disagree, tmp_path / "b")
    page = (tmp_path / "b" / "report.html").read_text()
    assert "The string metric says 0, the judge says 3" in page
    assert 'src="http' not in page
