"""`sightline generate`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import torch

from sightline.core.errors import InputError
from sightline.generate.backbone.conditioning import text_bytes
from sightline.generate.denoiser import Condition
from sightline.generate.foreign import encode_prompts
from sightline.generate.latents import decode
from sightline.generate.model import ImageModel
from sightline.generate.opening import open_model
from sightline.generate.picture import contact_sheet, png
from sightline.generate.processes import usable
from sightline.generate.producing import Recipe, produce
from sightline.generate.samplers import START

SAMPLERS = ["auto", "ddim", "heun", "dpmpp-2m", "ddpm", "consistency"]


@click.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--n", default=64, show_default=True, type=click.IntRange(1), help="Pictures to draw.")
@click.option("--steps", default=2, show_default=True, type=click.IntRange(1), help="Of the sampler.")
@click.option("--sampler", default="auto", show_default=True, type=click.Choice(SAMPLERS))
@click.option("--class", "label", help="Name or number; all in turn where it is left out.")
@click.option("--prompt", help="Text, for a model that takes one.")
@click.option("--guidance", default=1.0, show_default=True, help="1 = none; a student's must lie in its range.")
@click.option(
    "--middle",
    default=0.8,
    show_default=True,
    type=click.FloatRange(0, START, min_open=True, max_open=True),
    help="Middle angle of a student's two steps.",
)
@click.option("--seed", default=0, show_default=True)
@click.option("--device", default="cpu", show_default=True)
def command(model: Path, out: Path, label: str | None, prompt: str | None, **options: object) -> None:
    """Draw N pictures from MODEL into OUT, with a contact sheet; the same for a seed on every machine."""
    opened = open_model(model, text=prompt is not None).to(usable(str(options["device"])))
    n = int(str(options["n"]))
    condition = _condition(opened, n, label, prompt)
    keys = ("steps", "sampler", "guidance", "middle", "seed")
    made = produce(opened, n, Recipe(**{key: options[key] for key in keys}), condition)  # type: ignore[arg-type]
    pixels = decode(made.units, opened.config.pixels)
    out.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pixels):
        (out / f"{number:05d}.png").write_bytes(png(picture))
    side = max(64, pixels.shape[-1])
    (out / "sheet.png").write_bytes(contact_sheet(pixels[:64], side=side))
    click.echo(f"{n} pictures, {made.evaluations:.0f} network evaluations each: {out}, {out / 'sheet.png'}")


def _condition(model: ImageModel, n: int, label: str | None, prompt: str | None) -> Condition:
    config = model.config
    labels = None
    if config.backbone.classes:
        labels = torch.arange(n) % config.backbone.classes
    if label is not None:
        known = {name: number for number, name in enumerate(config.classes)}
        known |= {str(number): number for number in range(config.backbone.classes) if str(number) not in known}
        if label not in known:
            raise InputError("no such class", subject=label, remedy=", ".join(config.classes) or "the model has none")
        labels = torch.full((n,), known[label])
    if prompt is None:
        return Condition(label=labels)
    if config.prompts:
        return replace(encode_prompts(Path(config.prompts), [prompt])[torch.zeros(n, dtype=torch.long)], label=labels)
    if not config.backbone.text:
        raise InputError("this model takes no prompt", subject=prompt)
    return Condition(label=labels, text=text_bytes([prompt] * n, config.backbone.text))
