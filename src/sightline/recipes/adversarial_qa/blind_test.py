"""The blind test of a question: each order of its options once, and what the judge chose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from sightline.core.message import Reply, Request
from sightline.core.ports import LM
from sightline.core.sample import Choice, Item, Rejected
from sightline.evaluate.choice import extract
from sightline.recipes.adversarial_qa.items import Refined, Votes
from sightline.recipes.adversarial_qa.prompts import blind_prompt
from sightline.verify.blind import rotated, rotations

_REASON = re.compile(r"^\W*(?:reason|rationale|because|explanation|이유|근거)\W*[:：]", re.I | re.M)
REASON_LENGTH = 600
"""Letters of a judge's reason that are kept and shown to the rewriter."""


class BlindConfig(BaseModel):
    """How a judge is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    """Name of the model: part of the ledger key."""
    rotations: int = 5
    """Orders of the options, at most as many as there are options (CinePile 2.0: 5)."""
    temperature: float = 0.1
    """As published; the reply cache makes a run replayable all the same."""
    max_tokens: int = 256


def blind_requests(choice: Choice, config: BlindConfig) -> list[Request]:
    """One per rotation; the judge sees question and options only."""
    return [
        Request(
            messages=(blind_prompt(choice.question, rotated(choice.options, order), choice.language),),
            temperature=config.temperature,
            max_tokens=config.max_tokens,
        )
        for order in rotations(len(choice.options), config.rotations)
    ]


def read_votes(choice: Choice, replies: Sequence[Reply], config: BlindConfig) -> Votes | str:
    """The votes, or the error of a request that failed: a failure is no vote, and the next run asks again."""
    error = next((reply.error for reply in replies if reply.error is not None), None)
    if error is not None:
        return error
    orders = rotations(len(choice.options), config.rotations)
    chosen = [chosen_option(reply.text, choice.options, order) for reply, order in zip(replies, orders, strict=True)]
    right = next((reply.text for reply, one in zip(replies, chosen, strict=True) if one == choice.answer), "")
    return Votes(
        judge=config.judge,
        answer=choice.answer,
        options=len(choice.options),
        chosen=tuple(chosen),
        reason=reason_of(right),
    )


def blind_votes(choices: Iterable[Choice], lm: LM, config: BlindConfig) -> Iterator[Votes | str]:
    """One result per question, in order, from one stream of requests."""
    listed = list(choices)
    replies = lm.replies(request for choice in listed for request in blind_requests(choice, config))
    for choice in listed:
        count = min(config.rotations, len(choice.options))
        yield read_votes(choice, list(islice(replies, count)), config)


def chosen_option(reply: str, options: Sequence[str], order: Sequence[int]) -> int | None:
    """The option, in the question's own order, that a reply to its options in `order` names; None for none or several.
    What stands before the reason counts; the whole reply only where nothing stands there. Never a guess."""
    reason = _REASON.search(reply)
    head = reply if reason is None or not reply[: reason.start()].strip() else reply[: reason.start()]
    place = extract(head, rotated(options, order)).index
    return None if place is None else order[place]


def reason_of(reply: str) -> str:
    """The words after "Reason:", or the whole reply where it has none."""
    found = _REASON.search(reply)
    return (reply if found is None else reply[found.end() :]).strip()[:REASON_LENGTH]


@dataclass(frozen=True, slots=True)
class BlindTest:
    """Finds the questions that a judge answers without context. A failed request refuses the question for this run."""

    config: BlindConfig
    lm: LM
    name: ClassVar[str] = "blind-test"
    version: ClassVar[int] = 2
    takes: ClassVar[type[Item]] = Choice
    gives: ClassVar[type[Item]] = Refined

    def batch(self, items: Sequence[Choice], /) -> Iterator[Sequence[Refined | Rejected]]:
        for choice, found in zip(items, blind_votes(items, self.lm, self.config), strict=True):
            if isinstance(found, str):
                yield [Rejected(reason="blind-failed", evidence={"error": found, "question": choice.question})]
                continue
            outcome = {None: "undecided", True: "weak", False: "sound"}[found.weak]
            yield [Refined.model_validate({"original": choice, "before": found, "final": choice, "outcome": outcome})]


@dataclass(frozen=True, slots=True)
class HeldOutTest:
    """Asks a judge that the rewriting never saw: each weak question as it was, and as it became where it was fixed."""

    config: BlindConfig
    lm: LM
    name: ClassVar[str] = "held-out-test"
    version: ClassVar[int] = 2
    takes: ClassVar[type[Item]] = Refined
    gives: ClassVar[type[Item]] = Refined

    def batch(self, items: Sequence[Refined], /) -> Iterator[Sequence[Refined | Rejected]]:
        results = blind_votes((choice for item in items for choice in _versions(item)), self.lm, self.config)
        for item in items:
            found = list(islice(results, len(_versions(item))))
            error = next((one for one in found if isinstance(one, str)), None)
            if error is not None:
                yield [Rejected(reason="held-out-failed", evidence={"error": error})]
            else:
                votes = tuple(one for one in found if isinstance(one, Votes))
                yield [item.model_copy(update={"held_out": votes})]


def _versions(item: Refined) -> tuple[Choice, ...]:
    if item.outcome == "fixed":
        return (item.original, item.final)
    return (item.original,) if item.outcome == "unfixed" else ()
