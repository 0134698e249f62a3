"""Train and test without leaks: whole groups move, never single pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from sightline.core.fingerprint import fingerprint, seeded
from sightline.core.message import Message, Picture
from sightline.core.sample import Conversation, Item, Provenance
from sightline.recipes.document_qa.items import Pair


class SplitConfig(BaseModel):
    """How many pairs are kept back for testing, and what is written into each record's provenance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    test_share: float
    seed: int
    run: str
    """Fingerprint of the run."""
    version: int
    """Of the recipe."""


@dataclass(frozen=True, slots=True)
class Split:
    """Gives each pair its split and makes it a record."""

    config: SplitConfig
    name: ClassVar[str] = "split"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = Pair
    gives: ClassVar[type[Item]] = Conversation

    def all(self, items: Iterable[Pair], /) -> Iterator[Conversation]:
        test = test_groups(Counter(pair.group for pair in items), self.config.test_share, self.config.seed)
        for pair in items:
            yield self._record(pair, "test" if pair.group in test else "train")

    def _record(self, pair: Pair, split: str) -> Conversation:
        config = self.config
        return Conversation(
            id=fingerprint([*pair.parents, pair.question, pair.answer])[:20],
            images=pair.images,
            image_scales=pair.image_scales,
            messages=(
                Message.of("user", *(Picture(ref=ref) for ref in pair.images), pair.question),
                Message.of("assistant", pair.answer),
            ),
            evidence=(pair.evidence,),
            scores=pair.scores,
            style=pair.style,
            writer=pair.writer,
            language=pair.language,
            split=split,
            group=pair.group,
            licence=pair.source.licence,
            source=pair.source,
            provenance=Provenance(
                recipe="document_qa", version=config.version, run=config.run, parents=pair.parents, seed=config.seed
            ),
        )


def test_groups(sizes: Counter[str], share: float, seed: int) -> frozenset[str]:
    """Groups for the test split: in an order drawn by seed, each is taken if that brings the split nearer to its share.

    >>> len(test_groups(Counter({"a": 10, "b": 10, "c": 10}), 0.34, seed=0))
    1
    """
    target = share * sizes.total()
    taken: set[str] = set()
    held = 0
    for group in sorted(sizes, key=lambda name: seeded(seed, "split", name)):
        if abs(held + sizes[group] - target) < abs(held - target):
            taken.add(group)
            held += sizes[group]
    return frozenset(taken)
