"""What flows between the steps of this recipe:

building   Scene -> Brief -> Choice -> Choice (key checked)
refining   Choice -> Refined (tested) -> Refined (rewritten) -> Refined (held-out) -> Choice
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from sightline.core.media import Evidence, MediaRef, Source, Span
from sightline.core.sample import Choice, Item, Page
from sightline.verify.blind import flagged_by_chance, is_weak, share_right

FROZEN = ConfigDict(frozen=True, extra="forbid")
Sees = Literal["text", "picture", "both"]
"""What a model is shown of a question's context."""


class Seed(NamedTuple):
    """A question that was asked about a scene already, with its answer where that is known."""

    question: str
    answer: str = ""
    style: str = ""
    evidence: Evidence | None = None


class Scene(Item):
    """What questions are asked about: a page, a photo, a piece of video."""

    id: str
    text: str = ""
    """Its words: a page's text, a timed transcript with descriptions."""
    seeds: tuple[Seed, ...] = ()
    page: Page | None = None
    """With word boxes, where it is a page of a document that sightline read."""
    span: Span | None = None
    images: tuple[MediaRef, ...] = ()
    image_scales: tuple[float, ...] = ()
    language: str = "en"
    split: str = "train"
    group: str = ""
    licence: str | None = None
    source: Source


class Template(BaseModel):
    """A kind of question: what a cluster of seed questions has in common."""

    model_config = FROZEN

    name: str
    prototype: str
    """The question in general form: "Why does [a person] [do something]?"."""
    category: str = ""
    members: int = 0
    """Seed questions in its cluster."""


class Brief(Item):
    """A scene and the templates that fit it."""

    scene: Scene
    templates: tuple[Template, ...]


class Votes(BaseModel):
    """What one judge chose, without context, for each order of one question's options."""

    model_config = FROZEN

    judge: str
    answer: int
    options: int
    chosen: tuple[int | None, ...]
    """Option in the question's own order, one per rotation; None where the reply was not readable."""
    reason: str = ""
    """The judge's words in the first order in which it was right: how the question gives itself away."""

    @property
    def votes(self) -> list[bool | None]:
        return [None if one is None else one == self.answer for one in self.chosen]

    @property
    def share(self) -> Fraction | None:
        """Right votes of the valid ones."""
        return share_right(self.votes)

    @property
    def weak(self) -> bool | None:
        return is_weak(self.votes)

    @property
    def chance(self) -> Fraction:
        """Probability that guessing would have found it weak with as many valid votes; 0 without any."""
        valid = sum(vote is not None for vote in self.votes)
        return flagged_by_chance(self.options, valid) if valid else Fraction(0)


class Try(BaseModel):
    """One call of the rewriter and what became of it."""

    model_config = FROZEN

    outcome: Literal["fixed", "still-weak", "undecided", "key-refused", "malformed", "repeated"]
    detail: str = ""
    """What was wrong, for people and for the next try."""
    question: str = ""
    options: tuple[str, ...] = ()
    answer: int | None = None


class Refined(Item):
    """A question on its way through refinement. `final` is `original` unless it was fixed."""

    original: Choice
    before: Votes
    final: Choice
    after: Votes | None = None
    """Of `final`, where it was fixed."""
    tries: tuple[Try, ...] = ()
    held_out: tuple[Votes, ...] = ()
    """Of a judge that the rewriting never saw: on the original, and on `final` where it was fixed."""
    outcome: Literal["sound", "undecided", "weak", "fixed", "unfixed"]
    """"weak" stands only until the rewriter has had its tries; without a rewriter it becomes "unfixed"."""
