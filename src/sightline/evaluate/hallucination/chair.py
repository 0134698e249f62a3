"""CHAIR (Rohrbach et al. 2018, arXiv 1809.02156): which mentioned objects are not in the picture? For any
vocabulary."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from sightline.core.errors import InputError
from sightline.core.score import Score
from sightline.evaluate.hallucination.words import vocabulary_words
from sightline.evaluate.statistics import Groups, score
from sightline.evaluate.totals import Totals, signature


class ChairResult(BaseModel):
    """Shares in 0..1; lower is better for the first two."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chair_i: Score
    """Hallucinated mentions of all object mentions."""
    chair_s: Score
    """Captions with a hallucinated mention."""
    recall: Score
    """True objects that were mentioned."""
    hallucinated: tuple[tuple[str, ...], ...]


def chair(
    captions: Sequence[str],
    truths: Sequence[Collection[str]],
    vocabulary: Mapping[str, Sequence[str]],
    *,
    groups: Groups | None = None,
) -> ChairResult:
    """`vocabulary`: object -> its synonyms ("hot dog" may be two words; the longest match wins, so that a hot dog
    is no dog). `truths`: the objects in each picture, by name or synonym. Raises InputError for an unknown true
    object."""
    if len(captions) != len(truths) or not len(captions):
        raise InputError(f"{len(captions)} captions for {len(truths)} lists of objects")
    names = {word: name for name, words in vocabulary.items() for word in [name, *words]}
    find = vocabulary_words(names)
    rows, wrong = [], []
    for caption, objects in zip(captions, truths, strict=True):
        unknown = [o for o in objects if o not in names]
        if unknown:
            raise InputError("true objects that are not in the vocabulary", subject=unknown)
        there, said = {names[o] for o in objects}, [names[word] for word in find(caption)]
        bad = [name for name in said if name not in there]
        rows.append([len(bad), len(said), bool(bad), 1, len(there & set(said)), len(there)])
        wrong.append(tuple(bad))
    table = np.array(rows, float)

    def scored(name: str, top: int, bottom: int) -> Score:
        words = signature(name, objects=len(vocabulary), nouns="vocabulary-plurals", mentions="repeated")
        return score(name, Totals(table[:, [top, bottom]]), words, groups)

    return ChairResult(
        chair_i=scored("chair-i", 0, 1),
        chair_s=scored("chair-s", 2, 3),
        recall=scored("recall", 4, 5),
        hallucinated=tuple(wrong),
    )
