from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from reportlab.pdfgen import canvas

from scripted_endpoint import Act, ScriptedEndpoint
from sightline.cli.main import sightline
from sightline.cli.models import endpoint_from_environment
from sightline.core.errors import InputError, ModelError


def test_the_environment_says_how_long_to_wait_for_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_LM_TIMEOUT", "2.5")
    monkeypatch.setenv("SIGHTLINE_LM_RETRIES", "0")
    config = endpoint_from_environment()
    assert (config.timeout_s, config.retries, config.concurrency) == (2.5, 0, 32)


def test_a_value_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_LM_TIMEOUT", "soon")
    with pytest.raises(InputError, match="SIGHTLINE_LM_TIMEOUT"):
        endpoint_from_environment()


@pytest.mark.parametrize("verb", ["build documents", "build questions", "build videos", "refine", "evaluate", "audit"])
def test_the_help_of_whatever_opens_a_model_says_how_servers_are_set(verb: str) -> None:
    shown = CliRunner().invoke(sightline, [*verb.split(), "--help"]).output
    assert all(f"SIGHTLINE_{name}" in shown for name in ("LM_TIMEOUT", "LM_RETRIES", "LM_CONCURRENCY", "KEY_VARIABLE"))


def test_a_server_that_answers_nothing_usable_ends_the_build_with_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SIGHTLINE_LM_RETRIES", "0")
    monkeypatch.setenv("SIGHTLINE_KEY_VARIABLE", "none")
    paper = canvas.Canvas(str(tmp_path / "a.pdf"))
    paper.drawString(72, 720, "Total: 529.87 EUR for the garden chairs.")
    paper.save()
    with ScriptedEndpoint(lambda body, nth: Act(status=500, text=None, body=b"{}")) as server:
        flags = ["--lm", server.url, "--model", "w", "--workers", "1"]
        found = CliRunner().invoke(
            sightline, ["build", "documents", str(tmp_path), "--out", str(tmp_path / "o"), *flags]
        )
    assert isinstance(found.exception, ModelError)
    assert "http-500" in str(found.exception)
    assert found.exception.exit_code == 2
