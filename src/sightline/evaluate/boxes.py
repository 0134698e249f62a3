"""Boxes against boxes, in a *declared* convention: never the reading that happens to fit the truth best.

A reply's numbers mean pixels, fractions (0..1) or thousandths, as corners or corner and size, of the original
picture or of the resized and padded one that the model saw. The user says which; a reply that does not fit is a
state, not a guess.

Degenerate boxes are defined: reversed corners are swapped only when `swap_reversed` is set and are otherwise
`reversed`, a box without area overlaps nothing (IoU 0, also with itself).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from math import isfinite
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

from sightline.core.errors import InputError
from sightline.core.media import Box
from sightline.core.score import Interval, Score
from sightline.evaluate.metrics.anls import totals as anls_totals
from sightline.evaluate.statistics import UNIT, Groups, score
from sightline.evaluate.totals import Array, Totals, signature

State = Literal["ok", "none", "reversed", "out-of-range"]
Policy = Literal["first", "best", "hungarian"]
_NUMBER = r"-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_FOUR = re.compile(
    rf"(?:[\[(<{{]|<box>)\s*({_NUMBER})\s*[,\s]\s*({_NUMBER})\s*\)?\s*[,\s]\s*\(?"
    rf"\s*({_NUMBER})\s*[,\s]\s*({_NUMBER})\s*(?:[\])>}}]|</box>)"
)
SIGNED = Interval(-1.0, 1.0)
_LOC = re.compile(r"<loc_?(\d+)>\s*<loc_?(\d+)>\s*<loc_?(\d+)>\s*<loc_?(\d+)>")


class Convention(BaseModel):
    """What four numbers of a model mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: Literal["pixel", "unit", "thousand"]
    """Pixels; fractions of width and height; thousandths of them."""
    corners: Literal["xyxy", "xywh"] = "xyxy"
    seen: tuple[float, float, float, float] | None = None
    """Where the original picture lies in what the model saw, as (left, top, width, height) in pixels of that canvas,
    after resize and pad; None where the numbers refer to the original."""
    canvas: tuple[float, float] | None = None
    """Width and height of that canvas; needed for fractions and thousandths with `seen`."""
    swap_reversed: bool = False
    """Take [x2, y2, x1, y1] for [x1, y1, x2, y2]; otherwise such a box is refused."""

    def to_pixels(self, four: Sequence[float], width: float, height: float) -> Box:
        """Corners in pixels of the original picture of this size. Raises InputError where `canvas` is missing."""
        a, b, c, d = four
        if self.corners == "xywh":
            c, d = a + c, b + d
        across, down = self._scale(width, height)
        box = Box(a * across, b * down, c * across, d * down)
        if self.seen is None:
            return box
        left, top, w, h = self.seen
        sx, sy = width / w, height / h
        return Box((box.left - left) * sx, (box.top - top) * sy, (box.right - left) * sx, (box.bottom - top) * sy)

    def _scale(self, width: float, height: float) -> tuple[float, float]:
        if self.unit == "pixel":
            return 1.0, 1.0
        if self.seen is not None:
            if self.canvas is None:
                raise InputError("fractions of a padded picture need the size of its canvas", remedy="set canvas")
            width, height = self.canvas
        return (width, height) if self.unit == "unit" else (width / 1000, height / 1000)

    def __str__(self) -> str:
        return f"{self.unit}-{self.corners}" + ("-seen" if self.seen else "") + ("-swap" if self.swap_reversed else "")


class Parsed(NamedTuple):
    """The boxes of one reply."""

    state: State
    boxes: tuple[Box, ...] = ()


def parse_boxes(reply: str, convention: Convention, width: float, height: float) -> Parsed:
    """Every group of four numbers in brackets or `<box>` tags, in pixels of the original. One bad group makes the
    reply's state.

    Out of range: not finite, or further than 1 % outside what the convention can mean; nothing is rescaled to fit.

    >>> parse_boxes("[250, 500, 750, 1000]", Convention(unit="thousand"), 200, 100).boxes
    (Box(left=50.0, top=50.0, right=150.0, bottom=100.0),)
    """
    groups = [m.groups() for pattern in (_FOUR, _LOC) for m in pattern.finditer(reply)]
    if not groups:
        return Parsed("none")
    boxes = []
    for group in groups:
        four = [float(number) for number in group]
        if not _in_range(four, convention, width, height):
            return Parsed("out-of-range")
        box = convention.to_pixels(four, width, height)
        if box.right < box.left or box.bottom < box.top:
            if not convention.swap_reversed:
                return Parsed("reversed")
            box = Box(min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3]))
        boxes.append(box)
    return Parsed("ok", tuple(boxes))


def _in_range(four: Sequence[float], convention: Convention, width: float, height: float) -> bool:
    if not all(map(isfinite, four)):
        return False
    left, top, w, h = convention.seen or (0.0, 0.0, width, height)
    pixels = convention.canvas or (left + w, top + h)
    across, down = {"pixel": pixels, "unit": (1.0, 1.0), "thousand": (1e3, 1e3)}[convention.unit]
    right, bottom = (four[2], four[3]) if convention.corners == "xyxy" else (four[0] + four[2], four[1] + four[3])
    slack = 0.01
    xs, ys = (four[0], right), (four[1], bottom)
    return all(-slack * across <= x <= (1 + slack) * across for x in xs) and all(
        -slack * down <= y <= (1 + slack) * down for y in ys
    )


def iou(a: Sequence[Box], b: Sequence[Box]) -> Array:
    """(len(a), len(b)): intersection over union; 0 where a box is reversed or has no area."""
    inside, union, _ = _overlaps(a, b)
    return np.asarray(np.divide(inside, union, out=np.zeros_like(inside), where=union > 0))


def giou(a: Sequence[Box], b: Sequence[Box]) -> Array:
    """(len(a), len(b)): generalised IoU (Rezatofighi et al. 2019), -1..1: IoU minus the empty share of the hull."""
    _, union, hull = _overlaps(a, b)
    empty = np.divide(hull - union, hull, out=np.ones_like(hull), where=hull > 0)
    return np.asarray(iou(a, b) - empty)


def _overlaps(a: Sequence[Box], b: Sequence[Box]) -> tuple[Array, Array, Array]:
    """Areas of intersection, union and common hull, each (len(a), len(b))."""
    x, y = (np.asarray(boxes, np.float64).reshape(-1, 4) for boxes in (a, b))
    area_x, area_y = (np.prod(np.maximum(0, z[:, 2:] - z[:, :2]), axis=1) for z in (x, y))
    sides = np.minimum(x[:, None, 2:], y[None, :, 2:]) - np.maximum(x[:, None, :2], y[None, :, :2])
    around = np.maximum(x[:, None, 2:], y[None, :, 2:]) - np.minimum(x[:, None, :2], y[None, :, :2])
    inside = np.prod(np.maximum(0, sides), axis=-1)
    return inside, area_x[:, None] + area_y[None] - inside, np.prod(around, axis=-1)


class GroundingResult(BaseModel):
    """Mean IoU, mean generalised IoU and accuracy at each threshold, over true boxes; and the parse states."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean_iou: Score
    mean_giou: Score
    accuracy: dict[str, Score]
    """Threshold ("0.5") -> share of true boxes with IoU >= it."""
    states: dict[State, int]


def grounding(
    replies: Sequence[str],
    truths: Sequence[Sequence[Box]],
    sizes: Sequence[tuple[float, float]],
    *,
    convention: Convention,
    policy: Policy = "first",
    thresholds: Sequence[float] = (0.5, 0.75),
    groups: Groups | None = None,
) -> GroundingResult:
    """Score replies that hold boxes against true boxes in pixels of the original pictures of these (width, height).

    `policy` for several boxes: "first" n for n true boxes in order, "best" the best for each true box, "hungarian" the
    best one-to-one assignment, where superfluous boxes are an item's loss too. An unreadable reply scores 0 (GIoU -1).
    """
    if not len(replies) == len(truths) == len(sizes) or not len(replies):
        raise InputError(f"{len(replies)} replies, {len(truths)} lists of boxes, {len(sizes)} sizes")
    parsed = [parse_boxes(r, convention, *size) for r, size in zip(replies, sizes, strict=True)]
    rows = [_match(p.boxes if p.state == "ok" else (), t, policy) for p, t in zip(parsed, truths, strict=True)]
    facts = {"boxes": convention, "policy": policy, "reversed": "refused", "empty": 0}

    def scored(name: str, column: list[float], limits: Interval = UNIT, **more: object) -> Score:
        return score(name, Totals.of_mean(column), signature(name, **facts, **more), groups, limits=limits)

    ious = [[pair[0] for pair in row] for row in rows]
    return GroundingResult(
        mean_iou=scored("iou", [float(np.mean(row)) for row in ious]),
        mean_giou=scored("giou", [float(np.mean([pair[1] for pair in row])) for row in rows], SIGNED),
        accuracy={
            str(t): scored(f"acc@{t}", [float(np.mean([v >= t for v in row])) for row in ious], rule=">=")
            for t in thresholds
        },
        states=dict(Counter(p.state for p in parsed)),
    )


def _match(boxes: Sequence[Box], truth: Sequence[Box], policy: Policy) -> list[tuple[float, float]]:
    """(IoU, GIoU) for each true box, and (0, -1) for each superfluous one under "hungarian"."""
    if not len(truth):
        raise InputError("an item has no true box", remedy="leave it out: there is nothing to find")
    if not len(boxes):
        return [(0.0, -1.0)] * len(truth)
    overlap, general = iou(boxes, truth), giou(boxes, truth)
    if policy == "best":
        at = general.argmax(axis=0)
        return [(float(overlap[i, j]), float(general[i, j])) for j, i in enumerate(at)]
    if policy == "first":
        return [
            (float(overlap[j, j]), float(general[j, j])) if j < len(boxes) else (0.0, -1.0) for j in range(len(truth))
        ]
    rows, columns = linear_sum_assignment(-general)
    found = [(float(overlap[i, j]), float(general[i, j])) for i, j in zip(rows, columns, strict=True)]
    return found + [(0.0, -1.0)] * (max(len(boxes), len(truth)) - len(found))


def text_and_box(
    texts: Sequence[str],
    boxes: Sequence[Box | None],
    true_texts: Sequence[Sequence[str]],
    true_boxes: Sequence[Box],
    *,
    threshold: float = 0.5,
    groups: Groups | None = None,
) -> Score:
    """Read it *and* find it (OCR): ANLS of the text where the box has IoU >= threshold, 0 elsewhere; mean over
    items."""
    read = anls_totals(texts, true_texts).per_item
    found = [b is not None and float(iou([b], [t])[0, 0]) >= threshold for b, t in zip(boxes, true_boxes, strict=True)]
    words = signature("text+box", text="anls-paper-nfc", iou=f">={threshold}")
    return score("text+box", Totals.of_mean(read * np.asarray(found, np.float64)), words, groups)
