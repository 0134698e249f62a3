"""report.html of a video dataset: time lines to look at, funnel, hours by category, what was refused, cost."""

from __future__ import annotations

import base64
import os
from collections import Counter, defaultdict
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from markupsafe import Markup

from sightline.core.record import RunRecord
from sightline.recipes.audit_record import audit_section
from sightline.recipes.dataset import Dataset
from sightline.recipes.dataset_files import write_whole
from sightline.recipes.video_annotation.reasons import in_words
from sightline.show import blocks, plots
from sightline.show.page import template, web_page
from sightline.show.values import StepFlow, Tile
from sightline.verify.integrity import timecode

VIDEOS_SHOWN = 8
SCENES_SHOWN = 24
EXAMPLES = 5
TEXT_SHOWN = 300
SECTIONS = (
    ("look", "Videos"),
    ("funnel", "Funnel"),
    ("shape", "Distributions"),
    ("refused", "Refused"),
    ("checks", "Checks"),
    ("cost", "Cost"),
)
STEPS = {
    "source": "files found", "watch": "decoded once", "hear": "speech heard", "filter": "thresholds",
    "distinct": "seen once only", "classify": "category", "select": "hours filled", "describe": "described",
    "structure": "put into fields", "finish": "aligned records",
}  # fmt: skip
STATISTICS = ["duration", "root_category", "language", "moved_frames", "warnings", "words", "scenes"]


class Counts(NamedTuple):
    """Figures over all records."""

    videos: int
    seconds: float
    scenes: int
    hours: Counter[str]
    languages: Counter[str]
    moods: Counter[str]
    durations: list[float]
    moved: list[float]
    warned: int


def write_video_report(folder: Path) -> Path:
    """Write DIR/report.html. Raises InputError where DIR holds no dataset, StorageError where it cannot be written."""
    dataset = Dataset(folder)
    counts, refused = _counts(dataset), _refused(dataset)
    run = dataset.run
    lines = [_timeline(row, folder) for row in islice(dataset.rows(), VIDEOS_SHOWN)]
    body = [_headline(counts, sum(len(found) for found in refused.values()), run)]
    if run.figures.get("complete") is False:
        why = str(run.figures.get("stopped_by") or "it was stopped before the end")
        why += ". The same command goes on where it was."
        body.append(blocks.callout("This run is not finished", why, tone="warning"))
    nothing = Markup('<p class="soft">No video came through.</p>')
    lead = "The first videos on their time lines: one picture per scene, as wide as it is long where there is room. "
    lead += "A picture opens the file at that second, where it still lies at its place."
    body += [
        blocks.section("Look at the data", Markup("").join(lines) or nothing, id="look", lead=lead),
        blocks.section("From files to records", _funnel(run), id="funnel"),
        blocks.section("What the records look like", _shape(counts, run), id="shape"),
        blocks.section(
            "What was refused", _refusals(refused), id="refused", lead="Every refused row is kept in rejects.parquet."
        ),
        audit_section(folder),
        blocks.section("Models and cost", _cost(run), id="cost"),
    ]
    title = folder.resolve().name
    eyebrow = "sightline · videos report"
    page = web_page(title, Markup("").join(body), eyebrow=eyebrow, contents=SECTIONS, plays="'self' http: https:")
    target = folder / "report.html"
    write_whole(target, page)
    return target


def _counts(dataset: Dataset) -> Counts:
    hours, languages, moods = Counter[str](), Counter[str](), Counter[str]()
    durations: list[float] = []
    moved: list[float] = []
    scenes = warned = 0
    for row in dataset.rows(STATISTICS):
        durations.append(row["duration"])
        hours[row["root_category"] or "not asked"] += row["duration"] / 3600
        languages[row["language"] or "none"] += 1
        moods.update(scene["mood"] for scene in row["scenes"])
        scenes += len(row["scenes"])
        moved += row["moved_frames"]
        warned += bool(row["warnings"])
    return Counts(len(durations), sum(durations), scenes, hours, languages, moods, durations, moved, warned)


def _refused(dataset: Dataset) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    found: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for one in dataset.rejects():
        found[one.reason].append((one.origin, one.evidence))
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def _headline(counts: Counts, refused: int, run: RunRecord) -> Markup:
    return blocks.tiles(
        [
            Tile(f"{counts.videos:,}", "videos", f"of {run.figures.get('videos', 0):,} watched"),
            Tile(
                _hours(counts.seconds), "of video", f"of {_hours(3600 * run.figures.get('hours_watched', 0.0))} watched"
            ),
            Tile(f"{counts.scenes:,}", "scenes"),
            Tile(f"{counts.warned:,}", "videos with a warning"),
            Tile(f"{refused:,}", "rows refused", "each with its reason"),
            Tile(run.models.get("annotator", "?"), "annotator"),
        ]
    )


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds >= 3600 else f"{seconds / 60:,.1f} min"


def _timeline(row: dict[str, Any], folder: Path) -> Markup:
    link = _link(row["source"]["uri"], folder)
    scenes = [
        {
            "number": n + 1,
            "share": f"{max(scene['end'] - scene['start'], 0.01):.3f}",
            "picture": "data:image/jpeg;base64," + base64.b64encode(picture["bytes"]).decode("ascii"),
            "start": timecode(scene["start"]).removeprefix("00:"),
            "mood": scene["mood"],
            "title": scene["title"][:TEXT_SHOWN],
            "link": f"{link}#t={scene['start']:.2f}",
        }
        for n, (scene, picture) in enumerate(zip(row["scenes"], row["thumbnails"], strict=True))
    ]
    video = {
        "title": row["title"][:TEXT_SHOWN],
        "name": row["source"]["name"],
        "link": link,
        "plays": not link.startswith("#"),
        "length": timecode(row["duration"]),
        "category": row["category"] or "no category asked",
        "words": row["words"],
        "scenes": scenes[:SCENES_SHOWN],
        "warnings": [warning[:TEXT_SHOWN] for warning in row["warnings"]],
    }
    return Markup(template("sightline.recipes.video_annotation", "timeline.html").render(video=video))


def _link(uri: str, folder: Path) -> str:
    """Relative to the report for a file, as it is for http; nothing else becomes a link that a click could run."""
    if uri.startswith(("http://", "https://")):
        return uri
    if "://" in uri:
        return "#look"
    return quote(os.path.relpath(uri, folder.resolve()))


def _funnel(run: RunRecord) -> Markup:
    names = StepFlow._fields
    steps = [StepFlow(**{name: row[name] for name in names if name in row}) for row in run.figures.get("funnel", ())]
    return blocks.funnel(steps, STEPS) if steps else Markup("")


def _shape(counts: Counts, run: RunRecord) -> Markup:
    if not counts.videos:
        return Markup('<p class="soft">There is nothing to count.</p>')
    minutes = [seconds / 60 for seconds in counts.durations]
    figures = [
        blocks.figure(
            plots.bars(dict(counts.hours.most_common(12)), label="hours", form="{:,.2f}"), title="Hours by category"
        ),
        blocks.figure(plots.bars(dict(counts.moods.most_common(15)), label="scenes"), title="Moods"),
        blocks.figure(plots.histogram(minutes, label="minutes", limits=(0.0, max(minutes))), title="Length"),
        blocks.figure(
            plots.histogram(counts.moved, label="frames moved"),
            title="Movement of scene boundaries",
            caption="From the time the annotator stated to the cut; above 25 frames a boundary is warned of.",
        ),
        blocks.figure(plots.bars(dict(counts.languages.most_common(12)), label="videos"), title="Languages"),
    ]
    return blocks.grid(figures) + _quotas(run)


def _quotas(run: RunRecord) -> Markup:
    unmet = [share for share in run.figures.get("shares", ()) if not share["met"]]
    if not unmet:
        return Markup("")
    rows = [
        (share["category"], share["quota"] / 3600, share["chosen"] / 3600, share["supply"] / 3600)
        for share in unmet[:30]
    ]
    caption = "Categories that could not fill their equal share; the rest went to the others."
    return blocks.data_table(("category", "hours asked", "chosen", "there were"), rows, caption=caption)


def _refusals(refused: dict[str, list[tuple[str, dict[str, Any]]]]) -> Markup:
    if not refused:
        return Markup('<p class="soft">Nothing was refused.</p>')
    out = []
    for reason, rows in refused.items():
        shown = [
            blocks.facts(
                {"file": origin or "unknown"} | {name: str(value)[:TEXT_SHOWN] for name, value in evidence.items()}
            )
            for origin, evidence in rows[:EXAMPLES]
        ]
        out.append(blocks.details(blocks.counted(len(rows), reason, in_words(reason)), Markup("").join(shown)))
    return Markup("").join(out)


def _cost(run: RunRecord) -> Markup:
    figures = run.figures
    hours = figures.get("hours_watched") or 0.0
    cost = figures.get("cost_usd", 0.0)
    return blocks.facts(
        dict(run.models)
        | {
            "requests": figures.get("requests"),
            "answered from disk": figures.get("cached"),
            "failed": figures.get("failed"),
            "tokens in": figures.get("input_tokens"),
            "tokens out": figures.get("output_tokens"),
            "USD": f"{cost:.4f}",
            "USD per hour of video watched": f"{cost / hours:.2f}" if hours else "–",
            "seconds": f"{figures.get('seconds', 0.0):.1f}",
        }
    )
