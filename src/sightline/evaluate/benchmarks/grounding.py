"""Boxes: JSON lines of expressions with true boxes in pixels of the original; replies in thousandths, as asked for.

{"id": "g1", "question": "the red bus", "images": ["street.jpg"], "size": [640, 480], "boxes": [[10, 20, 200, 180]]}

For a model with another convention, make a benchmark of your own from `scoring_in(Convention(...))`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sightline.core.errors import InputError
from sightline.core.media import Box
from sightline.evaluate.benchmarks.benchmark import Benchmark, Scored
from sightline.evaluate.benchmarks.questions import read
from sightline.evaluate.boxes import Convention, Policy, grounding, parse_boxes
from sightline.evaluate.examples import Example


def scoring_in(
    convention: Convention, policy: Policy = "first"
) -> Callable[[Sequence[Example], Sequence[str]], Scored]:
    """A scoring that reads replies in this convention."""

    def scoring(examples: Sequence[Example], replies: Sequence[str]) -> Scored:
        sizes = []
        for example in examples:
            if example.size is None or not example.boxes:
                raise InputError("a grounding example needs size and boxes", subject=example.id)
            sizes.append(example.size)
        truths = [[Box(*four) for four in example.boxes] for example in examples]
        groups = None if all(e.group is None for e in examples) else [e.group for e in examples]
        found = grounding(replies, truths, sizes, convention=convention, policy=policy, groups=groups)
        states: list[str] = [parse_boxes(r, convention, *size).state for r, size in zip(replies, sizes, strict=True)]
        return Scored([*found.accuracy.values(), found.mean_iou, found.mean_giou], states)

    return scoring


def prompt(example: Example) -> str:
    """Asks for corners in thousandths."""
    where = "in thousandths of the picture's width and height"
    return f"Where is: {example.question}? Give the box as [x1, y1, x2, y2], {where}."


GROUNDING = Benchmark("grounding", read, prompt, scoring=scoring_in(Convention(unit="thousand")))
