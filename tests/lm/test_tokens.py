from __future__ import annotations

import pytest

from sightline.core.media import MediaRef
from sightline.core.message import Message, Picture, Request
from sightline.lm.tokens import (
    estimate_tokens,
    most_picture_tokens,
    most_request_tokens,
    most_tokens,
    picture_tokens,
    request_tokens,
)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("   ", 0),
        ("one two three", 3),
        ("internationalisation", 3),
        ("12345", 2),
        ("a, b.\n\nc", 6),
        ("합계금액", 4),
        ("漢字", 2),
        ("é", 1),
    ],
)
def test_the_stated_rule_by_hand(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


def test_the_bound_counts_bytes() -> None:
    assert most_tokens("abc") == 4
    assert most_tokens("합") == 4
    assert most_tokens("\ud800") == 4


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    [(512, 512, 85 + 170), (1024, 1024, 765), (2048, 4096, 1105), (768, 768, 85 + 4 * 170), (None, None, 765)],
)
def test_pictures_by_the_published_rule(width, height, tokens: int) -> None:
    """1024 x 1024 = 765 and 2048 x 4096 = 1105 are the worked examples in OpenAI's vision guide."""
    assert picture_tokens(width, height) == tokens
    assert most_picture_tokens(width, height) >= tokens


def test_a_request_counts_text_pictures_and_schema() -> None:
    picture = Picture(ref=MediaRef(sha256="0" * 64, media_type="image/png", width=1024, height=1024))
    request = Request(messages=(Message.of("system", "Be brief."), Message.of("user", picture, "one two")))
    assert request_tokens(request) == 2 * 4 + 3 + 765 + 2
    assert request_tokens(request.model_copy(update={"reply_schema": {"type": "object"}})) > request_tokens(request)
    assert most_request_tokens(request) > request_tokens(request)
