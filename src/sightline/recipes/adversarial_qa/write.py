"""From scenes to questions by a language model: it picks the templates that fit, then writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from sightline.core.fingerprint import fingerprint, seeded
from sightline.core.media import Evidence
from sightline.core.message import Request
from sightline.core.ports import LM
from sightline.core.sample import Choice, Item, Rejected
from sightline.lm import Structured, structured
from sightline.recipes.adversarial_qa.drafts import TemplatedDraft, key_of, one_line, problem, shuffled, text_evidence
from sightline.recipes.adversarial_qa.items import Brief, Scene, Sees, Template
from sightline.recipes.adversarial_qa.prompts import Shown, pick_prompt, write_prompt
from sightline.recipes.adversarial_qa.templates import offered
from sightline.verify import PageIndex, QuestionPool
from sightline.verify.folding import fold
from sightline.verify.locating import locate

PORTION = 8
"""Questions asked for in one request: a longer reply is cut off."""
TOKENS_PER_QUESTION = 300
TRIES = 3
"""Requests until a reply has the form asked for."""


class WriteConfig(BaseModel):
    """What decides the questions of a scene."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    writer: str
    templates: tuple[Template, ...]
    per_scene: int = 32
    """Questions asked for (CinePile 2.0: about 32 per clip)."""
    options: int = 5
    picked: int = 16
    """Templates that a scene may be given."""
    sees: Sees = "text"
    temperature: float = 0.7
    seed: int = 0


class Picked(BaseModel):
    """Names of templates."""

    names: list[str]


class Written(BaseModel):
    """The questions of one reply."""

    questions: list[TemplatedDraft] = Field(min_length=1)


def pick_request(shown: Shown, config: WriteConfig) -> Request:
    """Which templates fit a scene?"""
    templates = offered(config.templates, shown.speaks)
    return Request(messages=(pick_prompt(shown, templates, config.picked),), max_tokens=512)


def write_requests(brief: Brief, config: WriteConfig, picture: Callable[[str], bytes]) -> Iterator[Request]:
    """Every portion has templates of its own, so that portions do not ask the same."""
    portions = _portions(brief, config)
    shown = Shown(brief.scene, config.sees, picture)
    for n in range(portions):
        count = (config.per_scene + n) // portions
        prompt = write_prompt(shown, brief.templates[n::portions], count, config.options, brief.scene.language)
        yield Request(
            messages=(prompt,),
            max_tokens=TOKENS_PER_QUESTION * count + 200,
            temperature=config.temperature,
            seed=seeded(config.seed, "write", brief.scene.id, n) % 2**31,
        )


def _portions(brief: Brief, config: WriteConfig) -> int:
    return min(ceil(config.per_scene / PORTION), len(brief.templates))


@dataclass(frozen=True, slots=True)
class PickTemplates:
    """Which templates fit a scene. Refused: "no-context", "no-template-fits", "unusable-reply", "writer-failed"."""

    config: WriteConfig
    lm: LM
    picture: Callable[[str], bytes]
    name: ClassVar[str] = "pick-templates"
    version: ClassVar[int] = 2
    takes: ClassVar[type[Item]] = Scene
    gives: ClassVar[type[Item]] = Brief

    def batch(self, items: Sequence[Scene], /) -> Iterator[Sequence[Brief | Rejected]]:
        config = self.config
        shown = [Shown(scene, config.sees, self.picture) for scene in items]
        requests = (pick_request(each, config) for each in shown if not each.nothing)
        results = structured(self.lm, requests, Picked, tries=TRIES)
        for scene, each in zip(items, shown, strict=True):
            if each.nothing:
                yield [Rejected(reason="no-context", evidence={"sees": config.sees})]
            else:
                yield [self._brief(scene, next(results))]

    def _brief(self, scene: Scene, said: Structured[Picked]) -> Brief | Rejected:
        if said.value is None:
            return unusable(said)
        known = {fold(one.name): one for one in self.config.templates}
        names = dict.fromkeys(fold(name) for name in said.value.names)
        fitting = [known[name] for name in names if name in known][: self.config.picked]
        if not fitting:
            return Rejected(reason="no-template-fits", evidence={"named": [one_line(n) for n in said.value.names[:20]]})
        return Brief(scene=scene, templates=tuple(fitting))


@dataclass(frozen=True, slots=True)
class WriteQuestions:
    """Questions for a scene, in portions over its templates. Each draft becomes a question or a refused row."""

    config: WriteConfig
    lm: LM
    picture: Callable[[str], bytes]
    name: ClassVar[str] = "write-questions"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = Brief
    gives: ClassVar[type[Item]] = Choice

    def batch(self, items: Sequence[Brief], /) -> Iterator[Sequence[Choice | Rejected]]:
        requests = (each for brief in items for each in write_requests(brief, self.config, self.picture))
        results = structured(self.lm, requests, Written, tries=TRIES)
        for brief in items:
            yield self._outcome(brief, list(islice(results, _portions(brief, self.config))))

    def _outcome(self, brief: Brief, results: list[Structured[Written]]) -> list[Choice | Rejected]:
        out: list[Choice | Rejected] = []
        pool = QuestionPool()
        index = None if brief.scene.page is None else PageIndex(brief.scene.page)
        for said in results:
            if said.value is None:
                out.append(unusable(said))
                continue
            out += [self._question(brief, draft, pool, index) for draft in said.value.questions]
        return out

    def _question(
        self, brief: Brief, draft: TemplatedDraft, pool: QuestionPool, index: PageIndex | None
    ) -> Choice | Rejected:
        config, scene = self.config, brief.scene
        question, options = one_line(draft.question), [one_line(option) for option in draft.options]
        key = key_of(draft.answer, len(options))
        about = {"question": question, "options": options, "answer": one_line(draft.answer)}
        wrong = problem(question, options, key, config.options)
        if wrong is None and pool.twin(question) is not None:
            wrong = "repeated-question"
        if wrong is not None:
            return Rejected(reason=wrong, evidence=about)
        assert key is not None
        evidence = seen_at(draft, scene, index, options[key])
        if config.sees == "text" and (evidence is None or evidence.match == "none"):
            return Rejected(reason="quote-not-in-context", evidence=about | {"quote": one_line(draft.quote)})
        template = next((one for one in brief.templates if fold(one.name) == fold(draft.template)), None)
        if template is None and len(brief.templates) == 1:
            template = brief.templates[0]  # no other kind was offered
        return new_choice(
            scene,
            question,
            shuffled(options, key, config.seed, scene.id, question),
            evidence=evidence,
            rationale=one_line(draft.rationale),
            category="" if template is None else template.category,
            style="lm" if template is None else f"lm/{template.name}",
            writer=config.writer,
        )


def seen_at(draft: TemplatedDraft, scene: Scene, index: PageIndex | None, right: str) -> Evidence | None:
    """Where the answer is seen: on a page, the boxes of the key or else of the quote; elsewhere quote and times."""
    if index is not None:
        for words in (right, one_line(draft.quote)):
            found = locate(words, index, near=draft.question) if words else None
            if found is not None and found.match != "none":
                return found
    base = Evidence(page=index.page.index) if index is not None else None
    return text_evidence(draft, scene.text, base, scene.span)


def new_choice(
    scene: Scene, question: str, placed: tuple[tuple[str, ...], int], *, evidence: Evidence | None, **said: str
) -> Choice:
    """A question about a scene."""
    options, answer = placed
    located = None if evidence is None or evidence.match == "none" else evidence.confidence
    return Choice(
        id=fingerprint([scene.id, question, sorted(options)])[:20],
        question=question,
        options=options,
        answer=answer,
        context=scene.text,
        evidence=evidence,
        images=scene.images,
        image_scales=scene.image_scales,
        scores={"located": located},
        language=scene.language,
        split=scene.split,
        group=scene.group,
        licence=scene.licence,
        source=scene.source,
        **said,
    )


def unusable(said: Structured[Picked] | Structured[Written]) -> Rejected:
    """A failed request is tried again by the next run; a reply of the wrong form is not."""
    error = said.replies[-1].error
    if error is not None:
        return Rejected(reason="writer-failed", evidence={"error": error})
    return Rejected(reason="unusable-reply", evidence={"failures": list(said.failures)})
