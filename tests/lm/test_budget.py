from __future__ import annotations

import pytest
from pydantic import ValidationError

from scripted_endpoint import Act
from sightline.core.errors import BudgetReached, InputError
from sightline.core.message import Message, Reply, Request, Usage
from sightline.lm import Budgeted, Cached, Endpoint, EndpointConfig, Price, Purse, Scripted, forecast
from sightline.lm.tokens import request_tokens

CENT = Price(input=0.0, output=10_000.0)
"""One cent per output token: budgets that can be counted on fingers."""


def ask(text: str, max_tokens: int = 10) -> Request:
    return Request(messages=(Message.of("user", text),), max_tokens=max_tokens)


def asks(n: int) -> list[Request]:
    return [ask(f"question {i}") for i in range(n)]


def saying(tokens: int) -> Scripted:
    return Scripted(lambda request: Reply(text="x", usage=Usage(input_tokens=1, output_tokens=tokens)))


def collect(lm, requests) -> tuple[list[Reply], bool]:
    """(replies, whether the cap was met)."""
    replies = []
    try:
        for reply in lm.replies(requests):
            replies.append(reply)
    except BudgetReached:
        return replies, True
    return replies, False


def test_cost_is_filled_and_added_up() -> None:
    lm = Budgeted(saying(4), Price(input=1_000_000.0, output=500_000.0))
    assert [reply.cost for reply in lm.replies(asks(3))] == [3.0, 3.0, 3.0]
    assert lm.purse.spent == 9.0
    assert lm.name == "scripted"


def test_the_cap_stops_before_a_request_that_could_pass_it() -> None:
    """10 tokens at most, 4 in truth, one cent each: with 0.30 there is room for 6 (0.24), after which 0.10 may pass."""
    lm = Budgeted(saying(4), CENT, Purse(0.30))
    replies, met = collect(lm, asks(100))
    assert met
    assert len(replies) == 6
    assert lm.purse.spent == pytest.approx(0.24)


def test_in_flight_requests_are_reserved_at_their_worst(scripted_endpoint) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 4}
    server = scripted_endpoint(lambda body, nth: Act(delay=0.05, usage=usage))
    endpoint = Endpoint("m", server.url, config=EndpointConfig(concurrency=32), key_variable="none")
    lm = Budgeted(endpoint, CENT, Purse(0.30))
    replies, met = collect(lm, asks(100))
    assert met
    assert server.peak <= 3
    assert len(replies) == sum(server.seen.values()) == 6
    assert all(reply.ok for reply in replies)


def test_no_cap_needs_no_limit_and_no_price_no_cap() -> None:
    assert collect(Budgeted(saying(4), CENT), asks(50))[1] is False
    assert collect(Budgeted(saying(4), Price(input=0, output=0), Purse(0.0)), asks(50))[1] is False


def test_what_earlier_runs_spent_counts() -> None:
    replies, met = collect(Budgeted(saying(4), CENT, Purse(0.30, spent=0.25)), asks(3))
    assert met
    assert replies == []


def test_hits_cost_nothing_even_at_the_cap(tmp_path) -> None:
    path = tmp_path / "a.sqlite"
    assert len(list(Cached(Budgeted(saying(4), CENT), path).replies(asks(5)))) == 5
    lm = Cached(Budgeted(saying(4), CENT, Purse(0.0)), path)
    replies, met = collect(lm, asks(6))
    assert met
    assert [(reply.cached, reply.cost) for reply in replies] == [(True, 0.0)] * 5
    assert lm.store.paid == pytest.approx(0.20)


def test_a_reply_without_usage_is_estimated_and_a_doubtful_failure_counted_at_its_worst() -> None:
    silent = Budgeted(Scripted(lambda request: "one two three"), CENT)
    assert next(silent.replies([ask("x")])).cost == pytest.approx(0.03)
    late = Budgeted(Scripted(lambda request: Reply(error="timeout", finish="error")), CENT)
    assert next(late.replies([ask("x")])).cost == pytest.approx(0.10)
    refused = Budgeted(Scripted(lambda request: Reply(error="http-429", finish="error")), CENT)
    assert next(refused.replies([ask("x")])).cost == 0.0


def test_what_was_in_flight_when_the_caller_stopped_is_counted(scripted_endpoint) -> None:
    usage = {"prompt_tokens": 0, "completion_tokens": 4}
    server = scripted_endpoint(lambda body, nth: Act(usage=usage))
    lm = Budgeted(
        Endpoint("m", server.url, config=EndpointConfig(concurrency=2), key_variable="none"), CENT, Purse(100.0)
    )
    replies = lm.replies(asks(50))
    next(replies)
    replies.close()
    assert lm.purse.spent >= 0.04 * sum(server.seen.values())
    assert lm.purse._reserved == pytest.approx(0)


@pytest.mark.parametrize("cap", [-1.0, float("nan"), float("inf")])
def test_caps_that_are_no_caps(cap: float) -> None:
    with pytest.raises(InputError):
        Budgeted(saying(1), CENT, Purse(cap))


def test_prices_that_are_no_prices() -> None:
    for bad in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValidationError):
            Price(input=bad, output=0)


def test_forecast_by_hand() -> None:
    requests = asks(64)
    used = sum(map(request_tokens, requests))
    price = Price(input=1.0, output=2.0)
    made = forecast(requests, price, output_tokens=4, seconds_per_reply=3.0, concurrency=32)
    assert (made.requests, made.input_tokens, made.output_tokens, made.seconds) == (64, used, 256, 6.0)
    assert made.cost == pytest.approx((used + 512) / 1e6)
    assert forecast(requests).output_tokens == 640
    assert forecast([]).model_dump() == {
        "requests": 0, "input_tokens": 0, "output_tokens": 0, "cost": 0.0, "seconds": 0.0,
    }  # fmt: skip
