"""Pages of PDFs: geometry, words, refusals."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reportlab.lib import pdfencrypt
from reportlab.pdfgen import canvas

from sightline.core.errors import Reject
from sightline.core.media import Box, Source, Word
from sightline.core.sample import Page
from sightline.media.pdf import PageConfig, page_count, read_page, text_in_boxes

SOURCE = Source(name="t.pdf", uri="t.pdf", sha256="0" * 64, media_type="application/pdf", size=1)


def read(path: Path, index: int = 0, **options: object) -> Page:
    return read_page(path, SOURCE, index, **options)  # type: ignore[arg-type]


def reason(path: Path, index: int = 0, **options: object) -> Reject:
    with pytest.raises(Reject) as caught:
        read(path, index, **options)
    return caught.value


def refusals(path: Path) -> set[str]:
    """The reasons for which the file or pages of it are refused."""
    found: set[str] = set()
    pages = 0
    try:
        pages = page_count(path)
    except Reject as refused:
        found.add(refused.reason)
    for index in range(pages):
        try:
            read(path, index)
        except Reject as refused:
            found.add(refused.reason)
    return found


def raw_pdf(path: Path, *objects: bytes, trailer: bytes = b"/Root 1 0 R") -> Path:
    """A PDF with these objects, numbered from 1, and a right cross-reference table."""
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    path.write_bytes(out)
    return path


def one_page(path: Path, entries: bytes, content: bytes = b"", *more: bytes) -> Path:
    """One page with these entries in its dictionary; font /F is Helvetica; `more` objects are numbered from 6."""
    if b"/Resources" not in entries:
        entries += b" /Resources << /Font << /F 5 0 R >> >>"
    return raw_pdf(
        path,
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R " + entries + b" >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *more,
    )


def picture(page: Page) -> np.ndarray:
    assert page.blob is not None
    return np.asarray(Image.open(io.BytesIO(page.blob)).convert("L"))


def ink_around(page: Page, word: Word) -> np.ndarray:
    left, top, right, bottom = (round(edge) for edge in word.box.scaled(page.scale))
    return picture(page)[top:bottom, left:right]


SENTENCE = b"BT /F 12 Tf %d %d Td (The quick brown fox jumps over the lazy dog) Tj ET"


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [b"", b"/CropBox [50 30 400 250]"])
def test_words_lie_on_their_ink_whatever_rotation_and_crop(tmp_path: Path, rotation: int, crop: bytes) -> None:
    path = one_page(
        tmp_path / "t.pdf", b"/MediaBox [10 20 500 300] /Rotate %d %s" % (rotation, crop), SENTENCE % (100, 100)
    )
    page = read(path)
    width, height = (350, 220) if crop else (490, 280)
    assert (page.width, page.height) == ((width, height) if rotation % 180 == 0 else (height, width))
    assert page.rotation == rotation
    assert page.text == "The quick brown fox jumps over the lazy dog"
    outside = picture(page).copy()
    for word in page.words:
        assert ink_around(page, word).min() < 100
        left, top, right, bottom = (round(edge) for edge in word.box.scaled(page.scale))
        outside[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1] = 255
        assert word.text in text_in_boxes(path, 0, [word.box])
    assert outside.min() > 150, "no more ink than the fringe of a letter stands outside the boxes"


def test_first_word_of_a_turned_page_stands_where_a_reader_sees_it(tmp_path: Path) -> None:
    path = one_page(tmp_path / "t.pdf", b"/MediaBox [0 0 500 300] /Rotate 90", SENTENCE % (100, 250))
    word = read(path).words[0]
    assert word.text == "The"
    assert word.box.left == pytest.approx(250, abs=4)
    assert word.box.top == pytest.approx(100, abs=4)


def test_two_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    pdf = canvas.Canvas(str(tmp_path / "t.pdf"))
    pdf.setFont("Times-Roman", 18)
    pdf.drawString(70, 800, "A title that runs over both of the columns below")
    pdf.setFont("Times-Roman", 10)
    for row in range(20):
        pdf.drawString(70, 760 - 12 * row, f"left line number {row} with enough words in it")
        pdf.drawString(310, 760 - 12 * row, f"right line number {row} with enough words in it")
    pdf.save()
    page = read(tmp_path / "t.pdf")
    lines = page.text.replace("\n\n", "\n").split("\n")
    assert lines[0].startswith("A title")
    assert [line.split()[0] for line in lines[1:]] == ["left"] * 20 + ["right"] * 20
    assert [line.split()[3] for line in lines[1:]] == [str(row) for row in range(20)] * 2
    assert len({word.block for word in page.words}) == 3


def test_rows_of_a_table_stay_lines(tmp_path: Path) -> None:
    pdf = canvas.Canvas(str(tmp_path / "t.pdf"))
    pdf.setFont("Helvetica", 9)
    for column, x in enumerate((60, 200, 300, 400)):
        for row in range(12):
            pdf.drawString(x, 700 - 14 * row, f"item number {row}" if column == 0 else f"{row * 10 + column}.00")
    pdf.save()
    lines = read(tmp_path / "t.pdf").text.replace("\n\n", "\n").split("\n")
    assert lines == [f"item number {row} {row * 10 + 1}.00 {row * 10 + 2}.00 {row * 10 + 3}.00" for row in range(12)]


def test_cells_drawn_as_one_text_are_not_one_number(tmp_path: Path) -> None:
    path = one_page(tmp_path / "t.pdf", b"/MediaBox [0 0 300 100]", b"BT /F 9 Tf 40 50 Td [(3) -3000 (0)] TJ ET")
    assert [word.text for word in read(path).words] == ["3", "0"]


def test_text_that_no_reader_sees_is_left_out(tmp_path: Path) -> None:
    content = SENTENCE % (30, 150) + b" 1 g BT /F 12 Tf 30 50 Td (white on white) Tj ET"
    content += b" 0 g BT /F 12 Tf 900 50 Td (beyond the edge) Tj ET BT 3 Tr /F 12 Tf 30 80 Td (no ink at all) Tj ET"
    page = read(one_page(tmp_path / "t.pdf", b"/MediaBox [0 0 400 200]", content))
    assert page.text == "The quick brown fox jumps over the lazy dog"


def test_colour_and_picture_format(tmp_path: Path) -> None:
    grey = one_page(tmp_path / "g.pdf", b"/MediaBox [0 0 300 200]", SENTENCE % (9, 90))
    red = one_page(tmp_path / "r.pdf", b"/MediaBox [0 0 300 200]", b"1 0 0 rg " + SENTENCE % (9, 90))
    assert Image.open(io.BytesIO(read(grey).blob or b"")).mode == "L"
    page = read(red)
    shown = Image.open(io.BytesIO(page.blob or b""))
    assert shown.mode == "RGB"
    assert page.image.media_type == "image/png"
    left, top, right, bottom = (round(edge) for edge in page.words[0].box.scaled(page.scale))
    colour = np.asarray(shown)[top:bottom, left:right].reshape(-1, 3)
    assert colour[:, 0].min() > 200 > 100 > colour[:, 2].min(), "red, not blue"
    as_jpeg = read(red, config=PageConfig(picture="jpeg"))
    assert as_jpeg.image.media_type == "image/jpeg"
    assert Image.open(io.BytesIO(as_jpeg.blob or b"")).format == "JPEG"


def test_huge_pages_are_capped_or_refused(tmp_path: Path) -> None:
    large = one_page(tmp_path / "l.pdf", b"/MediaBox [0 0 14400 7200]", b"10 0 0 10 0 0 cm " + SENTENCE % (100, 100))
    page = read(large)
    assert (page.image.width, page.image.height) == (2940, 1470)
    assert page.text.startswith("The quick")
    huge = one_page(tmp_path / "h.pdf", b"/MediaBox [0 0 100000 100000]", SENTENCE % (100, 100))
    assert reason(huge).reason == "page-too-large"
    refused = reason(large, config=PageConfig(max_side=1_000_000))
    assert refused.reason == "page-too-large"
    assert refused.evidence["megapixels"] == 450.0


def test_a_page_whose_words_cannot_be_read_in_its_capped_picture_is_refused(tmp_path: Path) -> None:
    path = one_page(tmp_path / "l.pdf", b"/MediaBox [0 0 612 14000]", SENTENCE % (100, 100))
    refused = reason(path)
    assert refused.reason == "text-too-small"
    assert refused.evidence["pixels"] < 4
    assert read(path, config=PageConfig(max_side=14000)).text.startswith("The quick")
    assert read(path, config=PageConfig(dpi=15)).text.startswith("The quick"), "the user's own choice"


def test_a_picture_of_two_gigapixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    image = b"<< /Type /XObject /Subtype /Image /Width 50000 /Height 40000 /BitsPerComponent 8 /ColorSpace /DeviceRGB"
    content = b"300 0 0 300 0 0 cm /I Do"
    entries = b"/MediaBox [0 0 300 300] /Resources << /XObject << /I 6 0 R >> >>"
    path = one_page(tmp_path / "t.pdf", entries, content, image + b" /Length 3 >>\nstream\nabc\nendstream")
    refused = reason(path)
    assert refused.reason == "picture-too-large"
    assert (refused.evidence["width"], refused.evidence["height"]) == (50000, 40000)


def test_a_scan_without_ocr_is_refused_and_a_blank_page_is_named_so(tmp_path: Path) -> None:
    scan = Image.fromarray(np.random.default_rng(0).integers(0, 255, (80, 60), np.uint8))
    scan.save(tmp_path / "scan.pdf")
    refused = reason(tmp_path / "scan.pdf")
    assert refused.reason == "no-text-layer"
    assert refused.evidence["picture_cover"] == 1.0
    assert reason(one_page(tmp_path / "b.pdf", b"/MediaBox [0 0 100 100]")).reason == "empty-page"


class Recorded:
    """An OCR engine that says what it is told to."""

    name = "recorded"
    languages = frozenset({"en"})

    def __init__(self) -> None:
        self.size = (0, 0)

    def words(self, picture: bytes, /) -> tuple[Word, ...]:
        self.size = Image.open(io.BytesIO(picture)).size
        return (Word("read\ud800", Box(10, 20, 30, 40), 0, 0),)


def test_a_scan_goes_to_ocr_only_in_a_language_it_reads(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (80, 60), np.uint8)).save(path)
    engine = Recorded()
    page = read(path, ocr=engine, language="en")
    assert page.text_from == "ocr:recorded"
    assert page.text == "read\ufffd"
    assert engine.size == (page.image.width, page.image.height)
    assert page.words[0].box.left * page.scale == pytest.approx(10)
    assert reason(path, ocr=engine, language="ko").reason == "ocr-cannot-read"


def mapped(path: Path, content: bytes, mapping: bytes) -> Path:
    """One page whose font /F says with this CMap what its codes mean."""
    cmap = b"begincmap\n1 begincodespacerange <00> <ff> endcodespacerange\n" + mapping + b" endcmap"
    return one_page(
        path,
        b"/MediaBox [0 0 400 90] /Resources << /Font << /F 7 0 R >> >>",
        content,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(cmap), cmap),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>",
    )


def test_text_without_meaning_is_refused(tmp_path: Path) -> None:
    content = b"BT /F 12 Tf 20 50 Td (ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF) Tj ET"
    refused = reason(mapped(tmp_path / "t.pdf", content, b"1 beginbfrange <41> <5a> <e041> endbfrange"))
    assert refused.reason == "garbled-text-layer"
    assert refused.evidence["garbled"] == 1.0


def test_no_surrogate_or_nul_reaches_a_page(tmp_path: Path) -> None:
    content = b"BT /F 12 Tf 20 50 Td (ABCD and enough plain words to be kept) Tj ET"
    path = mapped(
        tmp_path / "t.pdf",
        content,
        b"4 beginbfchar <41> <d83dde00> <42> <d83d> <43> <0000> <44> <0041> endbfchar",
    )
    page = read(path)
    page.model_dump_json().encode()
    assert "\x00" not in page.text
    assert "\U0001f600" in page.text
    assert page.text.endswith("and enough plain words to be kept")
    for word in page.words:
        assert word.text.replace("\ufffd", "") in text_in_boxes(path, 0, [word.box]).replace("\ufffd", "")


def test_files_that_are_no_pdf_or_broken(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (tmp_path / "b.pdf").write_bytes(b"")
    (tmp_path / "c.pdf").write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 8)
    found = {}
    for name in "abc":
        with pytest.raises(Reject) as caught:
            page_count(tmp_path / f"{name}.pdf")
        found[name] = (caught.value.reason, caught.value.evidence.get("media_type"))
    assert found["a"] == ("not-a-pdf", "image/png")
    assert found["b"] == ("not-a-pdf", "application/octet-stream")
    assert found["c"][0] == "broken-pdf"
    with pytest.raises(FileNotFoundError):
        page_count(tmp_path / "missing.pdf")


def test_encrypted_files_open_without_a_password_or_are_refused(tmp_path: Path) -> None:
    for name, password in (("open", ""), ("closed", "secret")):
        lock = pdfencrypt.StandardEncryption(password, ownerPassword="owner", strength=128)
        pdf = canvas.Canvas(str(tmp_path / f"{name}.pdf"), encrypt=lock)
        pdf.drawString(90, 700, "twenty or more characters here")
        pdf.save()
    assert read(tmp_path / "open.pdf").text == "twenty or more characters here"
    with pytest.raises(Reject) as caught:
        page_count(tmp_path / "closed.pdf")
    assert caught.value.reason == "encrypted-pdf"


def test_page_trees_that_are_empty_lying_or_endless(tmp_path: Path) -> None:
    catalog = b"<< /Type /Catalog /Pages 2 0 R >>"
    empty = raw_pdf(tmp_path / "empty.pdf", catalog, b"<< /Type /Pages /Kids [] /Count 0 >>")
    lying = raw_pdf(tmp_path / "lying.pdf", catalog, b"<< /Type /Pages /Kids [] /Count 900000 >>")
    loop = raw_pdf(tmp_path / "loop.pdf", catalog, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>")
    deep = raw_pdf(
        tmp_path / "deep.pdf", catalog, b"<< /Type /Pages /Kids [3 0 R] >>", b"<< /Type /Pages /Kids [2 0 R] >>"
    )
    for path, expected in ((empty, {"no-pages", "broken-pdf"}), (lying, {"broken-pdf"})):
        with pytest.raises(Reject) as caught:
            page_count(path)
        assert caught.value.reason in expected
    for path in (loop, deep):
        with pytest.raises(Reject) as caught:
            read(path, page_count(path) - 1)
        assert caught.value.reason in {"broken-page", "broken-pdf", "no-pages", "empty-page"}
    assert reason(one_page(tmp_path / "t.pdf", b"/MediaBox [0 0 9 9]"), index=5).reason == "broken-page"


@pytest.mark.parametrize("kept", [0.999, 0.7, 0.3, 0.05])
def test_a_truncated_file_gives_pages_or_named_refusals(tmp_path: Path, samples: Path, kept: float) -> None:
    whole = (samples / "docs" / "paper_two_column_9p.pdf").read_bytes()
    path = tmp_path / "cut.pdf"
    path.write_bytes(whole[: int(len(whole) * kept)])
    found = refusals(path)
    assert found <= {"broken-pdf", "no-pages", "broken-page", "no-text-layer", "empty-page", "garbled-text-layer"}


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    path = bytes(tmp_path) + b"/caf\xe9 \xff.pdf"
    with open(path, "wb") as file:
        file.write(one_page(tmp_path / "t.pdf", b"/MediaBox [0 0 300 90]", SENTENCE % (9, 9)).read_bytes())
    assert page_count(path) == 1
    assert read_page(os.fsdecode(path), SOURCE, 0).text.startswith("The quick")


def test_a_changed_file_is_opened_again(tmp_path: Path) -> None:
    path = one_page(tmp_path / "t.pdf", b"/MediaBox [0 0 300 90]", SENTENCE % (9, 9))
    assert read(path).text.startswith("The quick")
    one_page(path, b"/MediaBox [0 0 300 90]", b"BT /F 9 Tf 9 9 Td (another text stands here now) Tj ET")
    assert read(path).text.startswith("another text")
