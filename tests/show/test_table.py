"""Terminal tables, and text of documents that must not steer the terminal."""

from __future__ import annotations

from sightline.core.score import Interval, Proportion, Score
from sightline.show import table
from sightline.show.values import CatchRate, StepFlow


def test_the_funnel_shows_every_step() -> None:
    text = table.plain(table.funnel([StepFlow("read-pages", 1200, 1187, 13, 7, 3.25), StepFlow("split", 3, 3, 0)]))
    line = next(line for line in text.splitlines() if "read-pages" in line)
    assert line.split() == ["read-pages", "1,200", "1,187", "13", "7", "3.2"]
    assert "split" in text


def test_rejects_stand_by_frequency_with_their_words() -> None:
    text = table.plain(table.rejects({"a-few": 2, "many": 40}, {"many": "Said in words."}))
    assert text.index("many") < text.index("a-few")
    assert "Said in words." in text


def test_scores_carry_interval_and_variant() -> None:
    scores = [
        Score(name="anls", value=0.5, interval=Interval(0.4, 0.6), n=20, signature="tau 0.5"),
        Score(name="em", value=1, n=1),
    ]
    text = table.plain(table.scores(scores))
    assert "0.4000 – 0.6000" in text
    assert "tau 0.5" in text


def test_catch_rates_carry_wilson_intervals() -> None:
    text = table.plain(
        table.catch_rates([CatchRate("number", "located", Proportion(95, 100)), CatchRate("x", "y", Proportion(0, 0))])
    )
    assert "95.0%" in text
    assert "88.8% – 97.8%" in text
    assert "–" in next(line for line in text.splitlines() if line.strip().startswith("x"))


def test_text_neither_styles_nor_steers_the_terminal() -> None:
    text = table.plain(table.rejects({"[red]x[/red]\x1b]0;title\x07\x1b[2J\u202e\ud800": 1, "[/nonsense]": 1}))
    assert "[red]x[/red]" in text
    assert "[/nonsense]" in text
    assert not set(text) & {"\x1b", "\x07", "\u202e", "\ud800"}


def test_plain_is_plain() -> None:
    text = table.plain(table.funnel([StepFlow("한국어", 1, 1, 1)]))
    assert "\x1b" not in text
    assert "한국어" in text
