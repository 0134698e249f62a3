from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from sightline.core.errors import InputError
from sightline.evaluate.features import frechet, frechet_interval, kid, moments, over_seeds, read_features

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "data" / "metrics.json").read_text())["frechet"]


@pytest.mark.parametrize(("seed", "n", "d", "value"), GOLDEN)
def test_equals_scipy_sqrtm(seed: int, n: int, d: int, value: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n, d)), rng.normal(0.3, 1.4, size=(n + 10, d))
    with pytest.warns(UserWarning, match="samples"):
        found = frechet(moments([a]), moments([b]))
    assert found.value == pytest.approx(value, abs=1e-6 if n > d else 5e-5)
    assert found.rank == min(d, n - 1)


def test_streaming_equals_the_whole_and_order_of_batches_does_not_matter() -> None:
    x = np.random.default_rng(0).normal(1e4, 1.0, size=(300, 5)).astype(np.float32)
    whole, parts = moments([x]), moments([x[200:], x[:7], x[7:200]])
    assert parts.mean == pytest.approx(x.astype(float).mean(0), abs=1e-9)
    assert parts.covariance == pytest.approx(np.cov(x.astype(float), rowvar=False), abs=1e-8)
    assert (moments([x[:50]]) + moments([x[50:]])).covariance == pytest.approx(whole.covariance, abs=1e-8)


def test_identical_sets_are_zero_and_never_below() -> None:
    x = np.random.default_rng(0).normal(size=(100, 8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert 0 <= frechet(moments([x]), moments([x])).value < 1e-10


def test_gaussians_in_closed_form_lie_in_the_interval() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(4000, 4)), rng.normal(1.0, 2.0, size=(4000, 4))
    interval = frechet_interval(a, b)
    assert interval.low < 4 * 1.0 + 4 * (2 - 1) ** 2 < interval.high
    assert over_seeds([2.0, 2.1, 1.9]).low < 2.0
    with pytest.raises(InputError):
        over_seeds([1.0])


def bootstrapped(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> float:
    """The standard deviation over resamples, by the slow way."""
    draws = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(150):
            a, b = x[rng.integers(0, len(x), len(x))], y[rng.integers(0, len(y), len(y))]
            draws.append(frechet(moments([a]), moments([b])).value)
    return float(np.std(draws, ddof=1))


def test_the_interval_has_the_width_that_sampling_has_and_a_bootstrap_finds() -> None:
    rng = np.random.default_rng(3)
    mix = rng.normal(size=(6, 6))
    pairs = [(rng.normal(size=(500, 6)), rng.normal(0.2, 1.3, size=(400, 6)) @ mix) for _ in range(60)]
    widths = [(i.high - i.low) / (2 * 1.96) for i in (frechet_interval(x, y) for x, y in pairs)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = [frechet(moments([x]), moments([y])).value for x, y in pairs]
    assert np.mean(widths) == pytest.approx(np.std(values, ddof=1), rel=0.25)
    assert widths[0] == pytest.approx(bootstrapped(*pairs[0], rng), rel=0.2)


def test_an_interval_survives_a_feature_that_never_varies_and_refuses_too_few_samples() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(300, 5)), rng.normal(0.3, 1.0, size=(300, 5))
    plain = frechet_interval(a, b)
    still = frechet_interval(*(np.concatenate([x, np.ones((300, 1))], axis=1) for x in (a, b)))
    assert still == pytest.approx(plain, rel=1e-6)
    a[:, 0] = 0.0
    assert np.isfinite(frechet_interval(a, b)).all()
    assert np.isfinite(frechet_interval(b, a)).all()
    with pytest.raises(InputError, match="no such interval"):
        frechet_interval(a[:5], b)


def test_kid_is_unbiased() -> None:
    rng = np.random.default_rng(0)
    same = [kid(*(rng.normal(size=(40, 6)) for _ in "ab"), subsets=1, size=40).value for _ in range(400)]
    assert abs(np.mean(same)) < 3 * np.std(same) / 20
    a, c = rng.normal(size=(500, 6)), rng.normal(0.5, 1, size=(500, 6))
    assert kid(a, c, subsets=20, size=300).value > 0.05


def test_kid_covers_what_another_sample_would_give() -> None:
    rng = np.random.default_rng(1)
    found = [kid(*_apart(rng, 300), subsets=20, size=60) for _ in range(80)]
    truth = np.mean([one.value for one in found])
    covered = [one.interval.low <= truth <= one.interval.high for one in found if one.interval is not None]
    assert len(covered) == 80
    assert np.mean(covered) > 0.88
    assert kid(*_apart(rng, 100), subsets=20, size=60).interval is None, "all subsets are made of the same samples"


def _apart(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(n, 3)), rng.normal(0.3, 1, size=(n, 3))


def test_bad_features(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="NaN"):
        moments([np.array([[1.0, np.nan]])])
    with pytest.raises(InputError, match="shape"):
        moments([np.ones(3)])
    with pytest.raises(InputError, match="at least two"):
        moments([np.ones((1, 3))])
    with pytest.raises(InputError, match="width 3 and 2"):
        frechet(moments([np.ones((5, 3))]), moments([np.ones((5, 2))]))
    (tmp_path / "x.npy").write_bytes(b"no array")
    with pytest.raises(InputError, match="not a feature file"):
        read_features(tmp_path / "x.npy")
    np.savez(tmp_path / "f.npz", features=np.ones((4, 2)), other=1)
    assert read_features(tmp_path / "f.npz").shape == (4, 2)
