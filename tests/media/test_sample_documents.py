"""Every page of every sample document: a page that keeps its promises, or a refusal with its reason."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from sightline.core.errors import Reject
from sightline.core.media import Box, Source
from sightline.core.sample import Page
from sightline.media.pdf import PageConfig, page_count, read_page, text_in_boxes

DPI = 60
"""Enough to see whether a line has ink, and fast."""
SCANS = {"ko_scan_vertical_1p.pdf", "scan_huckfinn_1p.pdf", "scan_rotated_pages_4p.pdf", "zh_scan_report_1p.pdf"}


@cache
def page(path: Path, index: int) -> Page:
    source = Source(name=path.name, uri=str(path), sha256="0" * 64, media_type="application/pdf", size=1)
    return read_page(path, source, index, config=PageConfig(dpi=DPI))


def lines(page: Page) -> list[str]:
    return page.text.replace("\n\n", "\n").split("\n")


def unspaced(text: str) -> str:
    return "".join(text.split())


def test_every_page_is_a_page_or_a_named_refusal(samples: Path) -> None:
    read = 0
    for path in sorted((samples / "docs").glob("*.pdf")):
        for index in range(page_count(path)):
            try:
                found = page(path, index)
            except Reject as refused:
                assert path.name in SCANS, path.name
                assert refused.reason == "no-text-layer"  # noqa: PT017
                continue
            read += 1
            assert path.name not in SCANS
            assert found.text_from == "pdf"
            width, height = Image.open(io.BytesIO(found.blob or b"")).size
            assert abs(width - found.width * DPI / 72) <= 1
            assert abs(height - found.height * DPI / 72) <= 1
            found.model_dump_json().encode()
            order = [(word.block, word.line) for word in found.words]
            assert order == sorted(order), "lines and blocks count up in reading order"
            for word in found.words:
                assert word.text.strip() == word.text != ""
                assert word.box.left < word.box.right or word.box.top < word.box.bottom
    assert read == 4 + 1 + 1 + 151 + 15 + 16 + 9 + 53 + 1 + 20 + 4


def test_boxes_cut_out_of_the_file_again_hold_their_words(samples: Path) -> None:
    checked = 0
    for path in sorted((samples / "docs").glob("*.pdf")):
        if path.name in SCANS:
            continue
        for index in range(0, page_count(path), 4):
            words = page(path, index).words
            runs: dict[int, list[int]] = {}
            for at, word in enumerate(words):
                runs.setdefault(word.line, []).append(at)
            for places in list(runs.values())[::3]:
                box = words[places[0]].box
                for at in places[1:]:
                    box = box.union(words[at].box)
                cut = text_in_boxes(path, index, [box])
                for at in places:
                    assert words[at].text in unspaced(cut).replace("-\r\n", "-"), (path.name, index, cut)
                    checked += 1
    assert checked > 8000


def test_three_columns_are_read_one_by_one(samples: Path) -> None:
    found = lines(page(samples / "docs" / "multicolumn_federal_register_15p.pdf", 0))
    text = " ".join(found)
    assert "issuance of rules and regulations. The purpose of these notices is to give interested" in text
    assert (
        "You may send comments, using the procedures found in 14 CFR 11.43 and 11.45, by any of the following" in text
    )
    first, second, third = (
        next(at for at, line in enumerate(found) if line.startswith(start))
        for start in ("SUMMARY: The FAA proposes", "Examining the AD Docket", "Confidential Business")
    )
    assert first < second < third


def test_korean_columns_and_words(samples: Path) -> None:
    found = page(next((samples / "docs").glob("국회*.pdf")), 0)
    text = found.text
    assert "코로나-19 관련 보험약관상\n재해보험금 지급문제 및 개선과제" in text
    assert "진자는 9,661명, 사망자는 158명으로 나타났다." in text
    assert text.index("들어가며") < text.index("손해보험의 표준약관") < text.index("통상 질병보험금에 비해")


def test_turned_slides_are_upright(samples: Path) -> None:
    found = page(samples / "docs" / "slides_colon_cancer_53p.pdf", 3)
    assert found.rotation == 90
    assert found.width > found.height
    assert lines(found)[:4] == [
        "Quality and Costs of",
        "Colon Cancer Care in",
        "VA and Medicare",
        "VA HSR&D Service IIR 03-196",
    ]


def test_rows_of_tables_stay_lines(samples: Path) -> None:
    rows = lines(page(samples / "docs" / "table_statistical_abstract_20p.pdf", 4))
    row = next(row for row in rows if row.startswith("Motor vehicle and parts dealers"))
    assert row.replace(".", "").endswith(" 441 1,687 1,880 2,125 2,249 2,407 2,479 2,600 2,870 3,036")
    turned = lines(page(samples / "docs" / "table_background_checks_rotated90.pdf", 0))
    assert any(row.startswith("Connecticut 9,631 11,594 5,072 134 0") and row.endswith(" 26,438") for row in turned)


def test_invoice_total_stands_where_it_is_printed(samples: Path) -> None:
    path = samples / "docs" / "invoice_mustang_508.pdf"
    found = page(path, 0)
    total = next(word for word in found.words if "571,04" in word.text or "571.04" in word.text)
    assert "571" in text_in_boxes(path, 0, [total.box])
    assert "571" not in text_in_boxes(path, 0, [Box(0, 0, found.width, total.box.top - 20)])


@pytest.mark.slow
def test_memory_stays_flat_over_a_thousand_pages(samples: Path) -> None:
    import psutil

    path = samples / "docs" / "ko_debian_install_guide_151p.pdf"
    source = Source(name=path.name, uri=str(path), sha256="0" * 64, media_type="application/pdf", size=1)
    process = psutil.Process()
    after_100 = 0
    for count in range(1000):
        read_page(path, source, count % 151)
        if count == 100:
            after_100 = process.memory_info().rss
    assert process.memory_info().rss < 1.2 * after_100
