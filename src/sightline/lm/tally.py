"""What a language model was asked during a run: requests sent, answered from the cache, failed; tokens; cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ConfigDict

from sightline.core.message import Reply, Request
from sightline.core.ports import LM


class Counts(BaseModel):
    """Totals of one run."""

    model_config = ConfigDict(extra="forbid")

    requests: int = 0
    """Answered by the model itself."""
    cached: int = 0
    """Answered from disk: no request left this machine."""
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


class Tally:
    """`lm` with a counter. Put it outside everything else: it sees hits and misses."""

    def __init__(self, lm: LM) -> None:
        self.lm = lm
        self.counts = Counts()

    @property
    def name(self) -> str:
        return self.lm.name

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """One reply per request, in order, as `lm` gives them."""
        for reply in self.lm.replies(requests):
            self._count(reply)
            yield reply

    def _count(self, reply: Reply) -> None:
        counts = self.counts
        counts.cost_usd += reply.cost
        if not reply.ok:
            counts.failed += 1
        elif reply.cached:
            counts.cached += 1
        else:
            counts.requests += 1
            counts.input_tokens += reply.usage.input_tokens
            counts.output_tokens += reply.usage.output_tokens
