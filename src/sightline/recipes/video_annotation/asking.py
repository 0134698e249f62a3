"""The steps that hold language models: category, free description, typed fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from sightline.core.message import Reply, Request
from sightline.core.ports import LM
from sightline.core.sample import Item, Rejected
from sightline.lm import Structured, structured
from sightline.recipes.video_annotation.config import AskConfig
from sightline.recipes.video_annotation.items import Annotated, Described, WatchedVideo
from sightline.recipes.video_annotation.prompts import (
    briefer,
    classify_request,
    describe_request,
    structure_request,
)
from sightline.recipes.video_annotation.schema import Annotation
from sightline.recipes.video_annotation.selection import Candidate, SelectionConfig, select
from sightline.recipes.video_annotation.taxonomy import UNMATCHED, Taxonomy
from sightline.recipes.video_annotation.watching import Strip

OWN_FAULTS = frozenset({"no-json", "broken-json", "cut-off", "schema"})
"""Failures of a reply's form; anything else is a request that failed."""


class Asked(BaseModel):
    """What decides the result of a step with a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lm: str
    ask: AskConfig = AskConfig()
    taxonomy: str = ""


@dataclass(frozen=True, slots=True)
class Classify:
    """Each video's category: a leaf of the taxonomy, or "unmatched"."""

    config: Asked
    lm: LM
    taxonomy: Taxonomy
    name: ClassVar[str] = "classify"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = WatchedVideo
    gives: ClassVar[type[Item]] = WatchedVideo

    def batch(self, items: Sequence[WatchedVideo], /) -> Iterator[Sequence[WatchedVideo | Rejected]]:
        requests = (classify_request(item, self.taxonomy) for item in items)
        for item, reply in zip(items, self.lm.replies(requests), strict=True):
            if not reply.ok:
                yield [Rejected(reason="classifier-failed", evidence={"error": reply.error})]
                continue
            said = {"category": self.taxonomy.leaf_of(reply.text), "category_said": reply.text.strip()[:200]}
            yield [item.model_copy(update=said)]


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
    name: ClassVar[str] = "describe"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = WatchedVideo
    gives: ClassVar[type[Item]] = Described

    def batch(self, items: Sequence[WatchedVideo], /) -> Iterator[Sequence[Described | Rejected]]:
        requests = (self._request(item) for item in items)
        for item, reply in zip(items, self.lm.replies(requests), strict=True):
            if reply.ok and reply.finish == "length":
                (reply,) = self.lm.replies([briefer(self._request(item), reply.text)])
            yield [self._outcome(item, reply)]

    def _request(self, item: WatchedVideo) -> Request:
        return describe_request(item, self.strip(item.strip), self.config.ask)

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
    name: ClassVar[str] = "structure"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = Described
    gives: ClassVar[type[Item]] = Annotated

    def batch(self, items: Sequence[Described], /) -> Iterator[Sequence[Annotated | Rejected]]:
        requests = (structure_request(item, self.config.ask) for item in items)
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
