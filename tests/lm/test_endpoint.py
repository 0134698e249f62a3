from __future__ import annotations

import json
import logging
import pickle
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from email.utils import formatdate

import pytest

from scripted_endpoint import Act, last_text
from sightline.core.errors import InputError, ModelError
from sightline.core.media import MediaRef
from sightline.core.message import Message, Picture, Request
from sightline.lm import Endpoint, EndpointConfig
from sightline.lm.answer import reply_from_body
from sightline.lm.backoff import retry_after, wait_seconds
from wire_reading import request_from_wire

QUICK = EndpointConfig(concurrency=8, timeout_s=1.0, retries=2, backoff_s=0.01, max_wait_s=2.0)


def ask(text: str, **parameters) -> Request:
    return Request(messages=(Message.of("user", text),), **parameters)


def asks(n: int) -> list[Request]:
    return [ask(f"question {i}") for i in range(n)]


def endpoint(server, config: EndpointConfig = QUICK) -> Endpoint:
    return Endpoint("some-model", server.url, config=config, key_variable="none")


def one(server, request: Request | None = None, config: EndpointConfig = QUICK):
    (reply,) = endpoint(server, config).replies([request or ask("hello")])
    return reply


def test_replies_come_in_order_though_answered_out_of_order(scripted_endpoint) -> None:
    def script(body, nth):
        number = int(last_text(body).split()[-1])
        return Act(text=f"answer {number}", delay=0.02 * (7 - number % 8))

    server = scripted_endpoint(script)
    assert [reply.text for reply in endpoint(server).replies(asks(40))] == [f"answer {i}" for i in range(40)]
    assert server.peak == 8


def test_reads_ahead_a_bounded_way_and_answers_before_the_input_ends(scripted_endpoint) -> None:
    server = scripted_endpoint()
    pulled = 0

    def endless() -> Iterator[Request]:
        nonlocal pulled
        while True:
            pulled += 1
            yield ask(f"question {pulled}")

    replies = endpoint(server).replies(endless())
    assert next(replies).text == "answer to question 1"
    assert pulled <= 4 * 8 + 1
    replies.close()


def test_a_slow_source_does_not_hold_finished_replies_back(scripted_endpoint) -> None:
    server = scripted_endpoint()

    def slow() -> Iterator[Request]:
        for request in asks(6):
            yield request
            time.sleep(0.2)

    begin = time.monotonic()
    next(endpoint(server).replies(slow()))
    assert time.monotonic() - begin < 0.6


def test_the_body_is_the_wire_form_with_pictures(scripted_endpoint) -> None:
    server = scripted_endpoint()
    ref = MediaRef(sha256="0" * 64, media_type="image/png")
    request = Request(
        messages=(Message.of("system", "Be brief."), Message.of("user", "합계는?", Picture(ref=ref, data=b"\x89PNG"))),
        max_tokens=7,
        temperature=0.5,
        seed=3,
        stop=("END",),
    )
    assert one(server, request).ok
    back = request_from_wire(server.bodies[0])
    assert back.messages[1].text == "합계는?"
    assert back.messages[1].pictures[0].data == b"\x89PNG"
    assert (back.max_tokens, back.temperature, back.seed, back.stop) == (7, 0.5, 3, ("END",))
    assert server.bodies[0]["model"] == "some-model"


def test_usage_finish_model_and_time_are_read(scripted_endpoint) -> None:
    act = Act(text="half", finish="length", delay=0.1, usage={"prompt_tokens": 12, "completion_tokens": 3})
    reply = one(scripted_endpoint(lambda body, nth: act))
    assert (reply.text, reply.finish, reply.model) == ("half", "length", "some-model")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (12, 3)
    assert 0.1 <= reply.seconds < 1.0


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_passing_failures_are_tried_again(scripted_endpoint, status: int) -> None:
    server = scripted_endpoint(lambda body, nth: Act(status=status) if nth < 2 else Act(text="yes"))
    assert one(server).text == "yes"
    assert sum(server.seen.values()) == 3


@pytest.mark.parametrize("status", [400, 413, 422])
def test_failures_that_stay_are_not_tried_again_and_say_why(scripted_endpoint, monkeypatch, status: int) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    said = json.dumps({"error": {"message": "'max_tokens' is not supported, sk-very-secret"}}).encode()
    server = scripted_endpoint(lambda body, nth: Act(status=status, body=said))
    (reply,) = Endpoint("some-model", server.url, config=QUICK).replies([ask("hello")])
    assert reply.error == f"http-{status}: 'max_tokens' is not supported, ***"
    assert sum(server.seen.values()) == 1


def test_lasting_server_errors_end_as_a_named_error(scripted_endpoint) -> None:
    server = scripted_endpoint(lambda body, nth: Act(status=500, body=b"<html>oops</html>"))
    reply = one(server)
    assert (reply.error, reply.finish, reply.text) == ("http-500", "error", "")
    assert sum(server.seen.values()) == QUICK.retries + 1


def test_retry_after_in_seconds_is_kept(scripted_endpoint) -> None:
    server = scripted_endpoint(
        lambda body, nth: Act(status=429, headers={"Retry-After": "0.5"}) if nth == 0 else Act(text="yes")
    )
    assert one(server).text == "yes"
    assert server.arrivals[1] - server.arrivals[0] >= 0.5


def test_retry_after_as_a_date_and_its_bounds() -> None:
    assert retry_after(formatdate(time.time() + 30, usegmt=True)) == pytest.approx(30, abs=1.5)
    assert retry_after(formatdate(time.time() - 30, usegmt=True)) == 0.0
    for nonsense in ("", "soon", "nan", "inf", "99999999999999999999999 Foo 2020"):
        assert retry_after(nonsense) is None
    assert wait_seconds(0, {"retry-after": "3600"}, first=0.5, most=2.0) == 2.0
    assert wait_seconds(50, {}, first=0.5, most=2.0) <= 2.0
    assert 0.25 <= wait_seconds(0, {}, first=0.5, most=2.0) <= 0.5


GOOD = b'{"choices": [{"message": {"content": "hi"}}]}'

BAD_BODIES = {
    b"": "malformed-response",
    b"not json": "malformed-response",
    GOOD[:20]: "malformed-response",
    b"[]": "malformed-response",
    b"null": "malformed-response",
    b"{}": "malformed-response",
    b'{"choices": []}': "malformed-response",
    b'{"choices": {"0": 1}}': "malformed-response",
    b'{"choices": [null]}': "malformed-response",
    b'{"choices": [{"message": null}]}': "malformed-response",
    b'{"choices": [{"message": {"content": 5}}]}': "malformed-response",
    b'{"choices": [{"message": {"content": [{"type": "image"}]}}]}': "malformed-response",
    b'{"choices": [{"message": {"content": null}}]}': "no-content",
    b'{"choices": [{"message": {}}]}': "no-content",
    b'{"choices": [{"message": {"content": "x"}, "finish_reason": "content_filter"}]}': "content-filter",
    b"[" * 200_000: "malformed-response",
    b"\xff\xfe\x00garbage": "malformed-response",
}


@pytest.mark.parametrize(("body", "error"), BAD_BODIES.items(), ids=[str(body[:30]) for body in BAD_BODIES])
def test_whatever_a_server_sends_is_a_named_error(scripted_endpoint, body: bytes, error: str) -> None:
    server = scripted_endpoint(lambda wire, nth: Act(body=body))
    reply = one(server)
    assert (reply.error, reply.finish) == (error, "error")
    assert sum(server.seen.values()) == 1


def test_odd_but_usable_replies_are_used(scripted_endpoint) -> None:
    body = (
        b'{"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}],'
        b'"usage": {"prompt_tokens": -4, "completion_tokens": "many"}, "model": 5}'
    )
    reply = one(scripted_endpoint(lambda wire, nth: Act(body=body)))
    assert (reply.text, reply.model, reply.usage.input_tokens, reply.usage.output_tokens) == ("ab", "some-model", 0, 0)


def test_lone_surrogates_and_nuls_are_cleaned_both_ways(scripted_endpoint) -> None:
    body = rb'{"choices": [{"message": {"content": "a\ud800b\u0000c \ud83d\ude00"}}], "model": "m\udfff"}'
    server = scripted_endpoint(lambda wire, nth: Act(body=body))
    reply = one(server, ask("lone \ud800 here"))
    assert reply.text == "a\ufffdb\ufffdc \U0001f600"
    assert json.loads(reply.model_dump_json())["model"] == "m\ufffd"
    assert last_text(server.bodies[0]) == "lone \ufffd here"


def test_a_reply_cut_in_the_middle_is_tried_again(scripted_endpoint) -> None:
    server = scripted_endpoint(lambda body, nth: Act(text="yes", cut=20 if nth < 2 else None))
    assert one(server).text == "yes"
    server = scripted_endpoint(lambda body, nth: Act(cut=20))
    assert one(server).error == "connection-error"


@pytest.mark.parametrize("act", [Act(hang=True), Act(drip=0.05, text="x" * 400)], ids=["hangs", "drips"])
def test_no_reply_in_time_is_a_timeout(scripted_endpoint, act: Act) -> None:
    config = EndpointConfig(timeout_s=0.4, retries=1, backoff_s=0.01)
    server = scripted_endpoint(lambda body, nth: act)
    begin = time.monotonic()
    assert one(server, config=config).error == "timeout"
    assert time.monotonic() - begin < 2 * 0.4 + 1.0
    assert sum(server.seen.values()) == 2


def test_a_bad_request_does_not_spoil_its_neighbours(scripted_endpoint) -> None:
    def script(body, nth):
        number = int(last_text(body).split()[-1])
        return {3: Act(status=400, body=b""), 5: Act(hang=True), 7: Act(body=b"{")}.get(number, Act(text=str(number)))

    config = EndpointConfig(concurrency=4, timeout_s=0.5, retries=0)
    replies = list(endpoint(scripted_endpoint(script), config).replies(asks(10)))
    assert [r.error for r in replies] == [None] * 3 + ["http-400", None, "timeout", None, "malformed-response"] + [
        None
    ] * 2
    assert [r.text for r in replies if r.ok] == ["0", "1", "2", "4", "6", "8", "9"]


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_what_makes_all_requests_pointless_raises(scripted_endpoint, status: int) -> None:
    server = scripted_endpoint(lambda body, nth: Act(status=status, body=b'{"error": {"message": "no such thing"}}'))
    with pytest.raises(ModelError) as caught:
        list(endpoint(server).replies(asks(1000)))
    assert str(status) in str(caught.value)
    assert caught.value.remedy
    assert sum(server.seen.values()) <= 5 * 8


def test_replies_before_the_refusal_are_given(scripted_endpoint) -> None:
    def script(body, nth):
        return Act(status=401) if last_text(body) == "question 5" else Act(text="yes")

    config = EndpointConfig(concurrency=1, retries=0)
    replies = endpoint(scripted_endpoint(script), config).replies(asks(50))
    given = [next(replies) for _ in range(5)]
    with pytest.raises(ModelError):
        next(replies)
    assert all(reply.ok for reply in given)


def test_one_request_forbidden_after_others_were_answered_is_only_its_own_error(scripted_endpoint) -> None:
    server = scripted_endpoint(
        lambda body, nth: Act(status=403, body=b"no") if last_text(body) == "question 1" else Act()
    )
    lm = endpoint(server, EndpointConfig(concurrency=1))
    assert [reply.error for reply in lm.replies(asks(3))] == [None, "http-403: no", None]


def test_a_refusal_while_others_wait_to_retry_raises_the_refusal(scripted_endpoint) -> None:
    def script(body, nth):
        if last_text(body) == "question 3":
            return Act(status=401, delay=0.2)
        return Act(status=429, headers={"Retry-After": "30"})

    config = EndpointConfig(concurrency=8, max_wait_s=60)
    begin = time.monotonic()
    with pytest.raises(ModelError, match="401"):
        list(endpoint(scripted_endpoint(script), config).replies(asks(8)))
    assert time.monotonic() - begin < 5


def test_nobody_listening_raises_after_retries() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lm = Endpoint("some-model", f"http://127.0.0.1:{port}/v1", config=QUICK, key_variable="none")
    with pytest.raises(ModelError, match="cannot reach"):
        list(lm.replies(asks(20)))


def test_a_server_that_dies_later_gives_error_replies(scripted_endpoint) -> None:
    server = scripted_endpoint()
    lm = endpoint(server)
    assert next(lm.replies([ask("first")])).ok
    server.stop()
    assert [reply.error for reply in lm.replies(asks(3))] == ["connection-error"] * 3


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000", "ftp://host/v1", "http://", "http://[::1", "http://host:port/v1", "http://u:secret@host/v1"],
)
def test_addresses_that_cannot_be_used(url: str) -> None:
    with pytest.raises(InputError) as caught:
        Endpoint("m", url, key_variable="none")
    assert "secret" not in str(caught.value)


SECRET = "sk-test-5up3rs3cr3tk3y-0123456789"


@pytest.fixture
def key(monkeypatch) -> str:
    monkeypatch.setenv("SOME_KEY", SECRET)
    return "SOME_KEY"


def test_the_key_is_sent_and_stands_nowhere(scripted_endpoint, key, caplog, tmp_path, monkeypatch) -> None:
    """The server echoes all headers into whatever it answers: text, model, error bodies."""
    from sightline.lm import Budgeted, Cached, Price

    caplog.set_level(logging.DEBUG)

    def script(body, nth):
        text = last_text(body)
        echoed = json.dumps(server.headers) if server.headers else SECRET
        echoed += SECRET
        if text.startswith("status"):
            return Act(status=int(text.split()[1]), body=json.dumps({"error": {"message": echoed}}).encode())
        return Act(text=echoed)

    server = scripted_endpoint(script)
    lm = Endpoint("some-model", server.url, key_variable=key, config=QUICK)
    cached = Cached(Budgeted(lm, Price(input=1, output=1)), tmp_path / "replies.sqlite")
    seen = [repr(lm), str(lm), repr(cached), str(pickle.dumps(lm))]
    seen += [reply.model_dump_json() for reply in cached.replies([ask("a"), ask("b"), ask("status 400")])]
    for status in (401, 402, 403, 404):
        fresh = Endpoint("some-model", server.url, key_variable=key, config=QUICK)
        with pytest.raises(ModelError) as caught:
            list(fresh.replies([ask(f"status {status}")]))
        error: BaseException | None = caught.value
        seen += traceback.format_exception(caught.value)
        while error is not None:
            seen += [str(error), repr(error), str(vars(error))]
            error = error.__cause__ or error.__context__
    seen += [record.getMessage() for record in caplog.records] + [caplog.text]
    assert server.headers[-1]["authorization"] == f"Bearer {SECRET}"
    assert [text for text in seen if SECRET in text] == []
    for path in tmp_path.rglob("*"):
        assert SECRET.encode() not in path.read_bytes(), path


def test_a_pickled_endpoint_reads_its_key_again(scripted_endpoint, key) -> None:
    server = scripted_endpoint()
    lm = pickle.loads(pickle.dumps(Endpoint("some-model", server.url, key_variable=key, config=QUICK)))
    assert lm.config == QUICK
    assert next(lm.replies([ask("x")])).ok
    assert server.headers[0]["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("value", ["", "   ", "sk-\u00e9", "sk-a\nb"])
def test_keys_that_cannot_be_used(monkeypatch, value: str) -> None:
    monkeypatch.setenv("SOME_KEY", value)
    with pytest.raises(InputError) as caught:
        Endpoint("m", "http://localhost/v1", key_variable="SOME_KEY")
    assert "SOME_KEY" in str(caught.value)
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize("signalled", [True, False], ids=["ctrl-c", "error"])
def test_a_hanging_server_does_not_keep_a_stopped_process_alive(scripted_endpoint, signalled: bool) -> None:
    server = scripted_endpoint(lambda body, nth: Act(hang=True) if signalled or server.in_flight else Act(status=401))
    code = (
        "import sys\nfrom sightline.core.message import Message, Request\nfrom sightline.lm import Endpoint\n"
        "lm = Endpoint('m', sys.argv[1], key_variable='none')\n"
        "list(lm.replies(Request(messages=(Message.of('user', str(i)),)) for i in range(20)))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, server.url], stderr=subprocess.PIPE, text=True)
    while not server.arrivals and process.poll() is None:
        time.sleep(0.01)
    time.sleep(0.3)
    if signalled:
        process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=15)
    assert ("KeyboardInterrupt" if signalled else "ModelError") in said


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("<think>\nQ1: Draft?\nA1: no\n</think>\n\nQ1: Real?", "Q1: Real?"),
        ("<think></think>UNKNOWN", "UNKNOWN"),
        ("Let me see.\nQ1: Draft?\n</think>\n\nQ1: Real?", "Q1: Real?"),
        ("<think>cut off", None),
        ("<think>done</think>\n", None),
        ("The sign </think> ends a thought.", "The sign </think> ends a thought."),
        (
            "It begins with <think> and ends with\n</think>\n in templates.",
            "It begins with <think> and ends with\n</think>\n in templates.",
        ),
        (" an answer ", " an answer "),
    ],
)
def test_thoughts_are_no_answer(said: str, answer: str | None) -> None:
    reply = reply_from_body(json.dumps({"choices": [{"message": {"content": said}}]}).encode(), "m")
    assert (reply.text if reply.ok else None) == answer
    assert reply.ok or reply.error == "no-content"


def test_a_long_reply_without_a_thought_takes_no_time() -> None:
    begin = time.monotonic()
    for piece in ("\n", "</think>", "<think", "a\n</think> "):
        text = "x" + piece * 200_000 + "x"
        assert reply_from_body(json.dumps({"choices": [{"message": {"content": text}}]}).encode(), "m").text == text
    assert time.monotonic() - begin < 5
