"""The last step of a refinement: what stays of each question, as a record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from sightline.core.sample import Choice, Item, Provenance
from sightline.recipes.adversarial_qa.dataset import UNFIXED
from sightline.recipes.adversarial_qa.items import Refined

WEAK = {"sound": False, "fixed": False, "unfixed": True, "weak": True, "undecided": None}


class SettleConfig(BaseModel):
    """What is written into each record's provenance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    version: int
    seed: int
    verifier: str
    writer: str


@dataclass(frozen=True, slots=True)
class Settle:
    """Fixed questions in their new wording, all others in their original one; weak ones go to splits of their own."""

    config: SettleConfig
    name: ClassVar[str] = "settle"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = Refined
    gives: ClassVar[type[Item]] = Choice

    def batch(self, items: Sequence[Refined], /) -> Iterator[Sequence[Choice]]:
        for item in items:
            yield [self._record(item)]

    def _record(self, item: Refined) -> Choice:
        config, fixed = self.config, item.outcome == "fixed"
        votes = item.after if fixed and item.after is not None else item.before
        home = item.final.split.removeprefix(UNFIXED)
        scores = {"blind": _beyond(votes.share)}
        if fixed:
            scores["judge"] = 1.0
        if item.held_out:
            scores["held_out"] = _beyond(item.held_out[-1].share)
        return item.final.model_copy(
            update={
                "scores": item.final.scores | scores,
                "flags": item.final.flags | {"weak": WEAK[item.outcome]} | (_UNKNOWN if fixed else {}),
                "writer": config.writer if fixed else item.final.writer,
                "split": UNFIXED + home if WEAK[item.outcome] else home,
                "provenance": Provenance(
                    recipe="refine", version=config.version, run=config.run, parents=(item.original.key,),
                    seed=config.seed,
                ),
            }
        )  # fmt: skip


_UNKNOWN: dict[str, bool | None] = {"hard": None, "visual_reliance": None}
"""A new wording has not been answered by anybody yet."""


def _beyond(share: Fraction | None) -> float | None:
    """1: the blind judge never found the key."""
    return None if share is None else round(float(1 - share), 4)
