"""What asking costs: a forecast before, a count during, and a cap that is not passed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from math import isfinite

from pydantic import BaseModel, ConfigDict, Field

from sightline.core.errors import BudgetReached, InputError
from sightline.core.message import Reply, Request
from sightline.core.ports import LM
from sightline.lm.arrivals import Announcing, Arrived, unheard
from sightline.lm.tokens import estimate_tokens, most_request_tokens, request_tokens

MILLION = 1_000_000
ROUNDING = 1e-9
"""USD by which sums of floats may miss."""
UNSURE = frozenset({"timeout", "connection-error", "malformed-response", "no-content", "content-filter"})
"""Errors of requests that a server may have worked on, and billed, before it failed."""


class Price(BaseModel):
    """USD per million tokens, as the provider's price list states it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """USD.

        >>> Price(input=0.5, output=2.0).cost(1_000_000, 500_000)
        1.5
        """
        return (self.input * input_tokens + self.output * output_tokens) / MILLION

    def worst(self, request: Request) -> float:
        """USD that one answer to `request` cannot exceed: a bound on its input, and `max_tokens`."""
        return self.cost(most_request_tokens(request), request.max_tokens)


class Purse:
    """What may be spent (USD), by one model or by several that share it: `spent` never passes `max_cost`.

    `spent` begins at what earlier runs have cost. Raises InputError for a cap that is no number from 0 up.
    """

    def __init__(self, max_cost: float | None = None, *, spent: float = 0.0) -> None:
        if max_cost is not None and not (isfinite(max_cost) and max_cost >= 0):
            raise InputError("a cap on cost must be a number from 0 up", subject=max_cost)
        self.max_cost = max_cost
        self.spent = spent
        self._reserved = 0.0
        self._lock = threading.Lock()

    def reserve(self, worst: float) -> bool:
        """Set `worst` aside beside what is in flight; False where that would pass the cap."""
        with self._lock:
            if self.max_cost is not None and self.spent + self._reserved + worst > self.max_cost + ROUNDING:
                return False
            self._reserved += worst
            return True

    def settle(self, worst: float, cost: float) -> None:
        """What was set aside is counted at what it really cost."""
        with self._lock:
            self._reserved -= worst
            self.spent += cost


class Budgeted:
    """`lm` with a price: fills `Reply.cost` and pays from a purse, which may be shared with other models.

    Before a request goes out, the most it can cost is set aside beside what is in flight already. Where that does
    not fit, no more are sent until those in flight are counted at what they really cost; where it still does not fit,
    all finished replies have been given and BudgetReached is raised.

    A reply without usage is counted by `estimate_tokens`; a failure that a server may bill all the same (a timeout),
    and what was in flight when the caller stopped, at the most it can cost. Attempts that failed before a retry
    succeeded are not seen here. Put it inside a cache, not around it: hits cost nothing.
    """

    def __init__(self, lm: LM, price: Price, purse: Purse | None = None) -> None:
        self.lm = lm
        self.price = price
        self.purse = purse or Purse()

    def __repr__(self) -> str:
        return f"Budgeted({self.lm!r}, spent={self.purse.spent:.4f}, max_cost={self.purse.max_cost})"

    @property
    def name(self) -> str:
        return self.lm.name

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """One reply per request, in order, with `cost`. Raises BudgetReached."""
        return self.announced(requests, unheard)

    def announced(self, requests: Iterable[Request], arrived: Arrived) -> Iterator[Reply]:
        """As `replies`; `arrived` is told the cost too."""
        source = iter(requests)
        held = next(source, None)
        while held is not None:
            if not self.purse.reserve(self.price.worst(held)):
                raise BudgetReached(
                    f"{self.purse.spent:.4f} USD are spent and the next request may cost {self.price.worst(held):.4f}",
                    subject=f"cap {self.purse.max_cost} USD",
                    remedy="run again with a higher cap to go on",
                )
            held = yield from self._while_it_fits(held, source, arrived)

    def _while_it_fits(
        self, first: Request, source: Iterator[Request], arrived: Arrived
    ) -> Generator[Reply, None, Request | None]:
        """Replies to `first` and to all after it that fit under the cap; returns the request that did not."""
        in_flight = deque([first])
        held = None

        def fitting() -> Iterator[Request]:
            nonlocal held
            yield first
            for request in source:
                if not self.purse.reserve(self.price.worst(request)):
                    held = request
                    return
                in_flight.append(request)
                yield request

        def priced(request: Request, reply: Reply) -> None:
            arrived(request, self._priced(request, reply))

        announcing = isinstance(self.lm, Announcing)
        inner = self.lm.announced(fitting(), priced) if isinstance(self.lm, Announcing) else self.lm.replies(fitting())
        try:
            for reply in inner:
                request = in_flight.popleft()
                counted = self._priced(request, reply)
                self.purse.settle(self.price.worst(request), counted.cost)
                if not announcing:
                    arrived(request, counted)
                yield counted
        finally:
            for request in in_flight:
                self.purse.settle(self.price.worst(request), self.price.worst(request))
        return held

    def _priced(self, request: Request, reply: Reply) -> Reply:
        if reply.cached:
            return reply.model_copy(update={"cost": 0.0})
        used, said = reply.usage.input_tokens, reply.usage.output_tokens
        if used or said:
            cost = self.price.cost(used, said)
        elif reply.ok:
            cost = self.price.cost(request_tokens(request), estimate_tokens(reply.text))
        else:
            cost = self.price.worst(request) if reply.error in UNSURE else 0.0
        return reply.model_copy(update={"cost": cost})


class Forecast(BaseModel):
    """What a set of requests will take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: int
    input_tokens: int
    output_tokens: int
    cost: float
    """USD; 0 where no price was given."""
    seconds: float


def forecast(
    requests: Iterable[Request],
    price: Price | None = None,
    *,
    output_tokens: int | None = None,
    seconds_per_reply: float = 2.0,
    concurrency: int = 32,
) -> Forecast:
    """Tokens by `estimate_tokens`; `output_tokens` is the expected length of one answer (None: each request's
    `max_tokens`, an upper bound); time = requests x `seconds_per_reply` / `concurrency`."""
    count = used = said = 0
    for request in requests:
        count += 1
        used += request_tokens(request)
        said += request.max_tokens if output_tokens is None else min(output_tokens, request.max_tokens)
    return Forecast(
        requests=count,
        input_tokens=used,
        output_tokens=said,
        cost=0.0 if price is None else price.cost(used, said),
        seconds=count * seconds_per_reply / max(1, min(concurrency, count)),
    )
