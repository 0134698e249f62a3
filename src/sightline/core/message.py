"""The one chat type: recipes ask with it, training reads it, evaluation scores it, serving speaks it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sightline.core.fingerprint import fingerprint
from sightline.core.media import MediaRef, Span

FROZEN = ConfigDict(frozen=True, extra="forbid")


class Text(BaseModel):
    """Words."""

    model_config = FROZEN
    kind: Literal["text"] = "text"
    text: str


class Picture(BaseModel):
    """A picture by reference; `data` (encoded bytes, e.g. PNG) only where a model must see it."""

    model_config = FROZEN
    kind: Literal["picture"] = "picture"
    ref: MediaRef
    data: bytes | None = Field(default=None, exclude=True, repr=False)


class Clip(BaseModel):
    """A piece of video: where it lies and which seconds of it."""

    model_config = FROZEN
    kind: Literal["clip"] = "clip"
    ref: MediaRef
    uri: str
    span: Span | None = None


Part = Annotated[Text | Picture | Clip, Field(discriminator="kind")]
Role = Literal["system", "user", "assistant"]


class Message(BaseModel):
    """One turn.

    >>> Message.of("user", "What is the total?").text
    'What is the total?'
    """

    model_config = FROZEN
    role: Role
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, role: Role, *parts: str | Text | Picture | Clip) -> Message:
        """Strings become `Text`."""
        return cls(role=role, parts=tuple(Text(text=p) if isinstance(p, str) else p for p in parts))

    @property
    def text(self) -> str:
        """All text parts, joined by new lines."""
        return "\n".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def pictures(self) -> tuple[Picture, ...]:
        return tuple(part for part in self.parts if isinstance(part, Picture))


class Request(BaseModel):
    """What a language model is asked, with everything that decides its answer."""

    model_config = FROZEN
    messages: tuple[Message, ...]
    max_tokens: int = 1024
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    reply_schema: dict[str, Any] | None = None
    """JSON schema the reply must follow, where the server can enforce it."""

    @property
    def key(self) -> str:
        """Content hash over messages (pictures by their hash) and parameters."""
        return fingerprint(self)


class Usage(BaseModel):
    """Tokens as the server counted them; 0 where it did not say."""

    model_config = FROZEN
    input_tokens: int = 0
    output_tokens: int = 0


class Reply(BaseModel):
    """A model's answer, or the stated failure to get one: `error` set means `text` is not an answer."""

    model_config = FROZEN
    text: str = ""
    model: str = ""
    usage: Usage = Usage()
    finish: Literal["stop", "length", "error"] = "stop"
    error: str | None = None
    """Why there is no answer: "timeout", "http-429", "budget", "malformed-response" ..."""
    cached: bool = False
    """True when no request left this machine."""
    seconds: float = 0.0
    cost: float = 0.0
    """USD, by the stated price list; 0 when unknown or cached."""

    @property
    def ok(self) -> bool:
        return self.error is None
