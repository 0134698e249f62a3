"""Five slides: a title, bullets in two levels, a timetable, figures, contacts."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.units import inch
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Table, TableStyle

SIZE = (10 * inch, 5.625 * inch)
NIGHT = colors.HexColor("#22304a")
SUN = colors.HexColor("#e8a33d")
PAPER = colors.HexColor("#fbfaf7")

BULLETS = (
    (
        "What we want to reach",
        (
            "Open the library on Sunday afternoons",
            "Double the number of reading groups by 2026",
            "Make every room reachable without steps",
        ),
    ),
    ("What it needs", ("Two more librarians", "A lift at the east entrance", "120,000 EUR for the building work")),
)
TIMETABLE = (
    ("Phase", "Start", "End", "Lead"),
    ("Planning", "3 February 2025", "28 March 2025", "Building Office"),
    ("Tender", "7 April 2025", "30 May 2025", "Purchasing"),
    ("Building work", "16 June 2025", "24 October 2025", "Contractor"),
    ("Opening", "8 November 2025", "9 November 2025", "Library"),
)
CONTACT = (
    "Contact person: Project Office of the Library",
    "Phone number: 0555 010 6600",
    "E-mail address: rebuilding@library.example",
    "Next meeting: 18 March 2025, Council Hall",
    "Please send your comments before 28 February 2025 to the project office.",
)
VISITORS = (
    ("Branch", "2022", "2023", "2024"),
    ("Main library", "84,300", "91,750", "98,120"),
    ("Harbour", "22,410", "21,980", "25,600"),
    ("Old Town", "17,090", "18,355", "19,240"),
)


def draw(path: Path) -> None:
    canvas = Canvas(str(path), pagesize=SIZE, invariant=1)
    canvas.setTitle("A Library for Everyone")
    _cover(canvas)
    _plain(canvas, "Goals for the Next Two Years", 2)
    y = 4.05 * inch
    for title, bullets in BULLETS:
        canvas.setFont("Helvetica-Bold", 19)
        canvas.drawString(0.8 * inch, y, title)
        canvas.setFont("Helvetica", 15)
        for bullet in bullets:
            y -= 0.34 * inch
            canvas.setFillColor(SUN)
            canvas.circle(1.05 * inch, y + 5, 3, stroke=0, fill=1)
            canvas.setFillColor(NIGHT)
            canvas.drawString(1.2 * inch, y, bullet)
        y -= 0.55 * inch
    canvas.setFont("Helvetica", 13)
    canvas.drawString(0.8 * inch, 0.62 * inch, "The town council approved these goals on 12 November 2024.")
    canvas.showPage()
    _plain(canvas, "Timetable of the Rebuilding", 3)
    _table(canvas, TIMETABLE, [2.0, 2.3, 2.3, 1.9], 1.5 * inch, "LEFT")
    canvas.showPage()
    _plain(canvas, "Visitors by Branch", 4)
    _table(canvas, VISITORS, [3.1, 1.8, 1.8, 1.8], 2.0 * inch, "RIGHT")
    canvas.setFont("Helvetica", 13)
    canvas.drawString(0.8 * inch, 1.35 * inch, "The harbour branch was closed for repairs from March to May 2023.")
    canvas.drawString(0.8 * inch, 1.05 * inch, "Visits at the main library rose by 16.4 % within two years.")
    canvas.showPage()
    _plain(canvas, "Questions and Next Steps", 5)
    canvas.setFont("Helvetica", 16)
    for i, line in enumerate(CONTACT):
        canvas.drawString(0.8 * inch, (3.7 - 0.45 * i) * inch, line)
    canvas.showPage()
    canvas.save()


def _cover(canvas: Canvas) -> None:
    canvas.setFillColor(NIGHT)
    canvas.rect(0, 0, *SIZE, stroke=0, fill=1)
    canvas.setFillColor(SUN)
    canvas.rect(0.8 * inch, 2.55 * inch, 1.2 * inch, 0.08 * inch, stroke=0, fill=1)
    canvas.setFillColor(colors.white)
    canvas.setFont("Helvetica-Bold", 38)
    canvas.drawString(0.8 * inch, 2.9 * inch, "A Library for Everyone")
    canvas.setFont("Helvetica", 18)
    canvas.drawString(0.8 * inch, 2.05 * inch, "Plan of the Lindal Town Library 2025 to 2026")
    canvas.setFont("Helvetica", 13)
    canvas.drawString(0.8 * inch, 1.2 * inch, "Venue: Council Hall, Room 2")
    canvas.drawString(0.8 * inch, 0.9 * inch, "Date: 21 January 2025")
    canvas.drawString(0.8 * inch, 0.6 * inch, "Duration: 45 minutes")
    canvas.showPage()


def _plain(canvas: Canvas, title: str, number: int) -> None:
    canvas.setFillColor(PAPER)
    canvas.rect(0, 0, *SIZE, stroke=0, fill=1)
    canvas.setFillColor(SUN)
    canvas.rect(0, SIZE[1] - 0.12 * inch, SIZE[0], 0.12 * inch, stroke=0, fill=1)
    canvas.setFillColor(NIGHT)
    canvas.setFont("Helvetica-Bold", 28)
    canvas.drawString(0.8 * inch, SIZE[1] - 0.85 * inch, title)
    canvas.setFont("Helvetica", 10)
    canvas.drawString(0.8 * inch, 0.3 * inch, "Lindal Town Library")
    canvas.drawRightString(SIZE[0] - 0.8 * inch, 0.3 * inch, str(number))


def _table(canvas: Canvas, rows: tuple[tuple[str, ...], ...], inches: list[float], bottom: float, align: str) -> None:
    table = Table(rows, colWidths=[width * inch for width in inches], rowHeights=0.46 * inch)
    table.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), "Helvetica", 14),
                ("FONT", (0, 0), (-1, 0), "Helvetica-Bold", 14),
                ("TEXTCOLOR", (0, 0), (-1, -1), NIGHT),
                ("TEXTCOLOR", (0, 0), (-1, 0), colors.white),
                ("BACKGROUND", (0, 0), (-1, 0), NIGHT),
                ("LINEBELOW", (0, 1), (-1, -1), 0.5, colors.lightgrey),
                ("ALIGN", (1, 0), (-1, -1), align),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ]
        )
    )
    table.wrapOn(canvas, sum(inches) * inch, 4 * inch)
    table.drawOn(canvas, 0.8 * inch, bottom)
