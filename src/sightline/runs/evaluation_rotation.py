"""Ask multiple-choice questions in several orders of their options: with pictures for circular accuracy and bias,
without them to find weak questions, whose text alone gives the answer away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sightline.core.errors import InputError, ModelError
from sightline.core.message import Message, Request
from sightline.core.ports import LM
from sightline.evaluate.benchmarks.mcq_wording import prompt
from sightline.evaluate.choice import extract
from sightline.evaluate.examples import Example
from sightline.evaluate.rotation import Rotated, RotationReport, orders, report


def weak_questions(
    lm: LM, examples: Sequence[Example], *, k: int = 5, seed: int = 0, max_tokens: int = 64
) -> RotationReport:
    """The degeneracy test: every question in `k` seeded orders and without its pictures.

    Raises InputError for an example without options or answer, ModelError where a request fails: a vote that was never
    cast must not make a question look strong. With a cache around `lm` the next call goes on.
    """
    for example in examples:
        if example.answer is None or len(example.options) < 2:
            raise InputError("a rotated question needs options and an answer", subject=example.id)
    turns = {e.id: orders(e.id, len(e.options), k, seed=seed) for e in examples}

    def requests() -> Iterator[Request]:
        for example in examples:
            for order in turns[example.id]:
                turned = example.model_copy(update={"options": tuple(example.options[i] for i in order)})
                yield Request(messages=(Message.of("user", prompt(turned)),), max_tokens=max_tokens, seed=seed)

    replies = lm.replies(requests())
    found = []
    for example in examples:
        choices = []
        for order in turns[example.id]:
            reply = next(replies)
            if not reply.ok:
                raise ModelError(f"a vote failed ({reply.error})", subject=example.id, remedy="run again to go on")
            choices.append(extract(reply.text, [example.options[i] for i in order]))
        assert example.answer is not None
        found.append(
            Rotated(
                id=example.id,
                answer=example.answer,
                orders=tuple(turns[example.id]),
                choices=tuple(choices),
                category=example.category,
            )
        )
    return report(found)
