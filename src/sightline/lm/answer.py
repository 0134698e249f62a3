"""The body of a chat completion -> `Reply`. Whatever a server sends becomes an answer or a named error."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from sightline.core.message import Reply, Usage
from sightline.lm.cleaning import clean

_THOUGHT = re.compile(r"\s*<think>(?:.*?</think>\s*|.*\Z)|(?:(?!<think>).)*?\n</think>\s*(?:\n|\Z)", re.DOTALL)
"""A thought that is opened, closed or not; or one whose opening stands in the template, closed on a line of its own."""


def failed(error: str, *, model: str = "", usage: Usage | None = None) -> Reply:
    """A reply that is no answer, and why."""
    return Reply(error=error, finish="error", model=model, usage=usage or Usage())


def reply_from_body(body: bytes, model: str) -> Reply:
    """Errors: "malformed-response" (no JSON, or not of a completion's form), "content-filter" (the server withheld
    it), "no-content" (the model gave no text, or thought and gave no answer). What a thinking model writes before its
    answer, where the server does not keep the two apart (<think> ... </think>), is left out. `model` is used where the
    server does not name one."""
    try:
        wire = json.loads(body)
    except (ValueError, RecursionError):
        return failed("malformed-response", model=model)
    if not isinstance(wire, dict):
        return failed("malformed-response", model=model)
    named = wire.get("model")
    model = clean(named) if isinstance(named, str) and named else model
    usage = _usage(wire.get("usage"))
    choices = wire.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return failed("malformed-response", model=model, usage=usage)
    if choice.get("finish_reason") == "content_filter":
        return failed("content-filter", model=model, usage=usage)
    text = _text(message.get("content"))
    if text is None:
        empty = message.get("content") is None
        return failed("no-content" if empty else "malformed-response", model=model, usage=usage)
    thought = _THOUGHT.match(text)
    if thought is not None:
        text = text[thought.end() :]
        if not text:
            return failed("no-content", model=model, usage=usage)
    finish: Literal["stop", "length"] = "length" if choice.get("finish_reason") == "length" else "stop"
    return Reply(text=clean(text), model=model, usage=usage, finish=finish)


def _text(content: Any) -> str | None:
    """A string, or the text parts of a list of parts, which some servers send; None where it is neither."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        return None
    texts = [part.get("text") if isinstance(part, dict) else None for part in content]
    known = [text for text in texts if isinstance(text, str)]
    return "".join(known) if len(known) == len(texts) else None


def _usage(wire: Any) -> Usage:
    if not isinstance(wire, dict):
        return Usage()
    return Usage(input_tokens=_count(wire.get("prompt_tokens")), output_tokens=_count(wire.get("completion_tokens")))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0
