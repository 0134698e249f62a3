"""Filled forms (AcroForm): what the fields show is in the picture and among the words, whoever drew it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image
from reportlab.pdfgen import canvas

from sightline.core.errors import Reject
from sightline.core.media import Box, Source
from sightline.core.sample import Page
from sightline.media.pdf import page_count, read_page, text_in_boxes

SOURCE = Source(name="t.pdf", uri="t.pdf", sha256="0" * 64, media_type="application/pdf", size=1)
TEXTS = "Full name Miriam Okafor Country Kenya Remarks Please call after six. Second line here Newsletter Student"


def form(path: Path, rotation: int = 0) -> Path:
    """Two text fields, a choice, a box that is ticked and one that is not; appearances are drawn by reportlab."""
    pdf = canvas.Canvas(str(path), pagesize=(800, 800), pageCompression=0)
    fields = pdf.acroForm
    for text, y in (("Full name", 740), ("Country", 700), ("Remarks", 660), ("Newsletter", 560), ("Student", 520)):
        pdf.drawString(60, y, text)
    place = {"x": 180, "width": 250, "height": 20, "fontSize": 11}
    fields.textfield(name="full_name", value="Miriam Okafor", y=732, **place)
    fields.choice(name="country", value="Kenya", options=["Ghana", "Kenya", "Peru"], y=692, **place)
    remarks = "Please call after six.\nSecond line here"
    fields.textfield(name="remarks", value=remarks, y=600, fieldFlags="multiline", **(place | {"height": 70}))
    fields.checkbox(name="newsletter", checked=True, x=180, y=552, size=20)
    fields.checkbox(name="student", checked=False, x=180, y=512, size=20)
    pdf.setPageRotation(rotation)
    pdf.save()
    return path


def changed(path: Path, *changes: tuple[bytes, bytes]) -> Path:
    """The file with other bytes of the same length, so that its cross-references stay right."""
    data = path.read_bytes()
    for old, new in changes:
        assert len(old) == len(new)
        assert old in data
        data = data.replace(old, new)
    path.write_bytes(data)
    return path


def read(path: Path) -> Page:
    return read_page(path, SOURCE, 0)


def ink(page: Page, box: Box) -> int:
    """How far the darkest pixel in a box is from the lightest."""
    assert page.blob is not None
    left, top, right, bottom = (round(edge) for edge in box.scaled(page.scale))
    return int(np.ptp(np.asarray(Image.open(io.BytesIO(page.blob)).convert("L"))[top:bottom, left:right]))


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_values_are_words_where_a_reader_sees_them(tmp_path: Path, rotation: int) -> None:
    path = form(tmp_path / "t.pdf", rotation)
    page = read(path)
    assert " ".join(page.text.split()) == TEXTS
    for word in page.words:
        assert ink(page, word.box) > 150
        assert word.text in text_in_boxes(path, 0, [word.box])


def test_a_tick_is_seen_and_no_word(tmp_path: Path) -> None:
    page = read(form(tmp_path / "t.pdf"))
    ticked, empty = (Box(184, 800 - y - 16, 196, 800 - y - 4) for y in (552, 512))
    assert ink(page, ticked) > 150 > 20 > ink(page, empty)


def test_values_without_an_appearance_are_drawn(tmp_path: Path) -> None:
    path = changed(form(tmp_path / "t.pdf"), (b"/AP <<", b"/XP <<"), (b"Miriam Okafor", b"Jonas Lindqvi"))
    page = read(path)
    assert page.text.startswith("Full name Jonas Lindqvi")
    assert "Country Kenya" in page.text
    name = next(word for word in page.words if word.text == "Jonas")
    assert ink(page, name.box) > 150
    assert "Jonas" in text_in_boxes(path, 0, [name.box])


def test_pypdfium2_finds_the_values_in_the_boxes_once_the_page_is_flattened(tmp_path: Path) -> None:
    """How anyone checks the evidence of a form again: as the guide says."""
    path = form(tmp_path / "t.pdf")
    words = [word for word in read(path).words if word.text in ("Okafor", "Kenya", "six.")]
    assert len(words) == 3
    document = pypdfium2.PdfDocument(path)
    document.init_forms()
    document[0].flatten()
    page = document[0]
    for word in words:
        left, top, right, bottom = word.box
        height = page.get_height()
        assert word.text in page.get_textpage().get_text_bounded(left, height - bottom, right, height - top)


def test_hidden_fields_are_not_read(tmp_path: Path) -> None:
    path = changed(form(tmp_path / "t.pdf"), (b"/F 4", b"/F 2"))
    page = read(path)
    assert " ".join(page.text.split()) == "Full name Country Remarks Newsletter Student"


def test_a_form_that_only_a_program_draws_is_refused(tmp_path: Path) -> None:
    """Its pages hold "Please wait..." and nothing else."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /NeedsRendering true /AcroForm << /Fields [] /XFA (x) >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
    ]
    body = b"".join(b"%d 0 obj %s endobj\n" % (number, each) for number, each in enumerate(objects, 1))
    path = tmp_path / "t.pdf"
    path.write_bytes(b"%PDF-1.7\n" + body + b"trailer << /Root 1 0 R >>\n")
    with pytest.raises(Reject) as caught:
        page_count(path)
    assert caught.value.reason == "dynamic-form"


def commented(path: Path, kind: bytes) -> Path:
    """A page of two words and an annotation whose appearance says two more."""
    drawn = b"BT /F 14 Tf 4 6 Td (Reviewed twice) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Annots [6 0 R] "
        b"/Resources << /Font << /F 5 0 R >> >> >>",
        b"<< /Length 44 >>\nstream\nBT /F 14 Tf 20 150 Td (Purchase order) Tj ET \nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /Annot /Subtype /" + kind + b" /Rect [150 40 290 64] /F 4 /AP << /N 7 0 R >> >>",
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 140 24] /Resources << /Font << /F 5 0 R >> >> "
        b"/Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
    ]
    data = b"%PDF-1.4\n" + b"".join(b"%d 0 obj\n%s\nendobj\n" % (n, body) for n, body in enumerate(objects, 1))
    path.write_bytes(data + b"trailer << /Root 1 0 R /Size 8 >>\n%%EOF\n")
    return path


def test_a_comment_written_on_the_page_is_read_without_a_form(tmp_path: Path) -> None:
    path = commented(tmp_path / "t.pdf", b"FreeText")
    page = read(path)
    assert page.text.split() == ["Purchase", "order", "Reviewed", "twice"]
    word = next(word for word in page.words if word.text == "Reviewed")
    assert ink(page, word.box) > 150
    assert "Reviewed" in text_in_boxes(path, 0, [word.box])


def test_a_stamp_stays_a_picture(tmp_path: Path) -> None:
    assert read(commented(tmp_path / "t.pdf", b"Stamp")).text.split() == ["Purchase", "order"]
