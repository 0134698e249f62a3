"""What Korean sentences say outright: "X는 Y입니다", "X는 Y를 지원합니다", "X는 Y에 있습니다", "...하려면 ...하십시오".

The question repeats the sentence's topic and turns its verb into the polite interrogative; the answer is what stands
between them, word for word, without its particle.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sightline.recipes.document_qa.layout.fact import Fact
from sightline.recipes.document_qa.layout.sentences import Sentence
from sightline.recipes.document_qa.layout.values import DATE

MAX_WORDS = 20
_LEAD = (
    r"^(?:(?:그러나|하지만|또한|따라서|그리고|특히|한편|아울러|현재|참고로|일반적으로|기본적으로|보통|"
    r"다만|단|즉|물론|그런데|결국|먼저|우선|예를 들어|예컨대),? )?"
)
_TOPIC = r"(?P<topic>[^,;:?!]{1,45}?)(?P<particle>은|는|이란|란)"
_NAMED = re.compile(
    rf"{_LEAD}{_TOPIC},? (?P<answer>[^;:?!]{{2,120}}?)"
    r"(?P<verb>입니다|이다|이었다|이었습니다|(?<![하되시])(?:였다|였습니다))\.$"
)
_ACTED = re.compile(
    rf"{_LEAD}{_TOPIC} (?P<answer>[^,;:?!]{{2,90}}?)(?P<object>을|를) "
    r"(?P<verb>(?:(?:모두|다시|직접|함께|자동으로|주로) )?[가-힣]+(?: (?:있|없|않|했|하|합|한|된|됩|못)[가-힣]*)?다)\.$"
)
_PLACED = re.compile(
    rf"{_LEAD}(?P<topic>[^,;:?!]{{1,60}}?)(?P<particle>은|는|이|가|을|를) (?P<answer>[^,;:?!]{{2,60}}?)에 "
    r"(?P<verb>있습니다|있다|들어 있습니다|들어 있다|저장합니다|저장됩니다|저장한다|기록합니다|기록한다|설치합니다|"
    r"설치됩니다|위치합니다|"
    r"위치한다|나와 있습니다|나옵니다|표시합니다|보관합니다|놓습니다|포함되어 있습니다|설명되어 있습니다)\.$"
)
_CONDITION = re.compile(
    r"^(?:(?:그러나|하지만|또한|따라서|그리고|특히|다만|단|즉|만약|만일)(?:, ?| ))?"
    r"(?P<condition>[^,;:?!]{5,70}?(?:려면|면|"
    r"(?<= )경우(?:에는|에|는)?)),? "
    r"(?P<answer>[^;:?!]{6,110}(?:십시오|시오|세요|다))\.$"
)
_REASON = re.compile(r"^(?P<main>[^;:?!]{6,100}?)(?: 이유는|것은) (?P<answer>[^;:?!]{5,90}?) ?때문(?:입니다|이다)\.$")
_ADNOMINAL = re.compile(
    r".*(?:하|되|있|없|않|쓰|두|모르|다루|만드|보내|나오|나가|오가|들어가|에|에서|으로|로|까지|부터|때에|려|따르)는|"
    r".*(?:같|많|작|좋|높|낮|않|받|남|넣|적|짧|깊|얻|찾|있|없|읽|맞|젊|늦|싶|얕|옳|넓|좁|붙|입|잡|묶|담|놓)은|"
    r"또는|혹은|이는|그는|나는|더는"
)
"""Ends as a verb before its noun does, or is no topic."""
_MAYBE_VERB = re.compile(r".*[지리기시치이우보가오주나내두키르타고서]는")
"""A noun with its particle, or such a verb: a noun where no other topic or subject follows."""
_SECOND_TOPIC = re.compile(r".{2,}[은는이가]")
_VAGUE = re.compile(
    r"(?:이|그|저|이것|그것|마지막|앞에서|위에서|이러한|그러한|이런|그런|위의?|다음|아래의?|앞의?|후자|전자|여기서?|"
    r"거기|저희|우리|해당|이때|이후|그중|이번|그 외|이상|"
    r"하나|둘|모두|대부분|일부|나머지|여러분|사용자|무엇|어떤|각각|자세한 (?:내용|정보)|필자|본고|이와|그와|"
    r"[첫두세네] ?번째|"
    r"후술|상기|동|위쪽의?|아래쪽의?|왼쪽의?|오른쪽의?|위하여|위해|대하여|대해|통하여|통해)"
    r"(?: .*)?"
)
_ALLOWED = re.compile(r"(?:이|본|해당) (?:문서|글|보고서|장|절|책|설명서|안내서|부록|법|제도|연구|논문)")
_JOINED = re.compile(
    r"(?:고|며|면서|지만|는데|니까|라서|거나|면|더니|므로|도록|려고|아서|어서|여서|해서|으나|자|든지|때)$"
)
_CLAUSE_END = re.compile(r".*(?:므로|지만|으나|는데|라서|니까|면서|더니)")
_FOREIGN = re.compile(r"(?:[A-Za-z]+ ){3}")
"""A sentence in another language within this one."""
_ARTICLE = re.compile(r"제 ?\d+[조항장절호]")
_TWICE = re.compile(r"(?:^|.* )(\S+(?: \S+)?) \1(?: .*|$)")
"""A heading that runs into its paragraph: its words stand twice."""
_LOOSE_SUBJECT = re.compile(r"(?:^| )것[이은을] |하나가 |(?:관례|사실|당연|필수|원칙)$")
_LOOSE_NAME = re.compile(r"(?:것|예정|때문|편|뿐|정도|상태|바|셈|터|중|듯|점|수준|지경|만|경우|기반)$")
_NAMED_BY_CLAUSE = re.compile(
    r".*(?:목적|방법|이유|문제|목표|특징|의미|역할|원칙|점|핵심|차이|차이점|장점|단점|예외|취지|내용|과제)$"
)
_NO_CONDITION = re.compile(
    r".*(?:화|측|반|표|장|전|국|정|단|이|평|가|지|수|양|후|내|외|서|어떠)면|(?:이|그|저|이렇게|그렇게|그러|이러|아니|"
    r"왜냐|예를|위|앞|다음|어떤|어느|일부|대부분의|많은|이런|그런|"
    r"다른|이러한|그러한|해당|각|모든|특정한|두|보통의).*"
)
_NUMBERED = re.compile(r"\(?(?:\d{1,2}|[a-z가-하])[.)]|[•●○◦▪■□◆◇※*·▶►–-]$")
_ADNOMINAL_FUTURE = re.compile(r".*[될할질릴킬]")
"""The condition belongs to the noun behind it ("마우스를 놓으면 표시될 텍스트"), not to the sentence."""
MIN_DENIED = 3
"""Words of a condition that denies: "양호하지 않으면" does not say what."""
_ORDERED = re.compile(r".*(?:십시오|시오|세요|야 합니다|야 한다|면 됩니다|면 된다|(?:놓습|누릅|봅|클릭합|선택합)니다)$")
_IDIOM = re.compile(r".*(?:말하|들|가능하|보|의하|따르|비하|하자|웬만하|이러|좋으|어쩌|원한다|괜찮으)면$")
_DEICTIC = re.compile(
    r"(?:이|그|저|이것|그것|이런|그런|이러한|그러한|이렇게|그렇게|여기|거기|것이|것은|것을|것|이때|이를|그때|다음|"
    r"아래|위|앞|전자|"
    r"후자)(?:\s|[가-힣]{1,3}\s)"
)
_FIGURE = re.compile(r"\d[\d,.]* ?[^\s\d]{0,4}$")
_DAY = re.compile(r"\d{1,2}월|(?:1[89]|20)\d\d년")
_STATED = re.compile(
    r".*(?:입니다|이다|아닙니다|아니다|불가능합니다|가능합니다|가능하다|같습니다|좋습니다|좋다|많습니다|많다)$"
)
_NEEDED = re.compile(r"(?P<what>[^,]{2,60}?)(?:이|가) (?:필요합니다|필요하다|있어야 합니다|있어야 한다)")


def say(sentence: Sentence) -> Iterator[Fact]:
    """Facts that the sentence states about its own topic."""
    if not sentence.text.endswith(("다.", "오.", "요.")):
        return
    for pattern, read in _RULES:
        match = pattern.match(sentence.text)
        if match is not None:
            yield from read(sentence, match)


def _named(sentence: Sentence, match: re.Match[str]) -> Iterator[Fact]:
    answer = match["answer"].strip()
    if _LOOSE_NAME.search(answer) and not (answer.endswith("것") and _NAMED_BY_CLAUSE.fullmatch(match["topic"])):
        return
    if any(_JOINED.search(word) and len(word) > 1 for word in answer.split()[:-1] if "," in answer) or "," in answer:
        return
    if _LOOSE_SUBJECT.search(answer) or any(_CLAUSE_END.fullmatch(word) for word in answer.split()):
        return
    past = match["verb"] in ("이었다", "이었습니다", "였다", "였습니다")
    form = "named-past" if past else "named"
    if DATE.search(answer) or _DAY.match(answer):
        form = "named-when"
    elif _FIGURE.search(answer):
        form = "named-much"
    if _good_topic(sentence, match) and (form != "named" or _tells(match)):
        yield from _made(sentence, match, "definition", form, topic=_topic(match))


def _acted(sentence: Sentence, match: re.Match[str]) -> Iterator[Fact]:
    words = match["answer"].split()
    verb = asked(match["verb"])
    if (
        verb is None
        or any(_JOINED.search(word) and len(word) > 1 for word in words)
        or words[-1] in ("것", "수", "이", "그")
    ):
        return
    if _DEICTIC.match(match["answer"] + " ") or "다음" in match["answer"]:
        return
    if any(re.fullmatch(r".+(?:을|를|은|도|는데|에게|으로|에서|까지|부터|보다|처럼)", word) for word in words[:-1]):
        return
    if _VAGUE.fullmatch(match["answer"]):
        return
    if _good_topic(sentence, match) and _tells(match):
        yield from _made(sentence, match, "statement", "acted", topic=_topic(match), verb=verb)


def _placed(sentence: Sentence, match: re.Match[str]) -> Iterator[Fact]:
    verb = asked(match["verb"])
    words = match["answer"].split()
    if (
        verb is None
        or any(_JOINED.search(word) for word in words)
        or len(words) > 6
        or _VAGUE.fullmatch(match["answer"])
    ):
        return
    if any(word.endswith(("을", "를", "은", "는", "이", "가", "에")) for word in words[:-1]) or words[-1] in (
        "때",
        "중",
        "안",
        "것",
    ):
        return
    if _good_topic(sentence, match) and _tells(match):
        yield from _made(sentence, match, "statement", "placed", topic=_topic(match), verb=verb)


def _condition(sentence: Sentence, match: re.Match[str]) -> Iterator[Fact]:
    condition, answer = match["condition"], match["answer"]
    words = condition.split()
    if len(words) < 2 or _NO_CONDITION.fullmatch(words[0]) or _NO_CONDITION.match(words[-1]) or len(answer.split()) < 2:
        return
    if (
        _NUMBERED.match(words[0])
        or words[0].startswith(("여기", "거기"))
        or _ADNOMINAL_FUTURE.fullmatch(answer.split()[0])
    ):
        return
    if words[-1] in ("않으면", "못하면", "않다면") and len(words) == MIN_DENIED - 1:
        return
    if condition.endswith(("경우", "경우에", "경우에는", "경우는")) and len(words) < 3:
        return
    if not sentence.whole(*match.span("condition")) or re.match(
        r"(?:.* )?(?:마찬가지로|이|그|저|이것|그것|이를|전자|후자|전자의|후자의|위|위의|앞의|다음)\s", condition
    ):
        return
    if (
        _IDIOM.match(words[-1])
        or ". " in condition
        or _DEICTIC.match(answer)
        or "의 경우" in condition
        or "다음과" in condition
        or "아래와" in condition
    ):
        return
    if _FOREIGN.search(condition):
        return
    aim = condition.endswith("려면")
    if aim and (need := _NEEDED.fullmatch(answer)) is not None:
        yield from _made(sentence, match, "condition", "needed", need["what"], condition=condition)
    elif _ORDERED.match(answer):
        yield from _made(sentence, match, "condition", "order", condition=condition)
    elif not aim and not _STATED.match(answer):
        yield from _made(sentence, match, "condition", "happens", condition=condition)


def _reason(sentence: Sentence, match: re.Match[str]) -> Iterator[Fact]:
    if not _VAGUE.fullmatch(match["main"]) and sentence.whole(*match.span("main")):
        yield from _made(sentence, match, "reason", "reason", main=match["main"])


def _topic(match: re.Match[str]) -> str:
    return match["topic"].rstrip() + match["particle"]


def _tells(match: re.Match[str]) -> bool:
    """More than one common noun, of which a document speaks in many places ("파일은", "환자는")."""
    topic = match["topic"].strip()
    return " " in topic or not topic.isalpha() or topic.isascii()


def _good_topic(sentence: Sentence, match: re.Match[str]) -> bool:
    """A noun with its topic particle, that says by itself what it means."""
    topic = match["topic"].strip()
    words = _topic(match).split()
    if not words or topic[0].isdigit() or "[" in topic or len(words) > 6 or not sentence.whole(*match.span("topic")):
        return False
    if _TWICE.match(topic) or topic.endswith("것") or _ARTICLE.match(topic):
        return False
    if _VAGUE.fullmatch(topic) and not _ALLOWED.fullmatch(topic):
        return False
    if _ADNOMINAL.fullmatch(words[-1]) or any(_JOINED.search(word) and len(word) > 2 for word in words[:-1]):
        return False
    if any(
        re.fullmatch(r".{2,}(?:은|는|이|가|을|를|에서|에게)", word) and not _ADNOMINAL.fullmatch(word)
        for word in words[:-1]
    ):
        return False
    if _MAYBE_VERB.fullmatch(words[-1]) and any(_SECOND_TOPIC.fullmatch(word) for word in match["answer"].split()[:-1]):
        return False
    last = topic[-1]
    if match["particle"] in ("은", "는", "이", "가", "을", "를") and "가" <= last <= "힣":
        closed = (ord(last) - ord("가")) % 28 != 0
        return closed == (match["particle"] in ("은", "이", "을")) and topic.count("(") == topic.count(")")
    return (topic.count("(") == topic.count(")") and last.isalnum()) or last in ")”’"


def _made(
    sentence: Sentence, match: re.Match[str], style: str, form: str, part: str = "", **slots: str
) -> Iterator[Fact]:
    answer = part or match["answer"].rstrip(" ,")
    begin, end = match.start("answer"), match.start("answer") + len(answer)
    words = answer.split()
    quoted = (
        answer.count("“") == answer.count("”") and answer.count('"') % 2 == 0 and answer.count("(") == answer.count(")")
    )
    if not 1 <= len(words) <= MAX_WORDS or len(answer) < 2 or not quoted or not sentence.whole(0, match.end()):
        return
    first, stop = sentence.place(begin, end)
    yield Fact(style, form, tuple(slots.items()), first, stop, part=answer)


def asked(verb: str) -> str | None:
    """A declarative ending as the polite interrogative; None for one it does not know.

    >>> asked("지원합니다"), asked("다룬다"), asked("먹는다"), asked("있다"), asked("하였다")
    ('지원합니까', '다룹니까', '먹습니까', '있습니까', '하였습니까')
    """
    if verb.endswith("니다"):
        return verb[:-1] + "까"
    if verb.endswith("는다"):
        return verb[:-2] + "습니까"
    stem = verb[:-1]
    final = (ord(stem[-1]) - ord("가")) % 28
    if final == _FINAL_N:
        return stem[:-1] + chr(ord(stem[-1]) + _FINAL_B - _FINAL_N) + "니까"
    if final in (_FINAL_SS, _FINAL_BS):
        return stem + "습니까"
    return None


_FINAL_N, _FINAL_B, _FINAL_BS, _FINAL_SS = 4, 17, 18, 20
"""Places of the final consonants ㄴ, ㅂ, ㅄ and ㅆ among the 28 of a Hangul syllable (Unicode 15, 3.12)."""
_RULES: tuple[tuple[re.Pattern[str], Callable[[Sentence, re.Match[str]], Iterator[Fact]]], ...] = (
    (_NAMED, _named),
    (_ACTED, _acted),
    (_PLACED, _placed),
    (_CONDITION, _condition),
    (_REASON, _reason),
)
