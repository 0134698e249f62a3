"""What `inspect` prints of other people's files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]


def test_a_files_name_does_not_steer_the_terminal(cli: Cli, examples: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(examples / "invoice.pdf", tmp_path / "in")
    (tmp_path / "in" / "a\x1b[2J\u202e.txt").write_text("no PDF", encoding="utf-8")
    assert cli("build", "documents", tmp_path / "in", "--out", tmp_path / "out").code == 0
    ran = cli("inspect", tmp_path / "out", "--rejects", "not-a-pdf")
    assert "1 rows refused" in ran.out
    assert not set(ran.out) & {"\x1b", "\u202e"}
