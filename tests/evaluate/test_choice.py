from __future__ import annotations

import pytest

from sightline.core.errors import InputError
from sightline.core.score import Proportion
from sightline.evaluate.choice import Choice, extract
from sightline.evaluate.choice_accuracy import multiple_choice
from sightline.evaluate.rotation import Rotated, orders, report

OPTIONS = ["a red bus", "a blue bicycle", "two horses", "the old man", "nobody"]
KOREAN = ["빨간 버스", "파란 자전거", "말 두 마리", "노인", "아무도 없음"]
REPLIES: list[tuple[str, str, int | None]] = [
    ("B", "letter", 1),
    ("b", "letter", 1),
    ("B.", "letter", 1),
    ("(B)", "letter", 1),
    ("**B**", "letter", 1),
    ("B)", "letter", 1),
    ("B:", "letter", 1),
    ("Answer: B", "letter", 1),
    ("answer: b", "letter", 1),
    ("Answer: B) a blue bicycle", "both", 1),
    ("B) a blue bicycle", "both", 1),
    ("B. A blue bicycle.", "both", 1),
    ("The answer is B.", "letter", 1),
    ("The correct answer is (C).", "letter", 2),
    ("The best option is D", "letter", 3),
    ("Option C", "letter", 2),
    ("I choose E.", "letter", 4),
    ("I would go with option A.", "letter", 0),
    ("C is correct.", "letter", 2),
    ("I think it's D", "letter", 3),
    ("a blue bicycle", "text", 1),
    ("It shows two horses.", "text", 2),
    ("Two horses", "text", 2),
    ("The person rides a blue bicycle.", "text", 1),
    ("It is not B, so the answer is C.", "letter", 2),
    ("Not A, not B, but D", "letter", 3),
    ("B is wrong. The answer is E.", "letter", 4),
    ("Not B, C, D or E", "letter", 0),
    ("A or B", "ambiguous", None),
    ("Either (A) or (B)", "ambiguous", None),
    ("a red bus or a blue bicycle", "ambiguous", None),
    ("B) two horses", "ambiguous", None),
    ("I cannot see the video.", "refused", None),
    ("I'm sorry, I can't help with that.", "refused", None),
    ("There is not enough information to tell.", "refused", None),
    ("", "none", None),
    ("Hello!", "none", None),
    ("A man walks by.", "none", None),
    ("I like this film.", "none", None),
    ("Z", "none", None),
    ("Let me think. The bus is red, hence...\n\nAnswer: A", "letter", 0),
    ("<answer>B</answer>", "letter", 1),
    ("\\boxed{C}", "letter", 2),
    ("First I thought the answer is A. But the answer is D.", "letter", 3),
    ("The answer is a blue bicycle", "text", 1),
    ('{"answer": "C"}', "letter", 2),
    ("My final answer: **D**", "letter", 3),
    ("Answer: a blue bicycle", "text", 1),
    ("Answer: A blue bicycle.", "text", 1),
    ("**Answer:** a bike\nReason: it has two wheels", "none", None),
    ("Answer: A because the bus is red", "letter", 0),
    ("Answer: A\nthe bus is red", "letter", 0),
    ("The correct answer cannot be A. It is C.", "letter", 2),
    ("It can't be B, so I choose D", "letter", 3),
    ("2", "letter", 1),
    ("Answer: 2", "letter", 1),
    ("Option (3)", "letter", 2),
    ("The answer is 9.", "none", None),
]
COUNTED = ["2", "3", "4", "5", "1"]
COUNTED_REPLIES: list[tuple[str, str, int | None]] = [
    ("The answer is 2.", "text", 0),
    ("정답: 2", "text", 0),
    ("2", "text", 0),
    ("2번", "letter", 1),
    ("Answer: B", "letter", 1),
    ("B) 3", "both", 1),
    ("The answer is 7.", "none", None),
]
KOREAN_REPLIES: list[tuple[str, str, int | None]] = [
    ("정답은 B입니다.", "letter", 1),
    ("정답: C", "letter", 2),
    ("답은 (D)입니다", "letter", 3),
    ("B번", "letter", 1),
    ("2번", "letter", 1),
    ("정답은 3번입니다.", "letter", 2),
    ("③", "letter", 2),
    ("A가 정답입니다", "letter", 0),
    ("파란 자전거", "text", 1),
    ("파란 자전거입니다.", "text", 1),
    ("B. 파란 자전거", "both", 1),
    ("E를 선택하겠습니다.", "letter", 4),
    ("B는 아닙니다. 정답은 C입니다.", "letter", 2),
    ("영상이 없어 답할 수 없습니다.", "refused", None),
    ("잘 모르겠습니다.", "refused", None),
    ("빨간 버스 또는 노인", "ambiguous", None),
    ("안녕하세요", "none", None),
]


@pytest.mark.parametrize(("reply", "state", "index"), REPLIES)
def test_english_replies(reply: str, state: str, index: int | None) -> None:
    assert extract(reply, OPTIONS) == Choice(state=state, index=index)  # type: ignore[arg-type]


@pytest.mark.parametrize(("reply", "state", "index"), KOREAN_REPLIES)
def test_korean_replies(reply: str, state: str, index: int | None) -> None:
    assert extract(reply, KOREAN) == Choice(state=state, index=index)  # type: ignore[arg-type]


@pytest.mark.parametrize(("reply", "state", "index"), COUNTED_REPLIES)
def test_a_number_is_an_answer_where_options_are_numbers(reply: str, state: str, index: int | None) -> None:
    assert extract(reply, COUNTED) == Choice(state=state, index=index)  # type: ignore[arg-type]


def test_unextracted_replies_are_wrong_and_shown() -> None:
    result = multiple_choice(
        ["A", "hm", "B", "I cannot see it."], [OPTIONS] * 4, [0, 0, 0, 0],
        categories=["x", "x", "y", "y"], hard=[True, False, True, False], groups=["f1", "f1", "f2", "f3"],
    )  # fmt: skip
    assert result.accuracy.value == 0.25
    assert (result.unextracted.value, result.unextracted.n) == (0.5, 4)
    assert result.answered is not None
    assert (result.answered.value, result.answered.n) == (0.5, 2)
    assert {name: (one.value, one.n) for name, one in result.by_category.items()} == {"x": (0.5, 2), "y": (0.0, 2)}
    assert result.by_category["x"].interval is None, "both of one picture"
    assert result.hard is not None
    assert (result.hard.value, result.hard.n) == (0.5, 2)
    assert result.hard.signature.endswith("|interval:t-95-clustered")
    assert result.states == {"letter": 2, "none": 1, "refused": 1}
    with pytest.raises(InputError, match="answer 5 is none"):
        multiple_choice(["A"], [OPTIONS], [5])


def rotated(item: str, places: list[int | None], answer: int = 0) -> Rotated:
    said = tuple(Choice(state="none" if p is None else "letter", index=p) for p in places)
    return Rotated(id=item, answer=answer, orders=tuple(orders(item, 5, len(places))), choices=said)


def test_orders_are_seeded_rotations() -> None:
    assert orders("q", 5) == orders("q", 5)
    assert orders("q", 5, seed=1) != orders("q", 5)
    assert len(orders("q", 3, 7)) == 7
    for option in range(5):
        assert sorted(order.index(option) for order in orders("q", 5)) == [0, 1, 2, 3, 4]


def test_weak_circular_and_biased() -> None:
    knows = rotated("knows", [order.index(0) for order in orders("knows", 5)])
    always_first = rotated("first", [0] * 5)
    silent = rotated("silent", [None] * 5)
    one_vote = rotated("one", [orders("one", 5)[0].index(0), None, None, None, None])
    found = report([knows, always_first, silent, one_vote])
    assert found.weak_items == ("knows", "one")
    assert found.weak == Proportion(2, 3)
    assert found.undecided == 1
    assert found.circular == Proportion(1, 4)
    assert found.weak_by_chance == pytest.approx(0.05792)
    two = Rotated(id="two", answer=0, orders=((0, 1), (1, 0)), choices=(Choice(state="none"), Choice(state="none")))
    assert report([always_first, two]).weak_by_chance == pytest.approx((0.05792 + 0.25) / 2)
    only = report([always_first])
    assert only.bias == pytest.approx(0.8)
    assert only.places[0] == Proportion(5, 5)
    assert only.right_by_place[0].value == 1.0
    assert only.right_by_place[1].value == 0.0
