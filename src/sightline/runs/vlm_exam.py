"""Figures of a model on rows that it did not train on: one per task, each by a metric that fits, with its interval."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from sightline.core.errors import InputError
from sightline.core.media import Box
from sightline.core.message import Message, Request
from sightline.core.score import Score
from sightline.evaluate.benchmarks.benchmark import metric
from sightline.evaluate.boxes import Convention, grounding, parse_boxes, text_and_box
from sightline.runs.vlm_data import Item
from sightline.runs.vlm_tasks import Task
from sightline.vlm.chat import VLMChat
from sightline.vlm.pixels import opened

OWN: Final[Mapping[Task, str]] = {"answer": "anls", "locate": "acc@0.5", "read": "anls", "show": "text+box"}
"""The metric of a task. "acc@0.5": share of true boxes met with an IoU of at least one half; "text+box": ANLS where the
first box is met, 0 elsewhere."""
OF_BOXES: Final = ("acc@0.5", "iou", "text+box")
SPACE: Final = Convention(unit="thousand")
_TAGGED: Final = re.compile(r"\s*<box>.*?</box>")


class Check(BaseModel):
    """One figure, or one for each name of data, by which checkpoints are told apart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str = ""
    """A name that stages draw from; empty: each of them."""
    metric: str = ""
    """"anls", "exact", "relaxed" ... or `package.module:name`; "acc@0.5", "iou", "text+box" for boxes. Empty: the
    task's own."""
    weight: float = Field(default=1.0, ge=0)
    """In the mean by which the best checkpoint is told."""
    rows: int = Field(default=64, ge=1)
    """Questions at every save, at most; of more rows, evenly over all."""
    tests: int = Field(default=500, ge=1)
    """The same of the test rows, answered once at the end."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Questions of one figure."""

    name: str
    metric: str
    weight: float
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A question with what was said."""

    figure: str
    item: Item
    reply: str


def asked(
    checks: Sequence[Check], tasks: Mapping[str, Task], rows: Mapping[str, Sequence[Item]], *, last: bool = False
) -> list[Asked]:
    """The questions of `checks`: `tests` of them for the `last` time, else `rows`. `rows`, by name, may lack a name: it
    has none; one list under two names is asked once; a row whose last turn answers no question is not asked. Raises
    InputError for a name that no stage draws from, an unknown metric, and one of boxes for answers without any."""
    found = []
    distinct = list({id(rows.get(name)): name for name in reversed(list(tasks))}.values())
    for check in checks:
        if check.data and check.data not in tasks:
            raise InputError("a check of data that no stage draws from", subject=check.data)
        if check.metric and check.metric not in OF_BOXES:
            metric(check.metric)
        for name in [check.data] if check.data else reversed(distinct):
            own = _spread([item for item in rows.get(name, ()) if _asks(item)], check.tests if last else check.rows)
            told = f"{name} {check.metric}" if check.metric else name
            kind = check.metric or OWN[tasks[name]]
            if kind in OF_BOXES and not all(_boxes(item.messages[-1].text, (1000, 1000)) for item in own):
                raise InputError(f"metric {kind} needs boxes in every answer", subject=name)
            if own:
                found.append(Asked(told, kind, check.weight, own))
    return found


def _asks(item: Item) -> bool:
    return [message.role for message in item.messages[-2:]] == ["user", "assistant"]


def _spread(items: Sequence[Item], most: int) -> tuple[Item, ...]:
    """At most so many, evenly over all: datasets are often sorted."""
    many = min(most, len(items))
    return tuple(items[i * len(items) // many] for i in range(many))


def examined(model: Any, reader: Any, questions: Sequence[Asked]) -> tuple[dict[str, Score], list[Answer]]:
    """A score per figure, and every answer."""
    chat = VLMChat(model, reader)
    scores: dict[str, Score] = {}
    answers: list[Answer] = []
    for one in questions:
        room = 8 + max(len(reader.tokenizer.encode(item.messages[-1].text)) for item in one.items)
        requests = [Request(messages=item.messages[:-1], max_tokens=room) for item in one.items]
        replies = [reply.text for reply in chat.replies(requests)]
        scores[one.name] = _score(one, replies)
        answers += [Answer(one.name, item, reply) for item, reply in zip(one.items, replies, strict=True)]
    return scores, answers


def _score(one: Asked, replies: Sequence[str]) -> Score:
    groups = [item.group for item in one.items]
    truths = [item.messages[-1].text for item in one.items]
    if one.metric not in OF_BOXES:
        found: Score = metric(one.metric)(replies, [(truth,) for truth in truths], groups=groups)
        return found
    sizes = [_size(item.messages) for item in one.items]
    boxes = [_boxes(truth, size) for truth, size in zip(truths, sizes, strict=True)]
    if one.metric == "text+box":
        said = [next(iter(_boxes(reply, size)), None) for reply, size in zip(replies, sizes, strict=True)]
        words = [_TAGGED.sub("", reply).strip() for reply in replies]
        wanted = [(_TAGGED.sub("", truth).strip(),) for truth in truths]
        return text_and_box(words, said, wanted, [own[0] for own in boxes], groups=groups)
    result = grounding(replies, boxes, sizes, convention=SPACE, groups=groups)
    return result.mean_iou if one.metric == "iou" else result.accuracy["0.5"]


def _boxes(text: str, size: tuple[int, int]) -> list[Box]:
    return list(parse_boxes(text, SPACE, *size).boxes)


def _size(messages: Sequence[Message]) -> tuple[int, int]:
    """Of the first picture."""
    (shown, *_) = [picture for message in messages for picture in message.pictures]
    assert shown.data is not None
    return opened(shown.data).size
