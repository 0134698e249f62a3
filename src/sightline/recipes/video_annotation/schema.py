"""What is known of a video after annotation: the fields of FineVideo's record, strictly typed.

Names are written as published (camelCase), so that tools for that dataset read ours. Times are text: as the annotator
said them before aligning, HH:MM:SS.mmm (or null where nothing was said) after it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

STRICT = ConfigDict(frozen=True, extra="forbid")

Mood = Literal[
    "Happy", "Excited", "Calm", "Grateful", "Proud",
    "Sad", "Angry", "Anxious", "Lonely", "Bored",
    "Indifferent", "Content", "Curious", "Confused", "Pensive",
]  # fmt: skip
"""Positive, negative, neutral: five each."""


class Timestamps(BaseModel):
    """A stretch of time."""

    model_config = STRICT
    start_timestamp: str | None
    end_timestamp: str | None


class Character(BaseModel):
    """Someone who appears, described so that one would know them in a picture."""

    model_config = STRICT
    characterId: str
    name: str
    description: str


class Activity(BaseModel):
    """Something that is done."""

    model_config = STRICT
    description: str
    timestamp: Timestamps


class Prop(BaseModel):
    """A thing that is seen."""

    model_config = STRICT
    name: str
    timestamp: Timestamps


class VideoEditingDetail(BaseModel):
    """A transition, effect, caption or piece of music."""

    model_config = STRICT
    description: str
    timestamps: Timestamps


class KeyMoment(BaseModel):
    """A change of mood."""

    model_config = STRICT
    timestamp: str | None
    changeDescription: str


class SceneMood(BaseModel):
    """One of fifteen moods, and when it changes."""

    model_config = STRICT
    description: Mood
    keyMoments: tuple[KeyMoment, ...]


class NarrativeMoment(BaseModel):
    """A step of the story."""

    model_config = STRICT
    description: str
    timestamp: str | None


class Interaction(BaseModel):
    """How characters deal with each other."""

    model_config = STRICT
    characters: tuple[str, ...]
    description: str


class Scene(BaseModel):
    """A part of the video that belongs together."""

    model_config = STRICT
    sceneId: int
    title: str
    timestamps: Timestamps
    cast: tuple[str, ...]
    activities: tuple[Activity, ...]
    props: tuple[Prop, ...]
    videoEditingDetails: tuple[VideoEditingDetail, ...]
    mood: SceneMood
    narrativeProgression: tuple[NarrativeMoment, ...]
    characterInteraction: tuple[Interaction, ...]
    thematicElements: str
    contextualRelevance: str
    dynamismScore: float = Field(ge=0, le=1)
    audioVisualCorrelation: float = Field(ge=0, le=1)


class Climax(BaseModel):
    """Where the story is at its height."""

    model_config = STRICT
    description: str
    timestamp: str | None


class Storylines(BaseModel):
    """What holds the scenes together."""

    model_config = STRICT
    description: str
    scenes: tuple[int, ...]
    climax: Climax


class QAndA(BaseModel):
    """A question that the video answers."""

    model_config = STRICT
    question: str = Field(min_length=1)
    answer: str = Field(min_length=1)


class TrimmingSuggestion(BaseModel):
    """A stretch that could be left out."""

    model_config = STRICT
    timestamps: Timestamps
    description: str


class Annotation(BaseModel):
    """The whole of it."""

    model_config = STRICT
    title: str
    description: str
    characterList: tuple[Character, ...]
    scenes: tuple[Scene, ...]
    storylines: Storylines
    qAndA: tuple[QAndA, ...] = Field(min_length=5, max_length=5)
    trimmingSuggestions: tuple[TrimmingSuggestion, ...]
