"""Media organ: documents, photos and videos as bytes in; pages, pictures, frames and words out, safely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.media.ocr import RapidOcr, Tesseract, choose_ocr
    from sightline.media.page_config import PageConfig
    from sightline.media.pdf import page_count, read_page, text_in_boxes
    from sightline.media.photo import Photo, PhotoConfig, read_photo
    from sightline.media.sniffing import sniff, sniff_file
    from sightline.media.speech import Speech, Whisper
    from sightline.media.transcript import Cue, Transcript, parse_transcript
    from sightline.media.video import Video, VideoConfig, VideoFacts, read_video
    from sightline.media.video_cuts import ContentCuts, IsolatedCuts

__all__ = [
    "ContentCuts",
    "Cue",
    "IsolatedCuts",
    "PageConfig",
    "Photo",
    "PhotoConfig",
    "RapidOcr",
    "Speech",
    "Tesseract",
    "Transcript",
    "Video",
    "VideoConfig",
    "VideoFacts",
    "Whisper",
    "choose_ocr",
    "page_count",
    "parse_transcript",
    "read_page",
    "read_photo",
    "read_video",
    "sniff",
    "sniff_file",
    "text_in_boxes",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "ContentCuts": "sightline.media.video_cuts:ContentCuts",
        "Cue": "sightline.media.transcript:Cue",
        "IsolatedCuts": "sightline.media.video_cuts:IsolatedCuts",
        "PageConfig": "sightline.media.page_config:PageConfig",
        "Photo": "sightline.media.photo:Photo",
        "PhotoConfig": "sightline.media.photo:PhotoConfig",
        "RapidOcr": "sightline.media.ocr:RapidOcr",
        "Speech": "sightline.media.speech:Speech",
        "Tesseract": "sightline.media.ocr:Tesseract",
        "Transcript": "sightline.media.transcript:Transcript",
        "Video": "sightline.media.video:Video",
        "VideoConfig": "sightline.media.video:VideoConfig",
        "VideoFacts": "sightline.media.video:VideoFacts",
        "Whisper": "sightline.media.speech:Whisper",
        "choose_ocr": "sightline.media.ocr:choose_ocr",
        "page_count": "sightline.media.pdf:page_count",
        "parse_transcript": "sightline.media.transcript:parse_transcript",
        "read_page": "sightline.media.pdf:read_page",
        "read_photo": "sightline.media.photo:read_photo",
        "read_video": "sightline.media.video:read_video",
        "sniff": "sightline.media.sniffing:sniff",
        "sniff_file": "sightline.media.sniffing:sniff_file",
        "text_in_boxes": "sightline.media.pdf:text_in_boxes",
    },
)
