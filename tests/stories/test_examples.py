"""The example scripts run as they stand and say what they promise."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def ran(script: str, *arguments: object) -> str:
    command = [sys.executable, str(EXAMPLES / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_documents_then_evaluation(tmp_path: Path) -> None:
    said = ran("documents_to_dataset.py", EXAMPLES / "documents", tmp_path / "documents")
    assert "no-text-layer" in said
    assert re.search(r"planted changed-digit +caught 100\.0%", said)
    assert (tmp_path / "documents" / "line_of_sight.png").read_bytes().startswith(b"\x89PNG")
    said = ran("evaluate_and_compare.py", tmp_path / "documents", tmp_path / "runs")
    assert re.search(r"anls +wordy - short -0\.\d+ \[", said)
    assert (tmp_path / "runs" / "wordy" / "disagreements.html").is_file()


def test_videos_then_questions(tmp_path: Path) -> None:
    """A self-made film and scripted models; its cuts lie at whole multiples of three seconds."""
    said = ran("videos_to_questions.py", tmp_path)
    assert "scenes begin at 00:00:00.000 00:00:03.000 00:00:06.000 00:00:09.000 00:00:12.000" in said
    assert said.count("weak: False") == 5
    assert "looking accuracy 1.0000" in said


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_student_of_two_steps(tmp_path: Path) -> None:
    said = ran("two_step_student.py", tmp_path)
    assert "2 evaluations a picture" in said
    assert re.search(r"student, 2 steps against teacher, guided on classifier: [+-]\d+% \[", said)
    assert (tmp_path / "card.html").is_file()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_model_of_parts_learns_colours(tmp_path: Path) -> None:
    """Synthetic pictures: six colours, 17 % by chance."""
    said = ran("compose_and_train.py", tmp_path)
    right = re.search(r"after: +(\d+)\.", said)
    assert right is not None
    assert int(right[1]) >= 80
    assert "unchanged: ['encoder']" in said
