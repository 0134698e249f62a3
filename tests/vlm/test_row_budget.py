"""Rows fit, pictures stay whole, every answer is trained once."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.core.errors import Reject
from sightline.core.message import Message
from sightline.vlm.resolution import IMAGE, Fixed, Native
from sightline.vlm.row_budget import common_cap, fitted_rows, told


def _reader(tiny, resolution=None):
    return tiny.build("native", "llama", resolution=resolution or Native(patch=8, merge=2, longest=256))[1]


def _features(reader, row):
    """Tokens that stand for features of pictures, and features that the views give."""
    step = reader.strategy.step
    return int((row.ids == reader.image_token_id).sum()), sum((h // step) * (w // step) for h, w, _ in row.sizes)


def _trained(reader, rows):
    return "".join(reader.tokenizer.decode(row.labels[row.labels != -100]) for row in rows)


def test_what_fits_is_left_alone(tiny):
    reader = _reader(tiny)
    chat = tiny.chat(tiny.picture(0))
    fit = fitted_rows(reader, chat, 10_000)
    assert fit.kind == "whole"
    assert torch.equal(fit.rows[0].ids, reader.encode(chat).ids)


def test_large_pictures_shrink_and_small_ones_do_not(tiny):
    reader = _reader(tiny)
    chat = tiny.chat(tiny.picture(0, size=(32, 32)), tiny.picture(1, size=(256, 256)))
    whole = reader.encode(chat)
    fit = fitted_rows(reader, chat, len(whole.ids) - 50)
    (row,) = fit.rows
    assert fit.kind == "shrunk"
    assert len(row.ids) <= len(whole.ids) - 50
    assert row.sizes[0] == whole.sizes[0]
    assert row.sizes[1] < whole.sizes[1]
    assert _features(reader, row)[0] == _features(reader, row)[1]
    assert _trained(reader, [row]) == _trained(reader, [whole])


def test_a_long_conversation_becomes_rows_that_see_what_was_shown(tiny):
    reader = _reader(tiny)
    chat = [Message.of("system", "be brief")]
    for i in range(5):
        shown = [tiny.picture(i, size=(128, 128))] if i < 2 else []
        chat += [Message.of("user", *shown, f"question {i}"), Message.of("assistant", f"answer {i}. " * 4)]
    whole = reader.encode(chat)
    fit = fitted_rows(reader, chat, len(whole.ids) * 3 // 5, least=72)
    assert fit.kind == "split"
    assert len(fit.rows) > 1
    assert all(len(row.ids) <= len(whole.ids) * 3 // 5 for row in fit.rows)
    assert _trained(reader, fit.rows) == _trained(reader, [whole])
    assert all(len(row.views) == 2 for row in fit.rows), "later rows are shown both pictures again"
    assert all(_features(reader, row)[0] == _features(reader, row)[1] for row in fit.rows)
    assert all("be brief" in reader.tokenizer.decode(row.ids) for row in fit.rows)
    assert told([fit]) == (
        f"0 whole, 0 shrunk, 1 split into {len(fit.rows)} rows; {len(whole.ids):,} tokens became {fit.after:,}"
    )


def test_one_question_that_does_not_fit_is_refused(tiny):
    reader = _reader(tiny, Fixed(size=32, patch=8, merge=2))
    for chat in (tiny.chat(answer="word " * 100), tiny.chat(*[tiny.picture(i) for i in range(30)])):
        with pytest.raises(Reject) as refused:
            fitted_rows(reader, chat, 100)
        assert refused.value.reason == "row-too-long"
        assert refused.value.evidence["limit"] == 100


@given(st.lists(st.integers(1, 500), max_size=20), st.integers(-50, 4000))
@settings(max_examples=200, deadline=None)
def test_the_cap_is_the_largest_that_fits(wanted, room):
    cap = common_cap(wanted, room)
    if cap:
        assert sum(min(one, cap) for one in wanted) <= room
    if wanted and cap < max(wanted):
        assert sum(min(one, cap + 1) for one in wanted) > room


def test_placeholders_are_no_words(tiny):
    reader = _reader(tiny)
    chat = tiny.chat(tiny.picture(0), question=f"{IMAGE} {IMAGE}")
    features, given_ = _features(reader, fitted_rows(reader, chat, 10_000).rows[0])
    assert features == given_
