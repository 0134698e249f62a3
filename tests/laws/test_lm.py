"""Laws of everything that answers requests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from sightline.core.errors import BudgetReached
from sightline.core.message import Message, Reply, Request, Usage
from sightline.lm import Budgeted, Cached, Endpoint, EndpointConfig, Price, Purse, Replay, Scripted, structured
from sightline.lm.answer import reply_from_body
from sightline.lm.cleaning import clean
from sightline.lm.structure import parse
from sightline.lm.tokens import estimate_tokens, most_tokens
from wire_reading import request_from_wire

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripted_endpoint import Act, ScriptedEndpoint, completion, last_text

TEXTS = st.text(max_size=30)
ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=40)
"""Lone surrogates and NULs too."""


def ask(text: str) -> Request:
    return Request(messages=(Message.of("user", text),), max_tokens=10)


def says(text: str) -> Reply:
    """A deterministic answer; some fail."""
    if text.startswith("0"):
        return Reply(error="http-500", finish="error", model="m")
    tokens = len(text.encode("utf-8", "replace")) % 11
    return Reply(text=f"to {text}", model="m", usage=Usage(input_tokens=1, output_tokens=tokens))


def lm() -> Scripted:
    return Scripted(lambda request: says(request.messages[-1].text), name="m")


def answers(replies: list[Reply]) -> list[tuple[str, str | None, str]]:
    return [(reply.text, reply.error, reply.finish) for reply in replies]


@given(st.lists(TEXTS, max_size=20))
def test_batch_of_n_is_n_of_one(texts: list[str]) -> None:
    together = list(lm().replies(map(ask, texts)))
    assert together == [next(lm().replies([ask(text)])) for text in texts]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("012ab", max_size=2), max_size=25), st.lists(st.text("012ab", max_size=2), max_size=25))
def test_cached_lm_is_the_lm(before: list[str], texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cached = Cached(lm(), Path(folder) / "replies.sqlite")
        list(cached.replies(map(ask, before)))
        assert answers(list(cached.replies(map(ask, texts)))) == answers(list(lm().replies(map(ask, texts))))
        kept = list(Replay(Path(folder) / "replies.sqlite", "m").replies(map(ask, texts)))
        for text, reply in zip(texts, kept, strict=True):
            assert reply.error == ("not-in-cache" if text.startswith("0") else None)


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=30), st.floats(0, 2), st.integers(1, 40))
def test_the_cap_is_never_passed_and_nothing_finished_is_lost(texts: list[str], cap: float, ahead: int) -> None:
    sent = 0

    class Ahead:
        """Takes in `ahead` requests before it answers one, as an endpoint does."""

        name = "ahead"

        def replies(self, requests) -> Iterator[Reply]:
            nonlocal sent
            source = iter(requests)
            while window := list(islice(source, ahead)):
                sent += len(window)
                yield from (says(request.messages[-1].text) for request in window)

    budgeted = Budgeted(Ahead(), Price(input=100.0, output=10_000.0), Purse(cap))
    replies: list[Reply] = []
    met = False
    try:
        for reply in budgeted.replies(map(ask, texts)):
            replies.append(reply)
    except BudgetReached:
        met = True
    assert budgeted.purse.spent <= cap + 1e-9
    assert budgeted.purse.spent == pytest.approx(sum(reply.cost for reply in replies))
    assert len(replies) == sent
    assert met == (len(replies) < len(texts))
    assert answers(replies) == answers([says(text) for text in texts[: len(replies)]])


@given(st.binary(max_size=200) | ANY_TEXT.map(lambda text: completion(Act(text=text), "m")))
def test_any_body_is_a_reply_that_can_be_written(body: bytes) -> None:
    reply = reply_from_body(body, "m")
    assert Reply.model_validate_json(reply.model_dump_json()) == reply
    assert reply.ok == (reply.finish != "error")


@given(ANY_TEXT)
def test_cleaning_twice_is_cleaning_once_and_can_be_written(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert len(clean(text)) == len(text)
    assert "\x00" not in clean(text).encode().decode()


@given(ANY_TEXT, ANY_TEXT)
def test_token_estimates_grow_and_stay_below_their_bound(one: str, two: str) -> None:
    assert 0 <= estimate_tokens(one) <= most_tokens(one)
    assert estimate_tokens(one + two) >= max(estimate_tokens(one), estimate_tokens(two)) - 1


class Pair(BaseModel):
    question: str
    answer: float


@given(st.text(max_size=20), st.floats(allow_nan=False, allow_infinity=False), st.text("abc ,.!?\n`", max_size=30))
def test_an_object_in_prose_is_found(question: str, answer: float, prose: str) -> None:
    pair = Pair(question=question, answer=answer)
    read = parse(f"{prose}{pair.model_dump_json()}{prose}", Pair)
    assert read == Pair(question=clean(question), answer=answer)


@given(st.lists(st.integers(0, 3), max_size=20))
def test_structured_keeps_order_whatever_is_mended(fails: list[int]) -> None:
    def answer(request: Request) -> str:
        number, failing = map(int, request.messages[0].text.split("\n")[0].split())
        done = len(request.messages) // 2 >= failing
        return Pair(question=str(number), answer=0).model_dump_json() if done else "not yet"

    results = list(structured(Scripted(answer), (ask(f"{i} {n}") for i, n in enumerate(fails)), Pair, tries=3))
    assert [result.tries for result in results] == [min(n + 1, 3) for n in fails]
    assert [result.value and result.value.question for result in results] == [
        str(i) if n < 3 else None for i, n in enumerate(fails)
    ]


@pytest.fixture
def started() -> Iterator[Callable[..., ScriptedEndpoint]]:
    servers: list[ScriptedEndpoint] = []

    def start(script) -> ScriptedEndpoint:
        servers.append(ScriptedEndpoint(script).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def test_an_endpoint_that_serves_an_lm_is_that_lm(started) -> None:
    """endpoint(serve(lm)) = lm, with refusals, broken bodies and uneven delays on the way."""

    def script(body, nth: int) -> Act:
        trouble = (sum(last_text(body).encode()) + nth) % 5
        if nth < 2 and trouble < 2:
            return (Act(status=503), Act(cut=10))[trouble]
        (reply,) = lm().replies([request_from_wire(body)])
        return Act(text=reply.text, delay=0.002 * trouble)

    config = EndpointConfig(concurrency=16, backoff_s=0.001)
    endpoint = Endpoint("m", started(script).url, config=config, key_variable="none")
    texts = [f"질문 {i} \U0001f600" for i in range(100)]
    assert answers(list(endpoint.replies(map(ask, texts)))) == answers(list(lm().replies(map(ask, texts))))


CLIENT = """
import sys
from sightline.core.message import Message, Request
from sightline.lm import Budgeted, Cached, Endpoint, EndpointConfig, Price
url, path = sys.argv[1:]
endpoint = Endpoint("m", url, config=EndpointConfig(concurrency=8), key_variable="none")
lm = Cached(Budgeted(endpoint, Price(input=1, output=1)), path)
for reply in lm.replies(Request(messages=(Message.of("user", f"question {i}"),)) for i in range(150)):
    print(reply.text, flush=True)
"""


def client(url: str, path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CLIENT, url, str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def test_after_a_kill_nothing_answered_is_asked_again(started, tmp_path: Path) -> None:
    """kill -9 in the middle, twice, once while the first reply hangs and keeps all others from their turn."""
    hanging = True

    def script(body, nth: int) -> Act:
        return Act(text=last_text(body), delay=0.1, hang=hanging and last_text(body) == "question 0")

    server = started(script)
    paid: dict[str, int] = {}
    for until in (20, 60):
        process = client(server.url, tmp_path / "replies.sqlite")
        deadline = time.monotonic() + 60
        while len(server.answered) < until and time.monotonic() < deadline:
            time.sleep(0.005)
        assert len(server.answered) >= until
        if hanging:
            time.sleep(0.5)
        process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        process.communicate()
        hanging = False
        for key, at in server.answered.items():
            if at < killed - 0.25:
                paid.setdefault(key, server.seen[key])
    process = client(server.url, tmp_path / "replies.sqlite")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.splitlines() == [f"question {i}" for i in range(150)]
    assert len(paid) >= 30
    assert {key: server.seen[key] for key in paid} == paid
