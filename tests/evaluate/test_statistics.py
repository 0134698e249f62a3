from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sightline.core.errors import InputError
from sightline.core.score import Interval, Proportion
from sightline.evaluate import statistics as s
from sightline.evaluate.metrics.bleu import bleu
from sightline.evaluate.metrics.bleu import totals as bleu_totals
from sightline.evaluate.totals import Totals

RNG = np.random.default_rng(0)
A = RNG.random(80)
B = np.clip(A + RNG.normal(0.05, 0.2, 80), 0, 1)


def test_t_interval_and_paired_t_equal_scipy() -> None:
    low, high = stats.t.interval(0.95, 79, A.mean(), stats.sem(A))
    assert s.mean_interval(A) == pytest.approx((low, high), abs=1e-12)
    paired = s.paired_t(A, B)
    assert paired.p == pytest.approx(stats.ttest_rel(B, A).pvalue, abs=1e-12)
    assert paired.difference == pytest.approx((B - A).mean())


def test_a_crossed_interval_by_hand() -> None:
    """Runs' means 1.5 and 4.5: variance 4.5 / 2; items' means 2 and 4: 2 / 2; Satterthwaite's 3.25^2 / (2.25^2 + 1)."""
    half = stats.t.ppf(0.975, 3.25**2 / (2.25**2 + 1)) * 3.25**0.5
    assert s.crossed_interval(np.array([[1.0, 2.0], [3.0, 6.0]])) == pytest.approx((3 - half, 3 + half), abs=1e-9)
    assert s.crossed_interval(A[None]) == s.mean_interval(A)
    assert s.crossed_interval(np.ones((3, 20))) == s.mean_interval([1.0] * 20)
    assert s.crossed_interval(np.ones((3, 2)), ["a", "a"]) is None
    clipped = s.crossed_interval(np.array([[0.9, 1.0], [0.5, 0.9]]), limits=s.UNIT)
    assert clipped is not None
    assert clipped.high == 1.0


@pytest.mark.parametrize(("of_runs", "of_items"), [(1.0, 0.0), (0.0, 1.0), (0.3, 1.0)])
def test_a_crossed_interval_covers_where_runs_and_items_vary(of_runs: float, of_items: float) -> None:
    """True mean 0, 4 runs of 30 items, 400 draws: 95 % within the noise of 400, or a little more."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        drawn = of_runs * rng.normal(size=(4, 1)) + of_items * rng.normal(size=(1, 30)) + rng.normal(size=(4, 30))
        found = s.crossed_interval(drawn)
        assert found is not None
        covered += found.low <= 0 <= found.high
    assert 0.92 <= covered / 400 <= 0.995


def test_wilson_is_used_for_yes_no_figures() -> None:
    expected = stats.binomtest(9, 40).proportion_ci(method="wilson")
    assert s.mean_interval([1.0] * 9 + [0.0] * 31) == pytest.approx((expected.low, expected.high), abs=1e-12)
    perfect = s.mean_interval([1.0] * 20)
    assert perfect is not None
    assert perfect.low < 0.9


def test_mcnemar_equals_the_exact_binomial_test() -> None:
    a = [True] * 30 + [False] * 12 + [True] * 4
    b = [True] * 30 + [True] * 12 + [False] * 4
    flips = s.mcnemar(a, b)
    assert (flips.only_a, flips.only_b, flips.both, flips.neither) == (4, 12, 30, 0)
    assert flips.p == pytest.approx(stats.binomtest(4, 16, 0.5).pvalue, abs=1e-12)
    assert s.mcnemar([True], [True]).p == 1.0


def flips(both: int, only_a: int, only_b: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    counts = [both, only_a, only_b, neither]
    return np.repeat([1.0, 1.0, 0.0, 0.0], counts), np.repeat([1.0, 0.0, 1.0, 0.0], counts)


def test_paired_shares_have_newcombes_interval() -> None:
    """Complete response before and after therapy (Cavo 2012; Fagerland, Lydersen and Laake 2017, table 8.3): 59, 6, 16
    and 80 of 161. contingencytables for R says -0.1186 to -0.0046 of first minus second."""
    paired = s.paired_t(*flips(59, 6, 16, 80))
    assert paired.interval == pytest.approx((0.0046, 0.1186), abs=5e-5)
    assert s.paired_t(*reversed(flips(59, 6, 16, 80))).interval == pytest.approx((-0.1186, -0.0046), abs=5e-5)


def test_an_interval_of_a_difference_stays_on_the_scale() -> None:
    rng = np.random.default_rng(3)
    for _ in range(300):
        a, b = flips(*rng.integers(0, 4, 4))
        if len(a) > 1:
            for groups in (None, [str(i // 2) for i in range(len(a))]):
                bounds = s.paired_t(a, b, groups).interval
                assert bounds is None or -1 <= bounds.low <= (b - a).mean() <= bounds.high <= 1
    graded = s.paired_t(np.array([0.0, 0.1]), np.array([0.9, 0.2]), limits=s.UNIT).interval
    assert graded == (-1.0, 1.0)


def test_no_flip_among_few_items_is_no_certainty() -> None:
    a, b = flips(6, 0, 0, 4)
    alone, grouped = (s.paired_t(a, b, ids).interval for ids in (None, [str(i // 2) for i in range(10)]))
    assert alone is not None
    assert grouped is not None
    assert grouped.low < alone.low < 0 < alone.high < grouped.high


def test_what_differs_alike_everywhere_is_no_certainty_either() -> None:
    two = s.paired_t(np.zeros(2), np.array([0.5, 0.5]))
    assert (two.p, s.paired_t(np.zeros(10), np.full(10, 0.5)).p) == (0.5, 2 * 0.5**10)
    names = [str(n // 2) for n in range(20)]
    half = s.paired_t(np.zeros(20), np.array([1.0, 0.0] * 10), names)
    assert half.difference == 0.5
    assert half.interval is not None
    assert half.interval.low < 0.5 < half.interval.high
    assert half.interval == s.paired_t(*flips(0, 0, 5, 5)).interval, "ten groups, each half better"
    same = np.ones(3)
    assert s.equivalence(same, same, 0.02) == pytest.approx(0.98**3)
    assert s.equivalence(np.ones(200), np.ones(200), 0.02) < 0.05


def test_equivalence_equals_two_one_sided_tests() -> None:
    lower = stats.ttest_1samp(B - A, -0.1, alternative="greater").pvalue
    upper = stats.ttest_1samp(B - A, 0.1, alternative="less").pvalue
    assert s.equivalence(A, B, 0.1) == pytest.approx(max(lower, upper), abs=1e-12)
    with pytest.raises(InputError):
        s.equivalence(A, B, 0.0)


def test_holm_by_hand() -> None:
    assert s.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_needed_n_gives_the_promised_power() -> None:
    n = s.needed(0.1, 0.4)
    rng = np.random.default_rng(1)
    found = [stats.ttest_1samp(rng.normal(0.1, 0.4, n), 0).pvalue < 0.05 for _ in range(600)]
    assert 0.74 < np.mean(found) < 0.86


def test_paired_bootstrap_sees_a_corpus_difference_and_no_difference() -> None:
    references = [[f"the small dog number {i} runs over the old green field"] for i in range(60)]
    good = [r[0] for r in references]
    bad = [r[0].replace("small dog", "cat") if i % 2 else r[0] for i, r in enumerate(references)]
    better = s.paired_bootstrap(bleu_totals(bad, references), bleu_totals(good, references))
    assert better.difference > 0
    assert better.interval is not None
    assert better.interval.low > 0
    assert better.p < 0.01
    same = s.paired_bootstrap(bleu_totals(bad, references), bleu_totals(bad, references))
    assert same.difference == 0
    assert same.p == 1.0


def test_groups_widen_the_bootstrap_and_are_checked() -> None:
    x = np.repeat(RNG.random(20), 10)
    totals = Totals(np.stack([x, np.ones(200)], 1), lambda sums: sums[..., 0] / sums[..., 1])
    plain, grouped = s.bootstrap(totals), s.bootstrap(totals, [str(i // 10) for i in range(200)])
    assert plain is not None
    assert grouped is not None
    assert grouped.high - grouped.low > 2 * (plain.high - plain.low)
    with pytest.raises(InputError, match="3 groups for 200"):
        s.bootstrap(totals, ["a", "b", "c"])


def test_equal_rows_drawn_together_vary_as_rows_drawn_one_by_one() -> None:
    few = np.repeat([[1.0, 1.0], [0.0, 1.0], [1.0, 3.0]], [30, 50, 20], axis=0)
    apart = few + np.arange(100)[:, None] * 1e-9  # all different: drawn one by one
    ratio = lambda sums: sums[..., 0] / sums[..., 1]  # noqa: E731
    together, single = (s.resampled(Totals(rows, ratio), resamples=6000) for rows in (few, apart))
    assert np.mean(together) == pytest.approx(np.mean(single), rel=0.01)
    assert np.std(together) == pytest.approx(np.std(single), rel=0.05)


def test_groups_that_are_all_half_right_have_an_interval_around_one_half() -> None:
    """As POPE's pictures under a model that always says yes."""
    names = [str(n // 2) for n in range(20)]
    found = s.mean_interval([1.0, 0.0] * 10, names)
    assert found is not None
    assert found == pytest.approx(Proportion(5, 10).interval)
    assert s.mean_interval([1.0] * 20, names) == Proportion(10, 10).interval


def test_one_item_has_no_interval() -> None:
    assert bleu(["a dog"], [["a dog"]]).interval is None
    assert s.mean_interval([0.5, 0.7], ["a", "a"]) is None


def test_an_interval_ends_where_its_scale_ends_and_nowhere_else() -> None:
    values = [0.0, 0.1, 0.9, 1.0]
    free, unit, ten = s.mean_interval(values), s.mean_interval(values, None, s.UNIT), cider_limits(values)
    assert free is not None
    assert unit is not None
    assert (free.low < 0, free.high > 1) == (True, True)
    assert unit == (0.0, 1.0)
    assert ten.low == 0.0
    assert ten.high == pytest.approx(free.high)


def cider_limits(values: list[float]) -> Interval:
    found = s.score("cider-d", Totals.of_mean(values), "", limits=Interval(0, 10)).interval
    assert found is not None
    return found


def test_n_needed_counts_groups() -> None:
    """Differences alike within a group: with n_needed items in such groups the clustered test has its power."""
    rng = np.random.default_rng(5)

    def drawn(groups: int) -> tuple[np.ndarray, list[str]]:
        shared = np.repeat(rng.normal(0.15, 0.4, groups), 8)
        return shared + rng.normal(0, 0.4, 8 * groups), [str(i // 8) for i in range(8 * groups)]

    delta, names = drawn(400)
    plain, clustered = (s.paired_t(np.zeros(len(delta)), delta, g) for g in (None, names))
    alone = s.needed(0.15, plain.error * len(delta) ** 0.5)
    together = s.needed(0.15, clustered.error * len(delta) ** 0.5)
    assert together > 3 * alone
    found = []
    for _ in range(400):
        sample, ids = drawn(together // 8 + 1)
        found.append(s.paired_t(np.zeros(len(sample)), sample, ids).p < 0.05)
    assert 0.72 < np.mean(found) < 0.88
