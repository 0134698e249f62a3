from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripted_endpoint import Act, last_text
from sightline.core.errors import InputError, ModelError, StorageError
from sightline.core.message import Message, Reply, Request
from sightline.lm import Budgeted, Cached, Endpoint, EndpointConfig, Price, Replay, Scripted


def ask(text: str, **parameters) -> Request:
    return Request(messages=(Message.of("user", text),), **parameters)


def asks(n: int) -> list[Request]:
    return [ask(f"question {i}") for i in range(n)]


class Counting:
    """Says what it is asked, and keeps what it was asked."""

    def __init__(self, name: str = "counting") -> None:
        self.name = name
        self.asked: list[str] = []

    def replies(self, requests) -> Iterator[Reply]:
        for request in requests:
            self.asked.append(request.messages[-1].text)
            yield Reply(text=f"to {self.asked[-1]}", model=self.name, cost=0.5, seconds=1.0)


def test_a_second_call_asks_nothing_and_says_so(tmp_path: Path) -> None:
    lm = Counting()
    first = list(Cached(lm, tmp_path / "a.sqlite").replies(asks(5)))
    second = list(Cached(lm, tmp_path / "a.sqlite").replies(asks(5)))
    assert len(lm.asked) == 5
    assert [reply.text for reply in first] == [reply.text for reply in second]
    assert not any(reply.cached for reply in first)
    assert all(reply.cached and reply.cost == 0 and reply.seconds == 0 for reply in second)
    assert Cached(lm, tmp_path / "a.sqlite").store.paid == 2.5


def test_all_that_decides_an_answer_is_in_the_key(tmp_path: Path) -> None:
    lm = Counting()
    variants = [ask("a"), ask("a", max_tokens=5), ask("a", temperature=0.5), ask("a", seed=1), ask("a", stop=("x",))]
    variants += [ask("a", top_p=0.5), ask("a", reply_schema={"type": "object"})]
    list(Cached(lm, tmp_path / "a.sqlite").replies(variants * 2))
    assert len(lm.asked) == len(variants)
    list(Cached(Counting("another"), tmp_path / "a.sqlite").replies(variants))
    assert sorted(Cached(lm, tmp_path / "a.sqlite").store.names) == ["another", "counting"]


def test_equal_requests_under_way_are_sent_once(tmp_path: Path, scripted_endpoint) -> None:
    server = scripted_endpoint(lambda body, nth: Act(text=last_text(body), delay=0.1))
    lm = Cached(Endpoint("m", server.url, key_variable="none"), tmp_path / "a.sqlite")
    replies = list(lm.replies([ask("a"), ask("b"), ask("a"), ask("a"), ask("b"), ask("c")]))
    assert [reply.text for reply in replies] == ["a", "b", "a", "a", "b", "c"]
    assert [reply.cached for reply in replies] == [False, False, True, True, True, False]
    assert sum(server.seen.values()) == 3


def test_failures_are_not_kept(tmp_path: Path) -> None:
    broken = Scripted(lambda request: Reply(error="timeout", finish="error"), name="m")
    assert [r.error for r in Cached(broken, tmp_path / "a.sqlite").replies(asks(2))] == ["timeout"] * 2
    well = Scripted(lambda request: "yes", name="m")
    assert [r.text for r in Cached(well, tmp_path / "a.sqlite").replies(asks(2))] == ["yes"] * 2


def test_hits_before_a_miss_are_given_at_once(tmp_path: Path) -> None:
    list(Cached(Counting(), tmp_path / "a.sqlite").replies(asks(3)))
    pulled = []

    def source() -> Iterator[Request]:
        for request in asks(10):
            pulled.append(request)
            yield request

    lm = Counting()
    replies = Cached(lm, tmp_path / "a.sqlite").replies(source())
    assert [next(replies).cached for _ in range(3)] == [True] * 3
    assert (len(pulled), lm.asked) == (3, [])
    assert [reply.cached for reply in replies] == [False] * 7


def test_hits_and_misses_keep_their_order(tmp_path: Path) -> None:
    list(Cached(Counting(), tmp_path / "a.sqlite").replies(asks(50)[::3]))
    replies = list(Cached(Counting(), tmp_path / "a.sqlite").replies(asks(50)))
    assert [reply.text for reply in replies] == [f"to question {i}" for i in range(50)]
    assert [reply.cached for reply in replies] == [i % 3 == 0 for i in range(50)]


def test_takes_in_a_bounded_number_while_one_reply_is_awaited(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("sightline.lm.cached.LOOK_AHEAD", 10)
    list(Cached(Counting(), tmp_path / "a.sqlite").replies(asks(200)[1:]))
    pulled = 0

    class Eager(Counting):
        """Reads all it can before it answers."""

        def replies(self, requests) -> Iterator[Reply]:
            yield from super().replies(list(requests))

    def source() -> Iterator[Request]:
        nonlocal pulled
        for request in asks(200):
            pulled += 1
            yield request

    replies = Cached(Eager(), tmp_path / "a.sqlite").replies(source())
    assert not next(replies).cached
    assert pulled <= 10
    assert sum(reply.cached for reply in replies) == 199


def test_an_answer_is_on_disk_when_it_arrives_not_in_its_turn(tmp_path: Path, scripted_endpoint) -> None:
    """The first reply hangs; the nine behind it were answered. What is paid for must not be lost to a kill now."""
    server = scripted_endpoint(lambda body, nth: Act(hang=last_text(body) == "question 0", text="yes"))
    config = EndpointConfig(concurrency=10, timeout_s=1.0, retries=0)
    endpoint = Endpoint("m", server.url, config=config, key_variable="none")
    replies = Cached(Budgeted(endpoint, Price(input=1, output=1)), tmp_path / "a.sqlite").replies(asks(10))
    assert next(replies).error == "timeout"
    replies.close()
    again = list(Replay(tmp_path / "a.sqlite", "m").replies(asks(10)))
    assert [reply.error for reply in again] == ["not-in-cache"] + [None] * 9


def test_replay_answers_from_the_file_alone(tmp_path: Path) -> None:
    list(Cached(Counting(), tmp_path / "a.sqlite").replies(asks(2)))
    replay = Replay(tmp_path / "a.sqlite")
    replies = list(replay.replies(asks(3)))
    assert replay.name == "counting"
    assert [reply.text for reply in replies] == ["to question 0", "to question 1", ""]
    assert [reply.error for reply in replies] == [None, None, "not-in-cache"]


def test_replay_wants_a_file_and_one_model(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        Replay(tmp_path / "none.sqlite")
    for name in ("one", "two"):
        list(Cached(Counting(name), tmp_path / "a.sqlite").replies(asks(1)))
    with pytest.raises(InputError, match=r"one.*two"):
        Replay(tmp_path / "a.sqlite")
    assert next(Replay(tmp_path / "a.sqlite", "two").replies(asks(1))).model == "two"


def test_a_file_that_is_no_cache_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_bytes(b"this is not a database, whatever its name" * 100)
    with pytest.raises(StorageError, match=r"a\.sqlite"):
        Cached(Counting(), tmp_path / "a.sqlite")
    with pytest.raises(StorageError):
        Cached(Counting(), tmp_path / "a.sqlite" / "below-a-file.sqlite")


def test_a_full_disk_is_a_storage_error_from_within_an_endpoint(tmp_path: Path, scripted_endpoint) -> None:
    lm = Cached(Endpoint("m", scripted_endpoint().url, key_variable="none"), tmp_path / "a.sqlite")
    lm.store._db.execute("PRAGMA max_page_count = 3")
    with pytest.raises(StorageError, match="full"):
        list(lm.replies([ask("x" * 5000 + str(i)) for i in range(40)]))


def _worker(path: Path, start, results) -> None:
    start.wait()
    lm = Counting()
    try:
        replies = list(Cached(lm, path).replies(asks(100)))
    except StorageError as error:
        results.put(str(error))
    else:
        results.put([reply.text for reply in replies])


@pytest.mark.parametrize("attempt", range(5))
def test_several_processes_share_one_file_from_its_first_moment(tmp_path: Path, attempt: int) -> None:
    context = multiprocessing.get_context("fork")
    start, results = context.Event(), context.Queue()
    workers = [context.Process(target=_worker, args=(tmp_path / "a.sqlite", start, results)) for _ in range(4)]
    for worker in workers:
        worker.start()
    start.set()
    got = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert got == [[f"to question {i}" for i in range(100)]] * 4
    with sqlite3.connect(tmp_path / "a.sqlite") as db:
        assert db.execute("SELECT count(*) FROM replies").fetchone() == (100,)


def test_what_came_before_an_error_is_kept(tmp_path: Path) -> None:
    lm = Cached(Scripted(["one", "two"]), tmp_path / "a.sqlite")
    replies = lm.replies(asks(3))
    assert [next(replies).text, next(replies).text] == ["one", "two"]
    with pytest.raises(ModelError):
        next(replies)
    assert [reply.ok for reply in Replay(tmp_path / "a.sqlite").replies(asks(3))] == [True, True, False]
