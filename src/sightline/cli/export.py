"""`sightline export`."""

from __future__ import annotations

from pathlib import Path

import click

from sightline.recipes.layouts import LAYOUTS, export


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--to", "layout", required=True, type=click.Choice(list(LAYOUTS)), help="The trainer's layout.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A new folder.")
@click.option("--single", is_flag=True, help="One conversation per question, not one per picture with several turns.")
def command(folder: Path, layout: str, out: Path, single: bool) -> None:
    """Write the dataset DIR in a trainer's layout; every row is checked against that trainer's rules first.

    \b
    trl          Parquet, messages with typed parts + images     TRL SFTTrainer, DPOTrainer
    messages     JSONL + pictures, "<image>" marks               LLaMA-Factory, ms-swift
    llava        JSON + pictures, human and gpt turns            LLaVA and its descendants
    docmatix     Parquet, images + texts, a row per document     Docmatix, Idefics, nanoVLM      documents only
    llava-video  JSON + video files, human and gpt turns         LLaVA-Video, LLaVA-NeXT         videos only
    mcq          JSONL + pictures, choices and answer_key        CinePile, lmms-eval             questions only
    """
    for path in export(folder, layout, out, single=single):
        click.echo(str(path))
