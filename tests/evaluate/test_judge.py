from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from sightline.core.errors import InputError
from sightline.core.message import Reply, Request
from sightline.evaluate.judge import LaveConfig, kept_references, lave, read_rating, request
from sightline.evaluate.raters import agreement, ordinal_alpha


class Judge:
    name = "scripted-judge"

    def __init__(self, texts: list[str | None]) -> None:
        self.texts = texts

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        for _, text in zip(requests, self.texts, strict=True):
            yield Reply(error="timeout") if text is None else Reply(text=text)


REPLIES = [
    ("The candidate names the same animal. So rating=3", "3"),
    ("So rating=2.", "2"),
    ("Close, but not the same. So rating=2/3", "2"),
    ("So rating=1\n\nNote: the image may show 3 more things.", "1"),
    ('{"reason": "same", "rating": 3}', "3"),
    ('```json\n{"rating": "1"}\n```', "1"),
    ("3", "3"),
    ("3.", "3"),
    (" 1 \n", "1"),
    ("**Rating: 3**", "3"),
    ("Rating: 3 (correct)", "3"),
    ("The rating is 2 because it is incomplete.", "2"),
    ("I would give it a 2.", "2"),
    ("I'd rate this answer as 3.", "3"),
    ("2 out of 3", "2"),
    ("First I thought rating=1, but the words mean the same. So rating=3.", "3"),
    ("So rating=3, not rating=1.", "3"),
    ("rating = three", "3"),
    ("평점=3", "3"),
    ("같은 뜻입니다. 따라서 평점=2", "2"),
    ("평점은 1입니다.", "1"),
    ("2점", "2"),
    ("점수: 3점", "3"),
    ("I cannot see the image, so I cannot judge.", "unparsed"),
    ("So rating=2 or 3", "unparsed"),
    ("So rating=4", "unparsed"),
    ("So rating=2.5", "unparsed"),
    ("", "unparsed"),
    ("The invoice shows 3 items and the candidate says 2.", "unparsed"),
    ("정답과 비교할 수 없습니다.", "unparsed"),
    ("Use a scale of 1 to 3.", "unparsed"),
]


@pytest.mark.parametrize(("text", "state"), REPLIES)
def test_the_last_stated_rating_is_read(text: str, state: str) -> None:
    assert read_rating(text) == state


def test_unparsed_and_failed_are_states_of_their_own() -> None:
    judge = Judge(["So rating=3", "So rating=1", "I do not know", None])
    result = lave(judge, ["q"] * 4, ["a"] * 4, [["b"]] * 4)
    assert result.ratings == {"1": 1, "2": 0, "3": 1, "unparsed": 1, "failed": 1}
    assert result.score is not None
    assert result.as_zero is not None
    assert result.as_half is not None
    assert (result.score.value, result.score.n) == (0.5, 2)
    assert (result.as_zero.value, result.as_zero.n) == (pytest.approx(1 / 3), 3)
    assert (result.as_half.value, result.as_half.n) == (0.5, 3)
    assert result.judge == "scripted-judge"
    assert result.prompt_hash in result.score.signature
    assert lave(Judge([None, "?"]), ["q"] * 2, ["a"] * 2, [["b"]] * 2).score is None


def test_references_at_a_quarter_of_the_top_are_dropped() -> None:
    assert kept_references(["cat"] * 8 + ["dog"] * 2 + ["cats"] * 3) == ["cat", "cats"]
    assert kept_references(["b", "a", "c"]) == ["a", "b", "c"]


def test_the_prompt() -> None:
    config = LaveConfig(shots=2)
    plain = request("What is it?", "a dog", ["dog"] * 5 + ["cat"], config=config).messages[0].text
    assert plain.endswith("Question: What is it?\nReference answers: 'dog'\nCandidate answer: a dog\nOutput:")
    assert plain.count("So rating=") == 2
    assert "THE RATING IS 1" in plain
    assert "Image description" not in plain
    yes = request("Is it?", "red", ["Yes.", "yes"], config=LaveConfig(), caption="a red dog").messages[0].text
    assert "Is the window open?" in yes
    assert "Image description: a red dog" in yes
    mostly = request("Is it?", "red", ["yes"] * 9 + ["it is"] * 3, config=LaveConfig()).messages[0].text
    assert "Is the window open?" in mostly, "the authors' program looks at the most frequent of all references"
    bare = request("What?", "x", ["y"], config=LaveConfig(rationale=False)).messages[0].text
    assert "So rating" not in bare
    korean = request("창문이 열렸나요?", "네", ["예", "예"], config=LaveConfig(language="ko")).messages[0].text
    assert "평점은 반드시 1" in korean
    assert "사진에 개가 있나요?" in korean


def test_the_prompt_hash_changes_with_the_prompt() -> None:
    hashes = {LaveConfig(shots=n, language=lang).prompt_hash for n in (1, 8) for lang in ("en", "ko")}  # type: ignore[arg-type]
    assert len(hashes) == 4


def test_agreement_by_hand() -> None:
    judge, human = [1, 1, 2, 3, 3, 3], [1, 2, 2, 3, 3, 1]
    found = agreement(judge, human, answers=["a", "bbb", "c", "d", "e", "f" * 50])
    assert found.raw == pytest.approx(4 / 6)
    assert found.confusion == ((1, 0, 1), (1, 1, 0), (0, 0, 2))
    assert found.kappa == pytest.approx((4 / 6 - 12 / 36) / (1 - 12 / 36))
    assert found.quadratic_kappa == pytest.approx(1 - (5 / 6) / (54 / 36))
    assert found.mean_difference == pytest.approx(1 / 6)
    assert found.length_bias is not None
    assert agreement([1, 2, 3], [1, 2, 3]).quadratic_kappa == 1.0
    with pytest.raises(InputError):
        agreement([1], [1, 2])


def test_ordinal_alpha_equals_the_published_two_rater_form() -> None:
    """Recomputed from the definition with a double loop over value pairs."""
    import numpy as np

    table = np.array([[3, 1, 0], [1, 4, 2], [0, 1, 5]], float)
    o = table + table.T
    n = o.sum(0)
    d = np.zeros((3, 3))
    for c in range(3):
        for k in range(3):
            low, high = min(c, k), max(c, k)
            d[c, k] = (n[low : high + 1].sum() - (n[c] + n[k]) / 2) ** 2 if c != k else 0
    expected = 1 - (n.sum() - 1) * (o * d).sum() / (np.outer(n, n) * d).sum()
    assert ordinal_alpha(table) == pytest.approx(expected)
