"""`sightline chat`."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from sightline.cli.models import DEVICE
from sightline.core.errors import InputError, Reject
from sightline.core.media import MediaRef
from sightline.core.message import Message, Picture, Request
from sightline.generate.processes import usable
from sightline.runs.vlm_data import video_pictures
from sightline.vlm.boxes import boxes_in, drawn
from sightline.vlm.chat import VLMChat
from sightline.vlm.pixels import opened
from sightline.vlm.resolution import FRAMES


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--image", "images", multiple=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--video", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Seen as sampled frames.")
@click.option("--frames", default=FRAMES, show_default=True, type=click.IntRange(min=1), help="Of the video, at most.")
@click.option("--ask", help="One question; without it, a conversation until an empty line.")
@click.option("--max-tokens", default=256, show_default=True, type=click.IntRange(min=1))
@click.option("--device", default="cpu", show_default=True, envvar=DEVICE, show_envvar=True)
@click.option("--boxes", type=click.Path(path_type=Path), default=Path("boxes.png"), show_default=True,
              help="Where the first image is written with the boxes of an answer that has some.")  # fmt: skip
def command(
    folder: Path,
    images: tuple[Path, ...],
    video: Path | None,
    frames: int,
    ask: str | None,
    max_tokens: int,
    device: str,
    boxes: Path,
) -> None:
    """Talk to a model that `train vlm` made, or to a ready one, about pictures of your own.

    \b
    sightline chat runs/tiny/staged/model --image photo.png --ask "colour?"
    """
    model = VLMChat.open(folder, device=usable(device))
    data = [path.read_bytes() for path in images]
    pictures = [
        Picture(ref=MediaRef(sha256=hashlib.sha256(one).hexdigest(), media_type="image/*"), data=one) for one in data
    ]
    if video is not None:
        try:
            pictures += video_pictures(video, frames)
        except Reject as error:
            raise InputError(f"the video cannot be seen: {error.reason}", subject=video) from error
    turns: list[Message] = []
    while question := ask or click.prompt("you", default="", show_default=False):
        turns.append(Message.of("user", *(pictures if not turns else ()), question))
        reply = next(model.replies([Request(messages=tuple(turns), max_tokens=max_tokens)]))
        if reply.error is not None:
            remedy = "fewer --max-tokens, or a shorter conversation" if reply.error == "too-long" else ""
            raise InputError(f"the model cannot answer: {reply.error}", remedy=remedy)
        click.echo(reply.text)
        turns.append(Message.of("assistant", reply.text))
        picture = opened(data[0]) if data else None
        if picture is not None and (found := boxes_in(reply.text, picture.size)):
            drawn(picture, found).save(boxes)
            click.echo(f"{len(found)} boxes drawn: {boxes}", err=True)
        if ask:
            return
