"""A PDF page as pixels: upright, white behind, the long side capped, never more memory than stated."""

from __future__ import annotations

import io
from ctypes import byref, c_float, c_uint
from itertools import repeat

from PIL import Image

from sightline.core.errors import Reject
from sightline.media import pdfium
from sightline.media.pdf_file import Geometry
from sightline.media.png import Canvas

FORM_DEPTH = 4
"""How deep pictures are looked for in form objects that hold form objects."""


def picture_scale(geometry: Geometry, dpi: float, max_side: int) -> float:
    """Pixels per point: dpi / 72, less where the longer side would pass `max_side` pixels."""
    return min(dpi / 72, max_side / max(geometry.width, geometry.height))


def render(page: int, geometry: Geometry, scale: float) -> Canvas:
    """The page at `scale` pixels per point, rounded to whole pixels. Raises Reject("broken-page")."""
    width = max(1, round(geometry.width * scale))
    height = max(1, round(geometry.height * scale))
    canvas = Canvas(width, height)
    bitmap = pdfium.create_bitmap(width, height, pdfium.FORMAT_RGB, canvas.address, canvas.stride)
    if not bitmap:
        raise Reject("broken-page", detail="PDFium cannot make a bitmap", width=width, height=height)
    try:
        pdfium.render(bitmap, page, 0, 0, width, height, 0, pdfium.RENDER_FLAGS)
    finally:
        pdfium.destroy_bitmap(bitmap)
    return canvas


def jpeg(canvas: Canvas, quality: int) -> bytes:
    """The picture as JPEG; greyscale where it has no colour."""
    picture = Image.fromarray(canvas.pixels)
    out = io.BytesIO()
    (picture.convert("L") if canvas.is_grey() else picture).save(out, "JPEG", quality=quality)
    return out.getvalue()


def largest_picture(page: int) -> tuple[int, int]:
    """Width and height in pixels of the largest picture on the page; (0, 0) where there is none."""
    width, height = c_uint(), c_uint()
    largest = (0, 0)
    for picture, _ in _pictures(page):
        if pdfium.image_size(picture, byref(width), byref(height)):
            largest = max(largest, (width.value, height.value), key=lambda size: size[0] * size[1])
    return largest


def picture_cover(page: int, geometry: Geometry) -> float:
    """Share of the page that pictures cover, 0..1; pictures that lie on each other count twice."""
    edges = [c_float() for _ in range(4)]
    covered = 0.0
    for outer in {outer for _, outer in _pictures(page)}:
        if pdfium.object_bounds(outer, *map(byref, edges)):
            left, bottom, right, top = (edge.value for edge in edges)
            wide = min(right, geometry.right) - max(left, geometry.left)
            high = min(top, geometry.top) - max(bottom, geometry.bottom)
            covered += max(wide, 0.0) * max(high, 0.0)
    return min(covered / (geometry.width * geometry.height), 1.0)


def _pictures(page: int) -> list[tuple[int, int]]:
    """Picture objects, each with the outermost object of the page that holds it."""
    objects = list(map(pdfium.object_at, repeat(page), range(pdfium.count_objects(page))))
    kinds = set(map(pdfium.object_type, objects))
    if pdfium.OBJECT_IMAGE not in kinds and pdfium.OBJECT_FORM not in kinds:
        return []
    level = list(zip(objects, objects, strict=True))
    found: list[tuple[int, int]] = []
    for _ in range(FORM_DEPTH):
        typed = [(pair, pdfium.object_type(pair[0])) for pair in level]
        found += [pair for pair, kind in typed if kind == pdfium.OBJECT_IMAGE]
        level = [
            (pdfium.form_object_at(form, at), outer)
            for (form, outer), kind in typed
            if kind == pdfium.OBJECT_FORM
            for at in range(pdfium.count_form_objects(form))
        ]
        if not level:
            break
    return found
