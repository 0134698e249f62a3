"""POPE (Li et al. 2023, arXiv 2305.10355): is there a ... in the image? Yes is the positive class.

The official parser looks at the first sentence for "No", "no" or "not" and takes everything else for yes: "There
are none" is a yes, "Yes, there is no doubt" a no. The strict one wants a stated yes or no and has a state for the
rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from sightline.core.errors import InputError
from sightline.core.score import Score
from sightline.evaluate.statistics import Groups, score
from sightline.evaluate.totals import Array, Totals, signature

Parser = Literal["official", "strict"]
_YES = re.compile(r"^\W*(?:yes|yeah|yep|네|예|그렇|맞)", re.I)
_NO = re.compile(r"^\W*(?:no|nope|아니|없)(?![a-z])", re.I)
_SAYS_NONE = re.compile(
    r"\bthere (?:is|are) (?:no|not|none)\b|\bthere (?:isn't|aren't)\b|없습니다|없어요|보이지 않", re.I
)
_SAYS_SOME = re.compile(r"^\W*there (?:is|are) (?:an?|some|the|two|three|several|\d)\b|있습니다|있어요", re.I)


def read_answer(reply: str, parser: Parser = "official") -> bool | None:
    """True for yes, False for no, None (strict only) where neither is stated."""
    if parser == "official":
        words = reply.partition(".")[0].replace(",", "").split(" ")
        return not {"No", "not", "no"} & set(words)
    if _YES.search(reply):
        return True
    if _NO.search(reply) or _SAYS_NONE.search(reply):
        return False
    return True if _SAYS_SOME.search(reply) else None


class PopeResult(BaseModel):
    """Figures of one split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accuracy: Score
    precision: Score
    recall: Score
    f1: Score
    yes_ratio: Score
    """Over the *replies*: far from the labels' share = a model that likes to agree."""
    unread: Score
    """Replies without a stated answer; they are wrong, and no yes."""


def pope(
    replies: Sequence[str], labels: Sequence[bool], *, parser: Parser = "official", groups: Groups | None = None
) -> PopeResult:
    """Score one split. Raises InputError where lengths differ or nothing is there."""
    if len(replies) != len(labels) or not len(replies):
        raise InputError(f"{len(replies)} replies for {len(labels)} labels")
    said = [read_answer(reply, parser) for reply in replies]
    yes, truth = np.array([s is True for s in said]), np.asarray(labels, bool)
    right = np.array([s == t for s, t in zip(said, labels, strict=True)])
    items = np.stack([yes & truth, yes, truth], axis=1).astype(float)

    def scored(name: str, totals: Totals) -> Score:
        return score(name, totals, signature(name, parser=parser, positive="yes"), groups)

    return PopeResult(
        accuracy=scored("accuracy", Totals.of_mean(right.astype(float))),
        precision=scored("precision", Totals(items, lambda s: _share(s[..., 0], s[..., 1]))),
        recall=scored("recall", Totals(items, lambda s: _share(s[..., 0], s[..., 2]))),
        f1=scored("f1", Totals(items, lambda s: _share(2 * s[..., 0], s[..., 1] + s[..., 2]))),
        yes_ratio=scored("yes-ratio", Totals.of_mean(yes.astype(float))),
        unread=scored("unread", Totals.of_mean([float(s is None) for s in said])),
    )


def _share(top: Array, bottom: Array) -> Array:
    return np.asarray(np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0))
