"""Answers that stop while the page goes on, and those that end where a clause does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sightline.core.sample import Page
from sightline.verify import PageIndex, text_check

ENGLISH = """
1 Hierarchies

The /etc hierarchy contains configuration files which are read at boot.  The xz format
offers a better compression than the gzip and bzip2 tools.  If a C preprocessor is
installed,  /lib/cpp  must be a reference to it.  Both orders are explained in Section
4.7 and in Appendix E of the standard.  An acute lymphoblastic leukemia (ALL) is rare.
"""
KOREAN = """
1 준비

설치 하우투는 부록 A에 있습니다. 스페이스바를 누르면 확인란 따위의 항목을 토글합니다.
자세한 내용은 5.1.5절 부분을 참고하십시오. 볼륨이 1개뿐이라면 두 가지 방법이 있습니다.
강좌는 인원이 모자라면 열리지 않을 수 있습니다. 여기에서 한글 문서를 만든다.
"""
CONTAIN, OFFER = "What does the /etc hierarchy contain?", "What does the xz format offer?"
LISTED = 'Which section is named in the sentence that begins "Both orders are explained"?'
PATH = 'Which path is given in the sentence that begins "If a C preprocessor is"?'
PRESSED = "스페이스바를 누르면 어떻게 됩니까?"


@pytest.mark.parametrize(
    ("page", "question", "answer", "cut"),
    [
        (ENGLISH, CONTAIN, "configuration files", False),
        (ENGLISH, CONTAIN, "configuration", True),
        (ENGLISH, OFFER, "a better compression than the gzip and bzip2 tools", False),
        (ENGLISH, OFFER, "a better compression than the gzip and bzip2", True),
        (ENGLISH, OFFER, "a better", True),
        (ENGLISH, LISTED, "Section 4.7", False),
        (ENGLISH, LISTED, "Section", True),
        (ENGLISH, LISTED, "Section 4.", True),
        (ENGLISH, PATH, "/lib/cpp", False),
        (ENGLISH, "Which appendix is named beside the section?", "Appendix E", False),
        (ENGLISH, 'What does "ALL" stand for?', "acute lymphoblastic leukemia", False),
        (ENGLISH, 'What does "ALL" stand for?', "acute lymphoblastic", True),
        (KOREAN, "설치 하우투는 어디에 있습니까?", "부록 A", False),
        (KOREAN, "설치 하우투는 어디에 있습니까?", "부록", True),
        (KOREAN, PRESSED, "확인란 따위의 항목을 토글합니다", False),
        (KOREAN, PRESSED, "확인란 따위의 항목을", True),
        (KOREAN, "자세한 내용은 어느 절에 있습니까?", "5.1.5절", False),
        (KOREAN, "볼륨이 몇 개일 때입니까?", "1개", False),
        (KOREAN, "볼륨이 1개이면 방법이 몇 가지입니까?", "두 가지", False),
        (KOREAN, "볼륨이 1개이면 방법이 몇 가지입니까?", "두", True),
        (KOREAN, "인원이 모자라면 강좌는 어떻게 됩니까?", "열리지 않을 수 있습니다", False),
        (KOREAN, "인원이 모자라면 강좌는 어떻게 됩니까?", "열리지 않을", True),
    ],
)
def test_a_clause_is_whole_or_cut(
    page_of: Callable[..., Page], page: str, question: str, answer: str, cut: bool
) -> None:
    assert ("cut-off" in text_check(question, answer, PageIndex(page_of(page)))) == cut


def test_an_answer_that_stands_before_the_question_s_words_may_end_anywhere(page_of: Callable[..., Page]) -> None:
    page = PageIndex(page_of("1 News\n\nThe water board announced higher prices on Monday, and that\nthe works close."))
    assert text_check("Who announced higher prices?", "The water board", page) == []


def test_braces_behind_a_command_are_no_empty_slot(page_of: Callable[..., Page]) -> None:
    page = PageIndex(page_of("Command  \\\\emph{some text}\nAuthor  {name}"))
    assert "placeholder" not in text_check("What is the command?", "\\\\emph{some text}", page)
    assert "placeholder" in text_check("Who is the author?", "{name}", page)


@pytest.mark.parametrize(
    ("page", "answer"),
    [
        ("Appendix A\n\nThe board met and it was decided.", "Appendix A"),
        ("Support Q&A\n\nThe board met and it was decided.", "Support Q&A"),
        ("제2조 정의\n\n회원이란 가입한 사람이다.", "제2조 정의"),
        ("The format returns a string.\n\n서식 설정 코드\n\n목록입니다.", "서식 설정 코드"),
        ("They lie in pool/main/a/apache/ on the server.", "pool/main/a/apache/"),
        ("/etc/apt/sources.list 파일의 필드를 바꾸십시오.", "/etc/apt/sources.list"),
        ("3차 회의\n\n회원이란 가입한 사람이다.", "3차 회의"),
    ],
)
def test_what_only_looks_cut_off(page_of: Callable[..., Page], page: str, answer: str) -> None:
    assert "cut-off" not in text_check("Which heading stands here?", answer, PageIndex(page_of(page)))


def test_a_negation_that_the_question_itself_holds_denies_nothing(page_of: Callable[..., Page]) -> None:
    page = PageIndex(page_of("Total without VAT 43 EUR"))
    assert "denied-on-page" not in text_check("What is the total without VAT?", "43 EUR", page)
    assert "denied-on-page" in text_check("What is the total?", "43 EUR", page)
