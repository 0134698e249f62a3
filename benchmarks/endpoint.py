"""What an `Endpoint` costs its client, beside the bare openai client and the bare limit.

A scripted server in its own process answers each request after 50 ms; every contender keeps 32 in flight. Printed per
contender: requests per second (ideal: concurrency / delay) and CPU of this process per request, imports and one
warm-up round left out. Target: Endpoint <= 3 ms.

    python benchmarks/endpoint.py --requests 2000
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2 as httpx
import openai

from sightline.core.message import Message, Request
from sightline.core.wire import request_to_wire
from sightline.lm import Budgeted, Cached, Endpoint, EndpointConfig, Price, Purse

SERVER = Path(__file__).resolve().parents[1] / "tests" / "scripted_endpoint.py"
TARGET_MS = 3.0


def requests(n: int) -> list[Request]:
    page = "Line of the page, with a number 529.87 and a date 2026-11-22.\n" * 20
    return [Request(messages=(Message.of("user", page, f"Question {i}?"),), max_tokens=64) for i in range(n)]


@contextmanager
def server(delay: float) -> Iterator[str]:
    command = [sys.executable, str(SERVER), "--delay", str(delay)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(10)


def endpoint(url: str, asked: list[Request], concurrency: int) -> None:
    lm = Endpoint("m", url, config=EndpointConfig(concurrency=concurrency), key_variable="none")
    assert all(reply.ok for reply in lm.replies(asked))


def cached_budgeted(url: str, asked: list[Request], concurrency: int) -> None:
    inner = Endpoint("m", url, config=EndpointConfig(concurrency=concurrency), key_variable="none")
    with tempfile.TemporaryDirectory() as folder:
        lm = Cached(Budgeted(inner, Price(input=1, output=1), Purse(1000.0)), Path(folder) / "replies.sqlite")
        assert all(reply.ok and not reply.cached for reply in lm.replies(asked))


def openai_async(url: str, asked: list[Request], concurrency: int) -> None:
    async def all_of_them() -> None:
        bodies = (request_to_wire(request, "m") for request in asked)
        async with openai.AsyncOpenAI(api_key="none", base_url=url, max_retries=0) as client:

            async def worker() -> None:
                for body in bodies:
                    reply = await client.chat.completions.create(**body)
                    assert reply.choices[0].message.content

            await asyncio.gather(*(worker() for _ in range(concurrency)))

    asyncio.run(all_of_them())


def httpx_threads(url: str, asked: list[Request], concurrency: int) -> None:
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    with httpx.Client(limits=limits, timeout=60) as client, ThreadPoolExecutor(concurrency) as pool:

        def one(request: Request) -> None:
            reply = client.post(f"{url}/chat/completions", json=request_to_wire(request, "m"))
            assert reply.json()["choices"][0]["message"]["content"]

        list(pool.map(one, asked))


def http_client_threads(url: str, asked: list[Request], concurrency: int) -> None:
    """The limit: nothing between the thread and its socket but http.client and json."""
    own, parts = threading.local(), urlsplit(url)

    def one(request: Request) -> None:
        if not hasattr(own, "connection"):
            own.connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        body = json.dumps(request_to_wire(request, "m")).encode()
        own.connection.request("POST", f"{parts.path}/chat/completions", body, {"Content-Type": "application/json"})
        assert json.loads(own.connection.getresponse().read())["choices"][0]["message"]["content"]

    with ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(one, asked))


CONTENDERS: dict[str, Callable[[str, list[Request], int], None]] = {
    "Endpoint": endpoint,
    "Cached(Budgeted(Endpoint))": cached_budgeted,
    "openai.AsyncOpenAI, bare": openai_async,
    "httpx.Client in threads": httpx_threads,
    "http.client in threads (limit)": http_client_threads,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--delay", type=float, default=0.05)
    given = parser.parse_args()
    asked = requests(given.requests)
    print(f"{given.requests} requests, {given.concurrency} in flight, server answers after {given.delay * 1e3:.0f} ms")
    print(
        f"ideal: {given.concurrency / given.delay:.0f} requests/s; target: Endpoint <= {TARGET_MS} ms CPU per request"
    )
    with server(given.delay) as url:
        for name, run in CONTENDERS.items():
            run(url, requests(2 * given.concurrency), given.concurrency)
            cpu, wall = time.process_time(), time.perf_counter()
            run(url, asked, given.concurrency)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            print(
                f"{name:32s} {given.requests / wall:7.0f} requests/s {cpu / given.requests * 1e3:7.2f} ms CPU/request"
            )


if __name__ == "__main__":
    main()
