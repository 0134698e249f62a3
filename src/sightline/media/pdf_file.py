"""An open PDF: opened once per process and kept while its pages are read one after another.

Knows how a page is turned and cropped: everything beyond this file works in displayed points (origin at the top left
of the page as a reader sees it), PDFium in user space (origin anywhere, y up, not turned).
"""

from __future__ import annotations

import atexit
import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import addressof, c_float
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.core.errors import Reject
from sightline.core.media import Box
from sightline.media import pdfium
from sightline.media.sniffing import sniff_file

Floats = npt.NDArray[np.float64]
PathLike = str | bytes | os.PathLike[str]

KEPT_OPEN = 2
"""Documents open at a time in one process."""
PAGES_PER_OPENING = 500
"""PDFium keeps every object it has parsed until the document is closed; opening again keeps memory flat."""
LEAST_BYTES_PER_PAGE = 8
"""A page tree that claims more pages than the file could hold is broken, whatever it says."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """How user space maps to the page as displayed."""

    width: float
    """Points, as displayed."""
    height: float
    rotation: int
    """/Rotate in degrees, clockwise: 0, 90, 180 or 270."""
    left: float
    """Edges of the visible box in user space."""
    bottom: float
    right: float
    top: float

    def displayed(self, rects: Floats) -> Floats:
        """User-space rectangles as boxes of the page; (n, 4): left, bottom, right, top to left, top, right, bottom."""
        left, bottom, right, top = rects.T
        if self.rotation == 90:
            turned = bottom - self.bottom, left - self.left, top - self.bottom, right - self.left
        elif self.rotation == 180:
            turned = self.right - right, bottom - self.bottom, self.right - left, top - self.bottom
        elif self.rotation == 270:
            turned = self.top - top, self.right - right, self.top - bottom, self.right - left
        else:
            turned = left - self.left, self.top - top, right - self.left, self.top - bottom
        return np.stack(turned, axis=1)

    def user_space(self, box: Box) -> tuple[float, float, float, float]:
        """The inverse of `displayed`: (left, bottom, right, top)."""
        x0, y0, x1, y1 = box
        if self.rotation == 90:
            return y0 + self.left, x0 + self.bottom, y1 + self.left, x1 + self.bottom
        if self.rotation == 180:
            return self.right - x1, y0 + self.bottom, self.right - x0, y1 + self.bottom
        if self.rotation == 270:
            return self.right - y1, self.top - x1, self.right - y0, self.top - x0
        return x0 + self.left, self.top - y1, x1 + self.left, self.top - y0


class Document:
    """An open PDF; `handle` is PDFium's. Raises Reject where it cannot be opened."""

    def __init__(self, path: PathLike) -> None:
        media_type = sniff_file(path)
        if media_type != "application/pdf":
            raise Reject("not-a-pdf", media_type=media_type)
        size = os.stat(path).st_size
        self.pages_read = 0
        self.form: int | None = None
        self.handle: int | None = pdfium.load_document(os.fsencode(path), None)
        if not self.handle:
            error = pdfium.last_error()
            if error in (pdfium.ERROR_PASSWORD, pdfium.ERROR_SECURITY):
                raise Reject("encrypted-pdf", detail="a password is needed to open it")
            raise Reject("broken-pdf", detail=f"PDFium cannot open it (error {error})", size=size)
        self.pages: int = pdfium.page_count(self.handle)
        if self.pages * LEAST_BYTES_PER_PAGE > size:
            self.close()
            raise Reject("broken-pdf", detail=f"its page tree claims {self.pages} pages in {size} bytes", size=size)
        if self.pages < 1:
            self.close()
            raise Reject("no-pages", size=size)
        self._open_form(size)

    def _open_form(self, size: int) -> None:
        """Makes the values of form fields readable. Raises Reject("dynamic-form") where XFA draws the pages."""
        kind = pdfium.form_type(self.handle)
        if kind == pdfium.DYNAMIC_FORM:
            self.close()
            raise Reject("dynamic-form", size=size)
        if kind != pdfium.NO_FORM:
            self.form = pdfium.open_form(self.handle, addressof(pdfium.FORM_CALLBACKS))

    def close(self) -> None:
        if self.form:
            pdfium.close_form(self.form)
            self.form = None
        if self.handle:
            pdfium.close_document(self.handle)
            self.handle = None

    @contextmanager
    def page(self, index: int) -> Iterator[int]:
        """PDFium's handle of one page, closed afterwards; what its form fields and comments show is part of its
        content.

        Raises Reject("broken-page").
        """
        if not 0 <= index < self.pages:
            raise Reject("broken-page", detail=f"the document has {self.pages} pages", page=index)
        page = self._load(index)
        if (self.form or _has_comments(page)) and self._flattened(page, index):
            page = self._load(index)
        self.pages_read += 1
        try:
            yield page
        finally:
            pdfium.close_page(page)

    def _load(self, index: int) -> int:
        page: int | None = pdfium.load_page(self.handle, index)
        if not page:
            raise Reject("broken-page", detail=f"PDFium cannot load it (error {pdfium.last_error()})", page=index)
        return page

    def _flattened(self, page: int, index: int) -> bool:
        """Draws the page's fields and comments, as a viewer shows them, into its content (in memory), from which they
        are rendered and read like any other text. True where something was drawn: the page is closed then and must be
        loaded anew.
        """
        if self.form:
            pdfium.fill_in_page(page, self.form)
        done = pdfium.flatten(page, pdfium.FOR_READING)
        if self.form:
            pdfium.leave_page(page, self.form)
        if done not in (pdfium.FLATTENED, pdfium.NOT_FLATTENED):
            return False
        pdfium.close_page(page)
        if done == pdfium.NOT_FLATTENED:
            raise Reject("broken-page", detail="PDFium cannot draw its form fields", page=index)
        return True


def _has_comments(page: int) -> bool:
    """A comment written on the page itself ("FreeText")."""
    for place in range(pdfium.count_annotations(page)):
        note = pdfium.annotation_at(page, place)
        kind = pdfium.annotation_kind(note)
        pdfium.close_annotation(note)
        if kind == pdfium.FREE_TEXT:
            return True
    return False


_Key = tuple[bytes, int, int]
_open: OrderedDict[_Key, Document] = OrderedDict()


def open_document(path: PathLike) -> Document:
    """The document at `path`, opened or still open from before (same path, time of change and size).

    Raises Reject: "not-a-pdf", "encrypted-pdf", "broken-pdf", "no-pages", "dynamic-form"; OSError where the file cannot
    be read.
    """
    status = os.stat(path)
    key = (os.fsencode(path), status.st_mtime_ns, status.st_size)
    document = _open.pop(key, None)
    if document is not None and document.pages_read >= PAGES_PER_OPENING:
        document.close()
        document = None
    if document is None:
        document = Document(path)
    _open[key] = document
    while len(_open) > KEPT_OPEN:
        _open.popitem(last=False)[1].close()
    return document


@atexit.register
def close_documents() -> None:
    """Close what `open_document` keeps open."""
    while _open:
        _open.popitem()[1].close()


def geometry(page: int, index: int) -> Geometry:
    """Of the page with this PDFium handle. Raises Reject("broken-page") where it has no area."""
    edges = (c_float * 4)()
    width, height = pdfium.page_width(page), pdfium.page_height(page)
    if not pdfium.page_box(page, edges) or not (width > 0 and height > 0):
        raise Reject("broken-page", detail="the page has no area", page=index)
    left, top, right, bottom = edges
    return Geometry(width, height, 90 * pdfium.page_rotation(page), left, bottom, right, top)
