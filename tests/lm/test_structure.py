from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from pydantic import BaseModel, ValidationError

from sightline.core.errors import InputError
from sightline.core.message import Message, Reply, Request
from sightline.lm import Scripted, structured
from sightline.lm.structure import parse


class Total(BaseModel):
    amount: float
    currency: str


GOOD = '{"amount": 529.87, "currency": "EUR"}'


def ask(text: str) -> Request:
    return Request(messages=(Message.of("user", text),))


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Sure! Here it is:\n\n{GOOD}\n\nLet me know {{if}} it helps.",
        f"The set {{1, 2}} and the list [3] come first, then {GOOD}",
        f'{{"note": "another object"}} {GOOD}',
        f"<think>maybe {{</think>{GOOD}",
    ],
)
def test_an_object_is_found_in_what_stands_around_it(text: str) -> None:
    assert parse(text, Total) == Total(amount=529.87, currency="EUR")


@pytest.mark.parametrize(
    ("text", "failure"),
    [("", "no-json"), ("I cannot see it.", "no-json"), (GOOD[:-4], "broken-json"), ("{" * 100_000, "broken-json")],
)
def test_replies_without_an_object(text: str, failure: str) -> None:
    with pytest.raises(ValueError, match=failure):
        parse(text, Total)


def test_an_object_of_another_form_names_what_is_wrong() -> None:
    with pytest.raises(ValidationError, match="amount"):
        parse('{"currency": "EUR"}', Total)


def test_escapes_that_no_file_can_hold_are_replaced() -> None:
    found = parse('{"name": "half \\ud83d", "tags": ["a\\u0000b"]}', Spoilt)
    assert (found.name, found.tags) == ("half \ufffd", ["a\ufffdb"])
    assert Spoilt.model_validate_json(found.model_dump_json()) == found


class Spoilt(BaseModel):
    name: str
    tags: list[str]


def test_errors_are_fed_back_and_then_it_is_right() -> None:
    asked: list[Request] = []

    def answer(request: Request) -> str:
        asked.append(request)
        return ['{"amount": "much", "currency": "EUR"}', "no idea", GOOD][len(asked) - 1]

    (result,) = structured(Scripted(answer), [ask("total?")], Total)
    assert result.value == Total(amount=529.87, currency="EUR")
    assert (result.tries, result.failures) == (3, ("schema", "no-json"))
    assert asked[0].reply_schema == Total.model_json_schema()
    assert json.dumps(Total.model_json_schema()) in asked[0].messages[-1].text
    assert [message.role for message in asked[2].messages] == ["user", "assistant", "user", "assistant", "user"]
    assert "amount" in asked[1].messages[-1].text
    assert asked[1].messages[1].text.startswith('{"amount": "much"')


def test_tries_are_bounded_and_each_failure_kind_is_named() -> None:
    kinds = {
        "a": Reply(text="nothing"),
        "b": Reply(text="{"),
        "c": Reply(text='{"amount": 5, "curr', finish="length"),
        "d": Reply(text="{}"),
        "e": Reply(error="timeout", finish="error"),
    }
    lm = Scripted(lambda request: kinds[request.messages[0].text[0]])
    results = list(structured(lm, map(ask, "abcde"), Total, tries=2))
    assert not any(result.ok for result in results)
    assert [result.tries for result in results] == [2, 2, 2, 2, 1]
    counts = Counter(failure for result in results for failure in result.failures)
    assert counts == {"no-json": 2, "broken-json": 2, "cut-off": 2, "schema": 2, "timeout": 1}


def test_order_is_kept_while_some_are_mended() -> None:
    def answer(request: Request) -> str:
        number = int(request.messages[0].text.split()[0])
        late = number % 3 == 0 and len(request.messages) == 1
        return "later" if late else json.dumps({"amount": number, "currency": "EUR"})

    results = list(structured(Scripted(answer), (ask(f"{i} is asked") for i in range(50)), Total))
    assert [result.value.amount for result in results if result.value] == list(range(50))
    assert [result.tries for result in results] == [2 if i % 3 == 0 else 1 for i in range(50)]


def test_reads_ahead_a_bounded_way(monkeypatch) -> None:
    monkeypatch.setattr("sightline.lm.structure.LOOK_AHEAD", 8)

    class Eager:
        """Reads all it is given before it answers."""

        name = "eager"

        def replies(self, requests) -> Iterator[Reply]:
            yield from [Reply(text=GOOD) for _ in list(requests)]

    pulled = 0

    def source() -> Iterator[Request]:
        nonlocal pulled
        while True:
            pulled += 1
            yield ask(str(pulled))

    results = structured(Eager(), source(), Total)
    assert next(results).ok
    assert pulled <= 8
    assert all(next(results).ok for _ in range(30))


def test_costs_of_all_tries_add_up_and_zero_tries_are_refused() -> None:
    lm = Scripted([Reply(text="no", cost=0.5), Reply(text=GOOD, cost=0.25)])
    (result,) = structured(lm, [ask("total?")], Total)
    assert result.cost == 0.75
    with pytest.raises(InputError):
        list(structured(lm, [], Total, tries=0))
