"""Any server that speaks the OpenAI chat protocol (vLLM, TGI, Ollama, Gemini, OpenAI), as an LM.

Requests go out from `concurrency` threads through the openai client. Threads, and the raw body parsed here, because
that costs less than half the CPU of the client's async form with its own parsing (benchmarks/endpoint.py).
The key is read from the environment when the object is made, stands in no text this file makes, and is not pickled.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import openai
from pydantic import BaseModel, ConfigDict, Field

from sightline.core.errors import InputError, ModelError
from sightline.core.message import Reply, Request
from sightline.core.wire import request_to_wire
from sightline.lm.answer import failed, reply_from_body
from sightline.lm.arrivals import Arrived, unheard
from sightline.lm.backoff import wait_seconds
from sightline.lm.cleaning import clean
from sightline.lm.crew import Crew
from sightline.lm.deadline import http_client

NO_KEY = "none"
"""As `key_variable`: the server wants no key."""
LOOK_AHEAD = 4
"""Requests taken in beyond those answered in order, in multiples of the concurrency: one slow reply does not idle the
rest until three more rounds of them are done."""
SHOWN = 200
"""Characters of a server's own explanation that an error repeats."""
SECRET = 6
"""A key shorter than this is a placeholder: blotting it out would only spoil texts."""


class EndpointConfig(BaseModel):
    """How hard to press and how long to wait. None of it changes an answer, so none is part of a cache key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    concurrency: int = Field(default=32, ge=1, le=1024)
    """Requests in flight at once; what a vLLM server on one accelerator digests well."""
    timeout_s: float = Field(default=120.0, gt=0)
    """Seconds until one attempt is given up, from sending to the last byte. A server that stalls in the middle of a
    reply can take up to twice that."""
    retries: int = Field(default=5, ge=0)
    """Attempts after the first: on 408, 409, 429, 5xx, timeouts and broken connections."""
    backoff_s: float = Field(default=0.5, gt=0)
    """Seconds before the first retry where the server names none; doubles each time."""
    max_wait_s: float = Field(default=60.0, gt=0)
    """Longest wait before a retry, whatever the server asks for."""


class Endpoint:
    """`model` at `base_url` ("http://localhost:8000/v1").

    `key_variable` names the environment variable with the key; "none" where the server wants none. `name` is the
    model's name. An answer's `seconds` run from the first attempt to the last byte, waits included.

    Replies carry these errors: "timeout", "connection-error", "http-NNN" (where asking again would not help, with what
    the server said: "http-400: ..."), "malformed-response", "no-content", "content-filter". Raises InputError for an
    address or key that cannot be used; `replies` raises ModelError where every further request would fail too: key
    refused (401), not allowed or unpaid (402, 403) or no such model or path (404) before anything was answered, server
    not reachable at all.
    """

    def __init__(
        self,
        model: str,
        base_url: str,
        *,
        config: EndpointConfig | None = None,
        key_variable: str = "OPENAI_API_KEY",
    ) -> None:
        self.name = model
        self.base_url = _checked_url(base_url)
        self.config = config or EndpointConfig()
        self.key_variable = key_variable
        self._key = _key(key_variable)
        client = http_client(self.config.timeout_s, self.config.concurrency)
        self._client = openai.OpenAI(
            api_key=self._key, base_url=self.base_url, max_retries=0, timeout=client.timeout, http_client=client
        )
        self._answered = False

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r}, {self.base_url!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.name, self.base_url, self.config, self.key_variable)

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """One reply per request, in order; `requests` is read at most 4 x concurrency ahead, in this thread."""
        return self.announced(requests, unheard)

    def announced(self, requests: Iterable[Request], arrived: Arrived) -> Iterator[Reply]:
        """As `replies`, with `arrived` called from the answering thread. Closing it early sends no more; what is in
        flight is announced still if the process lives that long."""
        source = iter(requests)
        waiting: deque[Future[Reply]] = deque()
        stop = threading.Event()
        crew = Crew[Reply](self.config.concurrency, "endpoint")
        more = True
        try:
            while more or waiting:
                if more:
                    request = None if stop.is_set() else next(source, None)
                    if request is None:
                        more = False
                    else:
                        waiting.append(crew.submit(partial(self._answer, request, arrived, stop)))
                full = not more or len(waiting) >= LOOK_AHEAD * self.config.concurrency
                if waiting and (full or waiting[0].done()):
                    yield _result(waiting)
        finally:
            stop.set()
            crew.dismiss()

    def _answer(self, request: Request, arrived: Arrived, stop: threading.Event) -> Reply:
        """In a thread of the crew: ask, and ask again."""
        if stop.is_set():
            raise _Stopped
        begin = time.monotonic()
        body = _body(request, self.name)
        for attempt in range(self.config.retries + 1):
            reply, headers, retry = self._ask(body, stop)
            if not retry or attempt == self.config.retries:
                break
            wait = wait_seconds(attempt, headers, first=self.config.backoff_s, most=self.config.max_wait_s)
            if stop.wait(wait):
                raise _Stopped
        if reply.error == "unreachable":
            if not self._answered:
                stop.set()
                raise ModelError("cannot reach the server", subject=self.base_url, remedy="is it running there?")
            reply = failed("connection-error", model=self.name)
        reply = reply.model_copy(update={"seconds": time.monotonic() - begin})
        arrived(request, reply)
        return reply

    def _ask(self, body: bytes, stop: threading.Event) -> tuple[Reply, httpx.Headers, bool]:
        """One attempt: the reply, its headers, and whether another attempt may help."""
        try:
            response = self._client.post("/chat/completions", cast_to=httpx.Response, content=body)
        except openai.APITimeoutError as error:
            reached = not isinstance(error.__cause__, httpx.ConnectTimeout)
            return failed("timeout" if reached else "unreachable", model=self.name), httpx.Headers(), True
        except openai.APIConnectionError as error:
            reached = not isinstance(error.__cause__, httpx.ConnectError)
            return failed("connection-error" if reached else "unreachable", model=self.name), httpx.Headers(), True
        except openai.APIStatusError as error:
            failure = error
        else:
            self._answered = True
            return self._blotted(reply_from_body(response.content, self.name)), response.headers, False
        return self._refused(failure, stop)

    def _refused(self, failure: openai.APIStatusError, stop: threading.Event) -> tuple[Reply, httpx.Headers, bool]:
        """A status that is not 2xx. Called outside of any `except`, so that what it raises drags no request along."""
        status = failure.status_code
        pointless = status == HTTPStatus.UNAUTHORIZED or (status in _REMEDY and not self._answered)
        if pointless:
            stop.set()
            raise ModelError(
                f"the server at {self.base_url} answers {status}",
                subject=None if status == HTTPStatus.UNAUTHORIZED else self._said(failure),  # else a part of the key
                remedy=_REMEDY[status].format(variable=self.key_variable, model=self.name),
            )
        if status in (408, 409, 429) or status >= 500:
            return failed(f"http-{status}", model=self.name), failure.response.headers, True
        filtered = status == HTTPStatus.BAD_REQUEST and "content_filter" in failure.response.text
        error = "content-filter" if filtered else f"http-{status}: {self._said(failure)}".removesuffix(": ")
        return failed(error, model=self.name), failure.response.headers, False

    def _said(self, failure: openai.APIStatusError) -> str:
        """The server's own explanation."""
        told = failure.body.get("message") if isinstance(failure.body, dict) else None
        words = told if isinstance(told, str) else failure.response.text
        return self._blot(clean(" ".join(words.split())))[:SHOWN]

    def _blotted(self, reply: Reply) -> Reply:
        """A server may echo what it was sent; the key goes no further."""
        if len(self._key) < SECRET or self._key not in reply.text + reply.model:
            return reply
        return reply.model_copy(update={"text": self._blot(reply.text), "model": self._blot(reply.model)})

    def _blot(self, text: str) -> str:
        return text if len(self._key) < SECRET else text.replace(self._key, "***")


_REMEDY = {
    401: "is the key in {variable} right?",
    402: "the account has no credit left",
    403: "may the key in {variable} use {model}?",
    404: "does the address end where the API begins (often /v1), and does the server know {model}?",
}


class _Stopped(Exception):
    """This request was not tried to the end, because another one showed that all is in vain."""


def _result(waiting: deque[Future[Reply]]) -> Reply:
    """The first reply, or the error that stopped it."""
    try:
        return waiting.popleft().result()
    except _Stopped:
        errors = (future.exception() for future in waiting)
        raise next(error for error in errors if error is not None and not isinstance(error, _Stopped)) from None


def _again(model: str, base_url: str, config: EndpointConfig, key_variable: str) -> Endpoint:
    return Endpoint(model, base_url, config=config, key_variable=key_variable)


def _body(request: Request, model: str) -> bytes:
    text = json.dumps(request_to_wire(request, model), ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return clean(text).encode()


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise InputError("not the address of a server", remedy="give it as http://host:port/v1")
    if parts.username or parts.password or parts.query:
        raise InputError(
            "an address may hold no user, password or query", subject=host, remedy="put the key into the environment"
        )
    return url.rstrip("/")


def _key(variable: str) -> str:
    if variable == NO_KEY:
        return NO_KEY
    key = os.environ.get(variable, "").strip()
    if not key:
        raise InputError(
            "no API key in the environment variable",
            subject=variable,
            remedy=f"export {variable}=..., or SIGHTLINE_KEY_VARIABLE={NO_KEY} where the server wants no key",
        )
    if not (key.isascii() and key.isprintable()):
        raise InputError("the API key holds characters no key has", subject=variable, remedy="copy it again")
    return key
