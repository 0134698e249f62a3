"""What the LAVE judge is told: the task, and demonstrations of our own in English and Korean.

The task follows the paper (Manas et al. 2024, arXiv 2310.02567): rate a candidate answer 1 to 3 against reference
answers, reason first. All demonstrations were written for this project; they hold no text of anybody's data set.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Language = Literal["en", "ko"]


class Demonstration(NamedTuple):
    """One solved example."""

    question: str
    references: tuple[str, ...]
    candidate: str
    reason: str
    rating: int


class Wording(NamedTuple):
    """One language's texts."""

    task: str
    caption_rule: str
    reason_rule: str
    binary_rule: str
    caption: str
    question: str
    references: str
    candidate: str
    output: str
    verdict: str
    general: tuple[Demonstration, ...]
    binary: tuple[Demonstration, ...]


D = Demonstration

ENGLISH = Wording(
    task=(
        "You are given a question about an image, a set of gold-standard reference answers written by experts, and a "
        "candidate answer. Rate how correct the candidate answer is, judged by the reference answers. Use a scale of 1 "
        "to 3: 1 means incorrect or irrelevant, 2 means ambiguous or incomplete, 3 means correct. Provide exactly one "
        "rating."
    ),
    caption_rule=(
        "A description of the image is given for context; where it contradicts the reference answers, the reference "
        "answers are right."
    ),
    reason_rule="Give the reason before the rating, and end with the rating.",
    binary_rule=(
        "THE QUESTION'S ANSWER IS YES OR NO: IF THE CANDIDATE ANSWER TO A YES/NO QUESTION IS NEITHER YES NOR NO, THE "
        "RATING IS 1."
    ),
    caption="Image description",
    question="Question",
    references="Reference answers",
    candidate="Candidate answer",
    output="Output",
    verdict="So rating=",
    general=(
        D(
            "What is on the plate?",
            ("toast", "bread"),
            "a slice of toasted bread",
            "The candidate names toast, which is one of the references, in other words.",
            3,
        ),
        D(
            "What colour is the door?",
            ("dark green", "green"),
            "blue",
            "The references say green; blue is another colour.",
            1,
        ),
        D(
            "Who signed the letter?",
            ("M. Sample",),
            "the signature at the bottom",
            "The candidate says where the signature stands and not whose it is.",
            1,
        ),
        D(
            "What is the total on the invoice?",
            ("$1,250.00",),
            "1250 dollars",
            "The same amount is written in another way.",
            3,
        ),
        D(
            "What are the two people carrying?",
            ("umbrella and bag", "a bag and an umbrella"),
            "an umbrella",
            "One of the two things is named and the other one is missing.",
            2,
        ),
        D(
            "Where is the cat?",
            ("on the sofa", "couch"),
            "indoors",
            "Indoors may well be true of a sofa, but it does not say where the cat is.",
            2,
        ),
        D("In which year was the report published?", ("2019",), "2018", "The year differs from the reference.", 1),
        D(
            "What sport is shown?",
            ("baseball",),
            "a batter waits for the pitch in a baseball game",
            "The candidate contains the sport and adds details that do not contradict it.",
            3,
        ),
    ),
    binary=(
        D("Is the window open?", ("yes",), "yes, it is wide open", "The candidate says yes, as the reference does.", 3),
        D("Is there a dog in the picture?", ("no",), "yes", "The reference says no and the candidate says yes.", 1),
        D("Is the form signed?", ("yes",), "signature", "A yes/no question is answered with neither yes nor no.", 1),
        D("Are the lights on?", ("no",), "no, they seem to be off", "The candidate says no, as the reference does.", 3),
        D("Is the road wet?", ("yes",), "it may have rained", "The candidate does not say yes or no.", 1),
    ),
)

KOREAN = Wording(
    task=(
        "이미지에 관한 질문, 전문가가 작성한 정답 목록, 그리고 후보 답변이 주어집니다. 정답 목록을 기준으로 "
        "후보 답변이 얼마나 정확한지 1에서 3까지의 척도로 평가하세요. 1은 틀렸거나 관련이 없음, "
        "2는 모호하거나 불완전함, 3은 정확함을 "
        "뜻합니다. 평점은 하나만 제시하세요."
    ),
    caption_rule="참고로 이미지 설명이 주어집니다. 설명이 정답 목록과 다르면 정답 목록이 옳습니다.",
    reason_rule="평점보다 이유를 먼저 쓰고, 마지막에 평점을 쓰세요.",
    binary_rule="예/아니요로 답하는 질문입니다. 후보 답변이 예도 아니요도 아니면 평점은 반드시 1입니다.",
    caption="이미지 설명",
    question="질문",
    references="정답",
    candidate="후보 답변",
    output="출력",
    verdict="따라서 평점=",
    general=(
        D(
            "접시 위에 무엇이 있나요?",
            ("토스트", "식빵"),
            "구운 식빵 한 조각",
            "후보는 정답인 토스트를 다른 말로 나타냈습니다.",
            3,
        ),
        D("문은 무슨 색인가요?", ("초록색", "진한 초록색"), "파란색", "정답은 초록색이고 파란색은 다른 색입니다.", 1),
        D(
            "편지에 서명한 사람은 누구인가요?",
            ("홍길동",),
            "홍길동 씨입니다",
            "이름이 같고 존칭과 어미만 붙었습니다.",
            3,
        ),
        D("청구서의 합계는 얼마인가요?", ("1,250,000원",), "125만 원", "같은 금액을 다르게 적었습니다.", 3),
        D("두 사람은 무엇을 들고 있나요?", ("우산과 가방",), "우산", "두 가지 중 하나만 말하여 불완전합니다.", 2),
        D("고양이는 어디에 있나요?", ("소파 위",), "실내", "실내일 수는 있으나 어디인지 분명하지 않습니다.", 2),
        D("보고서는 몇 년에 나왔나요?", ("2019년",), "2018년", "연도가 정답과 다릅니다.", 1),
        D("회의는 어디에서 열리나요?", ("서울 본사",), "안내문 맨 아래", "장소가 아니라 글의 위치를 말했습니다.", 1),
    ),
    binary=(
        D("창문이 열려 있나요?", ("예",), "네, 활짝 열려 있습니다", "정답과 같이 그렇다고 답했습니다.", 3),
        D("사진에 개가 있나요?", ("아니요",), "예", "정답은 아니요인데 후보는 예라고 했습니다.", 1),
        D("서류에 서명이 있나요?", ("예",), "서명란", "예/아니요 질문에 예도 아니요도 아닌 답을 했습니다.", 1),
        D("불이 켜져 있나요?", ("아니요",), "아니오, 꺼져 있습니다", "정답과 같이 아니라고 답했습니다.", 3),
    ),
)

WORDINGS: dict[Language, Wording] = {"en": ENGLISH, "ko": KOREAN}
BINARY = frozenset(["yes", "no", "예", "네", "아니요", "아니오"])
