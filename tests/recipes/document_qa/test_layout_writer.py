from __future__ import annotations

import hashlib
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from sightline.core.errors import Reject
from sightline.core.media import Source
from sightline.core.sample import Page
from sightline.media import PageConfig, page_count, read_page
from sightline.recipes.document_qa.items import Chunk, Draft
from sightline.recipes.document_qa.layout.headings import headings
from sightline.recipes.document_qa.layout.view import view
from sightline.recipes.document_qa.layout_writer import LayoutWriter, tidy

sys.path.insert(0, str(Path(__file__).parent))
from page_maker import chunk_of, page_of, page_with, words_at

EXAMPLES = Path(__file__).parents[3] / "examples" / "documents"


def pages_of(path: Path, limit: int = 1000) -> list[Page]:
    data = path.read_bytes()
    source = Source(
        name=path.name,
        uri=str(path),
        sha256=hashlib.sha256(data).hexdigest(),
        media_type="application/pdf",
        size=len(data),
    )
    count = page_count(path)
    pages = []
    for index in range(min(count, limit)):
        with suppress(Reject):
            page = read_page(path, source, index, config=PageConfig(dpi=36))
            pages.append(page.model_copy(update={"blob": None}))
    return pages


def answers(page: Page, language: str = "en", pairs: int = 100) -> dict[str, str]:
    return {draft.question: draft.answer for draft in LayoutWriter(pairs).drafts(chunk_of(page, language=language))}


def asked(page: Page, answer: str, language: str = "en") -> list[str]:
    return [question for question, found in answers(page, language).items() if found == answer]


def assert_verbatim(drafts: list[Draft], pages: list[Page]) -> None:
    text = {page.index: " ".join(word.text for word in page.words) for page in pages}
    for draft in drafts:
        assert draft.page is not None
        assert f"{draft.answer}" in text[draft.page], draft
        assert draft.kind == "extractive"
        assert draft.style.startswith("layout/")


@pytest.fixture(scope="module")
def examples() -> dict[str, list[Page]]:
    return {path.stem: pages_of(path) for path in sorted(EXAMPLES.glob("*.pdf"))}


def test_labels_with_colons() -> None:
    page = page_with(
        (50, 100, "Invoice number: 471102"),
        (50, 112, "Invoice date: 12 March 2024"),
        (50, 124, "Amount due: 529.87 EUR"),
        (50, 136, "Account holder: Sample Trading Co."),
    )
    found = answers(page)
    assert set(found.values()) == {"471102", "12 March 2024", "529.87 EUR", "Sample Trading Co."}
    assert all("invoice number" in question for question in asked(page, "471102"))


def test_label_beside_and_above_its_value() -> None:
    page = page_with(
        (50, 100, "Due date:"),
        (200, 100, "1 May 2024"),
        (50, 160, "Case number", 7.0),
        (250, 160, "Date of birth", 7.0),
        (50, 171, "AL-2024-0356"),
        (250, 171, "14 May 1986"),
    )
    assert set(answers(page).values()) == {"1 May 2024", "AL-2024-0356", "14 May 1986"}
    assert "birth" in asked(page, "14 May 1986")[0]


@pytest.mark.parametrize(
    "line",
    [
        "http: //www.example.org/page",
        "Note: this is not a field of anything",
        "The meeting takes place as follows: room two",
        "and the answer was clear: nobody came",
        "10:00 - 12:00",
        "Invoice date: pending",
        "Total: see overleaf",
        "Version: =INTEGER",
        "Version: ::=INTEGER",
        "Choice: the alternative se- lected",
        "Returns: Pointer to a string",
        "문서 제목 변경",
        "주소 및 참조, 절대 및 상대",
    ],
)
def test_what_only_looks_like_a_label(line: str) -> None:
    assert answers(page_with((50, 100, line))) == {}


def test_a_label_that_stands_twice_is_not_asked() -> None:
    page = page_with(
        (50, 100, "Order number: A-17"), (50, 112, "Order number: B-23"), (50, 124, "Due date: 1 May 2024")
    )
    assert set(answers(page).values()) == {"1 May 2024"}


def test_a_value_goes_on_in_the_next_line_only_where_it_wraps() -> None:
    page = page_with(
        (50, 100, "Publisher: Council of the County of Lindal and"),
        (50, 112, "its Neighbours"),
        (50, 200, "Venue: Council Hall"),
        (50, 212, "Tea is served from four until half past five"),
    )
    assert set(answers(page).values()) == {"Council of the County of Lindal and its Neighbours", "Council Hall"}


def test_korean_fields_need_no_colon_and_get_the_right_particles() -> None:
    page = page_with(
        (50, 100, "발행일 2020년 4월 2일"),
        (50, 112, "담당자: 김한빛"),
        (50, 124, "수강료: 30,000원"),
        (50, 136, "교육장소: 배움실"),
    )
    found = answers(page, "ko")
    assert set(found.values()) == {"2020년 4월 2일", "김한빛", "30,000원", "배움실"}
    questions = " ".join(found)
    assert "발행일은" in questions
    assert "담당자는" in questions
    assert "수강료는" in questions
    assert "교육장소는" in questions


def test_names_are_asked_for_by_what_and_latin_words_need_no_particle() -> None:
    found = answers(page_with((50, 100, "Full name: Miriam Okafor"), (50, 112, "성명: 김한빛")))
    assert all(question.startswith("What ") for question in found)
    page = page_with((50, 100, "ISBN: 978-89-01"), (50, 112, "microtype: 글꼴의 자간을 다듬는 꾸러미"))
    assert all("microtype은" not in question and "microtype는" not in question for question in answers(page, "ko"))


def test_a_table_of_contents_is_no_title() -> None:
    page = page_with((50, 100, "Table of Contents", 22.0), (50, 160, "The first chapter is short"))
    assert "Table of Contents" not in answers(page).values()


TABLE = (
    (60, 100, "District"), (200, 100, "Homes"), (300, 100, "Leaks"),
    (60, 114, "Harbour"), (200, 114, "1,240"), (300, 114, "86"),
    (60, 128, "Old Town"), (200, 128, "980"), (300, 128, "131"),
    (60, 142, "Orchard"), (200, 142, "760"), (300, 142, "22"),
)  # fmt: skip


def test_cells_by_row_and_column() -> None:
    found = answers(page_with(*TABLE))
    cells = {answer: question for question, answer in found.items()}
    assert set(cells) == {"1,240", "86", "980", "131", "760", "22"}
    assert "Old Town" in cells["131"]
    assert "Leaks" in cells["131"]


def test_no_cell_is_asked_where_its_row_stands_twice_or_its_column_has_no_head() -> None:
    twice = (*TABLE, (60, 156, "Harbour"), (200, 156, "11"), (300, 156, "12"))
    assert not {"1,240", "86", "11", "12"} & set(answers(page_with(*twice)).values())
    assert answers(page_with(*TABLE[3:])) == {}


def test_rows_of_labels_and_values_are_fields_and_no_table_with_heads() -> None:
    page = page_with(
        (60, 100, "Product"), (200, 100, "Northwind 300"),
        (60, 114, "Purchase date"), (200, 114, "4 April 2026"),
        (60, 128, "Warranty expires"), (200, 128, "4 April 2031"),
    )  # fmt: skip
    found = answers(page)
    assert set(found.values()) == {"Northwind 300", "4 April 2026", "4 April 2031"}
    assert all("Northwind" not in question for question in found)


def test_two_columns_that_only_look_like_fields() -> None:
    contents = (
        (60, 100, "About"),
        (200, 100, "4"),
        (60, 114, "Setup"),
        (200, 114, "9"),
        (60, 128, "Use"),
        (200, 128, "9"),
    )
    assert answers(page_with(*contents)) == {}
    wrapped = (
        (60, 100, "Purpose"), (200, 100, "letters and"),
        (60, 111, "of the form"), (200, 111, "other papers"),
        (60, 140, "Owner"), (200, 140, "Office of 12 Roads"),
        (60, 170, "Period"), (200, 170, "five years"),
    )  # fmt: skip
    assert answers(page_with(*wrapped)) == {}


def test_the_first_of_several_fields_is_no_head_of_two_columns() -> None:
    page = page_with(
        (60, 100, "유종"), (200, 100, "휘발유"), (60, 114, "단가"), (200, 114, "1,648"),
        (60, 128, "주유량"), (200, 128, "30.34"), (60, 142, "포인트"), (200, 142, "151"),
    )  # fmt: skip
    found = answers(page, "ko")
    assert found != {}
    assert all("휘발유" not in question for question in found)


def test_a_unit_in_brackets_is_not_read_aloud() -> None:
    table = (
        (60, 100, "횟수"), (160, 100, "총수량(kg)"), (300, 100, "비율(%)"),
        (60, 114, "새 배지"), (160, 114, "412"), (300, 114, "88.2"),
        (60, 128, "3회"), (160, 128, "371"), (300, 128, "83.1"),
    )  # fmt: skip
    assert not [
        question for question in answers(page_with(*table), "ko") if "(kg)는" in question or "(%)는" in question
    ]


def test_the_sum_of_a_receipt_needs_no_colon() -> None:
    page = page_with(
        (20, 100, "Oat milk"), (150, 100, "4.29"), (20, 112, "Tea"), (150, 112, "1.00"),
        (20, 140, "SUBTOTAL"), (150, 140, "5.29"),
    )  # fmt: skip
    found = answers(page)
    assert "5.29" in found.values()
    assert all("subtotal" in question for question, answer in found.items() if answer == "5.29")


def test_rows_are_told_by_their_first_words_and_never_by_a_later_column() -> None:
    days = (
        (60, 100, "동"), (160, 100, "단수일"), (300, 100, "급수 장소"),
        (60, 114, "101동"), (160, 114, "5월 11일"), (300, 114, "정문 앞"),
        (60, 128, "102동"), (160, 128, "5월 13일"), (300, 128, "놀이터 옆"),
    )  # fmt: skip
    found = answers(page_with(*days), "ko")
    assert set(found.values()) == {"5월 11일", "정문 앞", "5월 13일", "놀이터 옆"}
    assert all("101동" in question or "102동" in question for question in found)
    numbered = (
        (60, 100, "순번"), (160, 100, "품명"), (300, 100, "수량"),
        (60, 114, "1"), (160, 114, "책상"), (300, 114, "60"),
        (60, 128, "2"), (160, 128, "의자"), (300, 128, "61"),
    )  # fmt: skip
    assert set(answers(page_with(*numbered), "ko").values()) == {"60", "61"}


def test_a_label_with_what_may_be_the_mark_of_a_footnote_is_not_asked() -> None:
    table = (
        (60, 100, "Offence"), (200, 100, "Men"), (300, 100, "Women"),
        (60, 114, "Fraud 1"), (200, 114, "12"), (300, 114, "34"),
        (60, 128, "Arson"), (200, 128, "56"), (300, 128, "78"),
    )  # fmt: skip
    assert set(answers(page_with(*table)).values()) == {"56", "78"}


def test_a_value_that_holds_a_second_sentence_or_a_broken_word_is_not_asked() -> None:
    page = page_with((50, 100, "Director: Ann Bell, PhD. Licence 12 B"), (50, 130, "마우스로 끕니다. 참고: 단축키 표"))
    assert answers(page) == {}


def test_a_landscape_page_in_small_type_is_a_report() -> None:
    """Its second page has no title of its own that a slide would have."""
    lines = ((50, 60, "Energy review", 20.0), (50, 100, "Use of gas was lower in this quarter"))
    words = [word for at, line in enumerate(lines) for word in words_at(line[2], line[0], line[1], at, at, *line[3:])]
    slide = page_of(words, index=1, pages=2, width=400.0, height=300.0)
    report = page_of(words, index=1, pages=2, width=842.0, height=595.0)
    assert any("slide" in question for question in answers(slide))
    assert answers(report) == {}


def test_short_headings_are_not_called_titles() -> None:
    """They may be the name of the shop that wrote the receipt."""
    page = page_with((50, 100, "The Salt Inn", 22.0), (50, 160, "Season of the year two thousand"))
    assert [question for question in answers(page) if "title" in question] == []
    assert "The Salt Inn" in answers(page).values()


@pytest.mark.parametrize("lefts", [(190.0, 350.0), (218.0, 378.0)])
def test_heads_of_two_rows_flush_or_centred(lefts: tuple[float, float]) -> None:
    """Only "Supplied" tells one 2024 from the other; it stands over the first of its columns, or over both."""
    page = page_with(
        (lefts[0], 86, "Supplied"), (lefts[1], 86, "Leakage"),
        (60, 100, "District"), (190, 100, "2024"), (270, 100, "2025"), (350, 100, "2024"), (430, 100, "2025"),
        (60, 114, "Harbour"), (190, 114, "1,240"), (270, 114, "1,380"), (350, 114, "8.6"), (430, 114, "7.9"),
        (60, 128, "Old Town"), (190, 128, "980"), (270, 128, "990"), (350, 128, "3.1"), (430, 128, "2.2"),
    )  # fmt: skip
    cells = {answer: question for question, answer in answers(page).items()}
    assert set(cells) == {"1,240", "1,380", "8.6", "7.9", "980", "990", "3.1", "2.2"}
    assert "Supplied 2025" in cells["1,380"]
    assert "Leakage 2024" in cells["8.6"]


def test_heads_that_are_the_same_and_have_nothing_above_are_not_asked() -> None:
    page = page_with(
        (60, 100, "Pay"), (160, 100, "Won"), (250, 100, "Tax"), (350, 100, "Won"),
        (60, 114, "Basic"), (160, 114, "3,450"), (250, 114, "Health"), (350, 114, "139"),
        (60, 128, "Meals"), (160, 128, "200"), (250, 128, "Income"), (350, 128, "152"),
    )  # fmt: skip
    assert answers(page) == {}


def test_figures_flush_right_belong_to_heads_flush_left() -> None:
    page = page_with(
        (60, 100, "도서관"), (180, 100, "2024년"), (290, 100, "2025년"),
        (60, 114, "중앙"), (230, 114, "412"), (340, 114, "428"),
        (60, 128, "솔밭"), (230, 128, "198"), (340, 128, "205"),
    )  # fmt: skip
    cells = {answer: question for question, answer in answers(page, "ko").items()}
    assert set(cells) == {"412", "428", "198", "205"}
    assert "2025년" in cells["205"]


def test_the_head_of_a_column_and_a_numbered_heading_are_no_labels() -> None:
    column = (
        (60, 100, "날짜"),
        (60, 112, "2021-01-04"), (200, 112, "387"),
        (60, 124, "2021-01-05"), (200, 124, "169"),
    )  # fmt: skip
    assert answers(page_with(*column), "ko") == {}
    assert (
        answers(page_with((50, 100, "8.3.4. State D: Wording proposed"), (50, 112, "A patch is awaited by all"))) == {}
    )


def test_a_heading_that_is_broken_within_a_word_is_not_asked() -> None:
    """No line here leaves room for a syllable: whether 설/정하나요 is one word cannot be told."""
    lines = [
        (50, 100, "11.8 구성 파일이 들어간 패키지는 어떻게 설", 14.0),
        (50, 118, "정하나요?", 14.0),
        (50, 160, "설정 파일을 처음으로 설치할 때에는 아무것도 묻지 않"),
        (50, 172, "는다. 그 뒤로는 파일이 바뀌었을 때에만 어떻게 할지를"),
        (50, 184, "묻는다."),
    ]
    assert [answer for answer in answers(page_with(*lines), "ko").values() if "설 정" in answer] == []


def test_heads_of_a_form_s_table_are_no_fields() -> None:
    page = page_with(
        (60, 100, "기간"), (160, 100, "회사"), (260, 100, "직위"), (360, 100, "담당 업무"),
        (60, 114, "2022.05 ~ 현재"), (160, 114, "세영"), (260, 114, "대리"), (360, 114, "원료 검사"),
    )  # fmt: skip
    assert "담당 업무" not in answers(page, "ko").values()


def test_a_centred_line_does_not_carry_a_value_on() -> None:
    page = page_with(
        (100, 100, "Points earned: 21"),
        (60, 112, "Returns accepted within thirty days"),
        (80, 124, "with this receipt"),
    )
    assert set(answers(page).values()) == {"21"}


def test_rows_of_two_columns_of_prose_are_no_table() -> None:
    left = "the quick brown fox jumps over"
    right = "a lazy dog that sleeps all day"
    lines = [(x, 100.0 + 12 * i, text) for x, text in ((50.0, left), (320.0, right)) for i in range(12)]
    assert answers(page_with(*lines)) == {}


def test_captions_and_what_only_mentions_a_figure() -> None:
    page = page_with(
        (50, 100, "Figure 2. Mean night flow of the homes in winter."),
        (50, 200, "Table 3: Prices for households"),
        (50, 300, "Figure 4 shows that the flow is even lower in summer than it was before."),
    )
    found = answers(page)
    assert set(found.values()) == {"Mean night flow of the homes in winter", "Prices for households"}
    assert "Figure 2" in asked(page, "Mean night flow of the homes in winter")[0]
    korean = page_with((50, 100, "[표 1] 강좌와 재료비"), (50, 140, "<그림 2> 학습관 찾아오는 길"))
    assert set(answers(korean, "ko").values()) == {"강좌와 재료비", "학습관 찾아오는 길"}


def test_sections_are_told_apart_by_number_and_by_what_follows_them() -> None:
    prose = "use in the homes has fallen year after year for a while now, as it had before."
    lines: list[tuple[float, float, str] | tuple[float, float, str, float]] = []
    for i, (title, word) in enumerate((("1 Introduction", "Water"), ("2 Leaks and repairs", "Power"))):
        top = 100.0 + 200 * i
        lines += [(50, top, title, 14.0), (50, top + 24, f"{word} {prose}"), (50, top + 36, f"Also {prose}")]
    page = page_with(*lines)
    forms = Counter(fact.form for fact in headings(view(page)))
    assert forms == {"section-number": 2, "next-heading": 1, "heading-of": 2}
    assert set(answers(page).values()) == {"Introduction", "Leaks and repairs"}


def test_one_date_in_a_sentence_is_asked_by_its_opening_words() -> None:
    page = page_with(
        (50, 100, "The county board approved the method at its meeting of 14 November 2022."),
        (50, 112, "The hall is open from May 2023 to June 2023 for all who come."),
    )
    assert list(answers(page).values()) == ["14 November 2022"]
    assert "The county board approved the method at its" in asked(page, "14 November 2022")[0]


def test_a_sentence_whose_opening_stands_twice_or_hangs_on_a_heading_is_told_apart() -> None:
    twice = "The board approved the method at its meeting of"
    page = page_with((50, 100, f"{twice} 14 November 2022."), (50, 130, f"{twice} 3 June 2023."))
    assert answers(page) == {}
    page = page_with(
        (50, 100, "Emergency Order"),
        (50, 112, "On the first day of the week, that is, on Monday the old office closed until"),
        (50, 124, "14 November 2022."),
    )
    assert [question for question in answers(page) if "Emergency" in question] == []
    assert list(answers(page).values()) == ["14 November 2022"]


def test_running_heads_and_folios_are_never_asked() -> None:
    pages = [
        page_with(
            (50, 30, "Report number: 17", 8.0), (50, 300, f"Order number: {i}23A"), (290, 820, f"Page {i + 1}"), index=i
        )
        for i in range(2)
    ]
    drafts = LayoutWriter(9).drafts(chunk_of(*pages))
    assert {draft.answer for draft in drafts} <= {"023A", "123A"}


def test_nothing_to_ask_gives_nothing() -> None:
    assert LayoutWriter().drafts(chunk_of(page_of([]))) == []
    assert answers(page_with((50, 100, "just a few words"))) == {}


def test_the_same_seed_gives_the_same_and_another_seed_others(examples: dict[str, list[Page]]) -> None:
    chunk = chunk_of(*examples["report"])
    assert LayoutWriter(4, 7).drafts(chunk) == LayoutWriter(4, 7).drafts(chunk)
    assert LayoutWriter(4, 7).drafts(chunk) != LayoutWriter(4, 8).drafts(chunk)


def test_kinds_are_mixed_before_one_kind_is_asked_twice(examples: dict[str, list[Page]]) -> None:
    for stem in ("report", "notice_ko", "invoice"):
        language = "ko" if stem.endswith("ko") else "en"
        for page in examples[stem]:
            styles = Counter(draft.style for draft in LayoutWriter(4).drafts(chunk_of(page, language=language)))
            assert len(styles) == 4, (stem, page.index, styles)


def test_examples_yield_forty_pairs_and_every_answer_stands_on_its_page(examples: dict[str, list[Page]]) -> None:
    total = 0
    for stem, pages in examples.items():
        if not pages:
            assert stem == "scan"
            continue
        language = "ko" if stem.endswith("ko") else "en"
        drafts = LayoutWriter().drafts(chunk_of(*pages, language=language))
        assert_verbatim(drafts, pages)
        assert len({draft.question for draft in drafts}) == len(drafts)
        total += len(drafts)
    assert total >= 40


def test_invoice_facts_are_right(examples: dict[str, list[Page]]) -> None:
    found = answers(examples["invoice"][0])
    truth = {
        "delivery date": "8 March 2024",
        "due date": "11 April 2024",
        "amount due": "1,560.00 EUR",
        "invoice number": "INV-2024-0871",
        "IBAN": "XX55 0000 1234 5678 9012",
    }
    for label, value in truth.items():
        assert value in [answer for question, answer in found.items() if label in question], label


def test_korean_notice_is_asked_in_korean(examples: dict[str, list[Page]]) -> None:
    drafts = LayoutWriter(20).drafts(chunk_of(*examples["notice_ko"], language="ko"))
    assert all(draft.question.endswith("?") and any("가" <= c <= "힣" for c in draft.question) for draft in drafts)
    assert {"2024년 3월 22일", "30,000원"} <= {draft.answer for draft in drafts}


def test_words_written_from_right_to_left_are_no_answers() -> None:
    """PDFium gives "חברת המזרח" as it is drawn, last word first."""
    page = page_with((50, 100, "Name in Hebrew: המזרח חברת"), (50, 112, "Customer: Levant Trading Co."))
    assert set(answers(page).values()) == {"Levant Trading Co."}


def test_a_korean_caption_is_not_asked_about_in_english() -> None:
    page = page_with((50, 100, "그림 8.48: Two Hangul syllables side by side."))
    assert answers(page, "en") == {}
    assert set(answers(page, "ko").values()) == {"Two Hangul syllables side by side"}


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("2020-12-12.", "2020-12-12"),
        ("Sample Trading Co.", "Sample Trading Co."),
        ("$1,345)", "$1,345"),
        ("571.04 €,", "571.04 €"),
    ],
)
def test_tidy(words: str, answer: str) -> None:
    assert tidy(words) == answer


def test_real_invoice(samples: Path) -> None:
    found = answers(pages_of(samples / "docs" / "invoice_mustang_508.pdf")[0])
    assert {"RE-20201121/508", "496.00 €", "571.04 €", "2020-11-10", "DE136695976"} <= set(found.values())


def test_real_pages_answer_verbatim_and_never_from_page_numbers(samples: Path) -> None:
    for name, language in (
        ("form_dd293_4p.pdf", "en"),
        ("paper_plos_cc0_16p.pdf", "en"),
        ("국회입법조사처_이슈와논점_1695호.pdf", "ko"),
        ("slides_colon_cancer_53p.pdf", "en"),
    ):
        pages = pages_of(samples / "docs" / name, limit=8)
        drafts = LayoutWriter().drafts(Chunk(pages=tuple(pages), group="g", language=language))
        assert drafts
        assert_verbatim(drafts, pages)
        assert not [draft for draft in drafts if "Page" in draft.answer or "http: " in draft.question]
