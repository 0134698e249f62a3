"""The steps that hold language models: category, free description, typed fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from sightline.core.message import Reply
from sightline.core.ports import LM
from sightline.core.sample import Item, Rejected
from sightline.lm import Structured, structured
from sightline.recipes.video_annotation.config import AskConfig
from sightline.recipes.video_annotation.items import Annotated, Described, WatchedVideo
from sightline.recipes.video_annotation.prompts import (
    VideoRequest,
    anew,
    briefer,
    classify_request,
    describe_request,
    speaks,
    structure_request,
)
from sightline.recipes.video_annotation.schema import Annotation
from sightline.recipes.video_annotation.selection import Candidate, SelectionConfig, select
from sightline.recipes.video_annotation.taxonomy import UNMATCHED, Taxonomy
from sightline.recipes.video_annotation.watching import Strip

OWN_FAULTS = frozenset({"no-json", "broken-json", "cut-off", "schema"})
"""Failures of a reply's form; anything else is a request that failed."""


Attempts = Mapping[str, int]
"""Key of an item -> how often a person has had it asked anew."""


class Asked(BaseModel):
    """What decides the result of a step with a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lm: str
    ask: AskConfig = AskConfig()
    taxonomy: str = ""


@dataclass(frozen=True, slots=True)
class Classify:
    """Each video's category: a leaf of the taxonomy, or "unmatched". With `ask.category_twice` the categories are shown
    a second time in the opposite order; where that brings another leaf, the first one stays and both answers are kept
    for the proposed revision."""

    config: Asked
    lm: LM
    taxonomy: Taxonomy
    name: ClassVar[str] = "classify"
    version: ClassVar[int] = 2
    takes: ClassVar[type[Item]] = WatchedVideo
    gives: ClassVar[type[Item]] = WatchedVideo

    def batch(self, items: Sequence[WatchedVideo], /) -> Iterator[Sequence[WatchedVideo | Rejected]]:
        orders = (False, True) if self.config.ask.category_twice else (False,)
        requests = (classify_request(item, self.taxonomy, order) for item in items for order in orders)
        replies = self.lm.replies(requests)
        for item in items:
            yield [self._outcome(item, [next(replies) for _ in orders])]

    def _outcome(self, item: WatchedVideo, replies: Sequence[Reply]) -> WatchedVideo | Rejected:
        failed = next((reply for reply in replies if not reply.ok), None)
        if failed is not None:
            return Rejected(reason="classifier-failed", evidence={"error": failed.error})
        said = tuple(reply.text.strip()[:200] for reply in replies)
        category = self.taxonomy.leaf_of(replies[0].text)
        return item.model_copy(update={"category": category, "category_said": said})


@dataclass(frozen=True, slots=True)
class Select:
    """Videos up to the target of hours; what is not chosen is a refused row."""

    config: SelectionConfig
    name: ClassVar[str] = "select"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = WatchedVideo
    gives: ClassVar[type[Item]] = WatchedVideo

    def all(self, items: Iterable[WatchedVideo], /) -> Iterator[WatchedVideo | Rejected]:
        chosen = set(select((candidate(item) for item in items), self.config).ids)
        for item in items:
            if item.source.sha256 in chosen:
                yield item
            else:
                evidence = {"category": item.category, "seconds": item.facts.duration, "hours": self.config.hours}
                yield Rejected(reason="not-selected", item=item.key, origin=item.source.name, evidence=evidence)


def candidate(item: WatchedVideo) -> Candidate:
    """A video as the selection looks at it."""
    about = item.about
    return Candidate(
        id=item.source.sha256,
        category=item.category or UNMATCHED,
        channel=about.channel,
        seconds=item.facts.duration,
        views=about.views,
        likes=about.likes,
        comments=about.comments,
        followers=about.followers,
    )


@dataclass(frozen=True, slots=True)
class Describe:
    """Free words first: asked for fields at once, models leave out characters, activities and props (FineVideo). An
    answer that was cut off is asked for once more, briefly."""

    config: Asked
    lm: LM
    strip: Strip
    attempts: Attempts = field(default_factory=dict)
    name: ClassVar[str] = "describe"
    version: ClassVar[int] = 2
    takes: ClassVar[type[Item]] = WatchedVideo
    gives: ClassVar[type[Item]] = Described

    def batch(self, items: Sequence[WatchedVideo], /) -> Iterator[Sequence[Described | Rejected]]:
        requests = (self._request(item) for item in items)
        for item, reply in zip(items, self.lm.replies(requests), strict=True):
            if reply.ok and reply.finish == "length":
                (reply,) = self.lm.replies([briefer(self._request(item), reply.text, speaks(item))])
            yield [self._outcome(item, reply)]

    def _request(self, item: WatchedVideo) -> VideoRequest:
        request = describe_request(item, self.strip(item.strip), self.config.ask)
        return anew(request, self.attempts.get(item.key, 0))

    def _outcome(self, item: WatchedVideo, reply: Reply) -> Described | Rejected:
        if not reply.ok:
            return Rejected(reason="annotator-failed", evidence={"error": reply.error})
        if reply.finish == "length":
            return Rejected(reason="description-cut-off", evidence={"text": reply.text})
        if not reply.text.strip():
            return Rejected(reason="empty-description")
        return Described(video=item, text=reply.text, annotator=self.lm.name)


@dataclass(frozen=True, slots=True)
class Structure:
    """The words into fields; a reply of another form goes back with what is wrong. What cannot be mended is refused
    with the words it was to hold."""

    config: Asked
    lm: LM
    attempts: Attempts = field(default_factory=dict)
    name: ClassVar[str] = "structure"
    version: ClassVar[int] = 2
    takes: ClassVar[type[Item]] = Described
    gives: ClassVar[type[Item]] = Annotated

    def batch(self, items: Sequence[Described], /) -> Iterator[Sequence[Annotated | Rejected]]:
        requests = (anew(structure_request(item, self.config.ask), self.attempts.get(item.key, 0)) for item in items)
        found = structured(self.lm, requests, Annotation, tries=self.config.ask.tries)
        for item, result in zip(items, found, strict=True):
            yield [self._outcome(item, result)]

    def _outcome(self, item: Described, result: Structured[Annotation]) -> Annotated | Rejected:
        if result.value is None:
            own = result.failures[-1] in OWN_FAULTS
            return Rejected(
                reason="unstructured" if own else "structurer-failed",
                evidence={
                    "failures": list(result.failures),
                    "text": item.text,
                    "reply": result.replies[-1].text[:4000],
                },
            )
        return Annotated(
            video=item.video,
            text=item.text,
            annotator=item.annotator,
            structurer=self.lm.name,
            annotation=result.value,
        )
