"""From pairs to distinct pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from sightline.core.sample import Item, Rejected
from sightline.recipes.document_qa.items import Pair
from sightline.verify.duplicates import QuestionPool


@dataclass(frozen=True, slots=True)
class Deduplicate:
    """Of questions of one document that say the same, the first stays."""

    config: None = None
    name: ClassVar[str] = "distinct"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = Pair
    gives: ClassVar[type[Item]] = Pair

    def all(self, items: Iterable[Pair], /) -> Iterator[Pair | Rejected]:
        for _, pairs in groupby(items, key=lambda pair: pair.source.sha256):
            asked = QuestionPool()
            for pair in pairs:
                twin = asked.twin(pair.question)
                if twin is None:
                    yield pair
                else:
                    evidence = {"question": pair.question, "answer": pair.answer, "asked_before": twin}
                    yield Rejected(reason="repeated-question", item=pair.key, origin=pair.origin, evidence=evidence)
