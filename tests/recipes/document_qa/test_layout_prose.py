"""Questions from running text: what sentences state and mention, short forms, lists; and what must not be asked."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sightline.recipes.document_qa.layout.korean import asked
from sightline.recipes.document_qa.layout_writer import LayoutWriter

sys.path.insert(0, str(Path(__file__).parent))
from page_maker import chunk_of, page_with


def answers(*lines: str, language: str = "en") -> dict[str, str]:
    """Question -> answer of a page whose lines stand one below the other, each a paragraph of its own."""
    page = page_with(*[(50, 100 + 40 * i, line) for i, line in enumerate(lines)])
    return {draft.question: draft.answer for draft in LayoutWriter(50).drafts(chunk_of(page, language=language))}


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        ("The control board is a small circuit behind the front plate.", "What is the control board",
         "a small circuit behind the front plate"),
        ("A stall warning is an alarm that sounds before the wing stalls.", "What is a stall warning",
         "an alarm that sounds before the wing stalls"),
        ("The annual plan requires a public hearing in every district.", "what does the annual plan require",
         "a public hearing in every district"),
        ("The spare keys are stored in the red cabinet.", "Where are the spare keys stored", "in the red cabinet"),
        ("The bottom valve is used to empty the tank.", "What is the bottom valve used for", "to empty the tank"),
        ("If the pump makes a loud noise, switch off the main supply.", "if the pump makes a loud noise",
         "switch off the main supply"),
        ("If the tank has never been filled, ignore this section of the page.", "What should be done if the tank",
         "ignore this section of the page"),
        ("The content of the tank is stored in a pipe and the upper valve is a spare one.",
         "Where is the content of the tank stored", "in a pipe"),
        ("To reset the meter, press the left button for a while.", "What should be done to reset the meter",
         "press the left button for a while"),
        ("The village hall stays closed because the roof is being mended.", "reason",
         "because the roof is being mended"),
        ("The survey was sent to all members and 312 households answered it.", "How many households", "312"),
        ("The first trains left the old station in 1894 already.", "year", "1894"),
        ("The form and its notes can be found at www.example.org/forms/a7 too.", "address", "www.example.org/forms/a7"),
        ("The fall of the water level is drawn in Figure 7 for each month.", "Which figure", "Figure 7"),
        ("The paper was read to the World Health Organization (WHO), which took note.", '"WHO"',
         "World Health Organization"),
    ],
)  # fmt: skip
def test_english_sentences(sentence: str, question: str, answer: str) -> None:
    found = answers(sentence)
    assert [asked for asked, said in found.items() if question.lower() in asked.lower() and said == answer], found


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        ("FTP 미러는 같은 파일을 나누어 주는 서버입니다.", "FTP 미러는 무엇입니까?", "같은 파일을 나누어 주는 서버"),
        ("이 안내서는 전기 요금의 계산 방법을 다룬다.", "이 안내서는 무엇을 다룹니까?", "전기 요금의 계산 방법"),
        ("설정 파일은 사용자의 홈 디렉터리에 있습니다.", "설정 파일은 어디에 있습니까?", "사용자의 홈 디렉터리"),
        ("요금을 나누어 내려면 신청서를 먼저 내십시오.", "요금을 나누어 내려면 어떻게 해야 합니까?",
         "신청서를 먼저 내십시오"),
        ("선이 원하는 길이로 표시되면 마우스 버튼을 놓습니다.", "선이 원하는 길이로 표시되면 어떻게 해야 합니까?",
         "마우스 버튼을 놓습니다"),
        ("암호를 세 번 틀리면 계정이 하루 동안 잠깁니다.", "암호를 세 번 틀리면 어떻게 됩니까?",
         "계정이 하루 동안 잠깁니다"),
        ("지난해 겨울에 열린 강좌에는 모두 1,204명이 참가했다.", "몇 명", "1,204명"),
        ("새로운 청사는 시민의 의견을 들어 2019년에 완공되었다.", "해", "2019년"),
        ("저장 공간을 나누는 방법에 대한 설명은 6.3.4절에 있습니다.", "절", "6.3.4절"),
        ("시스템을 시작할 때 남기는 기록은 /var/log/syslog 파일에 저장합니다.", "주소나 경로", "/var/log/syslog"),
        ("디스크를 나눌 때 LVM(Logical Volume Manager)을 쓸 수도 있습니다.", "LVM", "Logical Volume Manager"),
    ],
)  # fmt: skip
def test_korean_sentences(sentence: str, question: str, answer: str) -> None:
    found = answers("물과 전기를 아낍시다.", sentence, language="ko")
    wanted = [
        said for asked, said in found.items() if asked.removeprefix("문서에 따르면 ") == question or question in asked
    ]
    assert answer in wanted, found


@pytest.mark.parametrize(
    "sentence",
    [
        "This is a small circuit behind the front plate.",
        "It requires a public hearing in every district.",
        "The new master equipment list (MMEL) was approved.",
        "If this happens, switch off the main supply.",
        "The fee for members is between 20 and 30 percent of it.",
        "The order was sent by the Model 737 airplanes of the company.",
        "The circuit is a well-known part of the con- trol board.",
        "The file syntax is based on keywords of the language.",
        "If the name does not end in a known ending, .bz2 or .bz is put behind it.",
        "The relevant tabs are described on the next pages.",
        "The press may print one or 12 pages at a time in black.",
        "The fundamental difference between the 3 types lies in the protocol.",
        "If the program presents a list, such as a menu, one item must stand out.",
        "The license will apply, along with any applicable section 7 additional terms.",
        "The shell goes on due to its logout, the files are not read.",
        "Heat is a plausible cause of failure.",
        "When you have found a friend, have your key signed and be ready, you're there.",
        "If the row * pointer has a name, the first one must be used.",
        "If the case has a lid, or if it has none, be careful with it.",
        "The firm repairs any pump that fails because of a defect in the material.",
        "If you need higher quality of output, though, our latest models are available.",
        "The stable distribution really contains outdated packages.",
        "The annual meeting is held in October.",
        "If there are several, consider a folder of their own.",
        "The base system provides tools for this purpose.",
    ],
)
def test_english_sentences_that_leave_the_question_open(sentence: str) -> None:
    assert answers(sentence) == {}


@pytest.mark.parametrize(
    "sentence",
    [
        "이것은 같은 파일을 나누어 주는 서버입니다.",
        "엄밀히 말하면 계정이 하루 동안 잠깁니다.",
        "전자의 경우는 되지만 후자의 경우 계정이 잠깁니다.",
        "새로운 서버는 다음과 같은 소프트웨어를 설치합니다.",
        "계정이 하루 동안 잠기면 그것이 가장 좋은 방법입니다.",
        "지점에 마우스를 놓으면 표시될 텍스트를 지정할 수도 있습니다.",
        "양호하지 않으면 인터넷이 아주 느릴 수 있습니다.",
        "여기서도 끝내 실패한다면 다른 파일이 쓰입니다.",
        "중요한 것은 같은 파일을 나누어 주는 서버입니다.",
        "위쪽의 그림은 같은 파일을 나누어 주는 서버입니다.",
        "위하여 이 서버는 같은 파일을 제공합니다.",
        "기본 조건은 참이므로 바꾸지 않으면 언제나 참입니다.",
        "기준 위치 점은 하나 또는 두 개의 제어선을 갖습니다.",
        "라틴 문자 라틴 문자 글꼴은 패키지의 방식을 따릅니다.",
        "빗물 저금통은 지붕에서 내려오는 물을 모아 하수관의 부담을 줄인다.",
        "경고가 하나 있으면 준비가 된 것이 아닙니다.",
        "파일은 올바른 경로가 있는 곳의 이름입니다.",
        "If you want to run unstable을 실행하려면 필드를 바꾸십시오.",
        "제2조(이용 기간) 텃밭의 이용 기간은 4월 1일부터 11월 30일까지이다.",
    ],
)
def test_korean_sentences_that_leave_the_question_open(sentence: str) -> None:
    assert answers("물과 전기를 아낍시다.", sentence, language="ko") == {}


def test_two_sentences_that_answer_the_same_question_are_not_asked() -> None:
    assert (
        answers(
            "The annual plan requires a public hearing in every district.",
            "The annual plan requires a signature of the mayor.",
        )
        == {}
    )


def test_a_sentence_does_not_run_on_into_the_next_cell() -> None:
    page = page_with(
        (50, 100, "물과 전기를 아낍시다."),
        (50, 140, "흑색"),
        (120, 140, "테두리의"),
        (220, 140, "흑색 선은 셀의 바깥 선을 설정합니다."),
    )
    assert [
        question
        for question in map(str, LayoutWriter(50).drafts(chunk_of(page, language="ko")))
        if "테두리" in question
    ] == []


def test_rules_are_asked_for_as_rules_and_requests_as_what_to_do() -> None:
    found = answers("If a device is lost or stolen, the employee must inform the security desk.")
    assert all("what is the rule if" in question.casefold() for question in found)
    found = answers("If the number of guests changes, please tell us five days ahead.")
    assert all("should be done" in question for question in found)


def test_korean_dates_and_figures_are_asked_for_by_their_kind() -> None:
    found = answers("물과 전기를 아낍시다.", "여행 기간은 9월 16일부터 18일까지이다.", language="ko")
    assert [question.endswith("여행 기간은 언제입니까?") for question in found] == [True]
    found = answers("물과 전기를 아낍시다.", "표본오차는 95% 신뢰수준에서 2.0%p이다.", language="ko")
    assert [question.endswith("표본오차는 얼마입니까?") for question in found] == [True]


def test_percentages_and_money_are_told_apart_and_rows_of_figures_are_no_sentences() -> None:
    found = answers("The rent of the hall rose by 6.3 percent from the spring on.")
    assert ["percentage" in question for question, answer in found.items()] == [True]
    assert found.popitem()[1] == "6.3 percent"
    found = answers("The rent of the hall rose by $1,958 from the spring on.")
    assert ["amount of money" in question for question, answer in found.items()] == [True]
    assert answers("20-18179104-8 09/10/2013 EFECTIVO CARLOS PISONI $ 10.000,00.") == {}


def test_a_short_form_whose_letters_are_not_the_initials_is_not_asked() -> None:
    assert answers("The talk was given to the Society of Friends (XYZ), which took note.") == {}


def test_a_korean_sentence_is_not_cut_at_what_looks_like_a_conjunction() -> None:
    sentence = "단어에 수동 하이픈을 넣는 경우 자동 하이픈은 쓰이지 않습니다."
    found = answers("물과 전기를 아낍시다.", sentence, language="ko")
    assert [question.removeprefix("문서에 따르면 ") for question in found] == [
        "단어에 수동 하이픈을 넣는 경우 어떻게 됩니까?"
    ]
    found = answers("물과 전기를 아낍시다.", "다만 이 안내서는 전기 요금을 다룬다.", language="ko")
    assert [question.removeprefix("문서에 따르면 ") for question in found] == ["이 안내서는 무엇을 다룹니까?"]


def test_korean_words_may_be_broken_where_no_line_leaves_room_for_a_syllable() -> None:
    """Each line but the last ends at the edge: whether 관/리 is one word or two cannot be told from it."""
    broken = page_with(
        (50, 100, "물과 전기를 아껴 쓰는 일은 모든 주민의 의무입니다."),
        (50, 140, "암호를 세 번 틀리면 계정이 하루 동안 관"),
        (50, 152, "리자의 뜻에 따라 잠기게 됩니다."),
    )
    assert LayoutWriter(50).drafts(chunk_of(broken, language="ko")) == []
    kept = page_with(
        (50, 100, "물과 전기를 아껴 쓰는 일은 모든 주민의 의무입니다."),
        (50, 140, "암호를 세 번 틀리면 계정이 하루 동안"),
        (50, 152, "관리자의뜻에따라규정된절차에서 언제나 잠깁니다."),
    )
    assert [draft.answer for draft in LayoutWriter(50).drafts(chunk_of(kept, language="ko"))] == [
        "계정이 하루 동안 관리자의뜻에따라규정된절차에서 언제나 잠깁니다"
    ]


def test_nothing_is_taken_over_a_broken_word() -> None:
    page = page_with((50, 100, "The control board is a small cir-"), (50, 112, "cuit behind the front plate."))
    assert LayoutWriter(50).drafts(chunk_of(page)) == []


def test_items_of_a_list_and_of_numbered_points() -> None:
    page = page_with(
        (50, 100, "Before you leave:"),
        (60, 112, "• Close all windows"),
        (60, 124, "• Switch off the lights"),
        (50, 200, "(1) The owner keeps the keys of the house. More follows."),
    )
    found = {draft.answer: draft.question for draft in LayoutWriter(50).drafts(chunk_of(page))}
    assert "first" in found["Close all windows"]
    assert "Before you leave" in found["Switch off the lights"]
    assert '"(1)"' in found["The owner keeps the keys of the house"]


@pytest.mark.parametrize(
    ("verb", "question"),
    [("지원합니다", "지원합니까"), ("다룬다", "다룹니까"),
     ("먹는다", "먹습니까"), ("없다", "없습니까"), ("했다", "했습니까"),
     ("크다", None)],
)  # fmt: skip
def test_korean_endings(verb: str, question: str | None) -> None:
    assert asked(verb) == question
