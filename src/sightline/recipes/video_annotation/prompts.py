"""What the models are asked, in our own words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from pydantic import Field

from sightline.core.media import MediaRef
from sightline.core.message import Message, Picture, Request, Text
from sightline.recipes.video_annotation.config import AskConfig
from sightline.recipes.video_annotation.items import Described, WatchedVideo
from sightline.recipes.video_annotation.taxonomy import Taxonomy
from sightline.verify.integrity import timecode

DESCRIBE = """You watch a video of {duration} through pictures taken from it, each with its time, and through what \
is said in it. Write down, in plain text, what a film editor would want to know:
1. A title, and one paragraph on the whole.
2. Each person or figure that matters: a short id, a name or role, and looks by which one would know them in a picture.
3. The scenes, in order, without gaps, from 00:00:00.000 to {duration}. For each: start and end as HH:MM:SS.mmm; who \
is in it; what is done and when; which things are seen and when; cuts, effects, music and captions with their times; \
the mood (one of: Happy, Excited, Calm, Grateful, Proud, Sad, Angry, Anxious, Lonely, Bored, Indifferent, Content, \
Curious, Confused, Pensive) and when and how it changes; what moves the story on and when; how people deal with each \
other; themes; what is meant without being said; from 0 to 1 how lively it is, and from 0 to 1 how well sound and \
picture belong together.
4. What holds the scenes together (story or facts), which scenes belong to it, and where and when its climax is.
5. What could be cut away, with times.
6. Exactly five questions with answers, on fine details, on the story and on the mood, that reading the spoken words \
alone would not answer.
Write only what can be seen or heard. Times must lie within the video."""
BRIEFLY = "Your last answer was cut off. Write it again from the beginning, much more briefly, and finish it."
STRUCTURE = """Below is a description of a video of {duration}. Put it into the fields that are asked for. Add \
nothing, leave nothing out that has a field, keep the order of the scenes, write times as HH:MM:SS.mmm and null where \
none is given.

{text}"""
CLASSIFY = """To which one of these categories does the video belong? Answer with its path exactly as written in the \
list, or with "unmatched" where none fits. Nothing else.

{leaves}

Title: {title}
Description: {description}
Channel: {channel}
Said in it: {said}"""
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


def describe_request(video: WatchedVideo, strip: bytes, config: AskConfig) -> VideoRequest:
    """Pictures with their times, then the words, then the task."""
    parts: list[str | Text | Picture] = []
    for place in evenly(video.pictures, config.pictures):
        data = video.jpeg(place, strip)
        ref = MediaRef(
            sha256=hashlib.sha256(data).hexdigest(), media_type="image/jpeg", width=place.width, height=place.height
        )
        parts += [f"[{timecode(place.time)}]", Picture(ref=ref, data=data)]
    said = "\n".join(f"[{timecode(cue.start)} - {timecode(cue.end)}] {cue.text}" for cue in video.cues)
    parts.append(f"What is said:\n{said[: config.transcript_characters] or '(nothing)'}")
    parts.append(DESCRIBE.format(duration=timecode(video.facts.duration)))
    return VideoRequest(
        messages=(Message.of("user", *parts),), max_tokens=config.description_tokens, video=video.source.sha256
    )


def briefer(request: Request, said: str) -> Request:
    """The same again after an answer that was cut off."""
    more = (Message.of("assistant", said), Message.of("user", BRIEFLY))
    return request.model_copy(update={"messages": (*request.messages, *more)})


def structure_request(item: Described, config: AskConfig) -> VideoRequest:
    """The description alone: who structures sees no picture and can add nothing of its own."""
    text = STRUCTURE.format(duration=timecode(item.video.facts.duration), text=item.text)
    return VideoRequest(
        messages=(Message.of("user", text),), max_tokens=config.structure_tokens, video=item.video.source.sha256
    )


def classify_request(video: WatchedVideo, taxonomy: Taxonomy, backwards: bool = False) -> VideoRequest:
    """Title, description, channel and the first words; no tags and no category of the site, which bias the answer
    (FineVideo). `backwards`: the categories in the opposite order."""
    order = reversed(taxonomy.leaves) if backwards else taxonomy.leaves
    leaves = "\n".join(f"{leaf.text}: {leaf.description}".rstrip(": ") for leaf in order)
    text = CLASSIFY.format(
        leaves=leaves,
        title=video.about.title or video.source.name,
        description=video.about.description[:DESCRIPTION] or "(none)",
        channel=video.about.channel or "(unknown)",
        said=video.text[:SAID] or "(nothing)",
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
