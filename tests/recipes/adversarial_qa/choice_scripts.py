"""Scripted judges, writers and verifiers, and questions to try them on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from sightline.core.media import Source
from sightline.core.message import Request
from sightline.core.sample import Choice
from sightline.lm import Scripted

SOURCE = Source(name="hall.txt", uri="hall.txt", sha256="0" * 64, media_type="text/plain", size=9)


def choice(n: int = 0, options: int = 5, answer: int = 1, **more: object) -> Choice:
    """A question whose options are marked with its number, so that a script knows them again."""
    return Choice.model_validate(
        {
            "id": f"q{n}",
            "question": f"Which door opens in scene {n}?",
            "options": [f"door {n}-{i}" for i in range(options)],
            "answer": answer,
            "context": f"In scene {n} the door {n}-{answer} opens.",
            "source": SOURCE,
            **more,
        }
    )


def shown_options(request: Request) -> list[str]:
    """The options of the question in a prompt, as they stand there."""
    return re.findall(r"^[A-J]\) (.*)$", request.messages[-1].text, re.M)


class Counted(Scripted):
    """A script that knows how often it was asked."""

    def __init__(self, answer: Callable[[Request], str], name: str) -> None:
        self.asked: list[Request] = []

        def counting(request: Request) -> str:
            self.asked.append(request)
            return answer(request)

        super().__init__(counting, name)


def constant(letter: str = "A", name: str = "blind") -> Counted:
    return Counted(lambda _: f"Answer: {letter}\nReason: it looks best", name)


def knowing(known: set[str], name: str = "blind") -> Counted:
    """Chooses an option it knows to be right; else the first one. Says so."""

    def answer(request: Request) -> str:
        options = shown_options(request)
        found = next((i for i, text in enumerate(options) if text in known), 0)
        return f"Answer: {'ABCDEFGHIJ'[found]}\nReason: I went for {options[found]}."

    return Counted(answer, name)


def rewriting(question: str, options: list[str], answer: str, **more: object) -> str:
    return json.dumps({"question": question, "options": options, "answer": answer, **more})


def writer(*replies: str, name: str = "writer") -> Counted:
    """Says the replies one after the other, the last one for ever."""
    given = iter(replies)
    last = [""]

    def answer(_: Request) -> str:
        last[0] = next(given, last[0])
        return last[0]

    return Counted(answer, name)
