"""Typed objects out of a language model: a schema in, validation errors fed back, a bounded number of tries."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from sightline.core.errors import InputError
from sightline.core.message import Message, Reply, Request
from sightline.core.ports import LM
from sightline.lm.cleaning import cleaned

T = TypeVar("T", bound=BaseModel)

LOOK_AHEAD = 256
"""Requests taken in at most while an earlier one is still being mended."""
CANDIDATES = 20
"""Places in a reply at which an object is looked for."""
COMPLAINT = 2000
"""Characters of validation errors that are fed back."""
_OPENING = re.compile(r"[{\[]")


@dataclass(frozen=True, slots=True)
class Structured(Generic[T]):
    """What became of one request: `value`, or None and the reasons."""

    value: T | None
    replies: tuple[Reply, ...]
    """One per try."""
    failures: tuple[str, ...]
    """One per failed try: "no-json" (nothing that could be an object), "broken-json" (begun, not well-formed),
    "cut-off" (the same, and the reply met `max_tokens`), "schema" (an object of another form), or the error of the
    reply ("timeout"), which ends the tries."""

    @property
    def ok(self) -> bool:
        return self.value is not None

    @property
    def tries(self) -> int:
        return len(self.replies)

    @property
    def cost(self) -> float:
        """USD over all tries."""
        return sum(reply.cost for reply in self.replies)


@dataclass(slots=True)
class _Ask(Generic[T]):
    """One request under way."""

    request: Request
    replies: tuple[Reply, ...] = ()
    failures: tuple[str, ...] = ()
    value: T | None = None
    done: bool = False


def structured(lm: LM, requests: Iterable[Request], schema: type[T], *, tries: int = 3) -> Iterator[Structured[T]]:
    """One result per request, in order. Each request is sent with the JSON schema of `schema`, both as
    `reply_schema` for servers that enforce it and in words; a reply may wrap its object in prose or a code fence.
    A reply that does not validate goes back with what is wrong with it, up to `tries` attempts in all.
    """
    if tries < 1:
        raise InputError("a structured answer needs at least one try", subject=tries)
    wire = schema.model_json_schema()
    source = (_Ask[T](_with_schema(request, wire)) for request in requests)
    order: deque[_Ask[T]] = deque()
    asked: deque[_Ask[T]] = deque()
    again: deque[_Ask[T]] = deque()

    def feed(first: _Ask[T]) -> Iterator[Request]:
        asked.append(first)
        yield first.request
        while again or len(order) < LOOK_AHEAD:
            ask = again.popleft() if again else next(source, None)
            if ask is None:
                return
            if not ask.replies:
                order.append(ask)
            asked.append(ask)
            yield ask.request

    for new in source:
        order.append(new)
        again.append(new)
        while again:
            for reply in lm.replies(feed(again.popleft())):
                ask = asked.popleft()
                _judge(ask, reply, schema, tries)
                if not ask.done:
                    again.append(ask)
                while order and order[0].done:
                    first = order.popleft()
                    yield Structured(first.value, first.replies, first.failures)


def parse(text: str, schema: type[T]) -> T:
    """The first object in `text` that `schema` accepts, else the errors of the first that it does not.

    Raises ValidationError; ValueError("no-json" | "broken-json") where there is no object at all.
    """
    decoder = json.JSONDecoder()
    refused: ValidationError | None = None
    failure, position = "no-json", 0
    for _ in range(CANDIDATES):
        opening = _OPENING.search(text, position)
        if opening is None:
            break
        try:
            found, position = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            failure, position = "broken-json", opening.end()
            continue
        try:
            return schema.model_validate(cleaned(found))
        except ValidationError as error:
            refused = refused or error
    if refused is not None:
        raise refused
    raise ValueError(failure)


def _judge(ask: _Ask[T], reply: Reply, schema: type[T], tries: int) -> None:
    """Note the reply; make the next request where another try may help."""
    ask.replies += (reply,)
    failure: str
    if not reply.ok:
        failure, complaint, final = reply.error or "", "", True
    else:
        final = len(ask.replies) >= tries
        try:
            ask.value, ask.done = parse(reply.text, schema), True
            return
        except ValidationError as error:
            failure, complaint = "schema", _complaint(error)
        except ValueError as error:
            failure, complaint = str(error), "It is not a JSON object."
            if reply.finish == "length":
                failure, complaint = "cut-off", "It is too long and was cut off; be brief."
    ask.failures += (failure,)
    ask.done = final
    if not final:
        mend = f"That answer cannot be used. {complaint}\nAnswer again with one JSON object that follows the schema."
        ask.request = _followed(ask.request, Message.of("assistant", reply.text), Message.of("user", mend))


def _complaint(error: ValidationError) -> str:
    """What is wrong, one line per place; the values themselves are not repeated."""
    lines = [
        f"- {'.'.join(map(str, found['loc'])) or 'the object'}: {found['msg']}"
        for found in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return "\n".join(lines)[:COMPLAINT]


def _with_schema(request: Request, wire: dict[str, Any]) -> Request:
    words = f"Answer with one JSON object that follows this JSON schema, and nothing else:\n{json.dumps(wire)}"
    *before, last = request.messages
    role: Literal["user"] = "user"
    if last.role == role:
        said = Message.of(role, *last.parts, words)
        return request.model_copy(update={"messages": (*before, said), "reply_schema": wire})
    asked = request.model_copy(update={"reply_schema": wire})
    return _followed(asked, Message.of(role, words))


def _followed(request: Request, *messages: Message) -> Request:
    return request.model_copy(update={"messages": (*request.messages, *messages)})
