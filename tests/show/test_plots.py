"""Plots: deterministic inline SVG in the page's colours, with text that stays text."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import warnings
from xml.etree import ElementTree as ET

import pytest

from sightline.core.errors import InputError
from sightline.show import plots
from sightline.show.values import Estimate

EVIL = "한국어 <script>1</script> $\\frac{1}{ \x1b\x00"
PLOTS = {
    "histogram": lambda words: plots.histogram([0.1, 0.5, 0.5, 1.0], label=words, limits=(0, 1)),
    "columns": lambda words: plots.columns({1: 4, 2: 7, 9: 1}, label=words),
    "bars": lambda words: plots.bars({words: 3, "b": 0}, label=words),
    "bars_with_intervals": lambda words: plots.bars_with_intervals([Estimate(words, 0.9, 0.8, 0.95)], label=words),
    "curve": lambda words: plots.curve({words: [(0, 3.0), (1, 2.0)], "b": [(0, 1.0)]}, label=words, y_label=words),
}


@pytest.mark.parametrize("name", PLOTS)
def test_any_label_is_drawn_as_text(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = PLOTS[name](EVIL)
    root = ET.fromstring(svg)
    assert root.tag == "svg"
    assert not {element.tag for element in root.iter()} & {"script", "style", "metadata", "foreignObject", "image"}
    assert "한국어" in "".join(root.itertext())
    assert root.get("aria-label")


@pytest.mark.parametrize("name", PLOTS)
def test_the_page_decides_colours_and_fonts(name: str) -> None:
    svg = PLOTS[name]("words")
    assert "font-family" not in svg
    assert not re.search(r"#0[0-4]0[0-9]0[0-9]\b", svg), "a stand-in colour was left"
    colours = set(re.findall(r"#[0-9a-f]{6}\b", svg))
    assert not colours, f"fixed colours do not fit both themes: {colours}"
    assert "var(--series-1)" in svg


def test_names_of_lines_that_end_together_do_not_lie_on_each_other() -> None:
    names = [f"n{i}" for i in range(6)]
    svg = ET.fromstring(plots.curve({name: [(0, 0.0), (1, 1.0)] for name in names}, label="x", y_label="y"))
    places = sorted(float(t.attrib["y"]) for t in svg.iter() if t.tag.endswith("text") and t.text in names)
    assert len(places) == 6
    assert min(b - a for a, b in itertools.pairwise(places)) > 10, "units of the plot, letters are 11 high"
    assert places[0] >= 0


def test_names_of_lines_lie_at_their_ends() -> None:
    """Large values, too: a name used to be placed by the limits of an empty plot, above the frame or out of sight."""
    lines = {"low": [(1, 21.0), (126, 18.0)], "high": [(14, 150.0), (126, 149.0)]}
    svg = ET.fromstring(plots.curve(lines, label="x", y_label="y"))
    text = {t.text: float(t.attrib["y"]) for t in svg.iter() if t.tag.endswith("text")}
    assert abs(text["high"] - text["150"]) < 15
    assert abs(text["low"] - text["25"]) < 15


def test_a_crowd_at_the_top_does_not_push_a_low_name_down() -> None:
    lines = {name: [(0, 0.0), (1, 1.0)] for name in "abcde"} | {"low": [(0, 0.0), (1, 0.2)]}
    svg = ET.fromstring(plots.curve(lines, label="x", y_label="y"))
    text = {t.text: float(t.attrib["y"]) for t in svg.iter() if t.tag.endswith("text")}
    assert abs(text["low"] - text["0.2"]) < 5


def test_two_plots_of_one_page_share_no_id() -> None:
    first, second = PLOTS["curve"]("one"), PLOTS["curve"]("two")
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for svg, own in zip((first, second), ids, strict=True):
        assert set(re.findall(r"""(?:href="|url\()#([\w-]+)""", svg)) == own


def test_the_same_figures_give_the_same_svg_in_another_process() -> None:
    code = "from sightline.show import plots; print(plots.columns({1: 4, 2: 7}, label='x'), end='')"
    runs = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)}
    assert runs == {plots.columns({1: 4, 2: 7}, label="x").encode()}


def test_the_histogram_counts_what_it_is_given() -> None:
    svg = plots.histogram([0.05] * 3 + [0.95], label="score", limits=(0, 1), bins=2)
    heights = []
    for path in re.findall(r'<path d="([^"]*)" clip-path="[^"]*" style="fill: var\(--series-1\)', svg):
        ys = [float(y) for _, y in re.findall(r"[ML] (\S+) (\S+)", path)]
        heights.append(max(ys) - min(ys))
    assert len(heights) == 2
    assert heights[0] == pytest.approx(3 * heights[1], rel=1e-3)


def test_the_interval_is_told_to_those_who_cannot_see_it() -> None:
    svg = plots.bars_with_intervals([Estimate("model", 0.9, 0.8, 0.95)], label="score")
    assert "model 90.0% [80.0%, 95.0%]" in svg
    assert "90.0%" in "".join(ET.fromstring(svg).itertext())


@pytest.mark.parametrize("draw", [plots.histogram, plots.columns, plots.bars, plots.bars_with_intervals])
def test_nothing_to_plot_is_an_error(draw) -> None:
    with pytest.raises(InputError, match="nothing to plot"):
        draw([] if draw in (plots.histogram, plots.bars_with_intervals) else {}, label="x")
