"""`sightline distill`."""

from __future__ import annotations

from pathlib import Path

import click

from sightline.generate.distilling import DistillConfig
from sightline.runs.image_training import Data, distill_model


@click.command()
@click.argument("teacher", type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--method", default="path+scd", show_default=True, type=click.Choice(["path+scd", "scd", "sct"]))
@click.option("--guidance", default="1.3", show_default=True, help="One strength, or LOW,HIGH to make it an input.")
@click.option("--paths", default=16384, show_default=True, type=click.IntRange(1), help="Teacher paths to store.")
@click.option("--teacher-steps", default=32, show_default=True, type=click.IntRange(2), help="Heun steps of each.")
@click.option("--regression-steps", default=4000, show_default=True, type=click.IntRange(1), help="On the paths.")
@click.option("--steps", default=600, show_default=True, type=click.IntRange(1), help="Consistency steps.")
@click.option("--batch", default=256, show_default=True, type=click.IntRange(1), help="Over all devices.")
@click.option(
    "--lr",
    default=3e-5,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Of the consistency steps.",
)
@click.option(
    "--warmup",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="Tangent warm-up; 10000 for scd and sct from scratch.",
)
@click.option("--jvp", default="difference", show_default=True, type=click.Choice(["difference", "separate", "reused"]))
@click.option("--norm", default="rms", show_default=True, type=click.Choice(["sample", "rms", "clip"]))
@click.option("--prior", default="none", show_default=True, type=click.Choice(["none", "inverse-sigma"]))
@click.option("--warmup-form", default="scale", show_default=True, type=click.Choice(["scale", "rotate"]))
@click.option("--weight-sign", default="exp", show_default=True, type=click.Choice(["exp", "logvar"]))
@click.option("--data", "source", metavar="FOLDER|DATASET", help="Pictures, where the teacher's folder names none.")
@click.option("--size", default=32, show_default=True, type=click.IntRange(1), help="With --data.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--bf16", is_flag=True, help="Mixed precision; JVPs stay float32.")
def command(teacher: Path, out: Path, guidance: str, source: str | None, **options: object) -> None:
    """Make a one- or two-step student of TEACHER: a model of sightline or a diffusers pipeline folder."""
    try:
        numbers = tuple(float(part) for part in guidance.split(","))
    except ValueError as error:
        raise click.BadParameter("a number, or two with a comma", param_hint="--guidance") from error
    if len(numbers) not in (1, 2):
        raise click.BadParameter("a number, or two with a comma", param_hint="--guidance")
    names = ("jvp", "norm", "prior", "warmup_form", "weight_sign", "warmup")
    precision = "bf16" if options["bf16"] else "fp32"
    common = {"batch": options["batch"], "device": options["device"], "precision": precision}
    config = DistillConfig.model_validate(
        {
            "method": options["method"],
            "guidance": (numbers[0], numbers[-1]),
            "paths": options["paths"],
            "teacher_steps": options["teacher_steps"],
            "regression": {"steps": options["regression_steps"], "cool": int(str(options["regression_steps"])) // 2}
            | common,
            "polish": {"steps": options["steps"], "lr": options["lr"], "ramp": 50, "log_every": 20} | common,
            "consistency": {name: options[name] for name in names},
        }
    )
    data = None if source is None else Data.model_validate({"source": source, "size": options["size"]})

    def tell(phase: str, progress: object) -> None:
        click.echo(f"{phase}: {progress}", err=True)

    distill_model(teacher, out, config, data=data, watch=tell)
    click.echo(f"student: {out}")
