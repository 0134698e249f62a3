"""Speech recognition: the port, and faster-whisper's answers as cues (its module is played, no weights are at hand)."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sightline.core.errors import InputError, MediaError
from sightline.media.speech import Whisper


def model(folder: Path, weights: bytes) -> Path:
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(weights)
    return folder


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    class WhisperModel:
        def __init__(self, path: str, **options: Any) -> None:
            seen["options"] = options

        def transcribe(self, path: str, **options: Any) -> Any:
            if path.endswith("silent.mp4"):
                raise ValueError("no audio stream")
            said = [(0.0, 1.5, " 안녕하세요 "), (1.5, 2.0, "  "), (2.0, 3.0, "Hello")]
            return (SimpleNamespace(start=a, end=b, text=c) for a, b, c in said), SimpleNamespace(language="ko")

    module = ModuleType("faster_whisper")
    module.WhisperModel = WhisperModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "faster_whisper", module)
    return seen


def test_cues(tmp_path: Path, played: dict[str, Any]) -> None:
    heard = Whisper(model(tmp_path / "tiny", b"one"))
    language, cues = heard.cues("talk.mp4")
    assert language == "ko"
    assert [(cue.start, cue.end, cue.text) for cue in cues] == [(0.0, 1.5, "안녕하세요"), (2.0, 3.0, "Hello")]
    assert played["options"]["local_files_only"] is True
    with pytest.raises(MediaError):
        heard.cues("silent.mp4")


def test_other_weights_are_another_name(tmp_path: Path, played: dict[str, Any]) -> None:
    one, two = (Whisper(model(tmp_path / where / "tiny", data)).name for where, data in (("a", b"1"), ("b", b"2")))
    assert one.startswith("faster-whisper:tiny:")
    assert one != two


@pytest.mark.parametrize("name", ["tiny", "openai/whisper-tiny"])
def test_a_name_of_the_hub_is_not_downloaded(tmp_path: Path, name: str) -> None:
    pytest.importorskip("faster_whisper")
    with pytest.raises(InputError, match="none is downloaded"):
        Whisper(name)


def test_broken_weights_are_named(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    with pytest.raises(InputError, match="cannot be opened"):
        Whisper(model(tmp_path / "broken", b"nothing"))
