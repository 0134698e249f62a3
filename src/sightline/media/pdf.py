"""PDF files: how many pages, a page as picture and words, and the text inside given boxes.

One process reads one page at a time; the document stays open between pages. A page that cannot be read is a `Reject`
with its reason, never an empty page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np

from sightline.core.errors import Reject
from sightline.core.media import Box, MediaRef, Source, Word
from sightline.core.ports import OCR
from sightline.core.sample import Page
from sightline.media import pdfium
from sightline.media.layout import reading_order
from sightline.media.page_config import PageConfig
from sightline.media.pdf_file import Geometry, PathLike, geometry, open_document
from sightline.media.pdf_render import jpeg, largest_picture, picture_cover, picture_scale, render
from sightline.media.pdf_words import clean, read_text_layer
from sightline.media.png import Canvas, Pixels


def page_count(path: PathLike) -> int:
    """Pages of the PDF at `path`.

    Raises Reject: "not-a-pdf" (media_type=), "encrypted-pdf", "broken-pdf" (detail=), "no-pages", "dynamic-form";
    OSError where the file cannot be read.
    """
    return open_document(path).pages


def read_page(
    path: PathLike,
    source: Source,
    index: int,
    *,
    config: PageConfig | None = None,
    ocr: OCR | None = None,
    language: str = "auto",
    picture_hash: Callable[[Pixels], str] | None = None,
) -> Page:
    """One page: upright picture in `blob`, words in reading order with boxes in displayed points. A page whose own text
    cannot be used is read by `ocr`, if it reads `language` (ISO 639-1 or "auto"); `text_from` says so. `picture_hash`
    fills `perceptual_hash` from the pixels, (height, width) where they have no colour, else (height, width, 3).

    Raises Reject: "no-text-layer" (picture_cover=, chars=), "garbled-text-layer", "empty-page", "page-too-large",
    "text-too-small", "picture-too-large", "broken-page", "ocr-cannot-read", and those of `ocr` and `page_count`.
    """
    config = config or PageConfig()
    with (document := open_document(path)).page(index) as handle:
        shape = geometry(handle, index)
        scale = _scale(shape, config)
        _refuse_large_pictures(handle, config)
        canvas = render(handle, shape, scale)
        words, chars, garbled = _visible_words(handle, shape, canvas, scale)
        usable = bool(words) and garbled <= config.max_garbled
        cover = 0.0 if usable and chars >= config.min_chars else picture_cover(handle, shape)
    text_from = "pdf"
    if not usable or (chars < config.min_chars and cover >= config.scan_cover):
        if canvas.is_plain(0, 0, canvas.width, canvas.height):
            raise Reject("empty-page", page=index)
        if ocr is None:
            why = "garbled-text-layer" if garbled > config.max_garbled else "no-text-layer"
            raise Reject(why, page=index, chars=chars, garbled=round(garbled, 3), picture_cover=round(cover, 3))
        words, text_from = _ocr_words(ocr, language, canvas, scale, index), f"ocr:{ocr.name}"
    _refuse_small_text(words, scale, config)
    blob, image = _encoded(canvas, index, config)
    return Page.model_construct(  # built from checked parts; validating every word again takes 1 ms a page
        blob=blob,
        source=source,
        index=index,
        pages=document.pages,
        width=shape.width,
        height=shape.height,
        image=image,
        scale=scale,
        rotation=shape.rotation,
        words=words,
        text_from=text_from,
        perceptual_hash="" if picture_hash is None else picture_hash(canvas.plain_pixels),
    )


def _encoded(canvas: Canvas, index: int, config: PageConfig) -> tuple[bytes, MediaRef]:
    blob = canvas.png() if config.picture == "png" else jpeg(canvas, config.jpeg_quality)
    ref = MediaRef(
        sha256=hashlib.sha256(blob).hexdigest(),
        media_type=f"image/{config.picture}",
        width=canvas.width,
        height=canvas.height,
        page=index,
    )
    return blob, ref


def text_in_boxes(path: PathLike, page: int, boxes: Sequence[Box]) -> str:
    """What PDFium finds inside displayed boxes (points) of a page: one line of text for each box.

    Made to check evidence: characters that a box touches are part of its text. Raises Reject as `read_page` does.
    """
    with open_document(path).page(page) as handle:
        shape = geometry(handle, page)
        text = pdfium.load_text(handle)
        if not text:
            raise Reject("broken-page", detail="PDFium cannot read its text", page=page)
        try:
            return "\n".join(_text_in(text, shape.user_space(box)) for box in boxes)
        finally:
            pdfium.close_text(text)


def _text_in(text: int, edges: tuple[float, float, float, float]) -> str:
    left, bottom, right, top = edges
    length = pdfium.bounded_text(text, left, top, right, bottom, None, 0)
    units = np.zeros(length + 1, np.uint16)
    written = pdfium.bounded_text(text, left, top, right, bottom, units.ctypes.data, length)
    return clean(units[:written].tobytes().decode("utf-16-le", "surrogatepass"))


def _scale(shape: Geometry, config: PageConfig) -> float:
    scale = picture_scale(shape, config.dpi, config.max_side)
    pixels = shape.width * scale * shape.height * scale
    if pixels > config.max_pixels or scale * 72 < min(config.min_dpi, config.dpi):
        raise Reject(
            "page-too-large",
            width=shape.width,
            height=shape.height,
            dpi=round(scale * 72, 3),
            megapixels=round(pixels / 1e6, 1),
        )
    return scale


def _refuse_small_text(words: Sequence[Word], scale: float, config: PageConfig) -> None:
    """A `dpi` that the user chose is not questioned, only the cap."""
    if words and scale < config.dpi / 72:
        pixels = median(word.box.height for word in words) * scale
        if pixels < config.min_text_pixels:
            raise Reject("text-too-small", pixels=round(pixels, 2), dpi=round(scale * 72, 1))


def _refuse_large_pictures(page: int, config: PageConfig) -> None:
    width, height = largest_picture(page)
    if width * height > config.max_image_pixels:
        raise Reject("picture-too-large", width=width, height=height, limit=config.max_image_pixels)


def _visible_words(page: int, shape: Geometry, canvas: Canvas, scale: float) -> tuple[tuple[Word, ...], int, float]:
    """Words in reading order, their characters, and the garbled share of the text layer.

    A line whose place in the picture is all one colour (white on white, clipped away) is nothing a reader sees: it is
    left out. A text layer behind a scan stays, because there the picture shows the ink.
    """
    layer = read_text_layer(page, shape)
    if not layer.texts:
        return (), 0, layer.garbled
    order = reading_order(layer.texts, layer.boxes, layer.heights, layer.turns)
    lines = np.array(order.lines)
    starts = np.flatnonzero(np.diff(lines, prepend=-1))
    boxes = layer.boxes[order.places] * scale
    lowest = np.floor(np.minimum.reduceat(boxes[:, :2], starts)).astype(int) - 1
    highest = np.ceil(np.maximum.reduceat(boxes[:, 2:], starts)).astype(int) + 1
    hidden = canvas.plain_parts(np.concatenate((lowest, highest), axis=1))
    if hidden:
        order = order.without(hidden)
    return (
        order.words(layer.texts, layer.boxes),
        sum(map(len, map(layer.texts.__getitem__, order.places))),
        layer.garbled,
    )


def _ocr_words(ocr: OCR, language: str, canvas: Canvas, scale: float, index: int) -> tuple[Word, ...]:
    if language != "auto" and language not in ocr.languages:
        raise Reject("ocr-cannot-read", page=index, engine=ocr.name, language=language, reads=sorted(ocr.languages))
    return tuple(
        Word(clean(word.text), word.box.scaled(1 / scale), word.line, word.block) for word in ocr.words(canvas.png())
    )
