"""A real local HTTP server that speaks POST /v1/chat/completions and misbehaves as told. Standard library only.

    with ScriptedEndpoint(lambda body, nth: Act(text="yes", delay=0.05)) as server:
        Endpoint("some-model", server.url, key_variable="none")

`script(body, nth)` is called for each request: `body` as parsed JSON, `nth` = how often that very body came before.
As a program (`python scripted_endpoint.py --delay 0.05`) it prints its URL and serves until its stdin closes.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

Script = Callable[[dict[str, Any], int], "Act"]


@dataclass(frozen=True)
class Act:
    """What the server does with one request."""

    text: str | None = "ok"
    status: int = 200
    delay: float = 0.0
    """Seconds before it answers."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Sent as it is, instead of a chat completion."""
    finish: str | None = "stop"
    usage: Mapping[str, int] | None = field(default_factory=lambda: {"prompt_tokens": 10, "completion_tokens": 5})
    cut: int | None = None
    """Bytes of the body after which the connection is closed."""
    drip: float | None = None
    """Seconds between two bytes of the body."""
    hang: bool = False
    """Reads the request and never answers."""


def last_text(body: Mapping[str, Any]) -> str:
    """Text of the last message."""
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")


def echo(body: dict[str, Any], nth: int) -> Act:
    return Act(text=f"answer to {last_text(body)}")


def completion(act: Act, model: str) -> bytes:
    """The body of a chat completion, as such servers send it."""
    wire: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": act.text},
                "finish_reason": act.finish,
                "logprobs": None,
            }
        ],
    }
    if act.usage is not None:
        wire["usage"] = {**act.usage, "total_tokens": sum(act.usage.values())}
    return json.dumps(wire).encode()


class ScriptedEndpoint:
    """The server, in a thread of this process. `url` ends in /v1."""

    def __init__(self, script: Script = echo, *, port: int = 0) -> None:
        self.script = script
        self.seen: Counter[str] = Counter()
        """How often each request came, by hash of its body."""
        self.answered: dict[str, float] = {}
        """Hash of each request that was answered in full with status 200 -> time.monotonic() of the first time."""
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.arrivals: list[float] = []
        """time.monotonic() of each request."""
        self.in_flight = 0
        self.peak = 0
        """Most requests in flight at once."""
        self._port = port
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="scripted-endpoint", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def __enter__(self) -> ScriptedEndpoint:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Refuse connections from now on; may be called twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._main())
        self._loop.close()

    async def _main(self) -> None:
        self._stop = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connection, "127.0.0.1", self._port, backlog=512)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._exchange(reader, writer):
                pass
        writer.close()
        self._connections.discard(task)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; False where the connection ends."""
        head = await reader.readuntil(b"\r\n\r\n")
        fields = [line.partition(": ") for line in head.decode("latin-1").split("\r\n")[1:] if line]
        headers = {name.lower(): value for name, _, value in fields}
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        body = json.loads(raw)
        key = hashlib.sha256(raw).hexdigest()
        act = self.script(body, self.seen[key])
        self.seen[key] += 1
        self.bodies.append(body)
        self.headers.append(headers)
        self.arrivals.append(time.monotonic())
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            return await self._answer(act, body, key, writer)
        finally:
            self.in_flight -= 1

    async def _answer(self, act: Act, body: dict[str, Any], key: str, writer: asyncio.StreamWriter) -> bool:
        if act.hang:
            await asyncio.sleep(3600)
        if act.delay:
            await asyncio.sleep(act.delay)
        payload = completion(act, body.get("model", "")) if act.body is None else act.body
        lines = [f"HTTP/1.1 {act.status} Scripted", "Content-Type: application/json", f"Content-Length: {len(payload)}"]
        lines += [f"{name}: {value}" for name, value in act.headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if act.cut is not None:
            writer.write(head + payload[: act.cut])
            await writer.drain()
            return False
        if act.drip is not None:
            writer.write(head)
            for byte in payload:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(act.drip)
        else:
            writer.write(head + payload)
            await writer.drain()
        if act.status == 200:
            self.answered.setdefault(key, time.monotonic())
        return True


def main() -> None:
    """Serve until stdin closes, every request answered after --delay seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.05)
    delay = parser.parse_args().delay
    with ScriptedEndpoint(lambda body, nth: Act(text="A short answer of some ten words or so.", delay=delay)) as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
