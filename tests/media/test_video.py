"""One pass over a video: sizes, times, standstills, cuts, and what is refused by name."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from sightline.core.errors import Reject
from sightline.media.video import VideoConfig, read_video
from sightline.media.video_cuts import ContentCuts, IsolatedCuts, hue_saturation_value
from sightline.media.video_frames import Grid

VIDEOS = ("bbb_opening_30s.webm", "courtyard_static_camera_20s.mp4", "lecture_frozen_slides_44s.mp4",
          "street_scenes_10s.mp4", "webb_narration_13s.mp4")  # fmt: skip


def refused(path: Path, config: VideoConfig | None = None) -> Reject:
    with pytest.raises(Reject) as found:
        read_video(path, config)
    return found.value


@pytest.mark.parametrize("name", VIDEOS)
def test_known_cuts_are_found_and_no_other(samples: Path, name: str) -> None:
    truth = json.loads((samples / "videos" / "scene_truth.json").read_text())[name]
    facts = read_video(samples / "videos" / name).facts
    known = truth.get("cut_frames") or [round(second * truth["fps"]) for second in truth.get("cut_seconds", ())]
    assert facts.frames == truth["frames"]
    assert facts.fps == pytest.approx(truth["fps"], rel=0.01)
    assert [cut.frame for cut in facts.cuts] == pytest.approx(known, abs=1)


@pytest.mark.parametrize("name", VIDEOS)
def test_content_cuts_are_those_of_pyscenedetect(samples: Path, name: str) -> None:
    scenedetect = pytest.importorskip("scenedetect")
    path = samples / "videos" / name
    theirs = scenedetect.detect(str(path), scenedetect.ContentDetector(15))
    ours = read_video(path, VideoConfig(cuts="content", content_threshold=15)).facts.cuts
    assert [cut.frame for cut in ours] == pytest.approx([one.frame_num for one, _ in theirs[1:]], abs=1)


@pytest.mark.parametrize(("name", "noise", "length"), [(name, 0.05, 2) for name in VIDEOS] + [(VIDEOS[2], 0.001, 0.5)])
def test_freezes_are_those_of_ffmpeg(samples: Path, name: str, noise: float, length: float) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg on this machine")
    path = samples / "videos" / name
    command = ["ffmpeg", "-nostats", "-i", path, "-vf", f"freezedetect=n={noise}:d={length}", "-an", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    facts = read_video(path, VideoConfig(freeze_noise=noise, freeze_seconds=length)).facts
    starts = [float(x) for x in re.findall(r"freeze_start: ([\d.]+)", said)]
    ends = [float(x) for x in re.findall(r"freeze_end: ([\d.]+)", said)]
    assert [span.start for span in facts.freezes] == pytest.approx(starts, abs=1e-3)
    assert [span.end for span in facts.freezes][: len(ends)] == pytest.approx(ends, abs=1e-3)


def test_frozen_and_moving_parts(tmp_path: Path, make_clip, moving) -> None:
    frames = moving(1, 50)
    clip = make_clip(tmp_path / "a.mp4", [*frames, *[frames[-1]] * 100, *moving(2, 50)])
    facts = read_video(clip, VideoConfig(freeze_noise=0.003)).facts
    (span,) = facts.freezes
    assert span == pytest.approx((1.96, 6.0), abs=0.05)
    assert facts.duration == pytest.approx(8.0, abs=0.01)
    assert [cut.frame for cut in facts.cuts] == [150]
    assert not facts.has_audio


@pytest.mark.parametrize("fps", [1, 240])
def test_very_low_and_very_high_rates(tmp_path: Path, make_clip, moving, fps: int) -> None:
    clip = make_clip(tmp_path / "a.mp4", [*moving(1, 40), *moving(2, 40)], fps)
    facts = read_video(clip).facts
    assert facts.fps == pytest.approx(fps, rel=1e-3)
    assert facts.duration == pytest.approx(80 / fps, rel=1e-3)
    assert [cut.frame for cut in facts.cuts] == [40]


def test_variable_rate(tmp_path: Path, make_clip, moving) -> None:
    gaps = [20 if n % 3 else 70 for n in range(60)]
    times = np.cumsum([0, *gaps[:-1]]).tolist()
    clip = make_clip(tmp_path / "a.mkv", [*moving(1, 30), *moving(2, 30)], times=times)
    facts = read_video(clip).facts
    assert facts.variable_rate
    (cut,) = facts.cuts
    assert (cut.frame, cut.time) == (30, pytest.approx(times[30] / 1000, abs=0.002))


def test_rotation_is_undone(tmp_path: Path, make_clip) -> None:
    frame = np.zeros((96, 160, 3), np.uint8)
    frame[:48] = (250, 20, 20)  # red above, black below, as stored
    clip = make_clip(tmp_path / "a.mp4", [frame] * 10, rotation=90)
    video = read_video(clip)
    assert (video.facts.width, video.facts.height) == (96, 160)
    assert video.facts.rotation == 90
    picture = np.asarray(Image.open(io.BytesIO(video.pictures[0].data)).convert("RGB"))
    assert picture.shape[:2] == (160, 96)
    red = picture[:, :, 0].astype(int) - picture[:, :, 2]
    assert red[:, :40].mean() > 150  # 90 degrees against the clock: what was above is now at the left
    assert red[:, 56:].mean() < 20


def test_pictures_are_few_small_and_in_every_shot(tmp_path: Path, make_clip, moving) -> None:
    shots = [frame for seed in range(12) for frame in moving(seed, 10)]
    clip = make_clip(tmp_path / "a.mp4", shots, 10)
    video = read_video(clip, VideoConfig(max_frames=16, max_side=80))
    starts = [0.0, *(cut.time for cut in video.facts.cuts)]
    assert len(starts) == 12
    assert len(video.pictures) <= 32
    assert all(max(picture.width, picture.height) <= 80 for picture in video.pictures)
    for start, end in zip(starts, [*starts[1:], video.facts.duration], strict=True):
        assert any(start <= picture.time < end for picture in video.pictures)


def test_embedded_subtitles(tmp_path: Path, make_clip, moving) -> None:
    cues = ((200, 900, "<i>Hello</i> there"), (1000, 1800, "두 번째 자막"))
    clip = make_clip(tmp_path / "a.mkv", moving(1, 60), cues=cues)
    (track,) = read_video(clip).subtitles
    assert [(cue.start, cue.end, cue.text) for cue in track.cues] == [
        (0.2, 0.9, "Hello there"),
        (1.0, 1.8, "두 번째 자막"),
    ]


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.sample_rate, frame.pts, frame.time_base = 16000, 0, Fraction(1, 16000)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    assert refused(path).reason == "no-video-stream"


def test_a_codec_without_a_decoder(tmp_path: Path, make_clip, moving) -> None:
    path = make_clip(tmp_path / "a.mp4", moving(1, 10))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"XYZ9"))
    assert refused(path).reason == "unsupported-codec"


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 40, b"\x00\x00\x00\x20ftypisom" + b"\x00" * 300])
def test_broken_files_have_a_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    assert refused(path).reason == "unreadable-video"


def test_broken_tail(tmp_path: Path, samples: Path) -> None:
    whole = (samples / "videos" / "bbb_opening_30s.webm").read_bytes()
    path = tmp_path / "cut.webm"
    path.write_bytes(whole[: len(whole) // 2])
    told = refused(path)
    assert told.reason == "truncated-video"
    assert 5 < told.evidence["decoded"] < 25 < told.evidence["stated"]
    kept = read_video(path, VideoConfig(min_decoded=0.1))
    assert kept.facts.duration == told.evidence["decoded"]


def test_damaged_middle_is_told(tmp_path: Path, make_clip, moving) -> None:
    path = make_clip(tmp_path / "a.mkv", [*moving(1, 100), *moving(2, 100)])
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 600] = bytes(range(200)) * 3
    path.write_bytes(data)
    facts = read_video(path, VideoConfig(min_decoded=0)).facts
    assert facts.frames > 20


def test_long_and_huge_videos_are_refused_before_decoding(tmp_path: Path, make_clip, moving) -> None:
    clip = make_clip(tmp_path / "a.mp4", moving(1, 50))
    assert refused(clip, VideoConfig(max_seconds=1.0)).reason == "video-too-long"
    assert refused(clip, VideoConfig(max_pixels=1000)).reason == "picture-too-large"


def test_one_frame(tmp_path: Path, make_clip, moving) -> None:
    facts = read_video(make_clip(tmp_path / "a.mp4", moving(1, 1))).facts
    assert (facts.frames, facts.cuts, facts.variable_rate) == (1, (), False)
    assert facts.duration == pytest.approx(0.04, abs=0.01)


def test_a_flash_and_a_pan_are_no_cuts() -> None:
    rule = IsolatedCuts()
    scores = [0, 1, 1, 60, 60, 1, 1, 1, 1, *[30, 32, 29, 31] * 10, *[1] * 12, 17, 1, 1, 1, 1]
    found = [cut for score in scores if (cut := rule.push_score(score)) is not None] + rule.finish()
    assert found == [scores.index(17)]


def test_frames_that_come_together_count_as_those_that_come_one_by_one() -> None:
    chance = np.random.default_rng(0)
    shots = [chance.integers(0, 255, (3, *size), np.uint8) for size in ((9, 16), (9, 16), (4, 8)) for _ in range(2)]
    frames = [shot for shot in shots for _ in range(5)]
    for rule in (IsolatedCuts, ContentCuts):
        alone, together = (rule(3.0) if rule is ContentCuts else IsolatedCuts() for _ in range(2))
        one_by_one = [cut for frame in frames for cut in alone.push([frame])]
        in_sevens = [cut for start in range(0, 30, 7) for cut in together.push(frames[start : start + 7])]
        assert in_sevens == one_by_one
        assert together.scores == alone.scores
        assert max(alone.scores) > 50


def test_ten_bits_are_sampled_as_eight() -> None:
    frame = av.VideoFrame.from_ndarray(np.random.default_rng(0).integers(0, 255, (180, 320, 3), np.uint8), "rgb24")
    eight, ten = (Grid().samples(frame.reformat(format=form)) for form in ("yuv420p", "yuv420p10le"))
    assert eight.shape == ten.shape == (3, 18, 32)
    assert np.abs(eight.astype(int) - ten).max() <= 1


def test_cut_near_the_end_and_the_beginning() -> None:
    rule = IsolatedCuts()
    found = [cut for score in [0, 50, *[1] * 12, 40] if (cut := rule.push_score(score)) is not None]
    assert found + rule.finish() == [1, 14]


@pytest.mark.parametrize("held", [4, 6, 8])
def test_pictures_that_stand_for_several_frames_are_no_cuts(samples: Path, held: int) -> None:
    known = json.loads((samples / "videos" / "scene_truth.json").read_text())["street_scenes_10s.mp4"]["cut_frames"]
    with av.open(str(samples / "videos" / "street_scenes_10s.mp4")) as container:
        seen = [Grid().samples(frame) for frame in container.decode(video=0)]
    rule = IsolatedCuts()
    found = rule.push([seen[n // held * held] for n in range(len(seen))])
    cuts = [cut for cut in found if cut is not None] + rule.finish()
    assert len(cuts) >= len(known) - 1  # the last one has one picture after it
    assert all(any(0 <= cut - one < held for one in known) for cut in cuts)


def test_content_rule_merges_cuts_that_come_too_close() -> None:
    scenedetect = pytest.importorskip("scenedetect.detector")
    common = pytest.importorskip("scenedetect.common")
    chance = np.random.default_rng(0)
    for _ in range(60):
        above = chance.random(200) < chance.choice([0.02, 0.1, 0.4])
        theirs_rule = scenedetect.FlashFilter(scenedetect.FlashFilter.Mode.MERGE, 15)
        stamps = [common.FrameTimecode(n, 25.0) for n in range(200)]
        theirs = [cut.frame_num for n in range(200) for cut in theirs_rule.filter(stamps[n], bool(above[n]))]
        rule = ContentCuts(0.5)
        assert [cut for one in above if (cut := rule.push_score(float(one))) is not None] == theirs


def test_hue_saturation_value_of_known_colours() -> None:
    # Y, U, V (BT.601, limited) of pure red, green, blue, white
    y, u, v = (np.array([row], np.uint8) for row in ([81, 145, 41, 235], [90, 54, 240, 128], [240, 34, 110, 128]))
    hue, saturation, value = hue_saturation_value((y, u, v))[:, 0]
    assert np.allclose(hue[:3] % 179, [0, 60, 120], atol=2)
    assert np.allclose(saturation[:3], 255, atol=4)
    assert saturation[3] < 4
    assert (value > 250).all()


@pytest.mark.parametrize("codec", ["mpeg4", "mjpeg", "ffv1", "libvpx-vp9"])
def test_other_codecs(tmp_path: Path, make_clip, moving, codec: str) -> None:
    path = make_clip(tmp_path / "a.mkv", [*moving(1, 20), *moving(2, 20)], codec=codec)
    facts = read_video(path).facts
    assert facts.frames == 40
    assert [cut.frame for cut in facts.cuts] == [20]


def test_ten_bits_and_rgb(tmp_path: Path) -> None:
    for codec, form in (("ffv1", "yuv420p10le"), ("ffv1", "gray"), ("ffv1", "bgr0"), ("ffv1", "yuv444p")):
        path = tmp_path / f"{form}.mkv"
        with av.open(str(path), "w") as out:
            stream = out.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 160, 96, form
            for n in range(30):
                pixels = np.full((96, 160, 3), 40 if n < 15 else 200, np.uint8)
                pixels[10:30, n : n + 20] = 128
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=form)
                out.mux(stream.encode(frame))
            out.mux(stream.encode())
        facts = read_video(path).facts
        assert [cut.frame for cut in facts.cuts] == [15], form
