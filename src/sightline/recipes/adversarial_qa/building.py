"""The story: scenes in, multiple-choice questions out.

from templates   scenes -> templates that fit -> questions -> keys checked with full context -> records
from pairs       scenes with known pairs -> wrong options from other pairs' answers (-> keys checked) -> records
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from sightline.core.errors import InputError
from sightline.core.ports import LM, Embedder
from sightline.core.record import RunRecord, claim
from sightline.core.sample import Choice, Item, Provenance
from sightline.lm import Cached
from sightline.lm.tally import Tally
from sightline.pipeline import Plan, RunResult
from sightline.pipeline.plan import AnyStep
from sightline.recipes.adversarial_qa.clusters import TfIdf
from sightline.recipes.adversarial_qa.items import Scene, Sees, Template
from sightline.recipes.adversarial_qa.keys import CheckKeys, KeyConfig
from sightline.recipes.adversarial_qa.pairs import OptionsFromAnswers, PairsConfig
from sightline.recipes.adversarial_qa.pictures import Pictures
from sightline.recipes.adversarial_qa.reading import parents_of, read_scenes
from sightline.recipes.adversarial_qa.templates import categories_for, derive_templates, templates_json
from sightline.recipes.adversarial_qa.write import PickTemplates, WriteConfig, WriteQuestions
from sightline.recipes.adversarial_qa.writing_out import write_questions
from sightline.recipes.dataset_files import write_whole
from sightline.recipes.running import Engine, begun, ended, run_figures

VERSION = 1
"""Of the recipe: part of every record's provenance."""
RETRIED = ("writer-failed", "verifier-failed")
"""Refused because a request failed, not because of the question: the next run tries again."""


class QuestionsConfig(BaseModel):
    """The recipe `questions`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    made_from: Literal["templates", "pairs"] = "templates"
    per_scene: int = Field(default=32, ge=1)
    options: int = Field(default=5, ge=2, le=10)
    templates: tuple[Template, ...] = ()
    """Empty: derived from the seed questions."""
    most_templates: int = Field(default=86, ge=1)
    """Derived at most (CinePile 2.0 has about that many)."""
    picked: int = Field(default=16, ge=1)
    """Templates that a scene may be given."""
    sees: Sees = "text"
    """What writer and verifier are shown of a scene."""
    key_orders: int = Field(default=2, ge=1, le=10)
    """Orders in each of which the verifier must choose the key."""
    temperature: float = Field(default=0.7, ge=0)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Authors:
    """Who writes and who checks. Without a verifier of its own, the writer answers its own questions anew, with full
    context and without being told its key; the record of the run says so, and no score "judge" is given.

    Raises InputError where the verifier is the writer by name.
    """

    writer: LM | None = None
    verifier: LM | None = None
    embedder: Embedder | None = None
    """For seed questions; None: TF-IDF, which needs no model."""

    def __post_init__(self) -> None:
        if self.writer is not None and self.verifier is not None and self.writer.name == self.verifier.name:
            raise InputError("writer and verifier must not be one model", subject=self.writer.name)

    @property
    def checker(self) -> LM | None:
        return self.verifier or self.writer

    @property
    def roles(self) -> dict[str, LM | None]:
        return {"writer": self.writer, "verifier": self.verifier}

    @property
    def names(self) -> dict[str, str]:
        embedder = "tf-idf" if self.embedder is None else self.embedder.name
        checker = "none" if self.checker is None else self.checker.name
        writer = "none" if self.writer is None else self.writer.name
        return {"writer": writer, "verifier": checker, "embedder": embedder}

    def wrapped(self, wrap: Callable[[LM], LM]) -> Authors:
        """Each language model with `wrap` around it."""
        writer, verifier = (None if lm is None else wrap(lm) for lm in (self.writer, self.verifier))
        return Authors(writer, verifier, self.embedder)


def build_questions(
    data: str | Path,
    out: str | Path,
    authors: Authors | None = None,
    config: QuestionsConfig | None = None,
    *,
    engine: Engine | None = None,
) -> RunResult:
    """Build (or go on building) multiple-choice questions about the scenes of `data` in the dataset `out`.

    Templates that are derived are written to out/templates.json, where a person may mend them and give them back.
    Raises InputError (nothing to read; templates without a writer; `out` holds results of another recipe),
    StorageError, and BudgetReached or ModelError while templates are derived; later they stand in `result.stopped_by`.
    """
    data, out, config, engine = Path(data), Path(out), config or QuestionsConfig(), engine or Engine()
    claim(out, "questions")
    replies = out / ".sightline" / "replies.sqlite"
    counted = (authors or Authors()).wrapped(lambda lm: Tally(Cached(lm, replies)))
    pictures = Pictures()
    if config.made_from == "templates" and not config.templates:
        config = config.model_copy(update={"templates": _derived(data, out, config, counted)})
    settings = config.model_dump(mode="json")
    stated = {"version": VERSION, "models": counted.names, "seed": config.seed, "parents": parents_of(data)}
    record = begun(RunRecord(recipe="questions", config=settings, **stated))
    plan = questions_plan(config, counted, pictures, record.fingerprint)
    result = engine.run(plan, read_scenes(data, pictures), out, RETRIED)
    finished = ended(record, run_figures(result, counted.roles))
    write_questions(result, out, finished, pictures, lambda choice: choice)
    return result


def questions_plan(config: QuestionsConfig, authors: Authors, pictures: Pictures, run: str) -> Plan:
    """All steps for these authors. Raises InputError where templates have no writer."""
    steps: list[AnyStep] = []
    if config.made_from == "pairs":
        steps.append(OptionsFromAnswers(PairsConfig(options=config.options, seed=config.seed)))
    else:
        writer = _needed(authors)
        write = write_config(config, writer)
        steps += [PickTemplates(write, writer, pictures), WriteQuestions(write, writer, pictures)]
    if authors.checker is not None:
        keys = KeyConfig(
            verifier=authors.checker.name,
            orders=config.key_orders,
            sees=config.sees,
            independent=authors.verifier is not None,
        )
        steps.append(CheckKeys(keys, authors.checker, pictures))
    steps.append(Finish(FinishConfig(run=run, version=VERSION, seed=config.seed)))
    return Plan(tuple(steps))


def write_config(config: QuestionsConfig, writer: LM) -> WriteConfig:
    """What the writing steps are told."""
    return WriteConfig(
        writer=writer.name,
        templates=config.templates,
        per_scene=config.per_scene,
        options=config.options,
        picked=config.picked,
        sees=config.sees,
        temperature=config.temperature,
        seed=config.seed,
    )


def _derived(data: Path, out: Path, config: QuestionsConfig, authors: Authors) -> tuple[Template, ...]:
    writer = _needed(authors)
    categories: tuple[str, ...] = ()
    questions: list[str] = []
    for scene in read_scenes(data, Pictures()):
        if isinstance(scene, Scene):
            categories = categories or categories_for(scene)
            questions += [seed.question for seed in scene.seeds]
    if not categories:
        raise InputError("no scene to ask about", subject=data)
    found = derive_templates(
        questions, writer, authors.embedder or TfIdf(), categories, most=config.most_templates, seed=config.seed
    )
    write_whole(out / "templates.json", templates_json(found))
    return found


def _needed(authors: Authors) -> LM:
    if authors.writer is None:
        raise InputError("questions from templates need a model that writes", remedy="--writer, or --from pairs")
    return authors.writer


class FinishConfig(BaseModel):
    """What is written into each record's provenance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    version: int
    seed: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Says of each record how it came to be."""

    config: FinishConfig
    name: ClassVar[str] = "finish"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = Choice
    gives: ClassVar[type[Item]] = Choice

    def batch(self, items: Sequence[Choice], /) -> Iterator[Sequence[Choice]]:
        said: dict[str, Any] = self.config.model_dump()
        for item in items:
            made = Provenance(recipe="questions", parents=(item.key,), **said)
            yield [item.model_copy(update={"provenance": made})]
