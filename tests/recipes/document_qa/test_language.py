from __future__ import annotations

import pytest

from sightline.recipes.document_qa.language import page_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The county board approved the method at its meeting.", "en"),
        ("Total 1,234 5,678 VAT", "en"),
        ("발행일 2020년 4월 2일 발행처 국회입법조사처", "ko"),
        ("Debian GNU/Linux 설치 안내서 version 12 amd64 네트워크 부팅", "ko"),
        ("报告显示，今年的销售额增长了百分之十。", "zh"),
        ("この文書は見本です。東京都", "ja"),
        ("Отчет о продажах за год", "other"),
        ("12 34 56 --", "other"),
        ("", "other"),
        (
            "Die Rechnung ist innerhalb von dreißig Tagen ohne Abzug zu zahlen und der Betrag wird auf das Konto "
            "überwiesen, für das eine Vollmacht nicht vorliegt.",
            "de",
        ),
        (
            "Les factures sont payées dans les trente jours et le montant est versé sur le compte des clients.",
            "fr",
        ),
    ],
)
def test_page_language(text: str, language: str) -> None:
    assert page_language(text) == language


def test_an_english_invoice_with_german_names_is_english() -> None:
    text = "Invoice to Bei Spiel GmbH, Stadthausen. Payment is due within 30 days of the date of this invoice."
    assert page_language(text) == "en"
