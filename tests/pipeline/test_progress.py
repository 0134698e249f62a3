"""What a person sees of a run."""

from __future__ import annotations

import pytest

from sightline.pipeline import progress as module
from sightline.pipeline.progress import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_every_ten_seconds_and_one_at_the_end(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress("log", cost=lambda: 1.5)
    progress.stage("render", 100, 20)
    for _ in range(24):
        clock[0] += 1.0
        progress.advance(2, 0)
    progress.advance(1, 3)
    progress.stage("write", 5, 5)
    progress.note("a note")
    progress.close()
    assert capsys.readouterr().err.splitlines() == [
        "render 40/100 2.0/s, 0:30 left, 20 known, $1.50",
        "render 60/100 2.0/s, 0:20 left, 20 known, $1.50",
        "render 69/100 2.0/s, 0:15 left, 3 rejected, 20 known, $1.50",
        "a note",
        "write 5/5 5 known, $1.50",
    ]


def test_silence(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("none")
    progress.stage("render", 10, 0)
    progress.advance(1, 0)
    progress.note("x")
    progress.close()
    assert capsys.readouterr() == ("", "")


def test_a_bar_shows_rate_and_rejects(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("bar")
    progress.stage("[render]", 10, 0)
    progress.advance(10, 2)
    progress.note("[a note]")
    progress.close()
    shown = capsys.readouterr().err
    assert "[render]" in shown
    assert "10/10" in shown
    assert "2 rejected" in shown
    assert "[a note]" in shown


def test_long_times_show_hours() -> None:
    assert [module._clock(seconds) for seconds in (5, 65, 3665)] == ["0:05", "1:05", "1:01:05"]
