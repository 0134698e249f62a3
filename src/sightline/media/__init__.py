"""Media organ: documents and photos as bytes in, pages and pictures with words out, safely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.media.ocr import RapidOcr, Tesseract, choose_ocr
    from sightline.media.pdf import PageConfig, page_count, read_page, text_in_boxes
    from sightline.media.photo import Photo, PhotoConfig, read_photo
    from sightline.media.sniffing import sniff, sniff_file

__all__ = [
    "PageConfig",
    "Photo",
    "PhotoConfig",
    "RapidOcr",
    "Tesseract",
    "choose_ocr",
    "page_count",
    "read_page",
    "read_photo",
    "sniff",
    "sniff_file",
    "text_in_boxes",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "PageConfig": "sightline.media.pdf:PageConfig",
        "Photo": "sightline.media.photo:Photo",
        "PhotoConfig": "sightline.media.photo:PhotoConfig",
        "RapidOcr": "sightline.media.ocr:RapidOcr",
        "Tesseract": "sightline.media.ocr:Tesseract",
        "choose_ocr": "sightline.media.ocr:choose_ocr",
        "page_count": "sightline.media.pdf:page_count",
        "read_page": "sightline.media.pdf:read_page",
        "read_photo": "sightline.media.photo:read_photo",
        "sniff": "sightline.media.sniffing:sniff",
        "sniff_file": "sightline.media.sniffing:sniff_file",
        "text_in_boxes": "sightline.media.pdf:text_in_boxes",
    },
)
