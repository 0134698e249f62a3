"""What the models of a build will take, before it is started: requests, tokens, money, time; and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from pydantic import BaseModel, ConfigDict
from rich.console import RenderableType

from sightline.core.message import Request
from sightline.core.ports import LM
from sightline.lm import Price
from sightline.lm.tokens import request_tokens
from sightline.show.table import listing

REPLY_SECONDS = 4.0
"""Of one request; endpoints differ widely, so the time for models is an assumption and said to be one."""
CONCURRENCY = 32


class RoleForecast(BaseModel):
    """Requests of one model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: str
    model: str
    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    """None where no price was given."""


def role_forecast(
    role: str, lm: LM, requests: int, input_tokens: float, output_tokens: float, price: Price | None
) -> RoleForecast:
    """The figures of one model, with what they cost."""
    used, said = round(input_tokens), round(output_tokens)
    cost = None if price is None else price.cost(used, said)
    return RoleForecast(
        role=role, model=lm.name, requests=requests, input_tokens=used, output_tokens=said, cost_usd=cost
    )


class Load:
    """Requests to one model, added up; `times` for those that will be sent in a share of cases, or more than once."""

    def __init__(self) -> None:
        self.requests = self.input_tokens = self.output_tokens = 0.0

    def add(self, requests: Iterable[Request], reply_tokens: int, *, times: float = 1.0, more_tokens: int = 0) -> None:
        """`more_tokens`: what is added to each request on its way, such as a schema."""
        for request in requests:
            self.requests += times
            self.input_tokens += times * (request_tokens(request) + more_tokens)
            self.output_tokens += times * min(reply_tokens, request.max_tokens)

    def forecast(self, role: str, lm: LM, price: Price | None) -> RoleForecast:
        """The sum, as what `lm` will take."""
        return role_forecast(role, lm, ceil(self.requests), self.input_tokens, self.output_tokens, price)


def cost_of(roles: Sequence[RoleForecast]) -> float | None:
    """USD; None where no price was given."""
    costs = [role.cost_usd for role in roles]
    return None if any(cost is None for cost in costs) else sum(cost or 0.0 for cost in costs)


def model_seconds(roles: Sequence[RoleForecast]) -> float:
    """Assumes 4 s a reply and 32 at once."""
    return sum(ceil(role.requests / CONCURRENCY) * REPLY_SECONDS for role in roles)


def forecast_tables(counted: Sequence[tuple[str, str]], roles: Sequence[RoleForecast]) -> list[RenderableType]:
    """For the terminal: what was counted, then time and money, then the requests of each model."""
    cost, time = cost_of(roles), clock(model_seconds(roles))
    rows = [
        *counted,
        ("time for models", f"{time} (assumes {REPLY_SECONDS:g} s a reply, {CONCURRENCY} at once)"),
        ("cost", "not known: give --price" if cost is None else f"{cost:,.4f} USD"),
    ]
    asked = [
        (role.role, role.model, f"{role.requests:,}", f"{role.input_tokens:,}", f"{role.output_tokens:,}")
        for role in roles
    ]
    header = ("role", "model", ">requests", ">tokens in", ">tokens out")
    return [listing("forecast", ("what", "how much"), rows), *([listing("requests", header, asked)] if asked else [])]


def clock(seconds: float) -> str:
    """
    >>> clock(3725)
    '1:02:05'
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
