"""The story: a multiple-choice set in, one that a blind judge cannot answer out.

questions -> blind test -> rewritten until not weak -> distinct -> held-out judge -> records, unfixed ones apart
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from sightline.core.errors import InputError
from sightline.core.record import RunRecord, claim
from sightline.lm import Cached
from sightline.lm.tally import Tally
from sightline.pipeline import Plan, RunResult
from sightline.pipeline.plan import AnyStep
from sightline.recipes.adversarial_qa.blind_test import BlindConfig, BlindTest, HeldOutTest
from sightline.recipes.adversarial_qa.distinct import DistinctRewrites
from sightline.recipes.adversarial_qa.figures import refinement_figures
from sightline.recipes.adversarial_qa.flags import Answers
from sightline.recipes.adversarial_qa.items import Refined, Sees
from sightline.recipes.adversarial_qa.judges import Judges
from sightline.recipes.adversarial_qa.keys import KeyConfig
from sightline.recipes.adversarial_qa.pictures import Pictures
from sightline.recipes.adversarial_qa.reading import parents_of, read_choices
from sightline.recipes.adversarial_qa.refine import Rewrite, RewriteConfig, Unfixed
from sightline.recipes.adversarial_qa.settling import Settle, SettleConfig
from sightline.recipes.adversarial_qa.writing_out import write_questions
from sightline.recipes.running import Engine, begun, ended, run_figures

VERSION = 1
"""Of the recipe: part of every record's provenance."""
RETRIED = ("blind-failed", "writer-failed", "verifier-failed", "held-out-failed")
"""Refused because a request failed, not because of the question: the next run tries again."""


class RefineConfig(BaseModel):
    """The recipe `refine`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rotations: int = Field(default=5, ge=2, le=10)
    """Orders of the options that a blind judge is asked, at most as many as there are options."""
    tries: int = Field(default=5, ge=1)
    """Calls of the rewriter per weak question, at most."""
    sees: Sees = "text"
    """What rewriter and verifier are shown of the context."""
    key_orders: int = Field(default=2, ge=1, le=10)
    """Orders in each of which the verifier must choose a rewritten key."""
    blind_temperature: float = Field(default=0.1, ge=0)
    writer_temperature: float = Field(default=0.8, ge=0)
    seed: int = 0


def refine_questions(
    data: str | Path,
    out: str | Path,
    judges: Judges,
    config: RefineConfig | None = None,
    *,
    answers: Answers | None = None,
    engine: Engine | None = None,
) -> RunResult:
    """Refine (or go on refining) the questions of `data` into the dataset `out`.

    Running it again does only what is missing, question by question; replies are kept in
    `out/.sightline/replies.sqlite`, so that none is paid for twice. Raises InputError (nothing to read,
    `out` holds results of another recipe), StorageError.
    Where BudgetReached or ModelError ended the run, it stands in `result.stopped_by`.
    """
    data, out, config, engine = Path(data), Path(out), config or RefineConfig(), engine or Engine()
    if data.resolve() == out.resolve():
        raise InputError("the refined dataset needs a folder of its own", subject=out, remedy="another --out")
    claim(out, "refine")
    counted = judges.wrapped(lambda lm: Tally(Cached(lm, out / ".sightline" / "replies.sqlite")))
    pictures = Pictures()
    settings = config.model_dump(mode="json")
    stated = {"version": VERSION, "models": counted.names, "seed": config.seed, "parents": parents_of(data)}
    record = begun(RunRecord(recipe="refine", config=settings, **stated))
    plan = refine_plan(config, counted, pictures, record.fingerprint)
    result = engine.run(plan, read_choices(data, pictures), out, RETRIED)
    tries = 0 if judges.writer is None else config.tries
    refinement = refinement_figures(_refined(result, plan), tries)
    finished = ended(record, {"refinement": refinement, **run_figures(result, counted.roles)})
    reworded = {item.final.id for item in _refined(result, plan) if item.outcome == "fixed"}  # nobody answered these
    recorded = answers or Answers()
    write_questions(
        result, out, finished, pictures, lambda choice: choice if choice.id in reworded else recorded.flagged(choice)
    )
    return result


def refine_plan(config: RefineConfig, judges: Judges, pictures: Pictures, run: str) -> Plan:
    """All steps for these judges."""
    names = judges.names
    blind = BlindConfig(judge=names["blind"], rotations=config.rotations, temperature=config.blind_temperature)
    steps: list[AnyStep] = [BlindTest(blind, judges.blind)]
    if judges.writer is not None and judges.verifier is not None:
        keys = KeyConfig(verifier=names["verifier"], orders=config.key_orders, sees=config.sees)
        rewrite = RewriteConfig(
            blind=blind,
            keys=keys,
            writer=names["writer"],
            tries=config.tries,
            sees=config.sees,
            temperature=config.writer_temperature,
            seed=config.seed,
        )
        steps += [Rewrite(rewrite, judges.blind, judges.writer, judges.verifier, pictures), DistinctRewrites()]
    else:
        steps.append(Unfixed())
    if judges.held_out is not None:
        steps.append(HeldOutTest(blind.model_copy(update={"judge": names["held_out"]}), judges.held_out))
    settle = SettleConfig(
        run=run, version=VERSION, seed=config.seed, verifier=names["verifier"], writer=names["writer"]
    )
    steps.append(Settle(settle))
    return Plan(tuple(steps))


def _refined(result: RunResult, plan: Plan) -> Iterator[Refined]:
    """Questions as they were before they became records."""
    for item in result.items(plan.steps[-2].name):
        assert isinstance(item, Refined)
        yield item
