"""What a question points with: the phrases it quotes, else the words that carry it, without what every question has
(question words, particles, endings, and words about pages: "title", "table", "sentence")."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from sightline.verify.folding import HANGUL, fold, is_cjk

_ENGLISH = """
a an and any are as at be been being by can could did do does for from had has have how i if in into is it its many me
much of on or should so tell than that the their there these they this those to was we were what when where which who
whom whose why will with would you your according document page please mentioned listed stated given shown show say says
following based value answer text passage described indicate indicated specified title heading section item slide
caption called sentence begins beginning begin starting starts start directly follows follow introduces column row
name names named page's document's under stand line main heading's largest happens happen rule
"""
_KOREAN = """
무엇 무엇입니까 무엇인가요 무엇인가 뭐 얼마 얼마입니까 얼마인가요 얼마인가 언제 언제입니까 언제인가요 어디
어디입니까 어디인가요 누구 누구입니까 누구인가요 몇 어떤 어느 어떻게 왜 문서 페이지 이 그 저 것 수 있습니까 있나요 있는
나와 나옵니다 적혀 적힌 따르면 다음 대한 대해 관한 관하여 입니까 인가요 값 값은 무슨 하나요 합니까 됩니까 되나요 쓰여
명시된 기재된 해당하는 해당 제목 표 항목 수치 문장 글 단락 아래 바로 시작하는 나오는 슬라이드 줄 이어집니까 밝히고
안내된 내용 보여 줍니까 붙어 절 번 되어 가장 크게 큰 글씨로 칸에 칸
"""
_PARTICLE_LIST = """
은 는 이 가 을 를 의 에 에서 에는 에게 으로 로 와 과 도 만 까지 부터 보다 처럼 이나 나 이란 란 이라는 라는 입니까
인가요 인가 입니다 이며 이고 에서는 으로는 에서의 에의 이었습니까 였습니까 에도 께서 한테 라고 이라고 했습니까 됩니까
되었습니까 하였습니까 합니까
"""
_STOP = frozenset(_ENGLISH.split()) | frozenset(_KOREAN.split())
_PARTICLES = sorted(_PARTICLE_LIST.split(), key=lambda particle: -len(particle))
_PARTICLE_RUN = re.compile(
    rf"(?:{'|'.join(_PARTICLES)}|들|등|이었다|였다|이다|인|하는|한|된|적|별|씩|쯤|임|도록){{1,3}}"
)
_KINDS = {
    "who": r"\bwho(?:m|se)?\b|누구|누가",
    "when": r"\bwhen\b|언제|며칠|몇월|몇년",
    "where": r"\bwhere\b|어디",
    "why": r"\bwhy\b|왜|이유",
    "how much": r"\bhow (?:many|much)\b|얼마|몇",
    "how": r"\bhow\b|어떻게",
}
_KIND = {kind: re.compile(pattern) for kind, pattern in _KINDS.items()}
_TOKEN = re.compile(r"[^\W_]+(?:[.,'/:&-][^\W_]+)*")
_QUOTED = re.compile(r"\"([^\"]+)\"|(?<!\w)'([^']+)'(?![A-Za-z0-9])")
_CURLY = str.maketrans("“”„‘’", '"""\'\'')
_NUMBERED = re.compile(r"([0-9][0-9.,]*)[가-힣]+")
_ENDINGS = ("ing", "ies", "ed", "es", "s", "y")


class Anchor(NamedTuple):
    """One thing a question points with."""

    phrase: str
    """Folded, as quoted; "" where the words were not quoted together."""
    stems: tuple[str, ...]


@lru_cache(maxsize=4096)
def anchors(question: str) -> tuple[Anchor, ...]:
    """Each quoted phrase, and each number outside quotes beside them; all content words as one where nothing is quoted.

    >>> [anchor.stems for anchor in anchors('What is the figure for "Net sales" in 1990?')]
    [('net', 'sale'), ('1990',)]
    """
    plain = question.translate(_CURLY)
    quoted = [match[1] or match[2] for match in _QUOTED.finditer(plain)]
    found = [Anchor(fold(text).strip(" .,:;"), stems) for text in quoted if (stems := content_words(text))]
    if not found:
        stems = content_words(question)
        return (Anchor("", stems),) if stems else ()
    numbers = [stem for stem in content_words(_QUOTED.sub(" ", plain)) if stem[0].isdigit()]
    return (*found, *(Anchor("", (number,)) for number in numbers))


@lru_cache(maxsize=4096)
def content_words(question: str) -> tuple[str, ...]:
    """Folded stems of the words that carry the question, without repeats.

    >>> content_words("What are the total amounts due?")
    ('total', 'amount', 'due')
    """
    tokens = [token for word in question.split() for token in _TOKEN.findall(fold(word))]
    stems = [stem for token in tokens if token not in _STOP and (stem := _stem(token)) not in _STOP]
    return tuple(dict.fromkeys(stems))


def asked_kind(question: str) -> str:
    """What a question asks for: who, when, where, why, how much, how, or what (everything else).

    >>> asked_kind("How many people signed?")
    'how much'
    """
    folded = fold(question)
    return next((kind for kind, pattern in _KIND.items() if pattern.search(folded)), "what")


def strip_particle(token: str) -> str:
    """A Korean word without its particle; at least two syllables stay.

    >>> strip_particle("확진자는")
    '확진자'
    """
    for particle in _PARTICLES:
        if token.endswith(particle) and len(token) - len(particle) >= 2:
            return token.removesuffix(particle)
    return token


def is_particle(ending: str) -> bool:
    """What may follow a Korean noun without belonging to it: particles, also two in a row, and forms of "to be"."""
    return _PARTICLE_RUN.fullmatch(ending) is not None


def _stem(token: str) -> str:
    if HANGUL.search(token):
        numbered = _NUMBERED.fullmatch(token)
        return numbered[1] if numbered else strip_particle(token)
    if is_cjk(token[0]) or not token.isalpha() or len(token) < 5:
        return token
    for ending in _ENDINGS:
        if token.endswith(ending) and len(token) - len(ending) >= 4 and not token.endswith("ss"):
            return token.removesuffix(ending)
    return token
