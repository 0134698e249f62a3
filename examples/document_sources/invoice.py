"""An invoice of one page: parties, key-value lines, line items, taxes, totals, bank details."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Table, TableStyle

INK = colors.HexColor("#1f2933")
ACCENT = colors.HexColor("#0b5c6b")
PALE = colors.HexColor("#e8f1f2")

SELLER = (
    "Northfield Office Supplies Ltd.",
    "18 Mill Lane",
    "Lindal LD4 2QT",
    "Phone: 0555 010 4477",
    "Website: www.northfield.example",
)
BUYER = ("Sample Trading Co.", "Purchasing Department", "7 Harbour Street", "Westport WP1 9AB")
FACTS = (
    ("Invoice number:", "INV-2024-0871"),
    ("Invoice date:", "12 March 2024"),
    ("Order number:", "PO-55310"),
    ("Delivery date:", "8 March 2024"),
    ("Due date:", "11 April 2024"),
    ("Payment terms:", "30 days net"),
)
ITEMS = (
    ("Item", "Description", "Quantity", "Unit price", "Amount"),
    ("A-104", "Copy paper A4, 80 g, box of 5", "24", "18.90", "453.60"),
    ("A-221", "Ring binder, 50 mm, blue", "60", "2.35", "141.00"),
    ("C-017", "Desk lamp, LED, dimmable", "8", "39.50", "316.00"),
    ("C-390", "Monitor stand, beech", "5", "44.80", "224.00"),
    ("D-008", "Whiteboard 120 x 90 cm", "2", "96.25", "192.50"),
    ("S-001", "Delivery and set-up", "1", "35.00", "35.00"),
)
TOTALS = (
    ("Subtotal:", "1,362.10 EUR"),
    ("Discount:", "-62.10 EUR"),
    ("VAT 20 %:", "260.00 EUR"),
    ("Amount due:", "1,560.00 EUR"),
)
BANK = (
    ("Bank:", "First Example Bank"),
    ("IBAN:", "XX55 0000 1234 5678 9012"),
    ("BIC:", "EXMPXX22"),
    ("Account holder:", "Northfield Office Supplies Ltd."),
)


def draw(path: Path) -> None:
    canvas = Canvas(str(path), pagesize=A4, invariant=1)
    canvas.setTitle("Invoice INV-2024-0871")
    width, height = A4
    canvas.setFillColor(ACCENT)
    canvas.rect(0, height - 14 * mm, width, 14 * mm, stroke=0, fill=1)
    canvas.setFillColor(INK)
    canvas.setFont("Helvetica-Bold", 24)
    canvas.drawString(20 * mm, height - 34 * mm, "INVOICE")
    _lines(canvas, SELLER, 128 * mm, height - 28 * mm, bold_first=True)
    canvas.setFont("Helvetica-Bold", 9)
    canvas.drawString(20 * mm, height - 52 * mm, "Bill to")
    _lines(canvas, BUYER, 20 * mm, height - 58 * mm)
    _pairs(canvas, FACTS, 112 * mm, 150 * mm, height - 58 * mm)
    _items(canvas, height - 150 * mm)
    _pairs(canvas, TOTALS, 128 * mm, 190 * mm, height - 162 * mm, right=True)
    canvas.setStrokeColor(ACCENT)
    canvas.line(20 * mm, 66 * mm, 190 * mm, 66 * mm)
    _pairs(canvas, BANK, 20 * mm, 48 * mm, 58 * mm)
    canvas.setFont("Helvetica", 9)
    canvas.drawString(
        20 * mm, 28 * mm, "Please pay the full amount into the account above no later than 11 April 2024."
    )
    canvas.drawString(20 * mm, 23 * mm, "A late fee of 1.5 % per month is charged on overdue invoices.")
    canvas.setFont("Helvetica", 8)
    canvas.drawCentredString(width / 2, 11 * mm, "Page 1 of 1")
    canvas.save()


def _lines(canvas: Canvas, lines: tuple[str, ...], left: float, top: float, bold_first: bool = False) -> None:
    for i, line in enumerate(lines):
        canvas.setFont("Helvetica-Bold" if bold_first and i == 0 else "Helvetica", 10)
        canvas.drawString(left, top - i * 5 * mm, line)


def _pairs(
    canvas: Canvas, pairs: tuple[tuple[str, str], ...], left: float, value: float, top: float, right: bool = False
) -> None:
    for i, (label, text) in enumerate(pairs):
        y = top - i * 5.6 * mm
        last = right and i == len(pairs) - 1
        if last:
            canvas.setFillColor(PALE)
            canvas.rect(left - 2 * mm, y - 1.8 * mm, value - left + 4 * mm, 6.4 * mm, stroke=0, fill=1)
            canvas.setFillColor(INK)
        canvas.setFont("Helvetica-Bold" if last else "Helvetica", 10)
        canvas.drawString(left, y, label)
        canvas.setFont("Helvetica-Bold", 10)
        (canvas.drawRightString if right else canvas.drawString)(value, y, text)


def _items(canvas: Canvas, bottom: float) -> None:
    table = Table(ITEMS, colWidths=[20 * mm, 76 * mm, 22 * mm, 26 * mm, 26 * mm], rowHeights=7.4 * mm)
    table.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), "Helvetica", 9.5),
                ("FONT", (0, 0), (-1, 0), "Helvetica-Bold", 9.5),
                ("TEXTCOLOR", (0, 0), (-1, 0), colors.white),
                ("BACKGROUND", (0, 0), (-1, 0), ACCENT),
                ("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, PALE]),
                ("ALIGN", (2, 0), (-1, -1), "RIGHT"),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ]
        )
    )
    table.wrapOn(canvas, 170 * mm, 80 * mm)
    table.drawOn(canvas, 20 * mm, bottom)
