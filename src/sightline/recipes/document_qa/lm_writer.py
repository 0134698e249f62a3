"""The writer that asks a language model: one request per chunk, one of five styles, a reply read tolerantly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from sightline.core.fingerprint import seeded
from sightline.core.message import Message, Picture, Request
from sightline.core.sample import Rejected
from sightline.recipes.document_qa.items import Chunk, Draft
from sightline.recipes.document_qa.prompts import framed_pages, pictured, style_of, task
from sightline.recipes.document_qa.reply_parser import Said, parse_reply

SHORT_ANSWER = 3
"""Words up to which an answer counts as extractive even if the model says that it used its own words."""
LONG_ANSWER = 12
"""Words from which on an answer that stands nowhere in the text and of which the model says nothing counts as
abstractive."""
_BLANKS = re.compile(r"\W+")


class LMWriter:
    """Makes the requests for a language model and reads its replies; who sends them is no matter of the writer's."""

    def __init__(
        self,
        lm_name: str,
        pairs_per_page: int = 4,
        seed: int = 0,
        max_tokens: int = 2000,
        sees: Literal["text", "picture", "both"] = "text",
    ) -> None:
        self.name = lm_name
        self.pairs_per_page = pairs_per_page
        self.seed = seed
        self.max_tokens = max_tokens
        self.sees = sees

    def style(self, chunk: Chunk) -> str:
        """ "broad", "sections", "critical", "summaries" or "discreet"."""
        return style_of(self.seed, chunk.key)

    def request(self, chunk: Chunk, pictures: Sequence[bytes] = ()) -> Request:
        """What to ask about the chunk; `pictures` are the encoded pictures of its pages, in order, for a model that is
        to see them (a page that is split into parts has one)."""
        assert pictures or self.sees == "text", "a model that is to see the pages needs their pictures"
        refs = {page.index: page.image for page in chunk.pages}
        parts: list[str | Picture] = []
        for ref, data in zip(refs.values(), pictures, strict=bool(pictures)):
            parts.append(Picture(ref=ref, data=data))
        told = task(self.style(chunk), self.pairs_per_page * len(refs), chunk.language)
        if self.sees == "picture":
            told = f"{told}\n\n{pictured(list(refs), chunk.language)}"
        else:
            told = framed_pages([(page.index + 1, page.text) for page in chunk.pages], told, chunk.language)
        return Request(
            messages=(Message.of("user", *parts, told),),
            max_tokens=self.max_tokens,
            seed=seeded(self.seed, "sampling", chunk.key) >> 34,
        )

    def drafts(self, chunk: Chunk, reply_text: str, truncated: bool = False) -> tuple[list[Draft], list[Rejected]]:
        """Drafts of a reply, and one row for each thing in it that could not be used; `truncated` says that the model
        was stopped by its token limit."""
        said, rejected = parse_reply(reply_text, truncated=truncated)
        style = f"lm/{self.style(chunk)}"
        text = _folded(" ".join(page.text for page in chunk.pages))
        indices = {page.index for page in chunk.pages}
        drafts = [
            Draft(
                question=one.question,
                answer=one.answer,
                page=_page(one, indices),
                kind="extractive" if _is_extractive(one, text) else "abstractive",
                style=style,
            )
            for one in said
        ]
        return drafts, rejected


def _page(said: Said, indices: set[int]) -> int | None:
    """The page that the model names, if it was shown that page; the only one where it names none."""
    if said.page is None:
        return next(iter(indices)) if len(indices) == 1 else None
    return said.page - 1 if said.page - 1 in indices else None


def _is_extractive(said: Said, text: str) -> bool:
    """By the model's own word, except that a short answer is always held to the page."""
    length = len(said.answer.split())
    if said.quoted is not None:
        return said.quoted or length <= SHORT_ANSWER
    return length < LONG_ANSWER or _folded(said.answer) in text


def _folded(text: str) -> str:
    return _BLANKS.sub("", text).casefold()
