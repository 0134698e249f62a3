"""The PDFium functions that this package calls, bound once with plain integers as handles and addresses.

pypdfium2 ships PDFium and starts it; its own bindings check and wrap every pointer, which costs more than the call
itself where a call is made for each word of a page. PDFium is not thread-safe: one process reads one page at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from ctypes import CFUNCTYPE, PYFUNCTYPE, c_char_p, c_double, c_float, c_int, c_uint, c_ulong, c_void_p, cast
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as raw  # type: ignore[import-untyped]

PDFIUM_VERSION = str(pypdfium2.PDFIUM_INFO)

ERROR_PASSWORD = raw.FPDF_ERR_PASSWORD
ERROR_SECURITY = raw.FPDF_ERR_SECURITY
ERROR_FILE = raw.FPDF_ERR_FILE
FORMAT_RGB = raw.FPDFBitmap_BGR
RENDER_FLAGS = raw.FPDF_ANNOT | raw.FPDF_REVERSE_BYTE_ORDER
OBJECT_IMAGE = raw.FPDF_PAGEOBJ_IMAGE
OBJECT_FORM = raw.FPDF_PAGEOBJ_FORM
NO_FORM = raw.FORMTYPE_NONE
DYNAMIC_FORM = raw.FORMTYPE_XFA_FULL
FLATTENED = raw.FLATTEN_SUCCESS
NOT_FLATTENED = raw.FLATTEN_FAIL
FOR_READING = raw.FLAT_NORMALDISPLAY
FREE_TEXT = raw.FPDF_ANNOT_FREETEXT
FORM_CALLBACKS = raw.FPDF_FORMFILLINFO(version=2)
"""None: no script of a form runs. PDFium keeps its address."""


def _bind(kind: Callable[..., Any], name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    bound: Callable[..., Any] = kind(result, *arguments)(cast(getattr(raw, name), c_void_p).value)
    return bound


def _slow(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """Bound so that other Python threads go on while the call runs."""
    return _bind(CFUNCTYPE, name, result, *arguments)


def _quick(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """Bound without giving up the interpreter lock: for calls of under a microsecond."""
    return _bind(PYFUNCTYPE, name, result, *arguments)


def _bare(name: str, result: Any) -> Callable[..., Any]:
    """Like `_quick`, for what is called once a word: arguments are handed on as they are, which takes half the time.
    Handles and addresses must be `c_void_p` objects, numbers plain integers."""
    return _bind(PYFUNCTYPE, name, result)


load_document = _slow("FPDF_LoadDocument", c_void_p, c_char_p, c_char_p)
close_document = _slow("FPDF_CloseDocument", None, c_void_p)
last_error = _quick("FPDF_GetLastError", c_ulong)
page_count = _slow("FPDF_GetPageCount", c_int, c_void_p)

load_page = _slow("FPDF_LoadPage", c_void_p, c_void_p, c_int)
close_page = _slow("FPDF_ClosePage", None, c_void_p)
page_width = _quick("FPDF_GetPageWidthF", c_float, c_void_p)
page_height = _quick("FPDF_GetPageHeightF", c_float, c_void_p)
page_box = _quick("FPDF_GetPageBoundingBox", c_int, c_void_p, c_void_p)
page_rotation = _quick("FPDFPage_GetRotation", c_int, c_void_p)

form_type = _quick("FPDF_GetFormType", c_int, c_void_p)
open_form = _slow("FPDFDOC_InitFormFillEnvironment", c_void_p, c_void_p, c_void_p)
close_form = _slow("FPDFDOC_ExitFormFillEnvironment", None, c_void_p)
fill_in_page = _slow("FORM_OnAfterLoadPage", None, c_void_p, c_void_p)
leave_page = _slow("FORM_OnBeforeClosePage", None, c_void_p, c_void_p)
flatten = _slow("FPDFPage_Flatten", c_int, c_void_p, c_int)

count_annotations = _quick("FPDFPage_GetAnnotCount", c_int, c_void_p)
annotation_at = _quick("FPDFPage_GetAnnot", c_void_p, c_void_p, c_int)
annotation_kind = _quick("FPDFAnnot_GetSubtype", c_int, c_void_p)
close_annotation = _quick("FPDFPage_CloseAnnot", None, c_void_p)

create_bitmap = _slow("FPDFBitmap_CreateEx", c_void_p, c_int, c_int, c_int, c_void_p, c_int)
destroy_bitmap = _slow("FPDFBitmap_Destroy", None, c_void_p)
render = _slow("FPDF_RenderPageBitmap", None, c_void_p, c_void_p, c_int, c_int, c_int, c_int, c_int, c_int)

count_objects = _quick("FPDFPage_CountObjects", c_int, c_void_p)
object_at = _quick("FPDFPage_GetObject", c_void_p, c_void_p, c_int)
count_form_objects = _quick("FPDFFormObj_CountObjects", c_int, c_void_p)
form_object_at = _quick("FPDFFormObj_GetObject", c_void_p, c_void_p, c_ulong)
object_type = _quick("FPDFPageObj_GetType", c_int, c_void_p)
object_bounds = _quick("FPDFPageObj_GetBounds", c_int, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)
image_size = _quick("FPDFImageObj_GetImagePixelSize", c_int, c_void_p, c_void_p, c_void_p)

load_text = _slow("FPDFText_LoadPage", c_void_p, c_void_p)
close_text = _slow("FPDFText_ClosePage", None, c_void_p)
count_chars = _quick("FPDFText_CountChars", c_int, c_void_p)
text_utf16 = _quick("FPDFText_GetText", c_int, c_void_p, c_int, c_int, c_void_p)
char_code = _quick("FPDFText_GetUnicode", c_uint, c_void_p, c_int)
char_unmapped = _bare("FPDFText_HasUnicodeMapError", c_int)
char_angle = _bare("FPDFText_GetCharAngle", c_float)
char_box = _quick("FPDFText_GetCharBox", c_int, c_void_p, c_int, c_void_p, c_void_p, c_void_p, c_void_p)
char_loose_box = _bare("FPDFText_GetLooseCharBox", c_int)
count_rects = _bare("FPDFText_CountRects", c_int)
rect_at = _bare("FPDFText_GetRect", c_int)
bounded_text = _slow(
    "FPDFText_GetBoundedText", c_int, c_void_p, c_double, c_double, c_double, c_double, c_void_p, c_int
)
