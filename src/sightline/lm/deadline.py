"""An HTTP client whose time limit holds for a whole exchange, not for each read: a server that sends one byte a second
would else never time out."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2 as httpx

CONNECT_S = 10.0
"""Longest wait for a connection; a host that does not answer by then is down."""
LARGEST_REPLY = 64 * 2**20
"""Bytes after which a reply is cut off as an error: no chat completion is that long."""
_DEADLINE = "sightline.deadline"


def http_client(timeout_s: float, connections: int) -> httpx.Client:
    """Honours proxies and certificates of the environment, as httpx does."""

    def begin(request: httpx.Request) -> None:
        request.extensions.setdefault(_DEADLINE, time.monotonic() + timeout_s)

    def watch(response: httpx.Response) -> None:
        assert isinstance(response.stream, httpx.SyncByteStream)
        deadline = response.request.extensions[_DEADLINE]
        response.request.extensions["timeout"]["read"] = max(deadline - time.monotonic(), 0.001)
        response.stream = _Watched(response.stream, deadline)

    return httpx.Client(
        timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s), pool=None),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        event_hooks={"request": [begin], "response": [watch]},
        follow_redirects=True,
    )


class _Watched(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._stream:
            size += len(chunk)
            if time.monotonic() > self._deadline:
                raise httpx.ReadTimeout("the reply is not complete in time")
            if size > LARGEST_REPLY:
                raise httpx.RemoteProtocolError("the reply is too long")
            yield chunk

    def close(self) -> None:
        self._stream.close()
