"""What holds for every metric: the reference is best, order does not matter, halves merge into the whole."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.core.door import load
from sightline.evaluate.metrics import METRICS, bleu, cider, rouge
from sightline.evaluate.metrics.anls import anls
from sightline.evaluate.metrics.anls import totals as anls_totals
from sightline.evaluate.statistics import bootstrap, mean_interval
from sightline.evaluate.totals import Totals

TEXTS = ["anls", "bleu", "cider", "cider-d", "exact", "relaxed", "rouge-l", "vqa"]
BEST = dict.fromkeys(TEXTS, 1.0) | {"cider": 10.0, "cider-d": 10.0}
WORDS = st.lists(
    st.sampled_from(["a", "red", "dog", "sits", "near", "the", "old", "bus", "isn't", "(here)", "5", "U.S."]),
    min_size=4,
    max_size=9,
)
CAPTIONS = st.lists(WORDS.map(" ".join), min_size=3, max_size=8, unique=True)


@pytest.mark.parametrize("name", TEXTS)
@settings(max_examples=15, deadline=None)
@given(captions=CAPTIONS)
def test_a_reference_scores_best(name: str, captions: list[str]) -> None:
    metric = load(METRICS[name])
    perfect = metric(captions, [[c] for c in captions]).value
    if name.startswith("cider"):  # an n-gram of every image weighs nothing: 10 is reached only without such orders
        others = metric(captions[1:] + captions[:1], [[c] for c in captions]).value
        assert perfect >= others - 1e-9
        assert perfect <= BEST[name] + 1e-9
    else:
        assert perfect == pytest.approx(BEST[name], abs=1e-6)


@pytest.mark.parametrize("name", TEXTS)
@settings(max_examples=15, deadline=None)
@given(captions=CAPTIONS, seed=st.integers(0, 99))
def test_order_does_not_matter(name: str, captions: list[str], seed: int) -> None:
    metric = load(METRICS[name])
    references = [[c, captions[0]] for c in captions[1:] + captions[:1]]
    order = np.random.default_rng(seed).permutation(len(captions)).tolist()
    straight = metric(captions, references)
    mixed = metric([captions[i] for i in order], [references[i] for i in order])
    assert mixed.value == pytest.approx(straight.value, abs=1e-12)
    assert [straight.per_item[i] for i in order] == pytest.approx(list(mixed.per_item), abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(captions=CAPTIONS, cut=st.integers(1, 7))
def test_two_halves_merge_into_the_whole(captions: list[str], cut: int) -> None:
    cut = min(cut, len(captions) - 1)
    references = [[c, captions[0]] for c in captions[1:] + captions[:1]]
    table = cider.frequencies(references[:cut]) + cider.frequencies(references[cut:])
    whole = cider.frequencies(references)
    assert table.images == whole.images
    assert dict(table.counts) == dict(whole.counts)
    makers: list[Any] = [bleu.totals, rouge.totals, anls_totals, lambda p, r: cider.totals(p, r, df=table)]
    for make in makers:
        halves = make(captions[:cut], references[:cut]) + make(captions[cut:], references[cut:])
        assert halves.result == pytest.approx(make(captions, references).result, abs=1e-12)
    assert cider.totals(captions, references).result == pytest.approx(
        cider.totals(captions, references, df=table).result, abs=1e-12
    )


@given(text=st.text(alphabet="가각간갇홍길동입니다한국어 ", min_size=1, max_size=20))
def test_composed_and_decomposed_hangul_score_alike(text: str) -> None:
    apart = unicodedata.normalize("NFD", text)
    assert anls([apart], [[text]]).value == 1.0
    for name in ("cider-d", "bleu", "rouge-l", "exact"):
        metric = load(METRICS[name])
        other = "홍길동입니다 아니다 그렇다"
        assert metric([apart, other], [[text], [other]]).value == metric([text, other], [[text], [other]]).value


def covered(truth: float, intervals: list[Any]) -> float:
    return sum(i.low <= truth <= i.high for i in intervals) / len(intervals)


def test_intervals_of_mean_and_proportion_cover() -> None:
    rng = np.random.default_rng(0)
    means = [mean_interval(row) for row in rng.gamma(2.0, 1.0, size=(1000, 120))]
    shares = [mean_interval(row) for row in (rng.random((1000, 150)) < 0.3).astype(float)]
    assert 0.93 <= covered(2.0, means) <= 0.97
    assert 0.93 <= covered(0.3, shares) <= 0.97


def test_clustered_interval_covers_where_the_plain_one_does_not() -> None:
    rng = np.random.default_rng(1)
    groups = [str(g) for g in range(60) for _ in range(5)]
    plain, clustered = [], []
    for _ in range(400):
        row = np.repeat(rng.normal(size=60), 5) + 0.5 * rng.normal(size=300)
        plain.append(mean_interval(row))
        clustered.append(mean_interval(row, groups))
    assert 0.925 <= covered(0.0, clustered) <= 0.975
    assert covered(0.0, plain) < 0.75


def population(rng: np.random.Generator, count: int) -> tuple[list[str], list[list[str]]]:
    words = np.array([f"w{i}" for i in range(80)])
    weights = 1 / np.arange(1, 81)
    draw = rng.choice(words, p=weights / weights.sum(), size=(count, 9))
    predictions = [" ".join(row[: rng.integers(5, 10)]) for row in draw]
    references = [[" ".join(np.where(rng.random(9) < 0.6, row, rng.choice(words, 9))) for _ in "ab"] for row in draw]
    return predictions, references


def test_interval_of_cider_d_covers_with_a_stored_table() -> None:
    rng = np.random.default_rng(2)
    predictions, references = population(rng, 4000)
    figures = cider.totals(predictions, references, tokenizer="space").per_item
    drawn = figures[rng.integers(0, len(figures), size=(1000, 200))]
    assert 0.93 <= covered(float(figures.mean()), [mean_interval(row) for row in drawn]) <= 0.97
    by_bootstrap = [
        bootstrap(Totals(np.stack([row, row * 0 + 1], 1), Totals.of_mean(row).value), resamples=300) for row in drawn
    ]
    assert 0.93 <= covered(float(figures.mean()), by_bootstrap) <= 0.97


@pytest.mark.slow
def test_interval_of_cider_d_covers_when_each_draw_makes_its_own_table() -> None:
    """The truth is what samples of this size score on average; the table is made anew from each sample."""
    rng = np.random.default_rng(3)
    predictions, references = population(rng, 20_000)
    values, intervals = [], []
    for _ in range(1000):
        at = rng.choice(len(predictions), 200, replace=False)
        totals = cider.totals([predictions[i] for i in at], [references[i] for i in at], tokenizer="space")
        values.append(totals.result)
        intervals.append(mean_interval(totals.per_item))
    assert 0.93 <= covered(float(np.mean(values)), intervals) <= 0.97
