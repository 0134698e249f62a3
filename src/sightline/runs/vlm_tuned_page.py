"""The page of a user's run: figures with intervals, how they grew, what trained when, what was refused, answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from markupsafe import Markup

from sightline.core.media import Box
from sightline.core.score import Score
from sightline.evaluate.boxes import parse_boxes
from sightline.runs.vlm_exam import SPACE, Answer
from sightline.runs.vlm_run import VLMRun
from sightline.runs.vlm_tuning import Tuned, chosen, rested, with_steps
from sightline.show import (
    Mark,
    Note,
    Tile,
    annotated,
    curve,
    data_table,
    figure,
    grid,
    marked_picture,
    section,
    thumbnail,
    tiles,
    web_page,
)
from sightline.train.checkpoint import write_whole
from sightline.vlm.pixels import opened

FIGURES: Final = ("figure", ">value", ">95 %", ">rows", "metric")
SHOWN: Final = 9


def figures(scores: Mapping[str, Score]) -> list[list[str]]:
    """A row of words per score, under `FIGURES`."""
    return [
        [name, f"{one.value:.3f}", _bounds(one), f"{one.n:,}", one.signature.split("|")[0]]
        for name, one in scores.items()
    ]


def write_tuned_page(path: Path, config: VLMRun, done: Tuned) -> None:
    """One self-contained HTML file."""
    course = done.result.course
    best = chosen(course)
    starts = with_steps(config)
    kept = "the last" if best is None else f"{starts[best['stage']] + best['step']:,}"
    head = tiles(
        [
            Tile(f"{len(course.losses):,}", "optimizer steps", f"{course.seconds:,.0f} s"),
            Tile(kept, "step of the checkpoint that was chosen"),
            Tile(f"{sum(map(len, done.sets.train.values())):,}", "training rows"),
            Tile(f"{len(done.sets.refused):,}", "rows refused", "each with a reason in refused.jsonl"),
        ]
    )
    where = "Test rows, answered once." if done.on == "test" else "Rows held out: they chose the checkpoint, too."
    body = Markup("").join(
        [
            section("Figures", head + _figures(done), id="figures", lead=where),
            section("How they grew", _curves(done, starts), id="curves"),
            section("What trained when", _stages(config, done), id="stages"),
            section("Refused", _refused(done), id="refused") if done.sets.refused else Markup(""),
            section("Answers", _answers(done.answers), id="answers", lead="The first questions, as they come."),
        ]
    )
    write_whole(path, web_page("A vision-language model in training", body, eyebrow=path.parent.name).encode())


def _figures(done: Tuned) -> Markup:
    if not done.scores:
        return Markup("")
    return data_table(
        [name.removeprefix(">") for name in FIGURES],
        figures(done.scores),
        caption="95 %: over whole documents; empty where there is only one.",
    )


def _bounds(one: Score) -> str:
    return "" if one.interval is None else f"[{one.interval.low:.3f}, {one.interval.high:.3f}]"


def _curves(done: Tuned, starts: Mapping[str, int]) -> Markup:
    course = done.result.course
    found = [figure(curve({"loss": list(enumerate(course.losses, 1))}, label="optimizer step", y_label="loss"),
                    title="Loss")]  # fmt: skip
    if len(course.curve) > 1:
        points = {
            name: [(starts[row["stage"]] + row["step"], row["figures"][name]) for row in course.curve]
            for name in course.curve[0]["figures"]
        }
        plot = curve(points, label="optimizer step", y_label="figure")
        found.append(figure(plot, title="By task", caption="On rows held out for choosing the checkpoint."))
    return grid(found)


def _stages(config: VLMRun, done: Tuned) -> Markup:
    proofs = {proof["stage"]: proof for proof in done.result.course.proofs}
    rows = [
        [
            stage.name,
            stage.data,
            ", ".join(f"{part} {stage.lr[part]:g}" for part in stage.trainable),
            f"{stage.steps:,}",
            ", ".join(rested(proofs[stage.name])) or "none",
        ]
        for stage in config.stages
    ]
    caption = "At rest: the SHA-256 of the part's weights is the same before and after the stage."
    return data_table(["stage", "data", "trains, at rate", "steps", "at rest, proven"], rows, caption=caption)


def _refused(done: Tuned) -> Markup:
    counts = Counter(done.sets.refused.values()).most_common()
    return data_table(["reason", "rows"], [[why, f"{n:,}"] for why, n in counts])


def _answers(answers: Sequence[Answer]) -> Markup:
    """The model's own boxes are drawn, true ones are not."""
    figures = list(dict.fromkeys(one.figure for one in answers))
    some = [[one for one in answers if one.figure == name][: -(-SHOWN // len(figures))] for name in figures]
    cards = []
    for n, one in enumerate(answer for own in some for answer in own):
        pictures = [picture for message in one.item.messages for picture in message.pictures]
        question = one.item.messages[-2].text if len(one.item.messages) > 1 else ""
        wanted = Note(2, "wanted", one.item.messages[-1].text, placed=False)
        shown, found = Markup(""), tuple[Box, ...]()
        if pictures and pictures[0].data is not None:
            wide, high = opened(pictures[0].data).size
            found = parse_boxes(one.reply, SPACE, wide, high).boxes
            marks = [Mark(1, found, one.reply)][: len(found)]
            small = thumbnail(pictures[0].data, 700)
            shown = marked_picture(small, wide, high, marks, alt=question, id=f"a{n}")
        said = Note(1, question, one.reply or "(nothing)", placed=bool(found))
        cards.append(annotated(one.figure, shown, [said, wanted], id=f"a{n}"))
    return grid(cards)
