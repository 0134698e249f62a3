"""What English sentences say outright: "X is a ...", "X requires ...", "X is stored in ...", "If ..., ...".

The question repeats the sentence's own subject or condition; the answer is the rest of it, word for word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sightline.recipes.document_qa.layout.fact import Fact
from sightline.recipes.document_qa.layout.sentences import Sentence, is_mark

MAX_WORDS = 25
_LEAD = r"^(?:(?:However|Therefore|Thus|Moreover|Furthermore|In addition|Additionally|For example|Currently), )?"
_SUBJECT = r"(?P<subject>[\"“‘']?[A-Za-z][^,;:()\[\]]{1,70}?)"
_REST = (
    r"(?P<answer>[^;:\[\]]+?)(?=,? (?:which|who|whose|where|whereas|while|although|but|so that|because|"
    r"and (?:is|are|was|it|they|can|may|has|have|will|not|thus|then)|"
    r"and the [a-z ]{2,30} (?:is|are|was|were|has|have|can|will)) |"
    r", (?:with|and|or|as|since|thereby|leading|making|including|such|if|when|unless|for|so) |; |: | \(|\[|"
    r"[.?!]?[\"”’]?\d{0,2}$)"
)
_BASE = {
    "includes": "include", "contains": "contain", "comprises": "comprise", "provides": "provide",
    "requires": "require", "supports": "support", "describes": "describe", "represents": "represent", "means": "mean",
    "uses": "use", "covers": "cover", "offers": "offer", "involves": "involve", "ensures": "ensure",
    "enables": "enable", "prevents": "prevent", "reduces": "reduce", "increases": "increase", "causes": "cause",
    "affects": "affect", "determines": "determine", "defines": "define", "specifies": "specify",
    "produces": "produce", "performs": "perform", "proposes": "propose", "controls": "control", "creates": "create",
    "indicates": "indicate", "measures": "measure", "receives": "receive", "consists of": "consist of",
    "refers to": "refer to", "stands for": "stand for", "depends on": "depend on", "relies on": "rely on",
    "allows": "allow", "shows": "show", "replaces": "replace", "implements": "implement",
    "returns": "return", "applies to": "apply to", "belongs to": "belong to", "leads to": "lead to",
    "responds to": "respond to", "corresponds to": "correspond to", "results in": "result in",
}  # fmt: skip
_VERBS = "|".join(sorted({*_BASE, *_BASE.values()}, key=lambda verb: -len(verb)))
_DEFINITION = re.compile(
    rf"{_LEAD}{_SUBJECT} (?P<verb>is|are|was|were) (?P<answer>(?:an?|one of|any) [^;:\[\]]+?)"
    rf"(?=,? (?:which|who|whose|where|while|although|but|so that|because) |, (?:and|so|with|as) |; |: | \(|\[|"
    rf"[.]?[\"”’]?\d{{0,2}}$)"
)
_ACTION = re.compile(rf"{_LEAD}{_SUBJECT} (?P<verb>{_VERBS}) {_REST}")
_USE = re.compile(
    rf"{_LEAD}{_SUBJECT} (?P<verb>is|are|was|were|can be) used (?P<answer>(?:to [a-z]+|for) [^;:\[\]]+?)[.]$"
)
_PLACE = re.compile(
    rf"{_LEAD}{_SUBJECT} (?P<verb>is|are|was|were) (?P<participle>located|stored|found|kept|installed|available|"
    rf"placed|held|"
    rf"published|posted|situated|based|made|derived|recorded|displayed|deposited|listed|described|summarized) "
    rf"(?P<answer>(?:in|at|on|under|from|inside|near) {_REST[len('(?P<answer>') :]}"
)
_MEANS = re.compile(
    rf"{_LEAD}{_SUBJECT} (?P<verb>is|are|was|were|can be|should be|must be|may be) (?P<participle>[a-z]+ed|made|set|"
    rf"built|found|given) "
    rf"(?P<answer>by [a-z]+ing [^;:\[\]]+?)[.]$"
)
_CONDITION = re.compile(
    r"^(?P<word>If|When|Once|After|Before|Unless) (?P<case>[^,;:()]{8,110}), (?:then )?(?P<answer>[^;:\[\]]{8,170})[.]$"
)
_PURPOSE = re.compile(r"^(?:In order t|T)o (?P<case>[a-z]+ [^,;:()]{5,90}), (?P<answer>[^;:\[\]]{8,150})[.]$")
_REASON = re.compile(r"^(?P<main>[^;:()]{15,130}?),? (?P<answer>(?:because|due to|owing to) [^;:\[\]]{8,130})[.]$")
_ORDER = re.compile(
    r"please [a-z]+|(?:simply |first |then )?"
    r"(?:you(?:'ll|’ll| can| should| must| need| have| will| may)|use|see|select|choose|run|type|enter|"
    r"press|click|make|add|set|check|contact|call|send|do|go|open|remove|install|specify|try|write|create|give|follow|"
    r"consult|complete|submit|turn|put|take|read|apply|call|refer|pass|copy|start|attach|indicate|include|insert|"
    r"mark|"
    r"ignore|skip|ensure|reboot|restart|provide|replace|download|save|disable|enable|edit|delete|move|keep|avoid|verify|wait|switch|"
    r"stop|ask|tell|clean|rinse|fill|empty|unplug|plug|pull|push|return|report|repeat|notify|inform|bring|hold|"
    r"tighten|loosen|lift|lower|rotate|drag|drop|scroll|double-click|right-click|sign|pay|store|wash|dry|discard|"
    r"speak|visit|stay|leave|schedule|measure|lay|apply|e-?mail|seek|consider|allow|replace|reset|restart|"
    r"connect|compile|load|build|update|upgrade|configure|define|change)\b"
)
_VAGUE = re.compile(
    r"(?:this|that|these|those|it|they|he|she|we|you|i|one|there|here|who|what|which|another|other|others|such|both|"
    r"some|"
    r"many|most|all|several|each|none|few|more|much|first|second|third|then|also|so|yet|and|or|but|nor|for|not|no|"
    r"as|if|"
    r"when|while|although|though|because|since|unless|until|after|before|during|with|without|within|under|over|in|"
    r"on|at|"
    r"by|from|to|of|about|through|between|among|against|despite|given|using|based|according|instead|rather|even|"
    r"only|just|"
    r"finally|today|thus|hence|therefore|however|later|once|how|why|where|whether|either|neither|result|results|"
    r"examples?|"
    r"further|additional|our|their|its|his|her|my|your|new|please|note|let|see|follow\w+|above|below|latter|former|same|\w+ly|\w+ing)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|can|could|will|would|may|might|must|should|shall|do|does|did|that|"
    r"which|"
    r"who|whom|whose|if|when|where|while|because|and|or|not|it|they|we|you|he|she|this|these|those|such|said|by|to|"
    r"than|"
    r"its|their|our|us|them|as|also|often|usually|then|only|never|always|typically|still|now|above|below|following)\b"
)
_DEICTIC = re.compile(
    r"\b(?:this|these|those|such|it|they|them|he|she|we|us|our|above|below|following|latter|former|do so)\b"
)
_SECOND_CLAUSE = re.compile(r", (?:you|it|he|she|they|we|there|the|this|your)\b")
"""The condition was longer than its first comma, or the answer says two things."""
_RULE = re.compile(r"^(?!(?:you|it)\b)(?:[^ ,]+ ){1,4}?(?:must|should|shall|may|has to|have to|needs to|need to) ")
_PRONOUN_ANSWER = re.compile(
    r"(?:it|this|that|these|those|they|he|she|there|here|so|such|and|or|but|if|when|though|although|however|not|only|also|been|being|"
    r"the same)\b"
)
_NEXT_PAGE = re.compile(r"(?:on|in|at) the (?:next|previous|following|preceding|other|last|same)\b")
_RESULT = re.compile(r", (?:the|it|no|there|you|we|they|he|she|one)\b")
"""Behind a reason: what follows from it begins."""
_RELATIVE = re.compile(r"\b(?:that|which|who) (?:\w+ ){0,2}\w+$")
"""Before a reason: it is that of a clause within the sentence."""
_TIME = re.compile(
    r"(?:in|on|at|from) (?:(?:early|late|mid-?) ?)?"
    r"(?:(?:the )?(?:spring|summer|autumn|fall|winter|morning|evening|night|end|beginning)|January|February|March|"
    r"April|May|June|July|August|September|October|November|December|"
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|\d{1,4}\b)"
)
"""When, not where."""
_ASIDE = re.compile(r" [(\[][^)\]]*[)\]],? (?!$)")
"""Something in brackets after which the sentence goes on."""
_OPEN_ENDED = frozenset(["several", "many", "some", "none", "any", "both", "more", "one", "so", "not", "possible"])
"""Last word of a condition that does not say of what."""
_LOOSE = frozenset(["the", "a", "of", "and", "or", "to", "in", "for", "with", "by", "both", "not"])
_SMALL = frozenset(["of", "for", "in", "on", "at", "from", "with", "to", "the", "a", "an"])
_NO_OBJECT = re.compile(
    r"(?:by|in|to|as|for|at|from|on|with|that|of|and|or|is|are|was|were|not|only|when|if|it|them|this|these|both|"
    r"how|more|"
    r"less|much|because|through|similar|too|also|its|their|significantly|under|over|up|out|below|above|such|us|you|him|"
    r"approximately|about|\w+ly)\b"
)


def say(sentence: Sentence) -> Iterator[Fact]:
    """Facts that the sentence states about its own subject."""
    if " *" in sentence.text or (not sentence.text.isascii() and max(sentence.text) >= "가"):
        return
    for pattern, read in _RULES:
        match = pattern.match(sentence.text)
        if match is not None:
            yield from read(sentence, match)


def _definition(sentence: Sentence, match: re.Match[str]) -> Iterator[Fact]:
    form = "definition-past" if match["verb"] in ("was", "were") else "definition"
    yield from _about(sentence, match, "definition", form, verb=match["verb"])


def _action(sentence: Sentence, match: re.Match[str]) -> Iterator[Fact]:
    verb = match["verb"]
    if _NO_OBJECT.match(match["answer"]) or (verb not in _BASE and not match["subject"].endswith("s")):
        return
    yield from _about(
        sentence, match, "statement", "action", helper="does" if verb in _BASE else "do", verb=_BASE.get(verb, verb)
    )


def _use(sentence: Sentence, match: re.Match[str]) -> Iterator[Fact]:
    yield from _about(
        sentence, match, "statement", "use", verb=match["verb"].split()[0], be=" be" * (" " in match["verb"])
    )


def _place(sentence: Sentence, match: re.Match[str]) -> Iterator[Fact]:
    if (match["participle"] == "based" and match["answer"].startswith("on ")) or _TIME.match(match["answer"]):
        return
    yield from _about(sentence, match, "statement", "place", verb=match["verb"], participle=match["participle"])


def _means(sentence: Sentence, match: re.Match[str]) -> Iterator[Fact]:
    helper, *be = match["verb"].split()
    yield from _about(
        sentence, match, "statement", "means", verb=helper, participle=" ".join([*be, match["participle"]])
    )


def _condition(sentence: Sentence, match: re.Match[str]) -> Iterator[Fact]:
    condition, answer = match["case"], match["answer"]
    telling = (len(condition.split()) >= 3 and _CLAUSE.search(f" {condition} ")) or _finite(condition)
    if (
        not telling
        or _DEICTIC.search(condition.lower())
        or ". " in condition
        or " - " in condition
        or condition.split()[0].endswith(("ing", "ed"))
        or condition.split()[-1] in _OPEN_ENDED
    ):
        return
    order = _ORDER.match(answer) is not None
    if (
        match["word"] in ("After", "Before", "Once")
        and not order
        and condition.split()[0] not in ("the", "a", "an", "you")
    ):
        return
    if _PRONOUN_ANSWER.match(answer) and not answer.startswith("it is"):
        return
    if _SECOND_CLAUSE.search(answer):
        return
    form = "order" if order else "rule" if match["word"] in ("If", "Unless") and _RULE.search(answer) else "happens"
    yield from _case(sentence, match, form, match["word"].lower())


def _purpose(sentence: Sentence, match: re.Match[str]) -> Iterator[Fact]:
    answer = match["answer"]
    if _DEICTIC.search(match["case"]) or not (_ORDER.match(answer) or answer.startswith("we ")):
        return
    form = "authors" if answer.startswith("we ") else "order"
    yield from _case(sentence, match, form, "to")


def _reason(sentence: Sentence, match: re.Match[str]) -> Iterator[Fact]:
    opening = sentence.opening(match.start("answer"))
    if _RELATIVE.search(match["main"]):
        return
    if opening is not None and not _DEICTIC.search(match["answer"].lower()) and not _RESULT.search(match["answer"]):
        yield from _made(sentence, match, "reason", "reason", (("opening", opening),), rank=1)


def _finite(condition: str) -> bool:
    return condition.split()[0] in ("you", "the", "a", "an", "no", "any") and len(condition.split()) >= 3


def _about(sentence: Sentence, match: re.Match[str], style: str, form: str, **slots: str) -> Iterator[Fact]:
    """A fact about a subject that says by itself what it means."""
    subject = match["subject"]
    words = subject.strip("\"“”‘’'").split()
    article = words[0] in ("The", "A", "An", "Each", "Every")
    if (
        _VAGUE.match(subject)
        or _DEICTIC.search(match["answer"])
        or words[-1] in ("itself", "themselves")
        or words[-1].endswith("ly")
        or _CLAUSE.search(" ".join(words))
        or len(words) > 9
        or not sentence.whole(*match.span("subject"))
    ):
        return
    if len(words) == 1 and not any(letter.isupper() or letter.isdigit() for letter in words[0][1:]):
        return  # whether a name or any word that opens a sentence cannot be told
    if len(words) - article < 1 or (words[0] == "The" and len(words) < 3) or subject.count('"') % 2:
        return
    if (
        any(word.endswith("ed") for word in words[2:])
        or any(word.endswith("ing") for word in words[2:-1])
        or words[-1][-1] in ".'"
    ):
        return
    if not article and not all(word[0].isupper() or word in _SMALL for word in words) and not _is_plural(words):
        return
    yield from _made(sentence, match, style, form, (("subject", _inside(subject, sentence)), *slots.items()))


def _is_plural(words: list[str]) -> bool:
    """What stands before the first preposition ends as a plural does."""
    head = next((i for i, word in enumerate(words) if i and word in _SMALL), len(words))
    return words[head - 1].endswith("s") and not words[head - 1].endswith(("ss", "us", "is"))


def _case(sentence: Sentence, match: re.Match[str], form: str, lead: str) -> Iterator[Fact]:
    if sentence.whole(*match.span("case")):
        yield from _made(sentence, match, "condition", form, (("lead", lead), ("case", match["case"])))


def _made(
    sentence: Sentence, match: re.Match[str], style: str, form: str, slots: tuple[tuple[str, str], ...], rank: int = 0
) -> Iterator[Fact]:
    answer = match["answer"].rstrip(" .")
    begin, end = match.start("answer"), match.start("answer") + len(answer)
    listed = _ASIDE.match(sentence.text, match.end("answer")) is not None
    length = len(answer.split())
    listed |= "," in answer and re.match(r"\W*(?:and|or)\b", sentence.text[match.end("answer") :]) is not None
    if (
        not 2 <= length <= MAX_WORDS
        or listed
        or answer.split()[-1].casefold() in _LOOSE
        or answer[0] in "(.,"
        or _NEXT_PAGE.match(answer)
        or ". " in answer
    ):
        return
    if not sentence.whole(begin, end) or answer.count("(") != answer.count(")"):
        return
    first, stop = sentence.place(begin, end)
    if any(is_mark(sentence.view, i) for i in range(first, stop)) or (answer[0].isdigit() and answer[1:2] == " "):
        return
    yield Fact(style, form, slots, first, stop, rank=rank, part=answer)


def _inside(subject: str, sentence: Sentence) -> str:
    """The subject as it stands inside a question: its first letter small where the page writes it so, or it is an
    article."""
    first, _, rest = subject.partition(" ")
    if first in ("The", "A", "An", "Each", "Every") or f" {first.lower()} " in sentence.view.text:
        return f"{first.lower()} {rest}".strip()
    return subject


_RULES: tuple[tuple[re.Pattern[str], Callable[[Sentence, re.Match[str]], Iterator[Fact]]], ...] = (
    (_DEFINITION, _definition),
    (_ACTION, _action),
    (_USE, _use),
    (_PLACE, _place),
    (_MEANS, _means),
    (_CONDITION, _condition),
    (_PURPOSE, _purpose),
    (_REASON, _reason),
)
