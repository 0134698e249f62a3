"""Speech recognition behind one port: words with times, for videos that come without subtitles."""

from __future__ import annotations

import os
from typing import Protocol

from sightline.core.door import require
from sightline.core.errors import MediaError
from sightline.media.transcript import Cue


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

    Raises MissingExtra where it is not installed.
    """

    def __init__(self, model: str | os.PathLike[str], device: str = "auto") -> None:
        self.name = f"faster-whisper:{os.path.basename(os.fspath(model).rstrip('/'))}"
        self._model = require("faster_whisper", "speech").WhisperModel(
            os.fspath(model), device=device, local_files_only=True
        )

    def cues(self, path: str | os.PathLike[str]) -> tuple[str, tuple[Cue, ...]]:
        try:
            segments, info = self._model.transcribe(os.fspath(path), vad_filter=True)
            found = tuple(
                Cue(start=one.start, end=one.end, text=one.text.strip()) for one in segments if one.text.strip()
            )
        except (OSError, ValueError) as error:
            raise MediaError("the sound cannot be read", subject=path, remedy=str(error)) from error
        return str(info.language), found
