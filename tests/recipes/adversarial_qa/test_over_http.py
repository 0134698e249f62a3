from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from scripted_endpoint import Act, ScriptedEndpoint, last_text
from sightline.cli.build_questions import command as build
from sightline.cli.refine import command as refine
from sightline.evaluate.benchmarks.mcq import MCQ
from sightline.recipes.dataset import Dataset

OPTIONS = ["the north gate", "the mill", "the bridge", "the hall", "the yard"]


def script(body: dict[str, Any], nth: int) -> Act:
    """Four models behind one address. The writer's first questions give themselves away to "blind"; its rewrites do
    not, and the server fails now and then."""
    text, model = last_text(body), body["model"]
    if nth == 1 and len(text) % 7 == 0:
        return Act(status=503)
    shown = re.findall(r"^[A-J]\) (.*)$", text, re.M)
    if shown and model != "writer":
        known = {"blind": "the mill", "reader": ("the mill" if "the mill" in shown else "the new mill")}.get(model, "")
        place = shown.index(known) if known in shown else 0
        return Act(f"Answer: {'ABCDE'[place]}\nReason: {shown[place]} sounds right")
    if "were grouped" in text:
        return Act(json.dumps({"name": "Places", "prototype": "Where is [it]?", "category": "setting and technical"}))
    if "make sound questions" in text:
        return Act(json.dumps({"names": ["Places"]}))
    draft = {"options": OPTIONS, "answer": "B", "quote": "The driver waits at the mill", "rationale": "it says so"}
    if "gives itself away" in text:
        fixed = [option.replace("the ", "the new ") for option in OPTIONS]
        return Act(json.dumps(draft | {"question": "Where does somebody wait?", "options": fixed}))
    return Act(
        f"Here:\n```json\n{json.dumps({'questions': [draft | {'question': 'Where does the driver wait?'}]})}\n```"
    )


def test_scenes_to_refined_questions_to_a_benchmark(
    scripted_endpoint: Callable[..., ScriptedEndpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-a-test")
    server = scripted_endpoint(script)
    data = tmp_path / "s.jsonl"
    rows = [
        {
            "id": f"s{n}",
            "context": f"Part {n}. The driver waits at the mill.",
            "question": "Where is Ann?",
            "span": [0, n + 1],
        }
        for n in range(3)
    ]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def model(role: str, name: str) -> list[str]:
        flag = "held-out" if role == "held-out-judge" else role
        return [f"--{role}", server.url, f"--{flag}-model", name]

    flags = [*model("writer", "writer"), *model("verifier", "reader"), "--price", "1,2", "--max-cost", "5"]
    built = CliRunner().invoke(build, [str(data), "--out", str(tmp_path / "q"), *flags], catch_exceptions=False)
    assert built.exit_code == 0
    assert len(list(Dataset(tmp_path / "q").rows())) == 3
    judges = [*model("blind", "blind"), *model("held-out-judge", "other")]
    ran = CliRunner().invoke(
        refine, [str(tmp_path / "q"), "--out", str(tmp_path / "r"), *flags, *judges], catch_exceptions=False
    )
    assert ran.exit_code == 0
    found = Dataset(tmp_path / "r").run.figures
    assert found["refinement"]["weak"] == [3, 3]
    assert found["refinement"]["fixed"] == [3, 3]
    assert found["cost_usd"] > 0
    assert found["roles"]["blind"]["requests"] == 10  # three equal questions are asked once
    (path,) = (tmp_path / "r" / "evaluate").glob("*.jsonl")
    examples = list(MCQ.read(path))
    scored = MCQ.score(examples, ["ABCDEFGHIJ"[one.answer or 0] for one in examples])
    assert scored.scores[0].value == 1.0
    assert Counter(one.category for one in examples) == {"setting and technical": 3}
