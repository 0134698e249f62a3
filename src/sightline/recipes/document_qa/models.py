"""Who writes and who judges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sightline.core.errors import InputError
from sightline.core.ports import LM


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a run; None: the layout writer, no judge.

    Raises InputError where the judge is the writer: a model that grades its own answers proves nothing.
    """

    writer: LM | None = None
    judge: LM | None = None
    """Answers each question from the page, without seeing the writer's answer."""
    blind: LM | None = None
    """Answers each question without the page."""

    def __post_init__(self) -> None:
        if self.judge is not None and self.writer is not None and self.judge.name == self.writer.name:
            raise InputError(
                "the judge must be another model than the writer",
                subject=self.judge.name,
                remedy="name one with --judge",
            )

    @property
    def names(self) -> dict[str, str]:
        """Role -> name, as stated in run.json, card and report."""
        return {
            "writer": "layout" if self.writer is None else self.writer.name,
            "judge": "none" if self.judge is None else self.judge.name,
            "blind": "none" if self.blind is None else self.blind.name,
        }

    @property
    def used(self) -> tuple[LM, ...]:
        return tuple(lm for lm in (self.writer, self.judge, self.blind) if lm is not None)

    def wrapped(self, wrap: Callable[[LM], LM]) -> Models:
        """Each model with `wrap` around it."""
        writer, judge, blind = (None if lm is None else wrap(lm) for lm in (self.writer, self.judge, self.blind))
        return Models(writer, judge, blind)
