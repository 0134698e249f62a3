"""A Korean notice of two pages: fields of a notice, two tables, a list of steps, contacts."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Table, TableStyle

FOLDER = Path("/usr/share/fonts/truetype/nanum")
"""Debian's package fonts-nanum (SIL Open Font License 1.1); the PDF embeds the letters it uses."""
REMEDY = "install the NanumGothic font: apt-get install fonts-nanum"

LEFT, RIGHT = 22 * mm, 188 * mm
GREEN = colors.HexColor("#20624c")
PALE = colors.HexColor("#e9f2ee")

FIELDS = (
    ("공고번호:", "제2024-117호"),
    ("공고일:", "2024년 3월 4일"),
    ("교육기간:", "2024년 4월 8일 ~ 2024년 6월 28일"),
    ("신청 마감일:", "2024년 3월 22일"),
    ("교육장소:", "한빛시 평생학습관 2층 배움실"),
    ("모집인원:", "강좌별 20명 이내"),
    ("수강료:", "30,000원"),
    ("담당자:", "평생학습팀 홍보담당"),
)
INTRO = (
    "한빛시 평생학습관에서는 시민 누구나 참여할 수 있는 봄 학기 강좌를 마련하였습니다.",
    "배움에 관심 있는 시민 여러분의 많은 신청을 바랍니다.",
)
COURSES = (
    ("강좌명", "요일", "시간", "정원", "재료비"),
    ("생활 목공", "월요일", "10:00~12:00", "16명", "45,000원"),
    ("기초 사진", "화요일", "14:00~16:00", "20명", "없음"),
    ("우리 동네 역사", "수요일", "19:00~21:00", "20명", "5,000원"),
    ("텃밭 가꾸기", "목요일", "10:00~12:00", "18명", "20,000원"),
    ("스마트폰 활용", "금요일", "14:00~16:00", "15명", "없음"),
)
STEPS = (
    "1. 학습관 누리집에서 회원으로 가입합니다.",
    "2. 원하는 강좌를 고르고 신청서를 작성합니다.",
    "3. 선정 결과는 2024년 3월 27일 문자로 알려 드립니다.",
    "4. 수강료는 2024년 4월 1일까지 납부하여야 합니다.",
)
REFUND = (
    ("취소 시점", "환불 비율", "환불 금액"),
    ("개강 전", "100%", "30,000원"),
    ("1주차", "80%", "24,000원"),
    ("2주차", "50%", "15,000원"),
    ("3주차 이후", "0%", "0원"),
)
CONTACT = (
    ("접수처:", "한빛시 평생학습관 1층 안내실"),
    ("전화번호:", "02-555-0134"),
    ("이메일:", "learn@hanbit.example"),
    ("운영시간:", "평일 오전 9시부터 오후 6시까지"),
    ("예금주:", "한빛시평생학습관"),
)
RULES = (
    "강좌는 신청 인원이 정원의 절반에 미치지 못하면 열리지 않을 수 있습니다.",
    "출석률이 80% 이상인 수강생에게는 수료증을 드립니다.",
    "수료식은 2024년 6월 28일 오후 3시에 대강당에서 열립니다.",
)


def draw(path: Path) -> None:
    _fonts()
    canvas = Canvas(str(path), pagesize=A4, invariant=1)
    canvas.setTitle("2024년 봄 학기 시민 강좌 수강생 모집 공고")
    _head(canvas)
    y = _paragraph(canvas, INTRO, 232 * mm)
    y = _heading(canvas, "1. 모집 개요", y - 5 * mm)
    y = _fields(canvas, FIELDS, y)
    y = _heading(canvas, "2. 강좌 안내", y - 4 * mm)
    canvas.setFont("Nanum", 9.5)
    canvas.drawString(LEFT, y, "[표 1] 봄 학기 강좌와 재료비")
    y = _table(canvas, COURSES, (44, 26, 38, 26, 32), y - 3 * mm)
    _foot(canvas, 1)
    canvas.showPage()
    y = _heading(canvas, "3. 신청 방법", 272 * mm)
    y = _paragraph(canvas, STEPS, y)
    y = _heading(canvas, "4. 환불 기준", y - 5 * mm)
    canvas.setFont("Nanum", 9.5)
    canvas.drawString(LEFT, y, "[표 2] 취소 시점에 따른 수강료 환불")
    y = _table(canvas, REFUND, (56, 56, 54), y - 3 * mm)
    y = _heading(canvas, "5. 유의 사항", y - 12 * mm)
    y = _paragraph(canvas, RULES, y)
    y = _heading(canvas, "6. 문의 안내", y - 5 * mm)
    y = _fields(canvas, CONTACT, y)
    canvas.setFont("Nanum", 12)
    canvas.drawCentredString(A4[0] / 2, y - 14 * mm, "2024년 3월 4일")
    canvas.setFont("NanumBold", 17)
    canvas.drawCentredString(A4[0] / 2, y - 26 * mm, "한빛시 평생학습관장")
    _foot(canvas, 2)
    canvas.showPage()
    canvas.save()


def _fonts() -> None:
    for name, file in (("Nanum", "NanumGothic.ttf"), ("NanumBold", "NanumGothicBold.ttf")):
        if not (FOLDER / file).is_file():
            raise SystemExit(f"{FOLDER / file} is not there - {REMEDY}")
        pdfmetrics.registerFont(TTFont(name, str(FOLDER / file)))


def _head(canvas: Canvas) -> None:
    canvas.setFillColor(GREEN)
    canvas.rect(0, A4[1] - 10 * mm, A4[0], 10 * mm, stroke=0, fill=1)
    canvas.setFont("NanumBold", 20)
    canvas.drawCentredString(A4[0] / 2, 261 * mm, "2024년 봄 학기 시민 강좌 수강생 모집")
    canvas.setFillColor(colors.black)
    canvas.setFont("Nanum", 11)
    canvas.drawCentredString(A4[0] / 2, 250 * mm, "한빛시 평생학습관")
    canvas.setStrokeColor(GREEN)
    canvas.line(LEFT, 244 * mm, RIGHT, 244 * mm)


def _heading(canvas: Canvas, text: str, y: float) -> float:
    canvas.setFillColor(GREEN)
    canvas.setFont("NanumBold", 14)
    canvas.drawString(LEFT, y, text)
    canvas.setFillColor(colors.black)
    return y - 9 * mm


def _paragraph(canvas: Canvas, lines: tuple[str, ...], y: float) -> float:
    canvas.setFont("Nanum", 11)
    for line in lines:
        canvas.drawString(LEFT + 2 * mm, y, line)
        y -= 7 * mm
    return y


def _fields(canvas: Canvas, fields: tuple[tuple[str, str], ...], y: float) -> float:
    for label, value in fields:
        canvas.setFont("NanumBold", 11)
        canvas.drawString(LEFT + 2 * mm, y, label)
        canvas.setFont("Nanum", 11)
        canvas.drawString(LEFT + 36 * mm, y, value)
        y -= 7.4 * mm
    return y


def _table(canvas: Canvas, rows: tuple[tuple[str, ...], ...], widths: tuple[float, ...], top: float) -> float:
    table = Table(rows, colWidths=[width * mm for width in widths], rowHeights=8.4 * mm)
    table.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), "Nanum", 10.5),
                ("FONT", (0, 0), (-1, 0), "NanumBold", 10.5),
                ("BACKGROUND", (0, 0), (-1, 0), PALE),
                ("GRID", (0, 0), (-1, -1), 0.5, GREEN),
                ("ALIGN", (0, 0), (-1, -1), "CENTER"),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ]
        )
    )
    height = table.wrapOn(canvas, sum(widths) * mm, 200 * mm)[1]
    table.drawOn(canvas, LEFT, top - height)
    return top - height


def _foot(canvas: Canvas, number: int) -> None:
    canvas.setFont("Nanum", 9)
    canvas.drawCentredString(A4[0] / 2, 11 * mm, f"- {number} -")
