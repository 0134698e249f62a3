"""Speech recognition behind one port: words with times, for videos that come without subtitles."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from sightline.core.door import require
from sightline.core.errors import InputError, MediaError
from sightline.core.fingerprint import fingerprint
from sightline.media.transcript import Cue

WEIGHTS = "model.bin"
HEAD = 1 << 20
"""Bytes of the weights that tell models of one name apart."""


class Speech(Protocol):
    """Hears what is said in a file's sound."""

    @property
    def name(self) -> str:
        """Stated in every record whose words it heard."""

    def cues(self, path: str | os.PathLike[str]) -> tuple[str, tuple[Cue, ...]]:
        """Language (ISO 639-1) and cues by time; no cue where nothing is said. Raises MediaError where the sound cannot
        be read."""


class Whisper:
    """faster-whisper (the extra "speech"); `model` is a folder with its weights, as nothing is downloaded at run time.

    Raises MissingExtra where it is not installed, InputError where the folder holds no model of it.
    """

    def __init__(self, model: str | os.PathLike[str], device: str = "auto") -> None:
        folder = Path(model)
        whisper = require("faster_whisper", "speech")
        if not (folder / WEIGHTS).is_file():
            raise InputError(
                f"no model of faster-whisper there (no file {WEIGHTS})",
                subject=folder,
                remedy="name a folder with a converted model; none is downloaded",
            )
        self.name = f"faster-whisper:{folder.resolve().name}:{_mark(folder)}"
        try:
            self._model = whisper.WhisperModel(os.fspath(folder), device=device, local_files_only=True)
        except (RuntimeError, ValueError) as error:
            raise InputError("the speech model cannot be opened", subject=folder, remedy=str(error)[:200]) from error

    def cues(self, path: str | os.PathLike[str]) -> tuple[str, tuple[Cue, ...]]:
        try:
            segments, info = self._model.transcribe(os.fspath(path), vad_filter=True)
            found = tuple(
                Cue(start=one.start, end=one.end, text=one.text.strip()) for one in segments if one.text.strip()
            )
        except (OSError, ValueError, IndexError, RuntimeError) as error:
            raise MediaError("the sound cannot be read", subject=path, remedy=str(error)) from error
        return str(info.language), found


def _mark(folder: Path) -> str:
    """Another one for other weights: it is part of what a record's words depend on."""
    weights = folder / WEIGHTS
    with weights.open("rb") as file:
        return fingerprint([weights.stat().st_size, fingerprint(file.read(HEAD))])[:8]
