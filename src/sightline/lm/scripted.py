"""A language model that says what it is told to: every recipe can be run and tested offline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from sightline.core.errors import ModelError
from sightline.core.message import Reply, Request
from sightline.lm.answer import failed
from sightline.lm.cleaning import clean

Answer = Callable[[Request], str | Reply] | Sequence[str | Reply] | Mapping[str, str | Reply]


class Scripted:
    """Answers from a function, a recorded list (in order, over all calls), or a mapping from a request's key or the
    text of its last message.

    >>> lm = Scripted(lambda request: request.messages[-1].text.upper())

    Raises ModelError where a recorded list is used up; a request that a mapping does not know is an error reply
    "not-in-script".
    """

    def __init__(self, answer: Answer, name: str = "scripted") -> None:
        self.name = name
        self._answer = answer
        self._given = 0

    def __repr__(self) -> str:
        return f"Scripted({self.name!r})"

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """One reply per request, each when it is asked for."""
        for request in requests:
            said = self._say(request)
            yield said if isinstance(said, Reply) else Reply(text=clean(said), model=self.name)

    def _say(self, request: Request) -> str | Reply:
        answer = self._answer
        if isinstance(answer, Mapping):
            by_text = answer.get(request.messages[-1].text, failed("not-in-script", model=self.name))
            return answer.get(request.key, by_text)
        if callable(answer):
            return answer(request)
        if self._given >= len(answer):
            raise ModelError(
                f"the {len(answer)} recorded answers are used up", subject=self.name, remedy="record one per request"
            )
        self._given += 1
        return answer[self._given - 1]
