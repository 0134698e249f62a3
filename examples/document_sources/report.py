"""A report of two pages in two columns: numbered sections, three tables, a chart, captions."""

from __future__ import annotations

from pathlib import Path

from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib import colors
from reportlab.lib.enums import TA_JUSTIFY
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    FrameBreak,
    KeepTogether,
    NextPageTemplate,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

WIDTH, HEIGHT = A4
GUTTER, EDGE = 8 * mm, 18 * mm
COLUMN = (WIDTH - 2 * EDGE - GUTTER) / 2
BLUE = colors.HexColor("#17456b")

BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=10.4, leading=13.2, alignment=TA_JUSTIFY, spaceAfter=5)
HEAD = ParagraphStyle(
    "head", fontName="Helvetica-Bold", fontSize=13, leading=17, textColor=BLUE, spaceBefore=8, spaceAfter=4
)
CAPTION = ParagraphStyle("caption", fontName="Helvetica", fontSize=8.4, leading=10.4, spaceBefore=3, spaceAfter=7)
TITLE = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=21, leading=25, textColor=BLUE, spaceAfter=6)
BYLINE = ParagraphStyle("byline", fontName="Helvetica", fontSize=9.5, leading=13)

USE = (
    ("Purpose", "2019", "2022", "2024"),
    ("Shower and bath", "51.2", "48.6", "44.9"),
    ("Toilet", "38.4", "35.0", "31.7"),
    ("Laundry", "17.9", "17.1", "15.8"),
    ("Kitchen and drinking", "14.6", "14.9", "14.2"),
    ("Garden", "9.3", "11.8", "7.5"),
    ("Total", "131.4", "127.4", "114.1"),
)
DISTRICTS = (
    ("District", "Homes", "Leaks", "Saved (m3)"),
    ("Harbour", "1,240", "86", "9,410"),
    ("Old Town", "980", "131", "15,270"),
    ("Mill Lane", "1,515", "64", "6,880"),
    ("Orchard", "760", "22", "2,105"),
    ("Station", "1,105", "97", "10,635"),
)
PRICES = (
    ("Item", "2023", "2024", "2025"),
    ("Water, per m3", "1.08", "1.12", "1.20"),
    ("Waste water, per m3", "0.96", "1.02", "1.00"),
    ("Meter, per year", "36.00", "36.00", "38.40"),
    ("Visit by a fitter", "42.50", "44.00", "45.00"),
)
SECTIONS_1 = (
    (
        "1 Introduction",
        "Water use in the homes of Lindal County has fallen for five years in a row. This report sets out how much "
        "was used, for which purposes, and what the leak survey of the water board contributed to the saving. It "
        "replaces the interim report that was published on 3 June 2023.",
        "The figures come from 5,600 metered homes in five districts. Homes that stood empty for more than sixty "
        "days were left out. The county board approved the method at its meeting of 14 November 2022, and an "
        "outside office checked the meters of one home in forty.",
    ),
    (
        "2 How the survey was made",
        "Every home in the survey has a meter that sends one reading an hour. From these readings the flow of "
        "single taps and machines can be told apart, because each has a typical length and volume. A dishwasher, "
        "for example, draws three short pulses of about four litres.",
        "Readings between two and four at night show leaks: in a tight house the meter stands still for at least "
        "one hour. A home was visited when its night flow stayed above 2.5 litres an hour for a week. Visits began "
        "on 9 January 2024 and ended on 27 September 2024.",
    ),
    (
        "3 Use by purpose",
        "Table 1 gives the use of one person in litres a day. Showers and baths remain the largest share, but they "
        "also show the largest fall. New shower heads account for most of it; people do not shower less often than "
        "in 2019.",
        "Use in gardens depends on the weather. The dry summer of 2022 raised it to a tenth of the whole, and the "
        "wet summer of 2024 brought it down again.",
    ),
)
SECTIONS_2 = (
    (
        "4 Leaks",
        "Four hundred leaks were found in the five districts, most of them in toilets. Old Town had by far the most "
        "leaks for its size: 13.4 % of its homes lost water at night. The reason is the age of the pipes, many of "
        "which were laid before 1950.",
        "Repairs were cheap. The water board paid 61,200 EUR for visits and parts in all, which is less than the "
        "price of the water that was lost in a single year.",
    ),
    (
        "5 Costs and savings",
        "The saving of 44,300 cubic metres a year is worth 97,460 EUR at the present price. A household that had a "
        "leak repaired now pays 24 EUR less a month on average. Without the survey the board would have had to open "
        "a new well in 2026.",
        "The programme is financed until 31 December 2025. The board will decide on its future after the next survey.",
    ),
    (
        "6 Prices",
        "Table 3 lists the prices that the county board set for households. The price of water rises by eight cents "
        "in 2025, while waste water becomes a little cheaper because the new treatment plant needs less power. The "
        "plant was opened on 18 October 2024.",
        "Homes with a low income can ask for a discount of 30 % on the meter. So far 412 homes have asked for it, "
        "most of them in the Station district. The form is sent out together with the yearly bill.",
    ),
    (
        "7 Recommendations",
        "The survey should go on in the three districts with the oldest pipes. Meters should warn the household by "
        "message as soon as the night flow stays high for three days. New houses should be fitted with shower heads "
        "of at most eight litres a minute.",
        "The board should also look at large users. Schools, the hospital and the two swimming pools take as much "
        "water as nine hundred homes, and none of them has been surveyed yet. A first survey of the swimming pools "
        "could begin on 2 June 2025 and would cost about 8,500 EUR.",
        "A leaflet in four languages will be sent to all homes in spring. It explains how to read the meter and how "
        "to find a leak without tools.",
    ),
    (
        "8 Contact",
        "Questions about this report are answered by the Water Use Office, Lindal County Council, 3 Castle Square, "
        "Lindal. The data of the survey can be had on request for research, without names and addresses.",
    ),
)
METERS = (
    ("Meter", "Homes", "Age (years)", "Error"),
    ("Type A", "2,310", "4", "0.8 %"),
    ("Type B", "1,745", "7", "1.3 %"),
    ("Type C", "1,120", "12", "2.9 %"),
    ("Type D", "425", "16", "4.6 %"),
)
APPENDIX = (
    "The homes of the survey have meters of four types. The oldest ones, type D, were made before the county set a "
    "limit for the error of a meter. They count too little: a home with such a meter pays about 19 EUR a year less "
    "than it should. All meters of this type will be replaced by 30 April 2026.",
    "Table 4 gives the number of homes, the mean age and the mean error of each type. The error was measured on a "
    "test bench with a flow of 300 litres an hour. The measurements ended on 11 October 2024. Meters that had "
    "stopped were not measured; there were nine of them.",
    "Replacing a meter takes twenty minutes. The household need not be at home, because the meters hang in the "
    "cellar or in a box at the fence. The water board pays for the work, which comes to 38,250 EUR for type D.",
)
PURPOSES = (("Shower and bath", 44.9), ("Toilet", 31.7), ("Laundry", 15.8), ("Kitchen", 14.2), ("Garden", 7.5))


def draw(path: Path) -> None:
    document = BaseDocTemplate(str(path), pagesize=A4, invariant=1, title="Household Water Use in Lindal County 2024")
    top = HEIGHT - 62 * mm
    heading = Frame(EDGE, top, WIDTH - 2 * EDGE, 40 * mm, 0, 0, 0, 0)
    first = [Frame(x, 20 * mm, COLUMN, top - 22 * mm, 0, 0, 0, 0) for x in (EDGE, EDGE + COLUMN + GUTTER)]
    later = [Frame(x, 20 * mm, COLUMN, HEIGHT - 44 * mm, 0, 0, 0, 0) for x in (EDGE, EDGE + COLUMN + GUTTER)]
    document.addPageTemplates(
        [PageTemplate("first", [heading, *first], onPage=_furniture), PageTemplate("later", later, onPage=_furniture)]
    )
    document.build(_story())


def _story() -> list:
    story = [
        Paragraph("Household Water Use in Lindal County 2024", TITLE),
        Paragraph("Publisher: Lindal County Council, Water Use Office", BYLINE),
        Paragraph("Publication date: 15 January 2025", BYLINE),
        Paragraph("Report number: WU-2025-01", BYLINE),
        FrameBreak(),
        NextPageTemplate("later"),
    ]
    for title, *paragraphs in SECTIONS_1:
        story += _section(title, paragraphs)
    story.append(
        KeepTogether(
            [Paragraph("<b>Table 1.</b> Water use per person by purpose, in litres a day.", CAPTION), _table(USE, 4)]
        )
    )
    story += [
        Spacer(1, 8),
        KeepTogether(
            [_chart(), Paragraph("<b>Figure 1.</b> Water use per person and day in 2024, by purpose.", CAPTION)]
        ),
    ]
    for title, *paragraphs in SECTIONS_2[:1]:
        story += _section(title, paragraphs)
    story.append(
        KeepTogether(
            [Paragraph("<b>Table 2.</b> Results of the leak survey by district.", CAPTION), _table(DISTRICTS, 4)]
        )
    )
    for title, *paragraphs in SECTIONS_2[1:3]:
        story += _section(title, paragraphs)
    story.append(
        KeepTogether(
            [Paragraph("<b>Table 3.</b> Prices for households from 2023 to 2025, in EUR.", CAPTION), _table(PRICES, 4)]
        )
    )
    for title, *paragraphs in SECTIONS_2[3:]:
        story += _section(title, paragraphs)
    story += [FrameBreak(), *_section("Appendix: The meters", list(APPENDIX))]
    caption = Paragraph("<b>Table 4.</b> Meters of the survey by type.", CAPTION)
    story.append(KeepTogether([caption, _table(METERS, 4)]))
    return story


def _section(title: str, paragraphs: list[str]) -> list:
    first, *others = [Paragraph(text, BODY) for text in paragraphs]
    return [KeepTogether([Paragraph(title, HEAD), first]), *others]


def _table(rows: tuple[tuple[str, ...], ...], columns: int) -> Table:
    first = 0.34 * COLUMN
    table = Table(rows, colWidths=[first] + [(COLUMN - first) / (columns - 1)] * (columns - 1), rowHeights=15)
    last = rows[-1][0] == "Total"
    table.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), "Helvetica", 8.6),
                ("FONT", (0, 0), (-1, 0), "Helvetica-Bold", 8.6),
                ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("LINEABOVE", (0, 0), (-1, 0), 0.8, BLUE),
                ("LINEBELOW", (0, 0), (-1, 0), 0.5, BLUE),
                ("LINEBELOW", (0, -1), (-1, -1), 0.8, BLUE),
                *(
                    [("LINEABOVE", (0, -1), (-1, -1), 0.5, BLUE), ("FONT", (0, -1), (-1, -1), "Helvetica-Bold", 8.6)]
                    if last
                    else []
                ),
            ]
        )
    )
    return table


def _chart() -> Drawing:
    drawing = Drawing(COLUMN, 118)
    left, scale = 78, (COLUMN - 112) / 50
    for i, (name, litres) in enumerate(PURPOSES):
        y = 94 - i * 22
        drawing.add(String(left - 5, y + 4, name, fontName="Helvetica", fontSize=8, textAnchor="end"))
        drawing.add(Rect(left, y, litres * scale, 14, fillColor=colors.HexColor("#5b93b8"), strokeColor=None))
        drawing.add(String(left + litres * scale + 4, y + 4, f"{litres} l", fontName="Helvetica", fontSize=8))
    drawing.add(Line(left, 0, left, 112, strokeColor=BLUE))
    return drawing


def _furniture(canvas: Canvas, document: BaseDocTemplate) -> None:
    canvas.setFont("Helvetica", 8)
    canvas.setFillColor(colors.grey)
    canvas.drawString(EDGE, HEIGHT - 12 * mm, "Lindal County Council")
    canvas.drawRightString(WIDTH - EDGE, HEIGHT - 12 * mm, "Water Use Report 2024")
    canvas.drawCentredString(WIDTH / 2, 10 * mm, str(document.page))
