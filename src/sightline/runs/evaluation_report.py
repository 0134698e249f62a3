"""The pages of an evaluation: a report of one run, and the list where string metrics and judge disagree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from sightline.core.score import Interval, Score
from sightline.evaluate.metrics import TOTALS
from sightline.evaluate.raters import Agreement
from sightline.evaluate.statistics import mean_interval
from sightline.runs.evaluation_compare import disagreements
from sightline.runs.evaluation_records import Record, Summary, read_records, read_summary, write_whole
from sightline.show import (
    Estimate,
    Tile,
    bars,
    bars_with_intervals,
    callout,
    data_table,
    facts,
    figure,
    grid,
    marked_picture,
    section,
    thumbnail,
    tiles,
    web_page,
)
from sightline.show.overlay import pixels

Cell = str | Markup | int | float | None
WORST = 12
ONE_GROUP = "All examples come from one document, image or video: how far scores vary between them is unknown."
EDGE = 480
"""Longest side of a picture on the page, in pixels."""
_FORMS = {(0.0, 1.0): "{:.1%}", (0.0, 100.0): "{:.1f}"}


def write_report(run: Path, *, agreed: Agreement | None = None) -> Path:
    """`report.html` in the run's folder: scores, categories, states, worst items, judge. Raises InputError."""
    summary, records = read_summary(run), read_records(run)
    parts = [("scores", "Scores", _scores(summary))]
    if len({r.category for r in records if r.category}) > 1:
        parts.append(("categories", "By category", _categories(summary, records)))
    parts.append(("replies", "How replies were read", _states(summary, records)))
    if agreed is not None:
        parts.append(("people", "Judge against people", _agreement(agreed)))
    parts.append(("worst", "Worst items", _items(run, _worst(records))))
    apart = disagreements(records)
    if apart:
        parts.append(("disagreement", "The string metric says 0, the judge says 3", _items(run, apart[:WORST])))
    body = Markup("").join(section(title, content, id=id_) for id_, title, content in parts)
    failed = sum(summary.failed.values())
    lead = f"{summary.model} on {summary.benchmark}: {summary.examples:,} examples, {failed:,} failed."
    page = web_page(
        f"Evaluation of {summary.model}", body, eyebrow="evaluation", lead=lead,
        contents=tuple((id_, title) for id_, title, _ in parts),
    )  # fmt: skip
    path = run / "report.html"
    write_whole(path, page)
    return path


def write_disagreements(run: Path) -> tuple[Path, int]:
    """`disagreements.html` in the run's folder and how many there are. Raises InputError."""
    found = disagreements(read_records(run))
    lead = (
        "Answers that the run's first metric scores 0 and the judge rates 3: right in other words, or a judge too kind?"
    )
    body = section(
        f"{len(found):,} {'item' if len(found) == 1 else 'items'}",
        _items(run, found) if found else Markup("None."),
        id="items",
    )
    path = run / "disagreements.html"
    write_whole(path, web_page("Where metrics and judge disagree", body, eyebrow="evaluation", lead=lead))
    return path, len(found)


def _scores(summary: Summary) -> Markup:
    first = summary.scores[0]
    head = [Tile(_value(first.value), first.name, _bounds(first)), Tile(f"{summary.examples:,}", "examples")]
    head.append(Tile(f"{sum(summary.failed.values()):,}", "failed, in no score"))
    plot = Markup("").join(_plot(limits, summary.scores) for limits in dict.fromkeys(s.limits for s in summary.scores))
    alone = summary.scores[0].interval is None and summary.scores[0].n > 1
    note = callout("No intervals", ONE_GROUP, tone="warning") if alone else Markup("")
    rows: list[list[Cell]] = [[s.name, f"{s.value:.4f}", _bounds(s), s.n, s.signature] for s in summary.scores]
    table = data_table(["metric", "value", "95 %", "n", "exact variant"], rows)
    return tiles(head) + note + plot + table


def _plot(limits: Interval, scores: Sequence[Score]) -> Markup:
    """Bars with whiskers of the scores that live on this scale; empty where none of them has an interval."""
    low, high = limits
    found = [Estimate(s.name, s.value, *s.interval) for s in scores if s.limits == limits and s.interval is not None]
    shown = [e for e in found if low <= min(e.value, e.low) and max(e.value, e.high) <= high]
    if not shown:
        return Markup("")
    form = _FORMS.get((low, high), "{:.2f}")
    scale = "" if limits == (0, 1) else f" Scale {low:g} to {high:g}."
    return figure(
        bars_with_intervals(shown, label="score", limits=(low, high), form=form),
        caption=f"Whiskers: 95 % intervals; where they overlap, runs may still differ: compare them paired.{scale}",
    )


def _categories(summary: Summary, records: Sequence[Record]) -> Markup:
    names = dict.fromkeys(name for record in records for name in record.figures)
    first = next((name for name in names if name.partition("-")[0] not in TOTALS), None)
    shown = {first, "lave"}
    found: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        for name in record.figures:
            if name in shown:
                found[name, record.category or "(none)"].append(record)
    scales = {score.name: score.limits for score in summary.scores}
    rows: list[list[Cell]] = []
    for (name, category), members in sorted(found.items()):
        values = [r.figures[name] for r in members]
        groups = None if all(r.group is None for r in members) else [r.group for r in members]
        bounds = mean_interval(values, groups, scales[name])
        rows.append([category, name, f"{sum(values) / len(values):.4f}", _between(bounds), len(values)])
    return data_table(["category", "metric", "mean", "95 %", "n"], rows)


def _states(summary: Summary, records: Sequence[Record]) -> Markup:
    counts: dict[str, float] = defaultdict(int)
    for record in records:
        counts[f"failed: {record.error}" if record.error else record.reading or "answered"] += 1
    out = figure(bars(counts, label="replies"), caption="A failed request is no answer and stands in no score.")
    if summary.ratings:
        plain = {f"judge: {state}": float(n) for state, n in summary.ratings.items()}
        out += figure(bars(plain, label="judge"), caption=f"Verdicts of {summary.judge}; unparsed ones are no rating.")
    return out


def _agreement(found: Agreement) -> Markup:
    bounds = found.quadratic_kappa_interval
    rows: list[list[Cell]] = [
        ["equal ratings", f"{found.raw:.1%}", "alone it overstates: chance agrees too"],
        ["kappa", f"{found.kappa:.3f}", "corrected for chance"],
        [
            "quadratic kappa",
            f"{found.quadratic_kappa:.3f}",
            _between(bounds),
        ],
        ["ordinal alpha", f"{found.alpha:.3f}", "Krippendorff; .8 is usually asked for"],
        ["Spearman", f"{found.spearman:.3f}", ""],
        ["judge - people", f"{found.mean_difference:+.3f}", "rating steps; above 0 the judge is lenient"],
    ]
    if found.length_bias is not None:
        rows.append(
            ["length bias", f"{found.length_bias:+.3f}", f"p = {found.length_bias_p:.3f}; above 0 favours long answers"]
        )
    header = ["people \\ judge", *map(str, found.labels)]
    confusion: list[list[Cell]] = [[str(label), *row] for label, row in zip(found.labels, found.confusion, strict=True)]
    return data_table(["figure", "value", "how to read it"], rows) + data_table(header, confusion)


def _worst(records: Sequence[Record]) -> list[Record]:
    scored = [r for r in records if r.figures]
    return sorted(scored, key=lambda r: (next(iter(r.figures.values())), r.id))[:WORST]


def _items(run: Path, records: Sequence[Record]) -> Markup:
    return Markup("").join(_item(run, record, number) for number, record in enumerate(records))


def _item(run: Path, record: Record, number: int) -> Markup:
    pictures = []
    for at, name in enumerate(record.pictures[:2]):
        path = run / "pictures" / name
        if path.is_file():
            small = thumbnail(path.read_bytes(), EDGE)
            width, height = pixels(small)
            place = f"{record.id}-{number}-{at}"
            pictures.append(marked_picture(small, width, height, [], alt=record.question, id=place))
    said: dict[str, Cell] = {
        "question": record.question,
        "prediction": record.prediction or "",
        "references": " | ".join(dict.fromkeys(record.references))[:600],
        "figures": ", ".join(f"{name} {value:.3f}" for name, value in record.figures.items()),
    }
    if record.judge_text is not None:
        said["judge"] = f"[{record.judge_state}] {record.judge_text}"
    return figure(grid(pictures) + facts(said), title=record.id)


def _value(value: float) -> str:
    return f"{value:.4f}"


def _bounds(score: Score) -> str:
    return _between(score.interval)


def _between(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval.low:.4f} to {interval.high:.4f}"
