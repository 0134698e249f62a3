"""Is the key right? A model that neither wrote the question nor answers it blind is shown the context and must choose
the key, in orders where it stands in different places: naming one letter never confirms a key, guessing among five
confirms 4 % of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict

from sightline.core.message import Reply, Request
from sightline.core.ports import LM
from sightline.core.sample import Choice, Item, Rejected
from sightline.recipes.adversarial_qa.blind_test import chosen_option
from sightline.recipes.adversarial_qa.items import Sees
from sightline.recipes.adversarial_qa.prompts import Shown, other_key, sighted_prompt
from sightline.verify.blind import rotated, rotations


class KeyConfig(BaseModel):
    """How keys are checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verifier: str
    """Name of the model: part of the ledger key."""
    orders: int = 2
    """In each of which the key must be chosen."""
    sees: Sees = "text"
    independent: bool = True
    """False where the verifier wrote the questions itself: they are checked, but no score is given."""
    max_tokens: int = 128


class Verdict(NamedTuple):
    """`confirmed`, or what was chosen instead; `error` where a request failed and nothing is known."""

    confirmed: bool
    detail: str = ""
    error: str | None = None


def key_orders(options: int, count: int) -> tuple[tuple[int, ...], ...]:
    """`count` rotations as far apart as they can be."""
    cycle = rotations(options, options)
    count = min(count, options)
    return tuple(cycle[n * options // count] for n in range(count))


def check_keys(
    choices: Sequence[Choice], lm: LM, config: KeyConfig, picture: Callable[[str], bytes]
) -> Iterator[Verdict]:
    """One verdict per question, in order. A question without any context to show is never confirmed, nor asked."""
    shown = [Shown(choice, config.sees, picture) for choice in choices]
    replies = lm.replies(
        request
        for choice, context in zip(choices, shown, strict=True)
        if not context.nothing
        for request in key_requests(choice, context, config)
    )
    for choice, context in zip(choices, shown, strict=True):
        if context.nothing:
            yield Verdict(False, "there is no context to check the answer against")
        else:
            orders = key_orders(len(choice.options), config.orders)
            yield _verdict(choice, list(islice(replies, len(orders))), orders)


def key_requests(choice: Choice, shown: Shown, config: KeyConfig) -> Iterator[Request]:
    """One per order of the options."""
    for order in key_orders(len(choice.options), config.orders):
        prompt = sighted_prompt(shown, choice.question, rotated(choice.options, order))
        yield Request(messages=(prompt,), max_tokens=config.max_tokens)


def _verdict(choice: Choice, replies: Sequence[Reply], orders: Sequence[Sequence[int]]) -> Verdict:
    error = next((reply.error for reply in replies if reply.error is not None), None)
    if error is not None:
        return Verdict(False, error=error)
    chosen = [chosen_option(reply.text, choice.options, order) for reply, order in zip(replies, orders, strict=True)]
    if all(one == choice.answer for one in chosen):
        return Verdict(True)
    other = next(one for one in chosen if one != choice.answer)
    return Verdict(False, other_key(choice, other))


@dataclass(frozen=True, slots=True)
class CheckKeys:
    """Refuses questions whose key the verifier does not choose; 1.0 is the score "judge" of the others, where it is
    independent."""

    config: KeyConfig
    lm: LM
    picture: Callable[[str], bytes]
    name: ClassVar[str] = "check-keys"
    version: ClassVar[int] = 2
    takes: ClassVar[type[Item]] = Choice
    gives: ClassVar[type[Item]] = Choice

    def batch(self, items: Sequence[Choice], /) -> Iterator[Sequence[Choice | Rejected]]:
        for choice, verdict in zip(items, check_keys(items, self.lm, self.config, self.picture), strict=True):
            evidence = {"question": choice.question, "key": choice.options[choice.answer]}
            if verdict.error is not None:
                yield [Rejected(reason="verifier-failed", evidence=evidence | {"error": verdict.error})]
            elif not verdict.confirmed:
                yield [Rejected(reason="key-refused", evidence=evidence | {"why": verdict.detail})]
            else:
                score = {"judge": 1.0} if self.config.independent else {}
                yield [choice.model_copy(update={"scores": choice.scores | score})]
