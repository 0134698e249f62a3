from __future__ import annotations

import pytest

from sightline.core.door import load
from sightline.core.errors import InputError
from sightline.evaluate.metrics import METRICS
from sightline.evaluate.metrics.anls import anls
from sightline.evaluate.metrics.anls_star import anls_star
from sightline.evaluate.metrics.bleu import bleu
from sightline.evaluate.metrics.cider import cider_d
from sightline.evaluate.tokenizers.choose import syllable
from sightline.evaluate.tokenizers.ptb import ptb

NAMES = sorted(set(METRICS) - {"anls-star"})


@pytest.mark.parametrize("name", NAMES)
def test_bad_input_is_named(name: str) -> None:
    metric = load(METRICS[name])
    with pytest.raises(InputError, match="prediction 1 is no text but float"):
        metric(["a", float("nan")], [["a"], ["b"]])
    with pytest.raises(InputError, match="references 1 are an empty list"):
        metric(["a", "b"], [["a"], []])
    with pytest.raises(InputError, match="2 predictions but 1"):
        metric(["a", "b"], [["a"]])
    with pytest.raises(InputError, match="not a list of texts"):
        metric(["a"], ["a"])
    with pytest.raises(InputError, match="references 0 hold a NoneType"):
        metric(["a"], [["b", None]])
    with pytest.raises(InputError, match="nothing to score"):
        metric([], [])


@pytest.mark.parametrize(("prediction", "reference"), [("x", ()), ([], [()]), (["a"], ["a", ()]), ({"a": ()}, {})])
def test_no_alternative_at_all_is_named(prediction: object, reference: object) -> None:
    with pytest.raises(InputError, match="an empty tuple holds no alternative"):
        anls_star([prediction], [reference])  # type: ignore[list-item]


@pytest.mark.parametrize("name", NAMES)
def test_empty_texts_have_a_score(name: str) -> None:
    score = load(METRICS[name])(["", "a"], [[""], [""]])
    assert score.n == 2
    assert score.value == score.value


@pytest.mark.parametrize("name", NAMES)
def test_ten_megabytes_are_scored(name: str) -> None:
    long = "word " * 2_000_000
    assert load(METRICS[name])([long, "b"], [["a short one"], ["b"]]).n == 2


@pytest.mark.parametrize("piece", ["a..", "<b ", "'s", "1/2 ", "x.", "a@", "a-", "a.b", "((", "n't", "www.", "&a"])
def test_no_piece_makes_the_tokenizer_look_again_and_again(piece: str) -> None:
    """A rule that tries again at every sign it passed would take years here, and reach the test's time limit."""
    words = ptb(piece * (16_000 // len(piece))).split()
    assert len(words) <= 16_000


def test_every_signature_names_its_variant() -> None:
    for name in NAMES:
        score = load(METRICS[name])(["a b", "c d"], [["a b"], ["c e"]])
        assert score.signature.startswith(score.name)
        assert "|v:1|interval:" in score.signature


def test_the_english_tokenizer_refuses_hangul() -> None:
    with pytest.raises(InputError, match="cannot read Hangul"):
        cider_d(["빨간 차"], [["빨간 버스"]], tokenizer="ptb")
    assert "tok:syllable" in bleu(["빨간 차"], [["빨간 버스"]]).signature
    assert "tok:ptb" in bleu(["red car"], [["red bus"]]).signature


def test_korean_words() -> None:
    assert syllable("빨간 bus 2대.") == "빨 간 bus 2 대"


def test_a_caption_after_an_initial_stands_alone() -> None:
    assert ptb("plan b.") == "plan b."


def test_anls_keeps_the_per_question_figures() -> None:
    score = anls(["paris", "rome", "x"], [["Paris"], ["London", "Rom"], ["yyy"]])
    assert score.per_item == (1.0, 0.75, 0.0)
    assert score.interval is not None
