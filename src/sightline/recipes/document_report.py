"""report.html of a documents dataset: what was made, what was refused, how sure that is, and pages to look at."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from markupsafe import Markup

from sightline.core.errors import InputError, MediaError, StorageError
from sightline.recipes.audit_record import alarms_table, caught_table
from sightline.recipes.document_digest import Digest, SamplePage, Shown, box_pixels, digest
from sightline.recipes.document_reasons import in_words
from sightline.show import blocks, plots
from sightline.show.overlay import pixels, thumbnail
from sightline.show.page import template, web_page
from sightline.show.values import Mark, Note, StepFlow, Tile

PICTURE_SIDE = 1100
"""Pixels of a sample page's longer side: legible, about 100 kB."""
PAGES_OPEN = 3
"""Sample pages seen at once; the rest is folded away."""
PAIRS_SHOWN = 8
"""Per sample page; more boxes hide the page."""
SOURCES_SHOWN = 200
TEXT_SHOWN = 400
"""Letters of a refused text, of an answer beside its page."""

SECTIONS = (
    ("look", "Pages"),
    ("funnel", "Funnel"),
    ("shape", "Distributions"),
    ("refused", "Refused"),
    ("checks", "Checks"),
    ("cost", "Speed and cost"),
    ("sources", "Sources"),
    ("made", "How it was made"),
    ("limits", "Limits"),
)
LANGUAGES = {"en": "English", "ko": "Korean"}
MATCHES = {
    "exact": "letter by letter",
    "normalised": "same words, other spelling of blanks and case",
    "value": "same number, date or amount",
    "fuzzy": "nearly the same letters",
    "none": "not found on the page",
}
SCORES = {
    "located": ("Located", "How surely the answer's words were found on its page."),
    "judge": ("Judge", "How well an independent judge, given the page alone, agreed."),
    "blind": ("Blind", "1: cannot be answered without the page; 0: a judge that saw nothing knew the answer."),
}
STEPS = {
    "source": "files found",
    "count-pages": "files → pages",
    "read-pages": "pages read",
    "sketch": "pages compared",
    "chunk": "pages → chunks",
    "write": "chunks → drafts",
    "check": "drafts → pairs",
    "judge": "judged with the page",
    "blind": "judged without it",
    "distinct": "asked once only",
    "split": "pairs → records",
}


def write_report(dataset_dir: Path, *, seed: int = 0) -> Path:
    """Write DIR/report.html, replacing an older one at once. The same dataset and seed give the same page.

    Raises InputError where DIR holds no dataset or a damaged one, StorageError where the page cannot be written.
    """
    made = digest(dataset_dir, seed=seed)
    text = report_html(made, _visible(dataset_dir.resolve().name))
    target = dataset_dir / "report.html"
    fresh = target.with_suffix(".html.part")
    try:
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, target)
    except OSError as error:
        raise StorageError("the report cannot be written", subject=target, remedy=str(error.strerror)) from error
    return target


def report_html(made: Digest, title: str) -> str:
    """The page as text; `title` is the dataset's name."""
    words = template("sightline.recipes", "document_report.html")
    samples = [_sample(sample, n) for n, sample in enumerate(made.samples)]
    body = words.render(
        made=made,
        blocks=blocks,
        writer=_visible(made.run.models.get("writer", "unknown")),
        by_rules=set(made.counts["writer"]) <= {"layout"} and made.run.models.get("writer") == "layout",
        judged="judge" in made.scores,
        headline=_headline(made),
        unfinished=made.run.figures.get("complete") is False,
        stopped_by=_visible(str(made.run.figures.get("stopped_by") or "it was stopped before the end")),
        samples=samples[:PAGES_OPEN],
        more_samples=samples[PAGES_OPEN:],
        funnel=_funnel(made),
        shape=_shape(made),
        prompts=_prompts(made),
        refused=_refused(made),
        checks=caught_table(made.audit) if made.audit else None,
        alarms=alarms_table(made.audit) if made.audit else None,
        cost=_cost(made),
        sources=_sources(made),
        sources_hidden=max(0, len(made.sources) - SOURCES_SHOWN),
        unlicensed=sum(not count.source.licence for count in made.sources.values()),
        made_by=_made_by(made),
        config=blocks.code(_visible(json.dumps(made.run.config, indent=2, ensure_ascii=False, sort_keys=True))),
    )
    lead = template("sightline.recipes", "document_report_lead.html").render(made=made, documents=len(made.sources))
    return web_page(title, Markup(body), eyebrow="sightline · documents report", lead=Markup(lead), contents=SECTIONS)


def _headline(made: Digest) -> Markup:
    languages = [LANGUAGES.get(code, code) for code, _ in made.counts["language"].most_common()]
    pages = made.run.figures.get("pages")
    refused = sum(made.rejects.reasons.values())
    judge = made.run.models.get("judge", "none")
    return blocks.tiles(
        [
            Tile(f"{len(made.sources):,}", _plural("document", len(made.sources))),
            Tile(f"{len(made.pages):,}", _plural("page", len(made.pages)), f"of {pages:,} read" if pages else ""),
            Tile(f"{made.pairs:,}", _plural("pair", made.pairs), _splits(made.counts["split"])),
            Tile(f"{refused:,}", _plural("row", refused) + " refused", "each with its reason"),
            Tile(" · ".join(languages) or "–", _plural("language", len(languages))),
            Tile(_visible(made.run.models.get("writer", "?")), "writer"),
            Tile(_visible(judge), "judge", "" if judge != "none" else "text checks only"),
        ]
    )


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _splits(splits: Counter[str]) -> str:
    return ", ".join(f"{count:,} {_visible(name)}" for name, count in splits.most_common())


def _sample(sample: SamplePage, number: int) -> Markup:
    """A page with its pairs in reading order: the first boxes stand first."""
    id = f"page-{number + 1}"
    name = f"{_visible(sample.source.name)}, page {sample.page + 1}"
    pairs = sorted(sample.pairs, key=_reading_order)
    try:
        width, height = pixels(sample.picture)
        small = thumbnail(sample.picture, PICTURE_SIDE)
    except MediaError as error:
        raise InputError("a picture of the dataset cannot be read", subject=name, remedy="build it again") from error
    marks, notes = [], []
    for n, pair in enumerate(pairs[:PAIRS_SHOWN], 1):
        boxes = box_pixels(pair.evidence, sample.scale) if pair.evidence else ()
        if boxes:
            marks.append(Mark(n, boxes, _short(f"{pair.question}  {pair.answer}", 160)))
        notes.append(_note(n, pair, placed=bool(boxes)))
    picture = blocks.marked_picture(small, width, height, marks, alt=f"Picture of {name}", id=id)
    more = len(pairs) - PAIRS_SHOWN
    return blocks.annotated(name, picture, notes, id=id, after=f"and {more:,} more on this page" if more > 0 else "")


def _reading_order(pair: Shown) -> tuple[float, float]:
    box = pair.evidence.boxes[0] if pair.evidence and pair.evidence.boxes else None
    return (box.top, box.left) if box else (float("inf"), 0.0)


def _note(number: int, pair: Shown, *, placed: bool) -> Note:
    tags = [pair.style, pair.split]
    if pair.evidence is not None and pair.evidence.match != "exact":
        tags.append(MATCHES[pair.evidence.match])
    tags += [f"{name} {score:.2f}" for name, score in pair.scores.items() if score is not None]
    answer = _short(pair.answer, TEXT_SHOWN)
    return Note(number, _short(pair.question, TEXT_SHOWN), answer, pair.language, tuple(map(_visible, tags)), placed)


def _funnel(made: Digest) -> Markup:
    names = StepFlow._fields
    steps = [
        StepFlow(**{name: row[name] for name in names if name in row}) for row in made.run.figures.get("funnel", ())
    ]
    return blocks.funnel([flow._replace(step=_visible(flow.step)) for flow in steps], STEPS) if steps else Markup("")


def _shape(made: Digest) -> Markup:
    if not made.pairs:
        return Markup("")
    per_page, lengths = list(made.pages.values()), sorted(made.answer_lengths)
    long = lengths[int(len(lengths) * 0.99) :][0]
    items = []
    if per_page:
        caption = (
            f"Mean {sum(per_page) / len(per_page):.1f}, over pages that have one. More than about 4 tend to overlap."
        )
        plot = plots.columns(dict(sorted(Counter(per_page).items())), label="pairs on a page")
        items.append(blocks.figure(plot, title="Pairs per page", caption=caption))
    shown = [length for length in lengths if length <= long]
    plot = plots.histogram(shown, label="characters of an answer", bins=min(24, max(1, len(set(shown)))))
    caption = f"Median {median(lengths):.0f}, longest {lengths[-1]:,}; the longest hundredth is not drawn."
    items.append(blocks.figure(plot, title="Answer length", caption=caption))
    for name, values in made.scores.items():
        title, words = SCORES.get(name, (_visible(name), ""))
        plot = plots.histogram(values, label=f"score, {len(values):,} pairs", limits=(0.0, 1.0), bins=20)
        items.append(blocks.figure(plot, title=f"Score: {title}", caption=words))
    counted = [
        _bars(made.counts["language"], LANGUAGES, "Languages", "Of the questions."),
        _bars(made.counts["style"], {}, "Styles", "Which rule or prompt made the pair."),
        _bars(made.counts["match"], {}, "How answers met the page", _match_words(made.counts["match"])),
    ]
    return blocks.grid(items) + blocks.grid(counted)


def _bars(counts: Counter[str], names: Mapping[str, str], title: str, caption: str) -> Markup:
    shown = {names.get(key, _visible(key)): count for key, count in counts.most_common(12)}
    hidden = len(counts) - 12
    words = f"{caption} {hidden} rarer ones are not drawn." if hidden > 0 else caption
    return blocks.figure(plots.bars(shown, label="pairs"), title=title, caption=words)


def _match_words(counts: Counter[str]) -> str:
    return "; ".join(f"{name}: {MATCHES[name]}" for name, _ in counts.most_common()) + "."


def _prompts(made: Digest) -> Markup:
    header = (
        "style",
        "pairs",
        "answer length",
        "diversity",
        "empty questions",
        "pairs per page",
        "different questions",
    )
    rows = [tuple(_visible(v) if isinstance(v, str) else v for v in row) for row in made.prompts]
    return blocks.data_table(header, rows) if rows else Markup("")


def _refused(made: Digest) -> list[dict[str, Any]]:
    """Per reason: its words, its count, its steps and a few examples, most frequent first."""
    found = made.rejects
    return [
        {
            "reason": _visible(reason),
            "words": in_words(_visible(reason)),
            "count": count,
            "steps": ", ".join(_visible(step) for step in found.steps[reason]),
            "examples": [
                (_visible(origin), {_visible(name): _plain(value) for name, value in evidence.items()})
                for origin, evidence in found.examples[reason]
            ],
        }
        for reason, count in found.reasons.most_common()
    ]


def _cost(made: Digest) -> Markup:
    figures = made.run.figures
    shown: dict[str, str] = {}
    if figures.get("seconds") is not None:
        shown["Time"] = f"{figures['seconds']:,.1f} s"
    if figures.get("pages_per_second") is not None:
        shown["Throughput"] = f"{figures['pages_per_second']:,.2f} pages a second"
    shown["Requests to language models"] = f"{figures.get('requests') or 0:,}"
    for name, words in (("input_tokens", "Tokens sent"), ("output_tokens", "Tokens received")):
        if figures.get(name):
            shown[words] = f"{figures[name]:,}"
    cost = figures.get("cost_usd") or 0.0
    asked = figures.get("requests") or figures.get("cached")
    shown["Cost"] = f"{cost:,.4f} USD, by the prices given" if asked else "0 USD: no language model was asked"
    return blocks.facts(shown)


def _sources(made: Digest) -> Markup:
    ordered = sorted(made.sources.values(), key=lambda count: (count.source.name, count.source.sha256))
    rows = [
        (
            _visible(count.source.name),
            len(count.pages),
            count.pairs,
            _size(count.source.size),
            _visible(count.source.licence) if count.source.licence else Markup('<span class="soft">not stated</span>'),
            Markup("<code>{}</code>").format(count.source.sha256[:12]),
        )
        for count in ordered[:SOURCES_SHOWN]
    ]
    header = ("file", "pages with an answer", "pairs", "size", "licence", "SHA-256 begins with")
    return blocks.data_table(header, rows) if rows else Markup("")


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"


def _made_by(made: Digest) -> Markup:
    run = made.run
    shown = {
        "Recipe": f"{run.recipe}, version {run.version}",
        **{f"Model: {_visible(role)}": _visible(name) for role, name in run.models.items()},
        "Seed": str(run.seed),
        "Fingerprint of the run": run.fingerprint,
        "Versions": ", ".join(f"{_visible(name)} {_visible(version)}" for name, version in run.versions.items()),
        "Begun": _time(run.started),
        "Finished": _time(run.finished),
    }
    return blocks.facts({name: value for name, value in shown.items() if value})


def _time(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M %Z").strip() if moment else ""


def _plain(value: Any) -> str:
    """A value of a refused row's evidence, in one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _short(text, TEXT_SHOWN)


def _short(text: str, length: int) -> str:
    text = _visible(text)
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _visible(text: str) -> str:
    """JSON may carry lone surrogates, which no file can: they become U+FFFD."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
