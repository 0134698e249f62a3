"""The two steps of an evaluation that cost something: asking the model and asking the judge. Both are resumable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from sightline.core.media import MediaRef
from sightline.core.message import Message, Picture, Request
from sightline.core.ports import LM
from sightline.core.sample import Item, Rejected
from sightline.evaluate.examples import Example
from sightline.evaluate.judge import LaveConfig, State, request, verdict


class Asked(Item):
    """One example as the model will see it."""

    example: Example
    prompt: str
    pictures: tuple[MediaRef, ...]


class Answered(Item):
    """The model's reply to one example."""

    asked: Asked
    prediction: str
    model: str
    cut: bool
    """The reply hit the token limit."""
    cost: float


class Judged(Item):
    """The judge's verdict on one reply."""

    id: str
    state: State
    text: str
    cost: float


class AskConfig(BaseModel):
    """How the model is asked; part of the ledger key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    max_tokens: int = 256
    temperature: float = 0.0
    seed: int | None = None


class JudgeConfig(BaseModel):
    """How the judge is asked; part of the ledger key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    prompt_hash: str
    lave: LaveConfig


@dataclass(frozen=True, slots=True)
class AskModel:
    """One reply per example. A failed request is a refused row, asked again in the next run; it is never an answer."""

    config: AskConfig
    lm: LM
    picture: Callable[[MediaRef], bytes]
    name: ClassVar[str] = "ask"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = Asked
    gives: ClassVar[type[Item]] = Answered

    def batch(self, items: Sequence[Asked], /) -> Iterator[Sequence[Answered | Rejected]]:
        for item, reply in zip(items, self.lm.replies(map(self.request, items)), strict=True):
            if not reply.ok:
                yield [Rejected(reason="lm-error", origin=item.example.id, evidence={"error": reply.error})]
                continue
            cut = reply.finish == "length"
            yield [Answered(asked=item, prediction=reply.text, model=self.lm.name, cut=cut, cost=reply.cost)]

    def request(self, item: Asked) -> Request:
        """Pictures first, then the prompt."""
        pictures = [Picture(ref=ref, data=self.picture(ref)) for ref in item.pictures]
        c = self.config
        message = Message.of("user", *pictures, item.prompt)
        return Request(messages=(message,), max_tokens=c.max_tokens, temperature=c.temperature, seed=c.seed)


@dataclass(frozen=True, slots=True)
class AskJudge:
    """One verdict per reply; an unreadable verdict is a verdict ("unparsed"), a failed request a refused row."""

    config: JudgeConfig
    lm: LM
    name: ClassVar[str] = "judge"
    version: ClassVar[int] = 2
    takes: ClassVar[type[Item]] = Answered
    gives: ClassVar[type[Item]] = Judged

    def batch(self, items: Sequence[Answered], /) -> Iterator[Sequence[Judged | Rejected]]:
        for item, reply in zip(items, self.lm.replies(map(self.request, items)), strict=True):
            said = verdict(reply)
            if said.state == "failed":
                identity = item.asked.example.id
                yield [Rejected(reason="judge-error", origin=identity, evidence={"error": reply.error})]
                continue
            yield [Judged(id=item.asked.example.id, state=said.state, text=said.text, cost=reply.cost)]

    def request(self, item: Answered) -> Request:
        example = item.asked.example
        return request(example.question, item.prediction, example.references, config=self.config.lave)
