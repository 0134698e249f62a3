"""Refines DATA into OUT with scripted judges that are slow and write every request they get into LOG: to be killed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).parent))
from choice_scripts import Counted, knowing, rewriting

from sightline.core.message import Request
from sightline.lm import Scripted
from sightline.pipeline import ExecutorConfig, Progress
from sightline.recipes.adversarial_qa.judges import Judges
from sightline.recipes.adversarial_qa.refining import refine_questions
from sightline.recipes.running import Engine

NEW = ["gate r", "gate s", "gate t", "gate u", "gate v"]


def logged(lm: Counted, log: Path) -> Scripted:
    def answer(request: Request) -> str:
        time.sleep(0.002)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{lm.name} {request.key}\n")
        (reply,) = lm.replies([request])
        return reply.text

    return Scripted(answer, lm.name)


def says(request: Request) -> str:
    """A fix for every second question, named after it; nonsense for the others."""
    text = request.messages[-1].text
    number = int(text.partition("in scene ")[2].split("?")[0])
    return rewriting(f"Which gate opens in part {number}?", NEW, "B") if number % 2 else "nothing"


def main(data: str, out: str, log: str, kind: Literal["local", "ray"] = "local") -> None:
    make: Callable[[Counted], Scripted] = lambda lm: logged(lm, Path(log))  # noqa: E731
    judges = Judges(
        make(knowing({f"door {n}-1" for n in range(0, 100, 3)})),
        make(Counted(says, "writer")),
        make(knowing({"gate s"}, "verifier")),
        make(knowing({"gate s"}, "other")),
    )
    engine = Engine(kind, ExecutorConfig(group_items=8, commit_seconds=0), Progress("none"))
    refine_questions(data, out, judges, engine=engine)


if __name__ == "__main__":
    main(*sys.argv[1:4], *sys.argv[4:])  # type: ignore[arg-type]
