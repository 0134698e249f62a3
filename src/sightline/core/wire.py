"""Message -> OpenAI-style chat JSON.

{"role": "user", "content": [{"type": "text", "text": "..."},
                             {"type": "image_url", "image_url": {"url": "data:image/png;base64,..."}}]}
"""

from __future__ import annotations

import base64
from typing import Any

from sightline.core.errors import InputError
from sightline.core.message import Clip, Message, Picture, Request, Text


def request_to_wire(request: Request, model: str) -> dict[str, Any]:
    """The body of POST /chat/completions."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [message_to_wire(message) for message in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
    }
    if request.top_p != 1.0:
        body["top_p"] = request.top_p
    if request.seed is not None:
        body["seed"] = request.seed
    if request.stop:
        body["stop"] = list(request.stop)
    if request.reply_schema is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "reply", "schema": request.reply_schema},
        }
    return body


def message_to_wire(message: Message) -> dict[str, Any]:
    """A text-only message has a plain string as content, which every server takes."""
    if all(isinstance(part, Text) for part in message.parts):
        return {"role": message.role, "content": message.text}
    return {"role": message.role, "content": [_part_to_wire(part) for part in message.parts]}


def _part_to_wire(part: Text | Picture | Clip) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Clip):
        return {"type": "video_url", "video_url": {"url": part.uri}}
    if part.data is None:
        raise InputError("a picture without its bytes cannot be sent", subject=part.ref.sha256)
    data = base64.b64encode(part.data).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:{part.ref.media_type};base64,{data}"}}
