"""`sightline build videos`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sightline.cli.flags import executor_of, named, refuse_nameless
from sightline.cli.models import SERVERS, opened, price_of, purse_for
from sightline.core.door import load
from sightline.lm import Price, Purse
from sightline.media.speech import Speech, Whisper
from sightline.media.video import VideoConfig
from sightline.pipeline import Progress, RunResult
from sightline.recipes.dataset import Dataset
from sightline.recipes.video_annotation.attempts import RETRIABLE
from sightline.recipes.video_annotation.build import TIME_LIMIT, Engine, build_videos
from sightline.recipes.video_annotation.config import AskConfig, FinishConfig, VideoAnnotationConfig, WatchConfig
from sightline.recipes.video_annotation.filters import FilterConfig
from sightline.recipes.video_annotation.forecast import build_tables, forecast_videos
from sightline.recipes.video_annotation.manifest import unfetched, videos_of
from sightline.recipes.video_annotation.models import Models
from sightline.recipes.video_annotation.report import write_video_report
from sightline.recipes.video_annotation.selection import SelectionConfig
from sightline.recipes.video_annotation.sites import YtDlp
from sightline.recipes.video_annotation.summary import video_tables
from sightline.recipes.video_annotation.takedown import read_takedown, take_down
from sightline.recipes.video_annotation.taxonomy import read_taxonomy
from sightline.show import print_tables

_SPEC = "http(s)://host/v1, package.module:object, or a model folder"


@click.command(epilog=SERVERS)
@click.argument("paths", nargs=-1, required=True, metavar="PATH|MANIFEST...")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the dataset; rerun to go on.")
@click.option("--annotator", required=True, metavar="SPEC", help=f"Sees pictures, writes free words: {_SPEC}.")
@click.option("--annotator-model", metavar="NAME", help="Its name at that address.")
@click.option("--structurer", metavar="SPEC", help="Puts the words into fields; default: the annotator.")
@click.option("--structurer-model", metavar="NAME")
@click.option("--classifier", metavar="SPEC", help="Names each video's category; default: nobody does.")
@click.option("--classifier-model", metavar="NAME")
@click.option("--taxonomy", type=click.Path(path_type=Path), help="YAML of nested categories; default: 126 leaves.")
@click.option("--category-twice", is_flag=True, help="Ask twice, list turned round: finds confused categories.")
@click.option("--speech", metavar="SPEC", help="Hears videos without subtitles: a folder with a faster-whisper model, "
              "or package.module:object.")  # fmt: skip
@click.option("--hours", type=float, help="Select up to this many hours by category quotas; default: keep all.")
@click.option("--channel-cap", default=10, show_default=True, help="Most videos of one channel, with --hours.")
@click.option("--max-minutes", default=10.0, show_default=True)
@click.option("--min-words-per-second", default=0.5, show_default=True)
@click.option("--min-words", default=50, show_default=True)
@click.option("--max-static", default=0.4, show_default=True, help="Share of standing picture; 2 switches it off.")
@click.option("--language", "languages", multiple=True, metavar="CODE", help="Keep these only; may be given again.")
@click.option("--keep-duplicates", is_flag=True, help="Keep videos that show the same; they share a group.")
@click.option("--cuts", type=click.Choice(["isolated", "content"]), default="isolated", show_default=True)
@click.option("--pictures", default=32, show_default=True, help="Shown to the annotator at most.")
@click.option("--test-share", default=0.0, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--licence", help="Of videos that state none; written into each record.")
@click.option("--need-licence", is_flag=True, help="Refuse videos that state no licence.")
@click.option("--takedown", type=click.Path(path_type=Path),
              help="List of ids, addresses or hashes not to use; what was computed of them is erased.")  # fmt: skip
@click.option("--fetch", type=click.Choice(["http", "yt-dlp"]), default="http", show_default=True,
              help="How a manifest's addresses are had: as files, or as pages of video sites.")  # fmt: skip
@click.option("--store-videos", is_flag=True, help="Put the videos' bytes into the dataset, not only their addresses.")
@click.option("--price", metavar="IN,OUT", help="USD per million input and output tokens, for the cap.")
@click.option("--max-cost", type=float, metavar="USD", help="Stop before this is passed; what is finished is kept.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option("--workers", type=int, help="Worker processes; default: the cores at hand.")
@click.option("--time-limit", default=TIME_LIMIT, show_default=True, help="Seconds for a video; raise it to try again.")
@click.option("--retry", multiple=True, metavar="REASON", help="Ask anew about videos refused for what a model said, "
              f"as {RETRIABLE[0]}.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Forecast videos, hours, requests, tokens, money, time; build nothing.")
def command(paths: tuple[str, ...], out: Path, dry_run: bool, **flags: Any) -> None:
    """Videos (files, folders, URLs, manifests) -> scene-by-scene annotations whose times lie on real cuts.

    \b
    sightline build videos my-videos/ --out my-dataset --annotator http://localhost:8000/v1 --annotator-model NAME

    Subtitles (.srt, .vtt) beside a video or inside it are its transcript. Stop it at any time: the same command goes
    on where it was. Everything refused is kept with its reason.
    """
    refuse_nameless(flags, *((role, f"{role}_model") for role in ("structurer", "classifier")))
    with named():
        config = _given(flags)
    price = price_of(flags["price"])
    purse = purse_for(out, price, flags["max_cost"])
    engine = Engine(flags["engine"], executor_of(flags), Progress(cost=lambda: purse.spent))
    models = _models(flags, price, purse)
    taxonomy = read_taxonomy(flags["taxonomy"])
    if dry_run:
        files, listed = unfetched(paths, out, takedown=flags["takedown"])
        print_tables(build_tables(forecast_videos(files, listed, config, models, taxonomy, engine.executor, price)))
        return
    site = YtDlp() if flags["fetch"] == "yt-dlp" else None
    removed = take_down(out, read_takedown(flags["takedown"]))
    if removed.videos:
        click.echo(
            f"taken down: {removed.videos} videos, {removed.items} computed items, {removed.replies} kept answers and "
            f"{removed.copies} downloads erased; question sets and exports made from this dataset are not reached: "
            "build them again"
        )
    files = videos_of(paths, out, takedown=flags["takedown"], site=site)
    _tell(build_videos(files, out, models, config, taxonomy=taxonomy, engine=engine, retry=flags["retry"]), out)


def _models(flags: dict[str, Any], price: Price | None, purse: Purse) -> Models:
    annotator, structurer, classifier = (
        opened(flags[role], flags[f"{role}_model"], price, purse) for role in ("annotator", "structurer", "classifier")
    )
    assert annotator is not None, "--annotator is required"
    return Models(annotator, structurer, classifier, _speech(flags["speech"]))


def _speech(spec: str | None) -> Speech | None:
    if spec is None:
        return None
    if ":" not in spec or Path(spec).exists():
        return Whisper(spec)
    made = load(spec)
    heard: Speech = made() if callable(made) else made
    return heard


def _given(flags: dict[str, Any]) -> VideoAnnotationConfig:
    filters = {name: flags[name] for name in ("max_minutes", "min_words_per_second", "min_words", "max_static")}
    selection = None
    if flags["hours"] is not None:
        selection = SelectionConfig(hours=flags["hours"], channel_cap=flags["channel_cap"], seed=flags["seed"])
    return VideoAnnotationConfig(
        watch=WatchConfig(video=VideoConfig(cuts=flags["cuts"]), licence=flags["licence"]),
        filters=FilterConfig(**filters, languages=flags["languages"], need_licence=flags["need_licence"]),
        keep_duplicates=flags["keep_duplicates"],
        selection=selection,
        ask=AskConfig(pictures=flags["pictures"], category_twice=flags["category_twice"]),
        finish=FinishConfig(test_share=flags["test_share"], seed=flags["seed"]),
        store_videos=flags["store_videos"],
    )


def _tell(result: RunResult, out: Path) -> None:
    """The funnel, and where things lie."""
    print_tables(video_tables(Dataset(out)))
    if result.complete and result.work_done == 0:
        click.echo("nothing to do: everything was done by an earlier run")
    click.echo(f"dataset  {out}\nreport   {write_video_report(out)}")
    if (revision := out / "taxonomy_revision.yaml").is_file():
        click.echo(f"look at  {revision}: categories that do not fit, or are confused")
    if result.stopped_by is not None:
        raise result.stopped_by
