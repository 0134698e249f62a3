from __future__ import annotations

import pytest
from pydantic import ValidationError

from sightline.core.media import Evidence, Source, Span
from sightline.core.sample import Choice

SOURCE = Source(name="clip.mp4", uri="clip.mp4", sha256="0" * 64, media_type="video/mp4", size=1)


def test_a_choice_keeps_its_evidence_through_json() -> None:
    one = Choice(
        id="q1", question="Who enters first?", options=("the guide", "the driver"), answer=1,
        evidence=Evidence(span=Span(3.0, 7.5)), flags={"hard": True}, source=SOURCE,
    )  # fmt: skip
    assert Choice.model_validate_json(one.model_dump_json()) == one
    assert one.key == Choice.model_validate_json(one.model_dump_json()).key


@pytest.mark.parametrize(
    ("options", "answer"), [(("a", "b"), 2), (("a", "b"), -1), (("a",), 0), (tuple("abcdefghijk"), 0)]
)
def test_a_key_that_is_no_option_is_refused(options: tuple[str, ...], answer: int) -> None:
    with pytest.raises(ValidationError):
        Choice(id="q", question="?", options=options, answer=answer, source=SOURCE)
