"""What a model learns from a row of a dataset: the answer, where it stands, or what stands in a box."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

from sightline.core.errors import Reject
from sightline.core.message import Message, Picture
from sightline.runs.vlm_data import Item
from sightline.vlm.boxes import spelled
from sightline.vlm.pixels import opened

Task = Literal["answer", "locate", "read", "show"]
"""answer   the row as it is
locate   words of the page -> their boxes (grounding)
read     a box -> the words in it (referring, OCR)
show     the question -> the answer with its boxes (text and box)

Boxes are `<box>x1, y1, x2, y2</box>` in thousandths of the picture."""

ASKED: Final = {
    "locate": {"en": "Where does it say: {quote}", "ko": "다음 말이 어디에 있습니까: {quote}"},
    "read": {"en": "What does it say in {boxes}?", "ko": "{boxes} 안에 무엇이라고 쓰여 있습니까?"},
    "show": {"en": "{question} Show where.", "ko": "{question} 위치도 표시하십시오."},
}


def as_task(item: Item, task: Task) -> Item:
    """The row as a conversation of this task. Raises Reject: "no-evidence" for all but `answer` where the row does not
    say where its answer stands (in one picture), "several-turns" where a question of its own is needed and there is
    more than one."""
    if task == "answer":
        return item
    pictures = [part for message in item.messages for part in message.parts if isinstance(part, Picture)]
    if not item.boxes or len(pictures) != 1 or pictures[0].data is None:
        raise Reject("no-evidence")
    if len(item.messages) != 2:
        raise Reject("several-turns", turns=len(item.messages))
    size = opened(pictures[0].data).size
    boxes = "".join(spelled(box, size) for box in item.boxes)
    question, answer = item.messages[0].text, item.messages[1].text
    form = ASKED[task]["ko" if item.language == "ko" else "en"]
    asked = form.format(quote=item.quote, boxes=boxes, question=question)
    said = {"locate": boxes, "read": item.quote, "show": f"{answer} {boxes}"}[task]
    return replace(item, messages=(Message.of("user", pictures[0], asked), Message.of("assistant", said)))
