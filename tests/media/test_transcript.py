"""Subtitle files as people make them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.core.errors import Reject
from sightline.media.transcript import count_words, parse_transcript, seconds_of

SRT = "1\n00:00:01,000 --> 00:00:02,500\nHello there.\n\n2\n00:00:03,000 --> 00:00:04,000\n<i>Two</i>\nlines\n"
VTT = (
    "WEBVTT - title\n\nNOTE made by hand\n\n00:01.000 --> 00:02.500 align:start\nHello there.\n\n"
    "intro\n00:03.000 --> 00:04.000\nTwo\nlines\n\nNOTE the end\nnot heard\n"
)


def told(text: str) -> list[tuple[float, float, str]]:
    return [(cue.start, cue.end, cue.text) for cue in parse_transcript(text.encode()).cues]


def test_srt_and_vtt_read_alike() -> None:
    want = [(1.0, 2.5, "Hello there."), (3.0, 4.0, "Two\nlines")]
    assert told(SRT) == want
    assert told(VTT) == want


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ("-00:00:01,000 --> 00:00:02,000", "negative-time"),
        ("00:00:09,000 --> 00:00:02,000", "ends-before-it-begins"),
        ("00:71:00,000 --> 00:72:02,000", "unreadable-time"),
        ("soon --> 00:00:02,000", "unreadable-time"),
    ],
)
def test_bad_times_are_refused_with_their_line(times: str, reason: str) -> None:
    found = parse_transcript(f"{SRT}\n3\n{times}\nlost words\n".encode())
    assert len(found.cues) == 2
    (bad,) = found.bad
    assert (bad.reason, bad.line) == (reason, 11)
    assert "lost words" in bad.text


def test_overlaps_disorder_and_slips_are_mended_and_counted() -> None:
    text = (
        "00:00:05,000 --> 00:00:09,000\nlater\n\n00:00:01,000 --> 00:00:06,000\nearlier\n\n"
        "00:00:08,000 --> 00:00:07,800\nslip\n\n00:00:08,000 --> 00:00:08,700\nslip\n"
    )
    found = parse_transcript(text.encode())
    assert [(cue.start, cue.end, cue.text) for cue in found.cues] == [
        (1.0, 5.0, "earlier"),
        (5.0, 8.0, "later"),
        (8.0, 8.7, "slip"),
    ]
    assert found.repaired >= 3
    assert found.bad == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_korean_in_any_encoding(encoding: str) -> None:
    found = parse_transcript("1\r\n00:00:01,000 --> 00:00:02,000\r\n서울의 봄\r\n".encode(encoding))
    assert found.cues[0].text == "서울의 봄"


def test_latin_bytes_are_read() -> None:
    assert (
        parse_transcript("1\n00:00:01,000 --> 00:00:02,000\nCafé déjà\n".encode("cp1252")).cues[0].text == "Café déjà"
    )


def test_no_nul_nor_surrogate_comes_in() -> None:
    found = parse_transcript(b"1\n00:00:01,000 --> 00:00:02,000\na\x00b &#xD800; &amp; \xed\xa0\x80\n")
    found.cues[0].model_dump_json()
    assert "\x00" not in found.cues[0].text


def test_empty_and_foreign_files() -> None:
    assert parse_transcript(b"").cues == ()
    assert parse_transcript(b"WEBVTT\n\n").cues == ()
    with pytest.raises(Reject) as refused:
        parse_transcript(b'{"this": "is JSON"}')
    assert refused.value.reason == "unreadable-transcript"


def test_samples(samples: Path) -> None:
    srt = parse_transcript((samples / "videos" / "webb_narration_13s.srt").read_bytes())
    vtt = parse_transcript((samples / "videos" / "webb_narration_13s.vtt").read_bytes())
    assert len(srt.cues) == len(vtt.cues) == 4
    assert [cue.text for cue in srt.cues] == [cue.text for cue in vtt.cues]
    assert srt.cues[-1].end == pytest.approx(16.57, abs=0.05)
    assert not srt.bad


def test_words() -> None:
    assert count_words("It’s well-known: 3.5 km.") == 4
    assert count_words("오늘 날씨가 좋습니다") == 3
    assert count_words("今天天气") == 2
    assert count_words("... --- ♪") == 0


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = parse_transcript(data)
    except Reject:
        return
    ends = 0.0
    for cue in found.cues:
        cue.model_dump_json()
        assert ends <= cue.start < cue.end
        ends = cue.end


_clock = st.builds("{:02}:{:02}:{:02},{:03}".format, *(st.integers(0, n) for n in (2, 61, 61, 999)))


@given(st.lists(st.tuples(_clock, _clock), max_size=8))
def test_cues_come_out_in_order_and_apart(pairs: list[tuple[str, str]]) -> None:
    text = "\n\n".join(f"{n}\n{start} --> {end}\nword {n}" for n, (start, end) in enumerate(pairs))
    found = parse_transcript(text.encode())
    ends = 0.0
    for cue in found.cues:
        assert ends <= cue.start < cue.end
        ends = cue.end
    assert all(text.split("\n")[bad.line - 1].strip().startswith(bad.text[:12]) for bad in found.bad)


def test_clock() -> None:
    assert seconds_of("1:02:03.5") == 3723.5
    assert seconds_of("00:60:00") is None
    assert seconds_of("12") is None
