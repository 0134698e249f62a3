"""All text checks of one pair in one call: format, place, surroundings, completeness, negation, unit. No model.

What they cannot see: an answer that stands on the page beside the question's words and is still wrong, such as another
person named in the same paragraph. That needs a judge.
"""

from __future__ import annotations

from typing import NamedTuple

from sightline.core.media import Evidence
from sightline.verify.complete import cut_off, denied
from sightline.verify.filters import reasons
from sightline.verify.locating import find
from sightline.verify.page_index import PageIndex
from sightline.verify.thresholds import Thresholds


class Verdict(NamedTuple):
    """What the text checks found: `reasons` empty means the pair passes."""

    reasons: tuple[str, ...]
    evidence: Evidence
    support: float


def examine(question: str, answer: str, index: PageIndex, thresholds: Thresholds | None = None) -> Verdict:
    """Reasons: those of `filters`, "not-on-page", "weak-match", "unsupported", "cut-off", "denied-on-page"."""
    limits = thresholds or Thresholds()
    against = reasons(question, answer)
    found = find(answer, index, near=question)
    if found is None:
        return Verdict((*against, "not-on-page"), Evidence(page=index.page.index), 0.0)
    evidence = found.evidence(index)
    if evidence.confidence < limits.confidence:
        against.append("weak-match")
    if found.support < limits.support:
        against.append("unsupported")
    if limits.complete and cut_off(question, answer, found.start, found.end, index):
        against.append("cut-off")
    if denied(question, found.start, found.end, index):
        against.append("denied-on-page")
    return Verdict(tuple(against), evidence, found.support)


def text_check(question: str, answer: str, index: PageIndex, thresholds: Thresholds | None = None) -> list[str]:
    """The reasons of `examine` alone."""
    return list(examine(question, answer, index, thresholds).reasons)
