"""Frechet distance (FID, Heusel et al. 2017) and kernel distance (KID, Binkowski et al. 2018) of feature vectors.

Features come from files, arrays or an iterator of batches; the extractor is the user's. Nothing is downloaded.
"FID" in papers means features of one particular Inception network: with any other extractor the number is a Frechet
distance and comparable only with itself, which is why the extractor's name stands in the signature.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy import linalg, special  # type: ignore[import-untyped]

from sightline.core.errors import InputError
from sightline.core.score import Interval
from sightline.evaluate.totals import Array, signature

FEW = 10_000
"""Below this many samples the distance is biased upwards by its own estimation error."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Streaming sums of feature vectors in float64: never holds the features."""

    n: int
    total: Array
    """(d,)"""
    squares: Array
    """(d, d): sum of outer products of x - shift."""
    shift: Array
    """(d,): the first batch's mean, against cancellation."""

    def __add__(self, other: Moments) -> Moments:
        """Sums of both sets. Raises InputError on different widths."""
        if self.total.shape != other.total.shape:
            raise InputError(f"features of width {len(self.total)} and {len(other.total)}")
        move = other.shift - self.shift
        total = other.total + other.n * move
        squares = (
            other.squares + np.outer(other.total, move) + np.outer(move, other.total) + other.n * np.outer(move, move)
        )
        return Moments(self.n + other.n, self.total + total, self.squares + squares, self.shift)

    @property
    def mean(self) -> Array:
        return np.asarray(self.shift + self.total / self.n)

    @property
    def covariance(self) -> Array:
        """ddof 1."""
        centre = self.total / self.n
        return np.asarray((self.squares - self.n * np.outer(centre, centre)) / (self.n - 1))


def moments(batches: Iterable[Array]) -> Moments:
    """Sums over batches of shape (n, d). Raises InputError on another shape, NaN, infinity, or fewer than 2
    samples."""
    found: Moments | None = None
    for batch in batches:
        x = np.asarray(batch, np.float64)
        if x.ndim != 2:
            raise InputError("features must have the shape (samples, width)", subject=x.shape)
        if not np.isfinite(x).all():
            raise InputError("features hold NaN or infinity", subject=f"row {int(np.argwhere(~np.isfinite(x))[0, 0])}")
        if not len(x):
            continue
        shift = x.mean(axis=0) if found is None else found.shift
        y = x - shift
        part = Moments(len(x), y.sum(axis=0), y.T @ y, shift)
        found = part if found is None else found + part
    if found is None or found.n < 2:
        raise InputError("a distance needs at least two feature vectors on each side")
    return found


def read_features(path: str | Path) -> Array:
    """(n, d) from .npy, or the only or the "features" array of .npz. Raises InputError where there is none."""
    path = Path(path)
    if not path.is_file():
        raise InputError("no such feature file", subject=path)
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError("not a feature file", subject=path, remedy=".npy or .npz with an (n, d) array") from error
    if isinstance(found, np.ndarray):
        return found
    name = "features" if "features" in found else found.files[0] if len(found.files) == 1 else None
    if name is None:
        raise InputError("which array holds the features?", subject=found.files, remedy='name it "features"')
    return np.asarray(found[name])


class Distance(BaseModel):
    """A distance with what it rests on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    interval: Interval | None = None
    """95 %."""
    n: tuple[int, int]
    d: int
    rank: int
    """At most n - 1 of the smaller set: below d the covariances are singular."""
    signature: str


def frechet(a: Moments, b: Moments, *, extractor: str = "features") -> Distance:
    """|m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1 S2)^(1/2)), by symmetric eigendecompositions, clamped at 0.

    tr((S1 S2)^(1/2)) is the sum of the roots of the eigenvalues of H' S2 H, where S1 = H H'. Warns where n <= d or n is
    small.
    """
    d = len(a.total)
    if len(b.total) != d:
        raise InputError(f"features of width {d} and {len(b.total)}")
    smaller = min(a.n, b.n)
    if smaller <= d:
        warnings.warn(f"{smaller} samples for {d} dimensions: singular covariance, compare only equal n", stacklevel=2)
    elif smaller < FEW:
        warnings.warn(f"only {smaller} samples: the distance is biased upwards, compare only equal n", stacklevel=2)
    return Distance(
        value=_frechet(a.mean, a.covariance, b.mean, b.covariance, full_rank=smaller > d),
        n=(a.n, b.n),
        d=d,
        rank=min(d, smaller - 1),
        signature=signature("frechet", features=extractor, root="eigvalsh-float64", ddof=1, n=f"{a.n}+{b.n}", d=d),
    )


def _frechet(m1: Array, s1: Array, m2: Array, s2: Array, *, full_rank: bool = False) -> float:
    """`full_rank`: take S1 = L L' by Cholesky, cheaper than eigenvectors; else S1^(1/2) from them, clamped."""
    half = None
    if full_rank:
        try:
            half = linalg.cholesky(s1, lower=True, check_finite=False)
        except linalg.LinAlgError:
            half = None  # a feature that never varies: singular although there are samples enough
    if half is None:
        values, vectors = linalg.eigh(s1, driver="evd", check_finite=False)
        half = vectors * np.sqrt(np.maximum(values, 0))
    inner = linalg.eigvalsh(half.T @ s2 @ half, driver="evd", check_finite=False)
    delta = m1 - m2
    root = np.sqrt(np.maximum(inner, 0)).sum()
    return max(0.0, float(delta @ delta + np.trace(s1) + np.trace(s2) - 2 * root))


def frechet_interval(a: Array, b: Array) -> Interval:
    """95 % around the distance of (n, d) features: value +- 1.96 standard errors, from what each sample adds to it.

    This is the infinitesimal jackknife (Efron 1982), to which a bootstrap's standard deviation tends, in one pass
    where a bootstrap repeats the decomposition a hundred times. With T the linear map that carries the first Gaussian
    onto the second, T = S1^(-1/2) (S1^(1/2) S2 S1^(1/2))^(1/2) S1^(-1/2), a sample x of the first set moves the
    distance by 2 (m1 - m2)'(x - m1) + (x - m1)'(I - T)(x - m1), and one of the second likewise with the inverse of T.

    Raises InputError where a side has not more samples than dimensions: T is not determined there (see `over_seeds`).
    """
    (n, d), m = a.shape, len(b)
    if min(n, m) <= d:
        raise InputError(
            f"{min(n, m)} samples for {d} dimensions have no such interval",
            remedy="take more samples than dimensions, or `over_seeds` of distances of several samplings",
        )
    m1, m2 = a.mean(axis=0), b.mean(axis=0)
    s1, s2 = np.cov(a, rowvar=False).reshape(d, d), np.cov(b, rowvar=False).reshape(d, d)
    values, vectors = linalg.eigh(s1, driver="evd", check_finite=False)
    kept = values > values[-1] * d * np.finfo(float).eps  # a feature that never varies carries nothing
    root, vectors = np.sqrt(values[kept]), vectors[:, kept]
    inner, turn = linalg.eigh((vectors * root).T @ s2 @ (vectors * root), driver="evd", check_finite=False)
    inner = np.sqrt(np.maximum(inner, 0))
    inverse = np.divide(1, inner, out=np.zeros_like(inner), where=inner > inner[-1] * d * np.finfo(float).eps)
    out, back = (vectors / root) @ turn, (vectors * root) @ turn
    error = sqrt(_influence(a, m1, m2, (out * inner) @ out.T) + _influence(b, m2, m1, (back * inverse) @ back.T))
    delta = m1 - m2
    value = max(0.0, float(delta @ delta + np.trace(s1) + np.trace(s2) - 2 * inner.sum()))
    return Interval(max(0.0, value - 1.96 * error), value + 1.96 * error)


def _influence(x: Array, mine: Array, other: Array, carry: Array) -> float:
    """Variance of the distance that comes from the sampling of this set."""
    y = np.asarray(x, np.float64) - mine
    adds = 2 * y @ (mine - other) + np.einsum("ij,ij->i", y, y - y @ carry)
    return float(adds.var(ddof=1)) / len(y)


def over_seeds(values: Iterable[float]) -> Interval:
    """95 % around the mean of the same distance for several sampling seeds. Raises InputError for fewer than 2."""
    kept = list(values)
    if len(kept) < 2:
        raise InputError("an interval over seeds needs two seeds or more")
    centre, half = float(np.mean(kept)), 1.96 * float(np.std(kept, ddof=1)) / sqrt(len(kept))
    return Interval(max(0.0, centre - half), centre + half)


def kid(
    a: Array, b: Array, *, subsets: int = 100, size: int = 1000, seed: int = 0, extractor: str = "features"
) -> Distance:
    """Unbiased squared MMD with the kernel (x.y / d + 1)^3, mean over random subsets; may be slightly below 0.

    Interval: Student's t, for how far the mean lies from that of other samples of the same size (as many subsets vary
    independently as have no sample in common) and from that of all subsets. None where no two are without a common one.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise InputError("features must have the shapes (n, d) and (m, d)", subject=(a.shape, b.shape))
    m = min(size, len(a), len(b))
    if m < 2:
        raise InputError("a distance needs at least two feature vectors on each side")
    rng = np.random.default_rng(seed)
    draws = [_mmd(a[rng.choice(len(a), m, False)], b[rng.choice(len(b), m, False)]) for _ in range(subsets)]
    centre = float(np.mean(draws))
    return Distance(
        value=centre,
        interval=_around(centre, draws, min(len(a), len(b)) // m),
        n=(len(a), len(b)),
        d=a.shape[1],
        rank=min(a.shape[1], m - 1),
        signature=signature("kid", features=extractor, kernel="poly3", subsets=subsets, size=m, seed=seed),
    )


def _around(centre: float, draws: list[float], apart: int) -> Interval | None:
    """`apart`: subsets that can be drawn without a common sample."""
    free = min(apart, len(draws)) - 1
    if free < 1:
        return None
    half = float(special.stdtrit(free, 0.975) * np.std(draws, ddof=1)) * sqrt(1 / (apart - 1) + 1 / len(draws))
    return Interval(centre - half, centre + half)


def _mmd(x: Array, y: Array) -> float:
    m, d = x.shape
    xx, yy, xy = (((p @ q.T) / d + 1) ** 3 for p, q in ((x, x), (y, y), (x, y)))
    same = (xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)) / (m * (m - 1))
    return float(same - 2 * xy.mean())
