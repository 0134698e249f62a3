"""A plan is a value: the steps in order, checked before anything runs."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from sightline.core.errors import PlanError
from sightline.core.fingerprint import fingerprint
from sightline.core.ports import Barrier, BatchStep, Step
from sightline.core.sample import Item

AnyStep = Step[Any, Any] | BatchStep[Any, Any] | Barrier[Any, Any]
Kind = Literal["step", "batch", "barrier"]

SOURCE = "source"
"""Name under which the items that enter a plan, and the refused ones among them, are kept."""


@dataclass(frozen=True)
class Plan:
    """Steps, one after the other; each takes what the one before it gives."""

    steps: tuple[AnyStep, ...]

    def check(self) -> None:
        """Raise PlanError where the steps do not fit together or cannot be sent to worker processes."""
        if not self.steps:
            raise PlanError("a plan without steps", remedy="give Plan at least one step")
        for step in self.steps:
            _check_step(step)
        names = [step.name for step in self.steps]
        for name in names:
            if names.count(name) > 1:
                raise PlanError("two steps of one name", subject=name, remedy="names tell steps apart; rename one")
        for before, after in zip(self.steps, self.steps[1:], strict=False):
            if before.gives is not after.takes:
                raise PlanError(
                    f"{before.name!r} gives {before.gives.__name__} but {after.name!r} takes {after.takes.__name__}",
                    remedy="put a step between them that turns one into the other, or reorder the plan",
                )

    def __iter__(self) -> Iterator[AnyStep]:
        return iter(self.steps)

    def __getitem__(self, name: str) -> AnyStep:
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(f"no step {name!r}; this plan has {', '.join(step.name for step in self.steps)}")


def step_key(step: AnyStep) -> str:
    """The step's half of a ledger key. What stands before it in the plan needs no part in it: other upstream results
    are other items, with other keys."""
    return fingerprint({"name": step.name, "version": step.version, "config": step.config})


def kind_of(step: AnyStep) -> Kind:
    """By what it can do: `batch(items)`, `all(items)`, or a call for each item. Raises PlanError unless exactly one."""
    kinds: list[Kind] = []
    if callable(getattr(step, "batch", None)):
        kinds.append("batch")
    if callable(getattr(step, "all", None)):
        kinds.append("barrier")
    if callable(step):
        kinds.append("step")
    if len(kinds) != 1:
        raise PlanError(
            f"a step must have exactly one of __call__(item), batch(items), all(items); this has {len(kinds)}",
            subject=getattr(step, "name", step),
        )
    return kinds[0]


def _check_step(step: AnyStep) -> None:
    name = getattr(step, "name", None)
    if not isinstance(name, str) or not name or name == SOURCE or not all(c.isalnum() or c in "-_" for c in name):
        raise PlanError(
            "a step needs a name of letters, digits, - and _", subject=name or step, remedy=f"and not {SOURCE!r}"
        )
    version = getattr(step, "version", None)
    if not isinstance(version, int) or isinstance(version, bool):
        raise PlanError("a step needs an integer `version`", subject=name, remedy="start with version = 1")
    for end in ("takes", "gives"):
        kind = getattr(step, end, None)
        if not (isinstance(kind, type) and issubclass(kind, Item)):
            raise PlanError(f"`{end}` must be a class of Item", subject=name)
    config = getattr(step, "config", None)
    if config is not None and not isinstance(config, BaseModel):
        raise PlanError("`config` must be a pydantic model or None", subject=name)
    if kind_of(step) == "step":
        _check_sendable(step)


def _check_sendable(step: AnyStep) -> None:
    """Worker processes import the step by its module's name, so that module must be one they can import."""
    for thing in (step, step.takes, step.gives):
        if getattr(thing, "__module__", None) == "__main__":
            raise PlanError(
                "a step (or its item class) defined in the script itself cannot be sent to worker processes",
                subject=getattr(thing, "__name__", step.name),
                remedy="move it to a module of its own and import it from there",
            )
    try:
        pickle.dumps(step)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise PlanError(
            f"this step cannot be sent to worker processes ({error})",
            subject=step.name,
            remedy="define it at the top level of a module and keep open files and clients out of its fields",
        ) from error
