from __future__ import annotations

import pytest

from sightline.core.errors import ModelError
from sightline.core.message import Message, Reply, Request
from sightline.core.ports import LM
from sightline.lm import Scripted


def ask(text: str) -> Request:
    return Request(messages=(Message.of("user", text),))


def test_answers_from_a_function_a_list_or_a_mapping() -> None:
    by_function = Scripted(lambda request: request.messages[-1].text.upper())
    assert [reply.text for reply in by_function.replies([ask("a"), ask("b")])] == ["A", "B"]
    by_list = Scripted(["one", Reply(text="two", cost=2.0)])
    assert [next(by_list.replies([ask("x")])).text for _ in range(2)] == ["one", "two"]
    by_mapping = Scripted({"a": "by text", ask("b").key: "by key"}, name="m")
    replies = list(by_mapping.replies([ask("a"), ask("b"), ask("c")]))
    assert [(reply.text, reply.error, reply.model) for reply in replies] == [
        ("by text", None, "m"),
        ("by key", None, "m"),
        ("", "not-in-script", "m"),
    ]
    assert isinstance(by_list, LM)


def test_a_list_that_is_used_up_says_so() -> None:
    replies = Scripted(["one"]).replies([ask("a"), ask("b")])
    assert next(replies).text == "one"
    with pytest.raises(ModelError, match="1 recorded answers are used up"):
        next(replies)


def test_text_is_cleaned() -> None:
    assert next(Scripted(["a\ud800\x00"]).replies([ask("a")])).text == "a\ufffd\ufffd"
