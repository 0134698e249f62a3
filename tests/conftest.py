"""Shared fixtures. Real sample files stand beside the repository; without them the tests that need them skip."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scripted_endpoint import Script, ScriptedEndpoint, echo
from sightline.cli.main import main
from sightline.recipes.dataset import Dataset

ROOT = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).with_name("sightline")
"""The installed script: for tests that need a process of its own."""


class Ran(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line it ended with; anything else on stderr is the run's progress."""
        lines = [line for line in self.err.splitlines() if line.startswith("sightline: ")]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("sightline: ")


Cli = Callable[..., Ran]


def run_cli(*arguments: object, **environment: str) -> Ran:
    """`sightline ARGUMENTS` in this process, from the very door that the installed script calls."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        patch.object(sys, "argv", ["sightline", *map(str, arguments)]),
        patch.dict(os.environ, {"COLUMNS": "200"} | environment),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Ran(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def cli() -> Cli:
    """cli("build", "documents", folder, "--out", out) -> Ran(code, out, err)."""
    return run_cli


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder with docs/, videos/ and photos/ of real files."""
    folder = ROOT.parent / "shared" / "samples"
    if not folder.is_dir():
        pytest.skip(f"no sample files at {folder}")
    return folder


@pytest.fixture(scope="session")
def examples() -> Path:
    """The six documents that come with the repository."""
    return ROOT / "examples" / "documents"


@pytest.fixture(scope="session")
def built_examples(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of the example documents; to be read only."""
    return _built(examples, tmp_path_factory.mktemp("built") / "examples", "--licence", "CC0-1.0")


@pytest.fixture(scope="session")
def built_samples(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of all real PDFs, scans refused; to be read only."""
    return _built(samples / "docs", tmp_path_factory.mktemp("built") / "samples", "--ocr", "none")


def _built(source: Path, out: Path, *flags: str) -> Path:
    ran = run_cli("build", "documents", source, "--out", out, "--workers", 2, *flags)
    assert ran.code == 0, ran.err
    return out


@pytest.fixture
def scripted_endpoint() -> Iterator[Callable[..., ScriptedEndpoint]]:
    """Starts servers: `server = scripted_endpoint(script)`; they stop after the test."""
    with ExitStack() as stack:

        def start(script: Script = echo) -> ScriptedEndpoint:
            return stack.enter_context(ScriptedEndpoint(script))

        yield start


def record_set(folder: Path) -> set[str]:
    """Every record of a dataset as text, without what says when and where it was built."""
    rows = []
    for row in Dataset(folder).rows(_COMPARED):
        row["source"].pop("uri")
        rows.append(json.dumps(row, sort_keys=True))
    assert len(set(rows)) == len(rows), "no record twice"
    return set(rows)


_COMPARED = ("id", "texts", "messages", "evidence", "scores", "style", "split", "group", "source", "provenance")


@pytest.fixture(scope="session")
def records() -> Callable[[Path], set[str]]:
    """records(dataset folder) -> its records as comparable texts."""
    return record_set
