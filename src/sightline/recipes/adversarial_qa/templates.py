"""Templates: what groups of seed questions have in common, named by a language model, or read from a file.

[{"name": "Object purpose", "prototype": "What is [an object] used for?", "category": "setting and technical"}]
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from math import sqrt
from pathlib import Path

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from sightline.core.errors import InputError, ModelError
from sightline.core.message import Request
from sightline.core.ports import LM, Embedder
from sightline.lm import structured
from sightline.recipes.adversarial_qa.clusters import cluster
from sightline.recipes.adversarial_qa.drafts import one_line
from sightline.recipes.adversarial_qa.items import Scene, Template
from sightline.recipes.adversarial_qa.prompts import name_prompt, spoken
from sightline.recipes.document_qa.language import page_language
from sightline.verify.folding import fold

STORY = (
    "character and relationship dynamics",
    "narrative and plot",
    "setting and technical",
    "temporal",
    "theme",
)
"""CinePile's five categories."""
PAGE = ("facts and figures", "structure and layout", "comparison", "time and sequence", "meaning and purpose")
PHOTO = ("objects and attributes", "counting", "position and layout", "activity and interaction", "setting")
MEMBERS_SHOWN = 10
"""Random members of a cluster from which a model names it (CinePile 2.0)."""
MOST_SEEDS = 20_000
"""Seed questions that are clustered; more are sampled."""


class Named(BaseModel):
    """The form in which a model names a cluster."""

    name: str
    prototype: str
    category: str = Field(description="one of the categories given")


def categories_for(scene: Scene) -> tuple[str, ...]:
    """The five categories of a medium: a page, a photo, or something that goes on in time."""
    if scene.page is not None or any(ref.page is not None for ref in scene.images):
        return PAGE
    return PHOTO if scene.images and scene.span is None and not scene.text.strip() else STORY


def derive_templates(
    questions: Sequence[str], lm: LM, embedder: Embedder, categories: Sequence[str], *, most: int = 86, seed: int = 0
) -> tuple[Template, ...]:
    """Cluster seed questions and let `lm` name each cluster; templates of one name become one. Korean questions form
    clusters of their own.

    As many clusters as the square root of the questions, `most` at most (CinePile 2.0: 86). Raises InputError without
    seed questions, ModelError where a cluster cannot be named.
    """
    distinct = sorted({one_line(question) for question in questions if question.strip()})
    if not distinct:
        raise InputError("no seed questions to derive templates from", remedy="give --templates FILE")
    draw = random.Random(seed)
    if len(distinct) > MOST_SEEDS:
        distinct = sorted(draw.sample(distinct, MOST_SEEDS))
    by_language: dict[str, list[str]] = {}
    for question in distinct:
        by_language.setdefault(_instructed(question), []).append(question)
    clusters = [
        [alike[i] for i in members]
        for alike in by_language.values()
        for members in cluster(alike, embedder, cluster_count(len(alike), most * len(alike) // len(distinct)), seed)
    ]
    shown = [draw.sample(members, min(MEMBERS_SHOWN, len(members))) for members in clusters]
    requests = (name_request(each, categories) for each in shown)
    found = []
    for members, said in zip(clusters, structured(lm, requests, Named), strict=True):
        if said.value is None:
            raise ModelError(
                f"a group of questions could not be named ({said.failures[-1]})",
                subject=members[0],
                remedy="run again, name another writer, or give --templates FILE",
            )
        found.append(_template(said.value, categories, len(members)))
    return _distinct(found)


def _instructed(words: str) -> str:
    """The language in which a model is told of them."""
    return spoken(page_language(words))


def offered(templates: Sequence[Template], language: str) -> Sequence[Template]:
    """Those written in the language of a scene; all, where there are none."""
    return [one for one in templates if _instructed(f"{one.name} {one.prototype}") == language] or templates


def cluster_count(questions: int, most: int) -> int:
    """The square root of the questions, 1 at least and `most` at most."""
    return max(1, min(most, round(sqrt(min(questions, MOST_SEEDS)))))


def name_request(questions: Sequence[str], categories: Sequence[str]) -> Request:
    """What do these questions have in common? Asked in Korean where most of their letters are Korean."""
    prompt = name_prompt(questions, categories, page_language(" ".join(questions)))
    return Request(messages=(prompt,), max_tokens=256)


def read_templates(path: Path) -> tuple[Template, ...]:
    """Templates of a JSON file. Raises InputError where it holds none."""
    try:
        listed = TypeAdapter(list[Template]).validate_json(path.read_bytes())
    except OSError as error:
        raise InputError("the templates cannot be read", subject=path, remedy=str(error.strerror)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"not a list of templates: {where}: {first['msg']}", subject=path) from error
    if not listed:
        raise InputError("no template in the file", subject=path)
    return _distinct(listed)


def templates_json(templates: Sequence[Template]) -> str:
    """The same as a file for people to edit."""
    return json.dumps([one.model_dump() for one in templates], indent=2, ensure_ascii=False) + "\n"


def _template(named: Named, categories: Sequence[str], members: int) -> Template:
    """A category that was not offered becomes "": nothing is guessed."""
    known = {fold(category): category for category in categories}
    return Template(
        name=one_line(named.name),
        prototype=one_line(named.prototype),
        category=known.get(fold(named.category), ""),
        members=members,
    )


def _distinct(templates: Iterable[Template]) -> tuple[Template, ...]:
    """The first of each name, with the members of all."""
    by_name: dict[str, Template] = {}
    for one in templates:
        first = by_name.setdefault(fold(one.name), one)
        if first is not one:
            by_name[fold(one.name)] = first.model_copy(update={"members": first.members + one.members})
    return tuple(by_name.values())
