"""What building or refining questions will take, before it is started. Asks no model: the very requests are made, with
stand-ins for what is not known yet (a template's words, a question's), and counted."""

from __future__ import annotations

import json
from math import ceil
from pathlib import Path

from rich.console import RenderableType

from sightline.core.errors import InputError
from sightline.core.sample import Choice
from sightline.lm import Price
from sightline.lm.tokens import estimate_tokens
from sightline.recipes.adversarial_qa.blind_test import BlindConfig, BlindTest, blind_requests
from sightline.recipes.adversarial_qa.building import Authors, QuestionsConfig, write_config
from sightline.recipes.adversarial_qa.drafts import Draft
from sightline.recipes.adversarial_qa.heuristics import Heuristics
from sightline.recipes.adversarial_qa.items import Brief, Refined, Scene, Template, Votes
from sightline.recipes.adversarial_qa.judges import Judges
from sightline.recipes.adversarial_qa.keys import KeyConfig, key_requests
from sightline.recipes.adversarial_qa.pictures import Pictures
from sightline.recipes.adversarial_qa.prompts import Shown
from sightline.recipes.adversarial_qa.reading import read_choices, read_scenes
from sightline.recipes.adversarial_qa.refine import RewriteConfig, rewrite_request
from sightline.recipes.adversarial_qa.refining import RefineConfig
from sightline.recipes.adversarial_qa.templates import Named, cluster_count, name_request
from sightline.recipes.adversarial_qa.write import Picked, Written, pick_request, write_requests
from sightline.recipes.forecasting import Load, RoleForecast, cost_of, forecast_tables

WEAK_SHARE = 0.16
"""Weak questions in CinePile 2.0's test set; assumed where a model will say which are weak."""
TRIES = 2.0
"""Calls of the rewriter per weak question, assumed; the most is what the run is told."""
VOTE_TOKENS, KEY_TOKENS, DRAFT_TOKENS, NAME_TOKENS = 60, 10, 150, 60
"""Of one answer: a blind vote with its reason, a key, a question as JSON, a template."""
_STAND_IN = Template(name="name of a kind", prototype="What does [a person] do with [a thing] in [a place]?")
_OPTION = "an option of about six words"


def questions_forecast(
    data: Path, authors: Authors, config: QuestionsConfig, price: Price | None = None
) -> list[RenderableType]:
    """For the terminal. Raises InputError where there is nothing to read, or templates have no writer."""
    pictures = Pictures()
    scenes = [scene for scene in read_scenes(data, pictures) if isinstance(scene, Scene)]
    seeds = {seed.question.strip() for scene in scenes for seed in scene.seeds} - {""}
    writer, checker = Load(), Load()
    count = len(seeds)
    if config.made_from == "templates":
        if authors.writer is None:
            raise InputError("questions from templates need a model that writes", remedy="--writer, or --from pairs")
        known = config.templates or (_STAND_IN,) * cluster_count(len(seeds), config.most_templates)
        if not config.templates:
            shown = (sorted(seeds)[:10] for _ in known)
            writer.add((name_request(each, ()) for each in shown), NAME_TOKENS, more_tokens=_schema(Named))
        write = write_config(config.model_copy(update={"templates": known}), authors.writer)
        for scene in scenes:
            writer.add([pick_request(Shown(scene, config.sees, pictures), write)], 100, more_tokens=_schema(Picked))
            brief = Brief(scene=scene, templates=known[: config.picked])
            portions = list(write_requests(brief, write, pictures))
            reply = ceil(DRAFT_TOKENS * config.per_scene / max(1, len(portions)))
            writer.add(portions, reply, more_tokens=_schema(Written))
        count = config.per_scene * len(scenes)
    if authors.checker is not None:
        keys = KeyConfig(verifier=authors.checker.name, orders=config.key_orders, sees=config.sees)
        for scene in scenes:
            asked = config.per_scene if config.made_from == "templates" else len(scene.seeds)
            choice = _stand_in(scene, config.options)
            checker.add(key_requests(choice, Shown(scene, config.sees, pictures), keys), KEY_TOKENS, times=asked)
    roles = []
    if authors.writer is not None:
        roles.append(writer.forecast("writer", authors.writer, price))
    if authors.checker is not None:
        roles.append(
            checker.forecast("verifier" if authors.verifier else "writer, as verifier", authors.checker, price)
        )
    counted = [("scenes", f"{len(scenes):,}"), ("questions, at most", f"{count:,}")]
    return forecast_tables(counted, roles)


def refine_forecast(
    data: Path, judges: Judges, config: RefineConfig, price: Price | None = None
) -> list[RenderableType]:
    """For the terminal. What the embedded judge finds weak is counted; of a model's findings a share is assumed."""
    pictures = Pictures()
    choices = [one for one in read_choices(data, pictures) if isinstance(one, Choice)]
    blind = BlindConfig(judge=judges.blind.name, rotations=config.rotations, temperature=config.blind_temperature)
    share, said = WEAK_SHARE, f"{WEAK_SHARE:.0%} assumed, as in CinePile 2.0's test set"
    if isinstance(judges.blind, Heuristics):
        tested = [one for (one,) in BlindTest(blind, judges.blind).batch(choices) if isinstance(one, Refined)]
        weak = sum(one.outcome == "weak" for one in tested)
        share, said = weak / max(1, len(tested)), f"{weak:,} found by the embedded judge, which is no model"
    expected = _refining(choices, judges, config, pictures, share, min(TRIES, config.tries), price)
    counted = [("questions", f"{len(choices):,}"), ("weak", said)]
    if judges.writer is not None:
        counted.append(("calls of the rewriter", f"{min(TRIES, config.tries):g} a weak question assumed"))
        most = cost_of(_refining(choices, judges, config, pictures, 1.0, config.tries, price))
        if most is not None:
            counted.append((f"cost, were all weak in {config.tries} tries", f"{most:,.4f} USD"))
    return forecast_tables(counted, expected)


def _refining(
    choices: list[Choice], judges: Judges, config: RefineConfig, pictures: Pictures, share: float, tries: float,
    price: Price | None,
) -> list[RoleForecast]:  # fmt: skip
    blind = BlindConfig(judge=judges.blind.name, rotations=config.rotations)
    loads = {role: Load() for role in ("blind", "writer", "verifier", "held_out")}
    rewriting = judges.writer is not None and judges.verifier is not None
    keys = KeyConfig(verifier="", orders=config.key_orders, sees=config.sees)
    rewrite = RewriteConfig(blind=blind, keys=keys, writer="", tries=config.tries, sees=config.sees)
    for choice in choices:
        times = share * tries if rewriting else 0.0
        loads["blind"].add(blind_requests(choice, blind), VOTE_TOKENS, times=1 + times)
        loads["held_out"].add(blind_requests(choice, blind), VOTE_TOKENS, times=share * (2 if rewriting else 1))
        if rewriting:
            shown = Shown(choice, config.sees, pictures)
            loads["verifier"].add(key_requests(choice, shown, keys), KEY_TOKENS, times=times)
            request = rewrite_request(choice, _votes(choice), rewrite, pictures, 1, "")
            loads["writer"].add([request], DRAFT_TOKENS, times=times, more_tokens=_schema(Draft))
    return [
        loads[role].forecast(role, lm, price)
        for role, lm in judges.roles.items()
        if lm is not None and not isinstance(lm, Heuristics)
    ]


def _votes(choice: Choice) -> Votes:
    """As a judge that found the answer three times would have left them."""
    chosen = (choice.answer,) * 3 + (None,) * 2
    reason = "The other options do not fit what the question asks about, and this one repeats its words. " * 2
    return Votes(judge="", answer=choice.answer, options=len(choice.options), chosen=chosen, reason=reason)


def _stand_in(scene: Scene, options: int) -> Choice:
    """A question of usual length about a scene."""
    question = "What does the person in the first part do with the thing that stands beside the door?"
    return Choice(
        id="",
        question=question,
        options=tuple(f"{_OPTION} {n}" for n in range(options)),
        answer=0,
        context=scene.text,
        images=scene.images,
        language=scene.language,
        source=scene.source,
    )


def _schema(form: type[Draft] | type[Picked] | type[Written] | type[Named]) -> int:
    """Tokens of the schema that goes with a request for an object."""
    return estimate_tokens(json.dumps(form.model_json_schema()))
