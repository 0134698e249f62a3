"""Message <-> OpenAI-style chat JSON. An endpoint and a server must agree, so both directions stand here.

{"role": "user", "content": [{"type": "text", "text": "..."},
                             {"type": "image_url", "image_url": {"url": "data:image/png;base64,..."}}]}
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any

from sightline.core.errors import InputError
from sightline.core.media import MediaRef
from sightline.core.message import Clip, Message, Picture, Request, Text

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,", re.ASCII)


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


def request_from_wire(body: dict[str, Any]) -> Request:
    """The inverse of `request_to_wire`; raises InputError where the body is not of that form."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise InputError("a chat request needs a non-empty list 'messages'")
    schema = (body.get("response_format") or {}).get("json_schema") or {}
    stop = body.get("stop") or ()
    limit = body.get("max_tokens")
    temperature = body.get("temperature")
    top_p = body.get("top_p")
    return Request(
        messages=tuple(message_from_wire(message) for message in messages),
        max_tokens=1024 if limit is None else int(limit),
        temperature=0.0 if temperature is None else float(temperature),
        top_p=1.0 if top_p is None else float(top_p),
        seed=body.get("seed"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        reply_schema=schema.get("schema"),
    )


def message_to_wire(message: Message) -> dict[str, Any]:
    """A text-only message has a plain string as content, which every server takes."""
    if all(isinstance(part, Text) for part in message.parts):
        return {"role": message.role, "content": message.text}
    return {"role": message.role, "content": [_part_to_wire(part) for part in message.parts]}


def message_from_wire(wire: dict[str, Any]) -> Message:
    """The inverse of `message_to_wire`; pictures must be data URLs (nothing is fetched). Raises InputError."""
    role = wire.get("role")
    if role not in ("system", "user", "assistant"):
        raise InputError("unknown role in message", subject=role)
    content = wire.get("content")
    if isinstance(content, str):
        return Message(role=role, parts=(Text(text=content),))
    if not isinstance(content, list):
        raise InputError("message content must be a string or a list of parts", subject=type(content).__name__)
    return Message(role=role, parts=tuple(_part_from_wire(part) for part in content))


def _part_to_wire(part: Text | Picture | Clip) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Clip):
        return {"type": "video_url", "video_url": {"url": part.uri}}
    if part.data is None:
        raise InputError("a picture without its bytes cannot be sent", subject=part.ref.sha256)
    data = base64.b64encode(part.data).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:{part.ref.media_type};base64,{data}"}}


def _part_from_wire(wire: dict[str, Any]) -> Text | Picture | Clip:
    kind = wire.get("type")
    if kind == "text":
        return Text(text=str(wire.get("text", "")))
    if kind == "video_url":
        uri = str(wire["video_url"]["url"])
        return Clip(ref=MediaRef(sha256=hashlib.sha256(uri.encode()).hexdigest(), media_type="video/*"), uri=uri)
    if kind != "image_url":
        raise InputError("unknown part in message", subject=kind)
    url = str((wire.get("image_url") or {}).get("url", ""))
    match = _DATA_URL.match(url)
    if match is None:
        raise InputError("a picture must be a base64 data URL", subject=url[:40])
    try:
        data = base64.b64decode(url[match.end() :], validate=True)
    except binascii.Error as error:
        raise InputError("a picture's base64 is broken", subject=url[:40]) from error
    return Picture(ref=MediaRef(sha256=hashlib.sha256(data).hexdigest(), media_type=match[1]), data=data)
