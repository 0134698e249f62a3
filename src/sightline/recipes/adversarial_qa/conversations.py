"""Rows of a multiple-choice dataset as trainers' layouts begin with them: asked as `sightline evaluate` asks, answered
with the letter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sightline.evaluate.benchmarks.mcq_wording import answered, prompt
from sightline.evaluate.examples import Example
from sightline.recipes.adversarial_qa.dataset import example, stored

Row = dict[str, Any]


def conversations(rows: Iterable[Row]) -> Iterator[Row]:
    """The question with its lettered options (and the words it is about, where no picture shows them), the letter."""
    for row in rows:
        (choice,) = stored(iter([row]))
        shown = Example.model_validate(example(choice))
        asked, said = prompt(shown), answered(shown)
        content = [{"type": "image", "text": None}] * len(row["images"]) + [{"type": "text", "text": asked}]
        yield row | {
            "texts": [{"user": asked, "assistant": said, "source": row["source"]["name"]}],
            "messages": [
                {"role": "user", "content": content},
                {"role": "assistant", "content": [{"type": "text", "text": said}]},
            ],
        }
