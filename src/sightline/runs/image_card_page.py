"""The card as files: card.json, contact sheets as PNG, and card.html, one page that loads nothing."""

from __future__ import annotations

import base64
from pathlib import Path

from markupsafe import Markup
from torch import Tensor

from sightline.generate.picture import contact_sheet
from sightline.runs.image_card import GUIDED, UNGUIDED, Card
from sightline.show.blocks import callout, data_table, figure, grid, section, tiles
from sightline.show.page import web_page
from sightline.show.plots import curve
from sightline.show.values import Tile


def write_card(card: Card, pictures: dict[str, Tensor], real: Tensor, out: Path) -> None:
    """Write all files under `out`; `real`: held-out pictures in the order in which `pictures` were asked for."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "card.json").write_text(card.model_dump_json(indent=1), "utf-8")
    sheets = {name: contact_sheet(made[:64], columns=8, side=48) for name, made in pictures.items()}
    sheets["real, held out"] = contact_sheet(real[:64], columns=8, side=48)
    for name, sheet in sheets.items():
        (out / f"sheet-{name.replace(', ', '-').replace(' ', '-')}.png").write_bytes(sheet)
    (out / "card.html").write_text(_page(card, sheets), "utf-8")


def _page(card: Card, sheets: dict[str, bytes]) -> str:
    body = Markup("").join([_headline(card), _distances(card), _sheets(sheets), _curve(card), _copying(card)])
    return web_page("Distillation card", body, eyebrow=card.title, lead=" ".join(card.notes))


def _headline(card: Card) -> Markup:
    best = card.rows[-1].name
    gaps = [gap for gap in card.gaps if gap.teacher == GUIDED]
    shown = [Tile(f"{gap.value:+.1%}", f"FD gap, {gap.student}, {gap.feature}", gap.verdict) for gap in gaps]
    speed = [
        Tile(f"{card.speed(best, GUIDED):.1f} x", f"faster than the guided teacher ({best})", _by_cpu(card, GUIDED)),
        Tile(f"{card.speed(best, UNGUIDED):.1f} x", "faster than the unguided teacher", _by_cpu(card, UNGUIDED)),
        Tile(f"{card.compute(best, GUIDED):.1%}", "of the guided teacher's network evaluations"),
    ]
    warning = callout("The models copy", card.copying, tone="warning") if card.copying else Markup("")
    return section("What the student reaches", tiles([*shown, *speed]) + warning, id="headline")


def _by_cpu(card: Card, teacher: str) -> str:
    return f"{card.cpu_speed(card.rows[-1].name, teacher):.1f} x by processor time"


def _distances(card: Card) -> Markup:
    names = list(card.floor)
    header = ["", "NFE", "seconds", *(f"FD {name}" for name in names), *(f"KID {name}" for name in names)]
    rows = [
        [
            row.name,
            f"{row.evaluations:.0f}",
            f"{row.seconds:.2f}",
            *(f"{row.mean(name):.3f}" for name in names),
            *(f"{row.kernel[name]:.4f}" for name in names),
        ]
        for row in card.rows
    ]
    blank = ["" for _ in names]
    rows.append(["real: training against held out", "", "", *(f"{card.floor[name]:.3f}" for name in names), *blank])
    gaps = []
    for gap in card.gaps:
        bounds = f"{gap.interval.low:+.1%} to {gap.interval.high:+.1%}"
        gaps.append([gap.student, gap.teacher, gap.feature, f"{gap.value:+.1%}", bounds])
    tables = [
        data_table(header, rows, caption=f"{card.samples} samples for each of {card.seeds} seeds"),
        data_table(["student", "against", "feature", "gap", "95 %"], gaps, caption="Paired by seed"),
    ]
    return section("Distances", Markup("").join(tables), id="distances")


def _sheets(sheets: dict[str, bytes]) -> Markup:
    shown = [
        figure(
            Markup('<img style="width:100%;height:auto" alt="{}" src="data:image/png;base64,{}">').format(
                name, base64.b64encode(sheet).decode()
            ),
            title=name,
        )
        for name, sheet in sheets.items()
    ]
    return section(
        "Contact sheets",
        grid(shown),
        id="sheets",
        lead="The same noise and labels in every sheet; the real ones have the labels alone.",
    )


def _curve(card: Card) -> Markup:
    if not card.curve:
        return Markup("")
    first = next(iter(card.floor))
    drawn = curve({k: list(v) for k, v in card.curve.items()}, label="network evaluations", y_label=f"FD {first}")
    return section("Quality against steps", figure(drawn, caption="One seed; lower is better."), id="curve")


def _copying(card: Card) -> Markup:
    rows = [[name, str(memory.nearer_training), str(memory.copies)] for name, memory in card.memory.items()]
    table = data_table(["", "nearer to training (50 % = no copying)", "near copies (1 % = as real pictures)"], rows)
    return section("Does it copy?", table, id="copying")
