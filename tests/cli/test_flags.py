"""Wrong flags of every build: one line that names the flag, exit code 2, nothing written."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
VIDEOS = ("build", "videos", "DATA", "--annotator", "x:y")
QUESTIONS = ("build", "questions", "DATA")
REFINE = ("refine", "DATA")
EVALUATE = ("evaluate", "DATA", "--model", "x:y")
WRONG = [
    (VIDEOS, ("--workers", 0), "--workers"),
    (VIDEOS, ("--workers", -1), "--workers"),
    (VIDEOS, ("--time-limit", 0), "--time-limit"),
    (VIDEOS, ("--max-minutes", -4), "--max-minutes"),
    (VIDEOS, ("--structurer-model", "m"), "--structurer"),
    (VIDEOS, ("--classifier-model", "m"), "--classifier"),
    (QUESTIONS, ("--writer-model", "m"), "--writer"),
    (QUESTIONS, ("--verifier-model", "m"), "--verifier"),
    (REFINE, ("--blind-model", "m"), "--blind"),
    (REFINE, ("--writer-model", "m"), "--writer"),
    (REFINE, ("--verifier-model", "m"), "--verifier"),
    (REFINE, ("--held-out-model", "m"), "--held-out-judge"),
    (EVALUATE, ("--judge-name", "m"), "--judge"),
    (EVALUATE, ("--max-tokens", 0), "--max-tokens"),
    (EVALUATE, ("--model", "./models.py:model"), "package.module:name"),
]


@pytest.mark.parametrize(("verb", "flags", "says"), WRONG)
def test_a_wrong_flag_is_named(
    cli: Cli, tmp_path: Path, verb: tuple[str, ...], flags: tuple[object, ...], says: str
) -> None:
    data = tmp_path / "q.jsonl"
    row = {"id": "1", "question": "Q?", "options": ["a", "b"], "answer": 0, "context": "c", "references": ["a"]}
    data.write_text(json.dumps(row), encoding="utf-8")
    stated = [data if word == "DATA" else word for word in verb]
    ran = cli(*stated, "--out", tmp_path / "out", *flags)
    assert ran.code == 2, ran
    assert says in ran.err
    assert "Traceback" not in ran.err
    assert not (tmp_path / "out").exists()


def test_the_package_runs_as_a_module() -> None:
    ran = subprocess.run([sys.executable, "-m", "sightline", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("sightline, version ")
