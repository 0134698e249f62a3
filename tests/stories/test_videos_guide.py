"""The guide's first try as it stands: its file, its commands, from an empty folder."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sightline.recipes.dataset import Dataset

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "videos.md"


def test_the_first_try_runs_as_it_is_written(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "try_me", raising=False)
    (section,) = re.findall(r"^## Try it without a model\n(.*?)^## ", GUIDE.read_text("utf-8"), re.S | re.M)
    (code,) = re.findall(r"```python\n(.*?)```", section, re.S)
    (tmp_path / "try_me.py").write_text(code)
    __import__("try_me").make_video()
    for command in re.findall(r"^    sightline (.*)$", section, re.M):
        ran = cli(*shlex.split(command))
        assert ran.code == 0, (command, ran.err)
    (row,) = Dataset(tmp_path / "first").rows()
    assert [(scene["start"], scene["end"]) for scene in row["scenes"]] == [(0.0, 5.0), (5.0, 10.0)]
    assert max(row["moved_frames"]) == pytest.approx(int(re.findall(r"`moved_frames` says (\d+)", section)[0]), abs=0.5)
    assert row["transcript"][1]["text"] == "The second shot is bright."
    assert (tmp_path / "first" / "report.html").is_file()
