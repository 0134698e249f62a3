"""Who writes, who puts into fields, who names the category, who hears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sightline.core.ports import LM
from sightline.media.speech import Speech


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a run."""

    annotator: LM
    """Sees the pictures, writes free words."""
    structurer: LM | None = None
    """Puts these words into fields; None: the annotator does."""
    classifier: LM | None = None
    """Names each video's category; None: nobody does."""
    speech: Speech | None = None
    """For videos without subtitles; None: these have no words."""

    @property
    def structuring(self) -> LM:
        return self.structurer or self.annotator

    @property
    def names(self) -> dict[str, str]:
        """Role -> name, as stated in run.json, card and report."""
        return {
            "annotator": self.annotator.name,
            "structurer": self.structuring.name,
            "classifier": "none" if self.classifier is None else self.classifier.name,
            "speech": "none" if self.speech is None else self.speech.name,
        }

    @property
    def roles(self) -> dict[str, LM]:
        """Role -> model, a model with several roles once."""
        found = {"annotator": self.annotator, "structurer": self.structurer, "classifier": self.classifier}
        first: dict[int, tuple[str, LM]] = {}
        for role, lm in found.items():
            if lm is not None:
                first.setdefault(id(lm), (role, lm))
        return dict(first.values())

    def wrapped(self, wrap: Callable[[LM], LM]) -> Models:
        """Each model with `wrap` around it, one that has two roles once."""
        made = {id(lm): wrap(lm) for lm in self.roles.values()}
        structurer = None if self.structurer is None else made[id(self.structurer)]
        classifier = None if self.classifier is None else made[id(self.classifier)]
        return Models(made[id(self.annotator)], structurer, classifier, self.speech)
