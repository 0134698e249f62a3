"""Who answers blind, who rewrites, who checks the keys, and who measures the success."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

from sightline.core.errors import InputError
from sightline.core.ports import LM


@dataclass(frozen=True, slots=True)
class Judges:
    """The models of a refinement.

    Raises InputError where two roles that must not know each other are one model, and where a writer comes without a
    verifier: a rewritten key that nobody checked is worth nothing.
    """

    blind: LM
    """Answers without context; the rewriting works against it."""
    writer: LM | None = None
    """Rewrites weak questions; None: they are found and kept apart, nothing is rewritten."""
    verifier: LM | None = None
    """Sees the context and must confirm each rewritten key."""
    held_out: LM | None = None
    """Another blind judge, which the rewriting never meets: what a fix is worth."""

    def __post_init__(self) -> None:
        if self.writer is not None and self.verifier is None:
            raise InputError("a rewritten key must be checked", remedy="name a third model with --verifier")
        forbidden = (("writer", "verifier"), ("blind", "verifier"), ("blind", "held_out"), ("writer", "held_out"))
        for one, other in forbidden:
            first, second = getattr(self, one), getattr(self, other)
            if first is not None and second is not None and first.name == second.name:
                raise InputError(f"{one} and {other} must not be one model", subject=first.name)

    @property
    def names(self) -> dict[str, str]:
        """Role -> name, as stated in run.json, card and report."""
        return {role: "none" if lm is None else lm.name for role, lm in self.roles.items()}

    @property
    def roles(self) -> dict[str, LM | None]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def wrapped(self, wrap: Callable[[LM], LM]) -> Judges:
        """Each model with `wrap` around it."""
        return Judges(**{role: wrap(lm) for role, lm in self.roles.items() if lm is not None})
