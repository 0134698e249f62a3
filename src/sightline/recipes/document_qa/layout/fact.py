"""What a finder hands on: an askable fact, still without words for the question."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """Words `start` to `stop` of the page answer a question of form `form` with these slots.

    `context` is a heading or title that tells two facts of the same label apart. `rank` 0 is asked before 1.
    """

    style: str
    """What kind of thing is asked: "key-value", "table", "heading", "definition", "condition", ..."""
    form: str
    """Which family of phrasings asks for it: a key of `phrases`."""
    slots: tuple[tuple[str, str], ...]
    start: int
    stop: int
    context: str = ""
    rank: int = 0
    part: str = ""
    """The piece of these words that answers, such as a Korean noun without its particle; "": all of them."""
