"""Plots as inline SVG for a page: few lines, no frame, the figure's own words. Text stays text, so that the browser
draws Korean with its fonts and a reader can search it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from sightline.core.errors import InputError
from sightline.show.svg import INK, LINE, SERIES, SOFT, inline_svg, printable
from sightline.show.values import Estimate

WIDTH = 5.0
"""Inches of 72 units: about the CSS pixels that a third of a wide page offers, so that letters keep their size."""
NAME_GAP = 0.085
"""Between the names of two lines that end together, as a share of the plot's height."""
NAME_LENGTH = 26
"""Letters of a category's name that fit beside its bar; longer ones are cut with an ellipsis."""


def histogram(
    values: Sequence[float], *, label: str, limits: tuple[float, float] | None = None, bins: int = 24
) -> Markup:
    """How many of `values` lie where; `limits` fixes the axis, e.g. (0, 1) for scores.

    Raises InputError where there is no value.
    """
    _some(values, label)
    figure, axes = _canvas(2.4, label)
    counts, edges = np.histogram(np.asarray(values, dtype=float), bins=bins, range=limits)
    axes.bar(edges[:-1], counts, width=np.diff(edges) * 0.92, align="edge", color=SERIES[0])
    axes.set_ylim(0, max(1, int(counts.max())) * 1.08)
    _count_axis(axes)
    middle = f"{label}: {len(values):,} values, median {float(np.median(values)):.3g}"
    return inline_svg(figure, middle)


def columns(counts: Mapping[int, int], *, label: str) -> Markup:
    """How often each whole number occurs, e.g. pairs per page. Raises InputError where there is none."""
    _some(counts, label)
    figure, axes = _canvas(2.4, label)
    axes.bar(list(counts), list(counts.values()), width=0.82, color=SERIES[0])
    axes.set_xlim(min(counts) - 0.6, max(max(counts), min(counts) + 7) + 0.6)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.set_ylim(0, max(1, *counts.values()) * 1.08)
    _count_axis(axes)
    return inline_svg(figure, f"{label}: {len(counts)} different values")


def bars(counts: Mapping[str, float], *, label: str, form: str = "{:,.0f}") -> Markup:
    """One lying bar per category, in the given order, its figure at the end. Raises InputError where there is none."""
    _some(counts, label)
    figure, axes = _canvas(0.2 + 0.36 * len(counts), label, foot=0.05)
    places = range(len(counts))
    axes.barh(places, list(counts.values()), height=0.68, color=SERIES[0])
    room = max(max(counts.values()), 1e-12)
    for place, value in zip(places, counts.values(), strict=True):
        axes.text(value + room * 0.015, place, form.format(value), va="center", color=INK, fontsize=11)
    axes.set_xlim(0, room * 1.18)
    _name_axis(axes, list(counts))
    axes.xaxis.set_visible(False)
    return inline_svg(figure, _spoken(label, {name: form.format(value) for name, value in counts.items()}))


def bars_with_intervals(
    estimates: Sequence[Estimate], *, label: str, limits: tuple[float, float] = (0.0, 1.0), form: str = "{:.1%}"
) -> Markup:
    """One lying bar per figure with the whisker of its interval. Raises InputError where there is none."""
    _some(estimates, label)
    figure, axes = _canvas(0.95 + 0.4 * len(estimates), label)
    places = range(len(estimates))
    axes.barh(places, [e.value for e in estimates], height=0.62, color=SERIES[0], alpha=0.6)
    axes.hlines(places, [e.low for e in estimates], [e.high for e in estimates], color=INK, linewidth=1.6)
    for place, estimate in zip(places, estimates, strict=True):
        axes.plot([estimate.low, estimate.high], [place, place], "|", color=INK, markersize=8, markeredgewidth=1.6)
        beside = axes.get_yaxis_transform()
        axes.text(1.02, place, form.format(estimate.value), transform=beside, va="center", color=INK, fontsize=11)
    axes.set_xlim(*limits)
    axes.grid(axis="x", color=LINE, linewidth=0.8)
    _name_axis(axes, [e.label for e in estimates], right=0.85)
    axes.xaxis.set_major_formatter(StrMethodFormatter(form.replace("{:", "{x:").replace(".1%", ".0%")))
    told = {e.label: f"{form.format(e.value)} [{form.format(e.low)}, {form.format(e.high)}]" for e in estimates}
    return inline_svg(figure, _spoken(label, told))


def curve(
    series: Mapping[str, Sequence[tuple[float, float]]], *, label: str, y_label: str, log_y: bool = False
) -> Markup:
    """One line per series of (x, y) points, named at its end. Raises InputError where there is no point."""
    _some([point for points in series.values() for point in points], label)
    figure, axes = _canvas(2.8, label)
    for n, points in enumerate(series.values()):
        colour = SERIES[n % len(SERIES)]
        x, y = np.asarray(points, dtype=float).T
        axes.plot(x, y, color=colour, linewidth=2.0, linestyle=("-", "--", ":", "-.")[n // len(SERIES) % 4])
    axes.set_ylabel(printable(y_label), color=SOFT, parse_math=False)
    if log_y:
        axes.set_yscale("log")
    if len(series) > 1:
        _name_ends(axes, {name: (points[-1][0], points[-1][1]) for name, points in series.items()})
    axes.grid(axis="y", color=LINE, linewidth=0.8)
    figure.subplots_adjust(left=0.14, right=0.97 if len(series) == 1 else 0.8)
    return inline_svg(figure, f"{label} against {y_label}: {', '.join(series)}")


def _name_ends(axes: Axes, ends: Mapping[str, tuple[float, float]]) -> None:
    """Each line's name beside its last point, moved up where the name below would lie under it, and down again from
    the top as far as it must."""
    axes.autoscale_view()  # else the limits are those of an empty plot
    places = {name: float(axes.transLimits.transform(axes.transScale.transform(end))[1]) for name, end in ends.items()}
    order = sorted(places, key=lambda name: places[name])
    for below, above in itertools.pairwise(order):
        places[above] = max(places[above], places[below] + NAME_GAP)
    top = 1.0
    for name in reversed(order):
        places[name] = min(places[name], top)
        top = places[name] - NAME_GAP
    for n, (name, (x, _)) in enumerate(ends.items()):
        told = axes.annotate(
            _name(name), (x, places[name]), (5, 0), xycoords=("data", "axes fraction"),
            textcoords="offset points", va="center",
        )  # fmt: skip
        told.set(color=SERIES[n % len(SERIES)], parse_math=False)


def _canvas(height: float, label: str, foot: float = 0.55) -> tuple[Figure, Axes]:
    """An empty plot of `height` inches, `foot` of them for the horizontal axis and its name."""
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_subplot()
    figure.subplots_adjust(left=0.11, right=0.985, bottom=foot / height, top=1 - 0.1 / height)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=SOFT, length=0, labelsize=11, pad=5)
    axes.set_xlabel(printable(label), color=SOFT, fontsize=11, labelpad=6, parse_math=False)
    return figure, axes


def _count_axis(axes: Axes) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(axis="y", color=LINE, linewidth=0.8)


def _name_axis(axes: Axes, names: Sequence[str], right: float = 0.985) -> None:
    shown = [_name(name) for name in names]
    axes.set_yticks(range(len(shown)), labels=shown, color=INK, parse_math=False)
    axes.invert_yaxis()
    axes.spines["bottom"].set_visible(False)
    longest = max(_width(name) for name in shown)
    figure = axes.get_figure()
    assert figure is not None
    figure.subplots_adjust(left=min(0.5, 0.03 + longest * 6.6 / 72 / WIDTH), right=right)


def _width(name: str) -> int:
    """In Latin letters; Korean and other full-width ones take two."""
    return sum(2 if ord(letter) >= 0x1100 else 1 for letter in name)


def _name(name: str) -> str:
    name = printable(name)
    return name if len(name) <= NAME_LENGTH else name[: NAME_LENGTH - 1] + "…"


def _spoken(label: str, told: Mapping[str, str]) -> str:
    return f"{label}: " + "; ".join(f"{name} {value}" for name, value in told.items())


def _some(values: Any, label: str) -> None:
    if not values:
        raise InputError("nothing to plot", subject=label)
