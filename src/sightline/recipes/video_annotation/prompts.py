"""What the models are asked about a video, in its language."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar, get_args

from pydantic import Field

from sightline.core.media import MediaRef
from sightline.core.message import Message, Picture, Request, Text
from sightline.recipes.video_annotation.config import AskConfig
from sightline.recipes.video_annotation.items import Described, WatchedVideo
from sightline.recipes.video_annotation.schema import Mood
from sightline.recipes.video_annotation.taxonomy import Taxonomy
from sightline.recipes.video_annotation.wording import (
    BRIEFLY,
    CLASSIFY,
    DESCRIBE,
    NOTHING,
    SAYING,
    STRUCTURE,
    UNKNOWN,
    spoken,
)
from sightline.verify.integrity import timecode

T = TypeVar("T")
SAID = 5000
"""Characters of the transcript that a classifier sees (FineVideo)."""
DESCRIPTION = 2000
CATEGORY_TOKENS = 40
AGAIN_TEMPERATURE = 0.7
"""Of a request that is made anew because what it brought could not be used: at 0 a model would say the same again."""


class VideoRequest(Request):
    """A request that knows which video it is about, so that answers can be found when the video is taken down."""

    video: str = Field(default="", exclude=True)
    """SHA-256 of the file; no part of the key."""


def anew(request: VideoRequest, attempt: int) -> VideoRequest:
    """The request itself for attempt 0; for each further one another request, whose answer is not known yet."""
    update = {"seed": attempt, "temperature": AGAIN_TEMPERATURE}
    return request.model_copy(update=update) if attempt else request


def speaks(video: WatchedVideo) -> str:
    """Language of the instructions: that of the transcript, else the one its publisher declares."""
    return spoken(video.language, video.about.language)


def describe_request(video: WatchedVideo, strip: bytes, config: AskConfig) -> VideoRequest:
    """Pictures with their times, then the words, then the task."""
    language = speaks(video)
    parts: list[str | Text | Picture] = []
    for place in evenly(video.pictures, config.pictures):
        data = video.jpeg(place, strip)
        ref = MediaRef(
            sha256=hashlib.sha256(data).hexdigest(), media_type="image/jpeg", width=place.width, height=place.height
        )
        parts += [f"[{timecode(place.time)}]", Picture(ref=ref, data=data)]
    said = "\n".join(f"[{timecode(cue.start)} - {timecode(cue.end)}] {cue.text}" for cue in video.cues)
    parts.append(SAYING[language].format(said=said[: config.transcript_characters] or NOTHING[language]))
    parts.append(DESCRIBE[language].format(duration=timecode(video.facts.duration), moods=", ".join(get_args(Mood))))
    return VideoRequest(
        messages=(Message.of("user", *parts),), max_tokens=config.description_tokens, video=video.source.sha256
    )


def briefer(request: Request, said: str, language: str) -> Request:
    """The same again after an answer that was cut off."""
    more = (Message.of("assistant", said), Message.of("user", BRIEFLY[language]))
    return request.model_copy(update={"messages": (*request.messages, *more)})


def structure_request(item: Described, config: AskConfig) -> VideoRequest:
    """The description alone: who structures sees no picture and can add nothing of its own."""
    text = STRUCTURE[speaks(item.video)].format(duration=timecode(item.video.facts.duration), text=item.text)
    return VideoRequest(
        messages=(Message.of("user", text),), max_tokens=config.structure_tokens, video=item.video.source.sha256
    )


def classify_request(video: WatchedVideo, taxonomy: Taxonomy, backwards: bool = False) -> VideoRequest:
    """Title, description, channel and the first words; no tags and no category of the site, which bias the answer
    (FineVideo). `backwards`: the categories in the opposite order."""
    order = reversed(taxonomy.leaves) if backwards else taxonomy.leaves
    leaves = "\n".join(f"{leaf.text}: {leaf.description}".rstrip(": ") for leaf in order)
    language = speaks(video)
    text = CLASSIFY[language].format(
        leaves=leaves,
        title=video.about.title or video.source.name,
        description=video.about.description[:DESCRIPTION] or NOTHING[language],
        channel=video.about.channel or UNKNOWN[language],
        said=video.text[:SAID] or NOTHING[language],
    )
    return VideoRequest(messages=(Message.of("user", text),), max_tokens=CATEGORY_TOKENS, video=video.source.sha256)


def evenly(things: Sequence[T], most: int) -> list[T]:
    """At most `most` of them, first to last.

    >>> evenly("abcdef", 3)
    ['a', 'c', 'e']
    """
    if len(things) <= most:
        return list(things)
    return [things[n * len(things) // most] for n in range(most)]
