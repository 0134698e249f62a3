"""Wrong flags and unusable folders: one line that says what and how to mend it, exit code 2, nothing written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


@pytest.fixture
def build(cli: Cli, examples: Path, tmp_path: Path) -> Cli:
    """build(flags...) over one example document."""
    return lambda *flags, **environment: cli(
        "build", "documents", examples / "invoice.pdf", "--out", tmp_path / "out", *flags, **environment
    )


UNREADABLE = "xx" if shutil.which("tesseract") else "'tesseract' is not installed"
WRONG = {
    "test-share above one": (("--test-share", 2), "--test-share"),
    "test-share no number": (("--test-share", "x"), "--test-share"),
    "test-share nan": (("--test-share", "nan"), "--test-share"),
    "overlap larger than a chunk": (("--overlap", 9), "overlap"),
    "overlap of all of a chunk": (("--overlap", 3, "--pages-per-chunk", 3), "overlap"),
    "overlap below zero": (("--overlap", -1), "--overlap"),
    "no pages in a chunk": (("--pages-per-chunk", 0), "--pages-per-chunk"),
    "too few tokens": (("--tokens-per-chunk", 1), "--tokens-per-chunk"),
    "no pairs": (("--pairs-per-page", 0), "--pairs-per-page"),
    "no resolution": (("--dpi", 0), "--dpi"),
    "resolution nan": (("--dpi", "nan"), "--dpi"),
    "no picture side": (("--max-side", 0), "--max-side"),
    "price no number": (("--price", "abc"), "0.5,1.5"),
    "price of one number": (("--price", "1"), "0.5,1.5"),
    "price negative": (("--price", "-1,2"), "0.5,1.5"),
    "price nan": (("--price", "nan,2"), "0.5,1.5"),
    "cap without price": (("--max-cost", 1), "--price"),
    "cap negative": (("--price", "1,1", "--max-cost", -1), "cap"),
    "cap nan": (("--price", "1,1", "--max-cost", "nan"), "cap"),
    "no workers": (("--workers", 0), "--workers"),
    "workers below zero": (("--workers", -3), "--workers"),
    "no time": (("--time-limit", 0), "--time-limit"),
    "judge score above one": (("--min-judge", 1.5), "--min-judge"),
    "threshold without a judge": (("--min-judge", 0.5), "--judge"),
    "threshold without a blind judge": (("--min-blind", 0.5), "--blind"),
    "lm without a model": (("--lm", "http://127.0.0.1:9/v1"), "--model"),
    "writer lm without lm": (("--writer", "lm"), "--lm"),
    "writer layout with lm": (("--writer", "layout", "--lm", "x:y"), "--lm"),
    "model without an address": (("--model", "some"), "--lm"),
    "judge model without an address": (("--judge-model", "some"), "--judge"),
    "blind model without an address": (("--blind-model", "some"), "--blind"),
    "lm neither address nor object": (("--lm", "nonsense"), "nonsense"),
    "lm from a module that is not there": (("--lm", "no_such_module_here:lm"), "no_such_module_here"),
    "lm that is no lm": (("--lm", "os:path"), "os:path"),
    "lm that is not in its module": (("--lm", "os:nothing"), "os:nothing"),
    "lm at no address": (("--lm", "http://", "--model", "m"), "http://"),
    "ocr language unknown to the engine": (("--ocr", "tesseract", "--ocr-language", "xx"), UNREADABLE),
    "ocr language without ocr": (("--ocr-language", "ko"), "--ocr auto"),
    "unknown writer": (("--writer", "poet"), "--writer"),
    "unknown language": (("--language", "fr"), "--language"),
    "unknown flag": (("--nonsense",), "--nonsense"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_flag_is_one_line_and_exit_code_2(name: str, build: Cli, tmp_path: Path) -> None:
    flags, said = WRONG[name]
    ran = build(*flags, OPENAI_API_KEY="a-key")
    assert ran.code == 2, ran
    assert "Traceback" not in ran.out + ran.err
    assert said in ran.err, ran.err
    assert ran.out == ""
    last = ran.err.strip().splitlines()
    assert last[-1].startswith(("sightline: ", "Error: "))
    assert sum(line.startswith(("sightline: ", "Error: ")) for line in last) == 1
    assert not (tmp_path / "out" / "run.json").exists()


def test_the_judge_must_not_be_the_writer(build: Cli) -> None:
    url = "http://127.0.0.1:9/v1"
    ran = build("--lm", url, "--model", "same", "--judge", url, "--judge-model", "same", OPENAI_API_KEY="a-key")
    assert (ran.code, ran.error.partition(" - ")[0]) == (2, "the judge must be another model than the writer: same")


def test_an_endpoint_that_is_not_there(build: Cli) -> None:
    ran = build("--lm", "http://127.0.0.1:9/v1", "--model", "some", OPENAI_API_KEY="a-key")
    assert ran.code == 2
    assert "cannot reach the server: http://127.0.0.1:9/v1" in ran.error


def test_an_endpoint_without_a_key(build: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    ran = build("--lm", "http://127.0.0.1:9/v1", "--model", "some")
    assert ran.code == 2
    assert "OPENAI_API_KEY" in ran.error


def test_places_to_read_that_are_not_there(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for source, what in (
        (tmp_path / "missing", "no such file or folder"),
        (tmp_path / "empty", "no file in the folder"),
        (tmp_path / "*.pdf", "nothing matches the pattern"),
        ("nosuchprotocol://x/y.pdf", "unknown kind of URL"),
    ):
        ran = cli("build", "documents", source, "--out", tmp_path / "out")
        assert (ran.code, ran.out) == (2, "")
        assert what in ran.error
        ran = cli("build", "documents", source, "--out", tmp_path / "out", "--dry-run")
        assert (ran.code, ran.out) == (2, "")
        assert what in ran.error


def test_results_folders_that_cannot_be_written(cli: Cli, examples: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "has").mkdir()
    (tmp_path / "has" / ".sightline").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "has", "s3://bucket/out", "/proc/nothing"):
        for flags in ((), ("--dry-run",)):
            ran = cli("build", "documents", examples / "invoice.pdf", "--out", out, *flags)
            if flags and ran.code == 0:
                continue  # a forecast writes nothing; it may pass over a folder that is not writable
            assert (ran.code, ran.out) == (2, "")
            assert " - " in ran.error, "names a remedy"
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.parametrize("verb", [("inspect",), ("audit",), ("check", "--for", "trl"), ("report",),
                                  ("export", "--to", "trl", "--out", "{tmp}/x")])  # fmt: skip
@pytest.mark.parametrize("kind", ["missing", "empty", "file", "broken", "foreign"])
def test_what_is_no_dataset(cli: Cli, tmp_path: Path, verb: tuple[str, ...], kind: str) -> None:
    folder = tmp_path / "d"
    if kind == "file":
        folder.write_text("x")
    elif kind != "missing":
        folder.mkdir()
    if kind == "broken":
        (folder / "run.json").write_text('{"recipe": "docu')
        (folder / "data").mkdir()
        (folder / "data" / "train-00000.parquet").write_bytes(b"PAR1 and then nothing")
    if kind == "foreign":
        (folder / "run.json").write_text('{"nothing": "of ours"}')
    name, *flags = (part.format(tmp=tmp_path) for part in verb)
    ran = cli(name, folder, *flags)
    assert ran.code == 2, ran
    assert ran.error


@pytest.mark.parametrize("broken", ["run.json", "rejects.parquet", "data/train-00000.parquet"])
def test_a_damaged_dataset(cli: Cli, built_examples: Path, tmp_path: Path, broken: str) -> None:
    folder = tmp_path / "d"
    shutil.copytree(built_examples, folder)
    (folder / broken).write_bytes(b"PAR1 { nothing of the kind")
    for verb in (("inspect",), ("audit",), ("report",), ("check", "--for", "trl")):
        ran = cli(verb[0], folder, *verb[1:])
        if broken == "rejects.parquet" and verb[0] == "check":
            continue  # a trainer does not look at it
        assert ran.code == 2, (verb, ran)
        assert Path(broken).name in ran.error


def test_a_record_that_is_not_there(cli: Cli, built_examples: Path) -> None:
    assert cli("inspect", built_examples, "zzzz").error.startswith("no record has that id: zzzz")
    assert "records begin with that id" in cli("inspect", built_examples, "").error


def test_help_costs_under_half_a_second_of_cpu() -> None:
    import resource

    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = spent()
    ran = subprocess.run([str(Path(sys.executable).with_name("sightline")), "--help"], capture_output=True, text=True)
    assert spent() - before < 0.5
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "build" in ran.stdout


@pytest.mark.parametrize("verb", ["build documents", "inspect", "audit", "check", "export", "report"])
def test_every_verb_says_what_it_does(cli: Cli, verb: str) -> None:
    ran = cli(*verb.split(), "--help")
    assert ran.code == 0
    assert "Usage:" in ran.out


def test_nothing_of_the_environment_is_needed(examples: Path, tmp_path: Path) -> None:
    """No HOME, no locale, no terminal: as under cron."""
    command = [str(Path(sys.executable).with_name("sightline")), "build", "documents", str(examples / "notice_ko.pdf")]
    ran = subprocess.run(
        [*command, "--out", str(tmp_path / "out"), "--workers", "1"],
        env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
