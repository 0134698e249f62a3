"""The base install stays small: what it lists is counted, what it imports is listed, what is missing is named."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

from sightline.core.door import EXTRAS

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MOST = 14
"""Of base and [evaluate]; may only shrink (docs/decisions/0006-how-many-dependencies.md)."""
BELONGS_TO = {"markupsafe": "jinja2", "httpx2": "openai", "tokenizers": "transformers"}
"""Packages that we import and do not list, since they are part of one that we list."""


def name(requirement: str) -> str:
    return re.split(r"[<>=!~\[; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


BASE = {name(r) for r in PROJECT["dependencies"]}
OPTIONAL = {name(r) for extra, rs in PROJECT["optional-dependencies"].items() if extra != "dev" for r in rs}


def test_base_and_evaluate_stay_few() -> None:
    assert len(BASE | {name(r) for r in PROJECT["optional-dependencies"]["evaluate"]}) <= MOST


@pytest.mark.parametrize(("part", "whole"), BELONGS_TO.items())
def test_what_is_not_listed_belongs_to_something_that_is(part: str, whole: str) -> None:
    assert whole in BASE | OPTIONAL
    assert any(name(r) == part and "extra" not in r for r in requires(whole) or [])


def test_every_package_that_is_imported_is_listed() -> None:
    found = packages_distributions()
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name).split(".")[0]  # type: ignore[union-attr]
        for path in (ROOT / "src" / "sightline").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    foreign = {module for module in imported if module not in sys.stdlib_module_names and module != "sightline"}
    listed = BASE | OPTIONAL | set(BELONGS_TO)
    assert {m for m in foreign if not {d.lower().replace("_", "-") for d in found.get(m, [m])} & listed} == set()
    optional = {
        m for m in foreign if not {d.lower().replace("_", "-") for d in found.get(m, [m])} & (BASE | set(BELONGS_TO))
    }
    assert optional <= set(EXTRAS)
    assert set(EXTRAS.values()) <= set(PROJECT["optional-dependencies"])


@pytest.mark.parametrize(
    ("gone", "words", "extra"),
    [
        ("scipy", ["score", "x.jsonl"], "evaluate"),
        ("torch", ["train", "vlm", "--help"], "local"),
        ("fsspec", ["build", "documents", "s3://bucket/a.pdf", "--out", "x"], "remote"),
    ],
)
def test_a_command_without_its_package_is_one_line(gone: str, words: list[str], extra: str) -> None:
    code = f"import sys; sys.modules[{gone!r}] = None; sys.argv = ['sightline', *{words!r}]\n"
    code += "from sightline.cli.main import main\nmain()"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
    assert f"'.[{extra}]'" in run.stderr


def test_data_is_built_without_the_extras_of_models_and_scores() -> None:
    """Every recipe, and all that is done with a dataset, with the base and `[video]` alone."""
    code = """
import sys
sys.modules |= dict.fromkeys(["scipy", "torch", "transformers", "datasets", "ray"])
from sightline.cli import audit, build_documents, build_questions, build_videos, check, export, inspect, refine, report
from sightline.core.door import load
from sightline.recipes.kinds import KINDS
for kind in KINDS.values():
    for target in (kind.summary, kind.audit, kind.report, kind.conversations):
        target and load(target)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
