"""From rewritten questions to distinct ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from sightline.core.fingerprint import fingerprint
from sightline.core.sample import Choice, Item
from sightline.recipes.adversarial_qa.items import Refined
from sightline.verify import QuestionPool


@dataclass(frozen=True, slots=True)
class DistinctRewrites:
    """A rewrite that says the same as another question of its scene is refused, and its question stays unfixed. Those
    that kept their wording have asked first, then the rewrites in their order."""

    config: None = None
    name: ClassVar[str] = "distinct"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = Refined
    gives: ClassVar[type[Item]] = Refined

    def all(self, items: Iterable[Refined], /) -> Iterator[Refined]:
        asked: defaultdict[str, QuestionPool] = defaultdict(QuestionPool)
        for item in items:
            if item.outcome != "fixed":
                asked[_scene(item.final)].twin(item.final.question)
        for item in items:
            twin = asked[_scene(item.final)].twin(item.final.question) if item.outcome == "fixed" else None
            yield item if twin is None else _refused(item, twin)


def _scene(choice: Choice) -> str:
    """What a question is asked about."""
    return fingerprint([choice.context, [image.sha256 for image in choice.images]])


def _refused(item: Refined, twin: str) -> Refined:
    last = item.tries[-1].model_copy(update={"outcome": "repeated", "detail": f"asked already: {twin}"})
    update = {"tries": (*item.tries[:-1], last), "outcome": "unfixed", "final": item.original, "after": None}
    return item.model_copy(update=update)
