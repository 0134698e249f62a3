"""A filled-in application form of one page: ruled cells with a small label above each value, check boxes."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

LEFT, WIDTH = 18 * mm, 174 * mm
CELL = 12 * mm
BAND = colors.HexColor("#35424d")
SHADE = colors.HexColor("#f1f3f5")
HAND = colors.HexColor("#1b3a8c")

SECTIONS = (
    (
        "SECTION 1: APPLICANT",
        (
            (("Last name", "Example", 0.5), ("First name", "Robin", 0.5)),
            (
                ("Date of birth", "14 May 1986", 0.34),
                ("Customer number", "KD-204418", 0.33),
                ("Phone number", "0555 010 2291", 0.33),
            ),
            (("Postal address", "22 Orchard Row, Lindal LD2 7HB", 0.6), ("E-mail address", "robin@mail.example", 0.4)),
        ),
    ),
    (
        "SECTION 2: ALLOTMENT",
        (
            (("Site", "Orchard Meadow", 0.4), ("Plot number", "B-17", 0.2), ("Plot size", "250 square metres", 0.4)),
            (("Start of lease", "1 April 2024", 0.4), ("Annual rent", "84.00 EUR", 0.3), ("Deposit", "50.00 EUR", 0.3)),
        ),
    ),
)
CHOICES = (
    ("Water connection wanted", True),
    ("Tool shed wanted", True),
    ("Greenhouse wanted", False),
    ("Shared compost area", True),
)
OFFICE = (
    (
        ("Case number", "AL-2024-0356", 0.34),
        ("Date received", "19 February 2024", 0.33),
        ("Approved by", "Parks Department", 0.33),
    ),
)
TERMS = (
    "The tenant keeps the plot in good order and leaves the paths between plots free.",
    "Rent is payable in advance by 31 March 2024 and is not returned when the lease ends early.",
    "Bonfires are allowed from November to March only, and never within 10 metres of a hedge.",
)


def draw(path: Path) -> None:
    canvas = Canvas(str(path), pagesize=A4, invariant=1)
    canvas.setTitle("Application for an allotment garden")
    top = A4[1] - 18 * mm
    canvas.setFont("Helvetica-Bold", 17)
    canvas.drawString(LEFT, top - 4 * mm, "Application for an Allotment Garden")
    canvas.setFont("Helvetica", 9)
    canvas.drawString(LEFT, top - 10 * mm, "Lindal Town Council, Parks Department")
    canvas.drawRightString(LEFT + WIDTH, top - 2 * mm, "Form number: PD-12")
    canvas.drawRightString(LEFT + WIDTH, top - 7 * mm, "Version: January 2024")
    y = top - 18 * mm
    for title, rows in SECTIONS:
        y = _section(canvas, title, rows, y)
    y = _choices(canvas, y)
    y = _terms(canvas, y)
    y = _section(canvas, "SECTION 5: FOR OFFICE USE ONLY", OFFICE, y, SHADE)
    _signature(canvas, y - 14 * mm)
    canvas.setFont("Helvetica", 7.5)
    canvas.setFillColor(colors.black)
    canvas.drawCentredString(A4[0] / 2, 10 * mm, "PD-12 | Page 1 of 1")
    canvas.save()


def _band(canvas: Canvas, title: str, y: float) -> float:
    canvas.setFillColor(BAND)
    canvas.rect(LEFT, y - 7 * mm, WIDTH, 7 * mm, stroke=0, fill=1)
    canvas.setFillColor(colors.white)
    canvas.setFont("Helvetica-Bold", 10.5)
    canvas.drawString(LEFT + 2 * mm, y - 5.1 * mm, title)
    canvas.setFillColor(colors.black)
    return y - 7 * mm


def _section(canvas: Canvas, title: str, rows, y: float, shade=None) -> float:
    y = _band(canvas, title, y)
    for row in rows:
        x = LEFT
        for label, value, share in row:
            if shade is not None:
                canvas.setFillColor(shade)
                canvas.rect(x, y - CELL, share * WIDTH, CELL, stroke=0, fill=1)
            canvas.rect(x, y - CELL, share * WIDTH, CELL, stroke=1, fill=0)
            canvas.setFillColor(colors.black)
            canvas.setFont("Helvetica", 7.5)
            canvas.drawString(x + 2 * mm, y - 4 * mm, label)
            canvas.setFillColor(HAND)
            canvas.setFont("Courier-Bold", 11)
            canvas.drawString(x + 2 * mm, y - 9.4 * mm, value)
            canvas.setFillColor(colors.black)
            x += share * WIDTH
        y -= CELL
    return y - 4 * mm


def _choices(canvas: Canvas, y: float) -> float:
    y = _band(canvas, "SECTION 3: EXTRAS", y)
    for i, (text, ticked) in enumerate(CHOICES):
        x, line = LEFT + 4 * mm + (i % 2) * WIDTH / 2, y - 7 * mm - (i // 2) * 7 * mm
        canvas.rect(x, line - 0.6 * mm, 3.4 * mm, 3.4 * mm)
        if ticked:
            canvas.line(x + 0.5 * mm, line - 0.1 * mm, x + 2.9 * mm, line + 2.3 * mm)
            canvas.line(x + 0.5 * mm, line + 2.3 * mm, x + 2.9 * mm, line - 0.1 * mm)
        canvas.setFont("Helvetica", 10)
        canvas.drawString(x + 6 * mm, line, text)
    return y - 20 * mm


def _terms(canvas: Canvas, y: float) -> float:
    y = _band(canvas, "SECTION 4: TERMS", y)
    canvas.setFont("Helvetica", 9.5)
    for i, line in enumerate(TERMS, start=1):
        canvas.drawString(LEFT + 2 * mm, y - i * 6.2 * mm, f"{i}. {line}")
    return y - 26 * mm


def _signature(canvas: Canvas, y: float) -> None:
    canvas.setFillColor(colors.black)
    for x, label, value in (
        (LEFT, "Place and date", "Lindal, 16 February 2024"),
        (LEFT + 96 * mm, "Signature of applicant", "R. Example"),
    ):
        canvas.line(x, y, x + 78 * mm, y)
        canvas.setFont("Helvetica", 7.5)
        canvas.drawString(x, y - 4 * mm, label)
        canvas.setFillColor(HAND)
        canvas.setFont("Times-Italic", 13)
        canvas.drawString(x + 2 * mm, y + 1.6 * mm, value)
        canvas.setFillColor(colors.black)
