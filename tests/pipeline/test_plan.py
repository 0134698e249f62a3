"""A plan that cannot work is refused before anything runs, in words that teach."""

from __future__ import annotations

from typing import Any, ClassVar

import pipeline_steps as s
import pytest

from sightline.core.errors import PlanError
from sightline.core.sample import Item
from sightline.pipeline import Plan
from sightline.pipeline.plan import kind_of, step_key


def altered(**fields: Any) -> s.Times:
    return type("Altered", (s.Times,), {"__module__": "pipeline_steps", **fields})()


class TwoKinds(s.Times):
    def all(self, items: object) -> object: ...


class Local(s.Plain):
    name: ClassVar[str] = "local"

    def __init__(self) -> None:
        super().__init__()
        self.act = lambda item: [item]

    def __call__(self, item: Item) -> object: ...


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ((), "without steps"),
        ((s.Times(), s.Times(3)), "two steps of one name: times"),
        ((s.Spread(), s.Times()), "'spread' gives Word but 'times' takes Number"),
        ((altered(version="1"),), "integer `version`"),
        ((altered(version=True),), "integer `version`"),
        ((altered(name=""),), "needs a name"),
        ((altered(name="a/b"),), "needs a name"),
        ((altered(name="source"),), "not 'source'"),
        ((altered(takes=int),), "`takes` must be a class of Item"),
        ((altered(config={"a": 1}),), "`config` must be a pydantic model"),
        ((TwoKinds(),), "exactly one of"),
        ((object(),), "needs a name"),
        ((Local(),), "cannot be sent to worker processes"),
        ((altered(__module__="__main__"),), "move it to a module of its own"),
    ],
)
def test_refused(steps: tuple[Any, ...], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        Plan(steps).check()


def test_a_good_plan_passes_and_is_a_value() -> None:
    times, total = s.Times(), s.Total()
    plan = Plan((times, total))
    plan.check()
    assert plan == Plan((times, total))
    assert list(plan) == [times, total]
    assert plan["total"] is total
    with pytest.raises(KeyError):
        plan["nothing"]


def test_steps_of_the_main_process_need_not_be_sendable() -> None:
    ask = s.Ask()
    ask.client = lambda: None  # type: ignore[attr-defined]
    Plan((ask,)).check()


def test_kinds() -> None:
    assert [kind_of(step) for step in (s.Times(), s.Ask(), s.Keep())] == ["step", "batch", "barrier"]


def test_the_key_is_of_name_version_and_config() -> None:
    assert step_key(s.Times(2)) == step_key(s.Times(2, sleep=1.0))
    different = [s.Times(3), altered(version=2), altered(name="other")]
    assert len({step_key(step) for step in [s.Times(2), *different]}) == 4
