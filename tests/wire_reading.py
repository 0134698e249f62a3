"""What a server of tests makes of a body that an endpoint sends: `sightline.core.wire` the other way round."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from sightline.core.media import MediaRef
from sightline.core.message import Clip, Message, Picture, Request, Text


def request_from_wire(body: dict[str, Any]) -> Request:
    """The inverse of `request_to_wire`."""
    schema = (body.get("response_format") or {}).get("json_schema") or {}
    stop = body.get("stop") or ()
    limit = body.get("max_tokens")
    temperature = body.get("temperature")
    top_p = body.get("top_p")
    return Request(
        messages=tuple(message_from_wire(message) for message in body["messages"]),
        max_tokens=1024 if limit is None else int(limit),
        temperature=0.0 if temperature is None else float(temperature),
        top_p=1.0 if top_p is None else float(top_p),
        seed=body.get("seed"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        reply_schema=schema.get("schema"),
    )


def message_from_wire(wire: dict[str, Any]) -> Message:
    """The inverse of `message_to_wire`; pictures must be data URLs (nothing is fetched)."""
    content = wire["content"]
    parts = (Text(text=content),) if isinstance(content, str) else tuple(map(_part_from_wire, content))
    return Message(role=wire["role"], parts=parts)


def _part_from_wire(wire: dict[str, Any]) -> Text | Picture | Clip:
    if wire["type"] == "text":
        return Text(text=wire["text"])
    if wire["type"] == "video_url":
        uri = wire["video_url"]["url"]
        return Clip(ref=MediaRef(sha256=hashlib.sha256(uri.encode()).hexdigest(), media_type="video/*"), uri=uri)
    match = re.fullmatch(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", wire["image_url"]["url"], re.ASCII)
    assert match is not None
    data = base64.b64decode(match[2], validate=True)
    return Picture(ref=MediaRef(sha256=hashlib.sha256(data).hexdigest(), media_type=match[1]), data=data)
