from __future__ import annotations

import pytest

from sightline.core.errors import InputError
from sightline.core.media import Box
from sightline.evaluate.boxes import Convention, giou, grounding, iou, parse_boxes, text_and_box

PIXEL = Convention(unit="pixel")


def test_overlap_by_hand() -> None:
    a, b = Box(0, 0, 10, 10), Box(5, 0, 15, 10)
    assert iou([a], [b])[0, 0] == pytest.approx(50 / 150)
    assert giou([a], [b])[0, 0] == pytest.approx(50 / 150)
    assert giou([a], [Box(20, 0, 30, 10)])[0, 0] == pytest.approx(-100 / 300)
    assert iou([a], [a])[0, 0] == 1.0


def test_pixels_of_what_the_model_saw_may_pass_the_original() -> None:
    seen = Convention(unit="pixel", seen=(0, 80, 640, 480))
    assert parse_boxes("[320, 80, 640, 320]", seen, 100, 75).boxes == (Box(50.0, 0.0, 100.0, 37.5),)
    assert parse_boxes("[320, 80, 700, 320]", seen, 100, 75).state == "out-of-range"
    assert parse_boxes("[.25, .2, .75, 1.]", Convention(unit="unit"), 100, 100).state == "ok"


def test_empty_and_reversed_boxes_overlap_nothing() -> None:
    empty, reversed_ = Box(3, 3, 3, 3), Box(10, 10, 0, 0)
    assert iou([empty], [empty])[0, 0] == 0.0
    assert iou([reversed_], [Box(0, 0, 10, 10)])[0, 0] == 0.0


@pytest.mark.parametrize(
    ("reply", "convention"),
    [
        ("[50, 20, 150, 80]", PIXEL),
        ("(50,20),(150,80)", None),
        ("The box is [0.25, 0.2, 0.75, 0.8].", Convention(unit="unit")),
        ("[250, 200, 750, 800]", Convention(unit="thousand")),
        ("[50, 20, 100, 60]", Convention(unit="pixel", corners="xywh")),
        ("<loc250><loc200><loc750><loc800>", Convention(unit="thousand")),
        ("[100, 140, 300, 260]", Convention(unit="pixel", seen=(0, 100, 400, 200), canvas=(400, 400))),
        ("[250, 350, 750, 650]", Convention(unit="thousand", seen=(0, 100, 400, 200), canvas=(400, 400))),
    ],
)
def test_every_convention_means_the_same_place(reply: str, convention: Convention | None) -> None:
    if convention is None:
        reply, convention = f"({reply})".replace("),(", ", "), PIXEL
        reply = reply.replace("((", "(").replace("))", ")")
    parsed = parse_boxes(reply, convention, 200, 100)
    assert parsed.state == "ok"
    assert parsed.boxes[0] == pytest.approx(Box(50, 20, 150, 80))


def test_a_reply_that_does_not_fit_is_a_state_and_never_rescaled() -> None:
    assert parse_boxes("[250, 200, 750, 800]", Convention(unit="unit"), 200, 100).state == "out-of-range"
    assert parse_boxes("[250, 200, 750, 800]", PIXEL, 200, 100).state == "out-of-range"
    assert parse_boxes("no box", PIXEL, 200, 100).state == "none"
    assert parse_boxes("[150, 80, 50, 20]", PIXEL, 200, 100).state == "reversed"
    swapped = parse_boxes("[150, 80, 50, 20]", Convention(unit="pixel", swap_reversed=True), 200, 100)
    assert swapped.boxes == (Box(50, 20, 150, 80),)
    with pytest.raises(InputError, match="canvas"):
        Convention(unit="unit", seen=(0, 0, 1, 1)).to_pixels([0, 0, 1, 1], 10, 10)


def test_many_boxes() -> None:
    truth = [Box(0, 0, 10, 10), Box(20, 0, 30, 10)]
    reply = "[20, 0, 30, 10] [0, 0, 10, 10] [50, 50, 60, 60]"

    def mean(policy: str) -> float:
        found = grounding([reply], [truth], [(100, 100)], convention=PIXEL, policy=policy)  # type: ignore[arg-type]
        return found.mean_iou.value

    assert mean("first") == 0.0
    assert mean("best") == 1.0
    assert mean("hungarian") == pytest.approx(2 / 3)


def test_accuracy_counts_exactly_one_half_and_states_are_shown() -> None:
    result = grounding(
        ["[0, 0, 10, 5]", "[0,0,10,10]", "?"], [[Box(0, 0, 10, 10)]] * 3, [(100, 100)] * 3, convention=PIXEL
    )
    assert result.accuracy["0.5"].value == pytest.approx(2 / 3)
    assert result.accuracy["0.75"].value == pytest.approx(1 / 3)
    assert result.mean_iou.value == pytest.approx(0.5)
    assert result.states == {"ok": 2, "none": 1}
    assert "pixel-xyxy" in result.mean_iou.signature
    with pytest.raises(InputError):
        grounding(["x"], [[]], [(1, 1)], convention=PIXEL)


def test_text_and_box() -> None:
    box = Box(0, 0, 10, 10)
    score = text_and_box(["total", "total", "x"], [box, Box(50, 50, 60, 60), None], [["total"]] * 3, [box] * 3)
    assert score.per_item == (1.0, 0.0, 0.0)
