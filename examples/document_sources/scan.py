"""A letter as an office scanner gives it: one grey picture, slightly turned and noisy, and no text layer."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

DPI = 120
TURN = 0.6
"""Degrees by which the sheet lay askew."""

LETTER = (
    "Lindal Bicycle Club",
    "Clubhouse, 5 River Path, Lindal",
    "",
    "Date: 6 May 2024",
    "Reference: LBC-24-031",
    "Subject: Summer ride to the coast",
    "",
    "Dear members,",
    "",
    "our summer ride takes place on Saturday, 15 June 2024. We meet at the",
    "clubhouse at 8.30 in the morning and ride 62 kilometres along the river",
    "to Westport, with two long breaks on the way.",
    "",
    "The fee is 12.00 EUR and covers lunch and the train back. Please bring",
    "a helmet, a spare tube and something to drink.",
    "",
    "Sign up by 1 June 2024 at the clubhouse or by telephone, 0555 010 7310.",
    "",
    "With kind regards,",
    "the Club Committee",
)


def draw(path: Path) -> None:
    picture = _scanned(_typed())
    canvas = Canvas(str(path), pagesize=A4, invariant=1)
    canvas.setTitle("Scanned letter")
    canvas.drawImage(ImageReader(picture), 0, 0, *A4)
    canvas.showPage()
    canvas.save()


def _typed() -> bytes:
    """The letter as a PDF with text, before it goes through the scanner."""
    paper = BytesIO()
    canvas = Canvas(paper, pagesize=A4, invariant=1)
    y = A4[1] - 32 * mm
    for i, line in enumerate(LETTER):
        canvas.setFont("Times-Bold" if i == 0 else "Times-Roman", 18 if i == 0 else 13)
        canvas.drawString(26 * mm, y, line)
        y -= 8.4 * mm
    canvas.setLineWidth(0.8)
    canvas.line(26 * mm, A4[1] - 46 * mm, 184 * mm, A4[1] - 46 * mm)
    canvas.save()
    return paper.getvalue()


def _scanned(letter: bytes) -> BytesIO:
    with pdfium.PdfDocument(letter) as document:
        sheet = document[0].render(scale=DPI / 72, grayscale=True).to_pil()
    sheet = sheet.rotate(TURN, resample=Image.Resampling.BICUBIC, fillcolor=250)
    noise = np.random.default_rng(7)
    grey = np.asarray(sheet, dtype=np.float32) * (228 / 255) + 10
    shade = np.linspace(0, 9, grey.shape[1], dtype=np.float32)
    grey = grey - shade + noise.integers(-7, 8, grey.shape, dtype=np.int16)
    specks = noise.integers(0, 60_000, grey.shape) == 0
    grey[specks] = 70
    out = BytesIO()
    Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=38)
    out.seek(0)
    return out
