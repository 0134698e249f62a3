"""A dry run asks nobody and comes near what the run itself then sends."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripted_endpoint import Act, ScriptedEndpoint, last_text

sys.path.insert(0, str(Path(__file__).parent))
from choice_scripts import choice

Cli = Callable[..., Any]
KEY = {"OPENAI_API_KEY": "a-key-of-some-length"}
CONTEXT = "Scene {n}. " + "The driver waits at the mill. Ann runs to the bridge because it rains. " * 12


def asked(dry: str) -> dict[str, int]:
    """Role -> requests, from the printed table."""
    rows = re.findall(r"^ ([a-z][a-z, ]*?) +\S+ +([\d,]+) +[\d,]+ +[\d,]+ *$", dry, re.M)
    return {role.strip(): int(count.replace(",", "")) for role, count in rows}


def tokens(dry: str) -> dict[str, int]:
    rows = re.findall(r"^ ([a-z][a-z, ]*?) +\S+ +[\d,]+ +([\d,]+) +[\d,]+ *$", dry, re.M)
    return {role.strip(): int(count.replace(",", "")) for role, count in rows}


def author(body: dict[str, Any], nth: int) -> Act:
    text, model = last_text(body), body["model"]
    if model == "reader":
        return Act("Answer: A")
    if "make sound questions" in text:
        return Act(json.dumps({"names": [f"Kind {n}" for n in range(6)]}))
    return Act(json.dumps({"questions": [{"question": "Where?", "options": list("vwxyz"), "answer": "A"}]}))


def test_build_questions(cli: Cli, tmp_path: Path, scripted_endpoint: Callable[..., ScriptedEndpoint]) -> None:
    server = scripted_endpoint(author)
    data = tmp_path / "s.jsonl"
    data.write_text("".join(json.dumps({"context": CONTEXT.format(n=n)}) + "\n" for n in range(4)), encoding="utf-8")
    kinds = [{"name": f"Kind {n}", "prototype": "What does [somebody] do?"} for n in range(6)]
    (tmp_path / "t.json").write_text(json.dumps(kinds), encoding="utf-8")
    command = ["build", "questions", data, "--out", tmp_path / "q", "--templates", tmp_path / "t.json"]
    command += ["--writer", server.url, "--writer-model", "writer", "--verifier", server.url]
    command += ["--verifier-model", "reader", "--price", "1,2"]
    dry = cli(*command, "--dry-run", **KEY)
    assert dry.code == 0, dry.err
    assert server.bodies == []
    assert not (tmp_path / "q").exists()
    assert cli(*command, **KEY).code == 0
    sent = Counter(body["model"] for body in server.bodies)
    assert asked(dry.out)["writer"] == sent["writer"] == 4 * (1 + 4)
    assert asked(dry.out)["verifier"] == 4 * 32 * 2, "at most"
    used = sum(len(json.dumps(body)) for body in server.bodies if body["model"] == "writer") / 4
    assert tokens(dry.out)["writer"] == pytest.approx(used, rel=0.5)


def test_refine(cli: Cli, tmp_path: Path, scripted_endpoint: Callable[..., ScriptedEndpoint]) -> None:
    def script(body: dict[str, Any], nth: int) -> Act:
        shown = re.findall(r"^[A-J]\) (.*)$", last_text(body), re.M)
        weak = [n for n, text in enumerate(shown) if re.fullmatch(r"door [0-3]-1", text)]
        return Act(f"Answer: {'ABCDE'[weak[0] if weak else 0]}")

    server = scripted_endpoint(script)
    data = tmp_path / "q.jsonl"
    fields = {"id", "question", "options", "answer", "context"}
    rows = (choice(n).model_dump(mode="json", include=fields) for n in range(20))
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = ["refine", data, "--out", tmp_path / "r", "--price", "1,2", "--tries", 2]
    for role in ("blind", "writer", "verifier"):
        command += [f"--{role}", server.url, f"--{role}-model", role]
    dry = cli(*command, "--dry-run", **KEY)
    assert dry.code == 0, dry.err
    assert server.bodies == []
    assert cli(*command, **KEY).code == 0
    sent = Counter(body["model"] for body in server.bodies)
    assert sent["blind"] == 100, "none of the replies is a question, so nothing is tested again"
    assert asked(dry.out) == {"blind": 132, "writer": 7, "verifier": 13}  # 20 questions x 0.16 x 2 tries
    assert "0.16" not in dry.out
    assert "16% assumed" in dry.out
    assert re.search(r"were all weak in 2 tries +\d", dry.out)
    offline = cli("refine", data, "--out", tmp_path / "o", "--dry-run")
    assert "found by the embedded judge" in offline.out
