"""Answers that decline to answer, by keyword and by paraphrase, in English and Korean."""

from __future__ import annotations

import re

from sightline.verify.folding import fold

_MEDIUM = (
    r"(?:text|document|passage|page|context|image|picture|excerpt|article|report|figure|chart|table|source|material|"
    r"paragraph|information|content|form|slide|pdf|file|data)s?"
)
_KNOW = (
    r"(?:determine|find|answer|tell|see|identify|locate|say|confirm|verify|access|view|extract|know|infer|read|assist|help|"
    r"comply|be certain|be sure|give (?:an?|the|any) answer|provide (?:an?|the|any|that|this|specific|more) )"
)
_TOLD = (
    r"(?:mentioned|specified|stated|provided|given|included|available|disclosed|listed|found|indicated|described|"
    r"discussed|covered|addressed|present|contained|shown|explained|answered|revealed|clear|evident|noted)"
)
_TELL = (
    r"(?:contain|mention|specify|state|provide|say|include|give|indicate|explain|discuss|disclose|answer|list|describe|"
    r"address|offer|reveal|tell|show|elaborate|clarify|identify|name|cover|"
    r"have (?:any |enough |sufficient )?information)"
)
_NOT = r"(?:\b(?:not|never|nowhere)|n't)"
_ENGLISH = re.compile(
    rf"\b(?:i|we)\s(?:can(?:not|'t|\snot)|could(?:n't|\snot)|am\s(?:unable|not\sable)\sto|was\sunable\sto|'m\s(?:unable|not\sable)\sto)"
    rf"\s(?:\w+\s)?{_KNOW}"
    rf"|\bi(?:'m|\sam)\s(?:unable|not\sable)\sto\b|\bi\sdo(?:n't|\snot)\s(?:know|have\s(?:enough|access|the|any|sufficient))\b"
    rf"|\b(?:unable|impossible|not\spossible)\s(?:for\sme\s)?to\s(?:determine|tell|say|answer|know|identify|find|infer|provide|establish)\b"
    rf"|{_NOT}\b(?:\s\w+){{0,3}}\s{_TOLD}\b(?:\s\w+){{0,2}}\s(?:in|by|from|within|on|anywhere)\b.{{0,25}}\b{_MEDIUM}\b"
    rf"|\b(?:the|this|that|provided|given|available|supplied)\s(?:\w+\s){{0,2}}{_MEDIUM}\s(?:do(?:es)?|did|has|have)(?:\snot|n't)\s"
    rf"(?:\w+\s)?(?:{_TELL}|specified|mentioned|given|provided|stated)\b"
    rf"|\b{_MEDIUM}\s(?:is|are|remains?)\s(?:silent|unclear|insufficient|not\sclear|not\ssufficient|illegible)\b"
    rf"|\b(?:no|insufficient|not\senough|inadequate|lack\sof)\s(?:\w+\s){{0,2}}(?:information|mention|context|indication|details?)"
    rf"(?:\s\w+){{0,4}}\s(?:is|are|was|in|on|to|about|regarding|available|given|provided|from|of)\b"
    rf"|\bno\ssuch\s(?:\w+\s){{1,2}}(?:appears?|is|can\sbe|exists?)\b.{{0,30}}\b{_MEDIUM}\b"
    rf"|\bnothing\sin\s(?:the|this)\s{_MEDIUM}\b"
    rf"|\bcan(?:not|'t|\snot)\sbe\s(?:determined|answered|inferred|found|identified|established|deduced|ascertained)"
    rf"(?:\s(?:from|based|with|using|in|by)\b|\.?$)"
    rf"|\b(?:outside|beyond)\sthe\sscope\sof\sth(?:e|is)\s(?:\w+\s)?{_MEDIUM}\b"
    rf"|\bas\san?\s(?:ai|artificial\sintelligence|large\slanguage|language\smodel|assistant)\b"
    rf"|\b(?:i(?:'m|\sam)\s(?:so\s)?sorry|i\sapologi[sz]e|my\sapologies|sorry,\s(?:but|i))\b"
    rf"|\b(?:unclear|unspecified|unstated|unknown)\s(?:from|in|based\son|according\sto)\s(?:the|this)\b"
    rf"|\bleaves?\s(?:this|that|it)\s(?:open|unanswered|unspecified|unstated)\b"
    rf"|\b(?:more|additional|further)\s(?:context|information|details)\s(?:is|are|would\sbe)\s(?:needed|required|necessary)\b"
)
_WHOLE = re.compile(
    r"(?:(?:it|this|that|the answer)\s(?:is|was)\s)?(?:unanswerable|unknown|n/a|not applicable|not available|no answer"
    r"|not (?:mentioned|specified|stated|provided|given|found|listed|disclosed|indicated|clear|known|sure)"
    r"|unclear|unspecified|cannot answer|can't answer|not enough information|insufficient information"
    r"|해당없음|해당사항없음|알수없음|정보없음|확인불가|미상|답변불가|언급없음|모름)"
)
_KOREAN_MEDIUM = "(?:문서|본문|텍스트|지문|자료|페이지|내용|글|표|이미지|정보|보고서|기사|문맥|그림|파일)"
_KOREAN_END = r"(?:습니다|음|어요|네요|다)(?:$|[.!])"
_KOREAN_ABSENT = (
    r"(?:확인|판단|답변|대답|파악|특정|추론|유추|찾|알|답|결정|제공)(?:을|를)?(?:해드?릴|하실|할|을|ㄹ|드릴)?수(?:가|는)?없"
    r"|(?:나와|나타나|언급되|명시되|포함되|기재되|제시되|서술되|설명되|다루|제공되|적혀|드러나|밝히|밝혀지|언급하|명시하|설명하)(?:어|고|여)?(?:있)?지(?:는)?(?:가)?않"
    r"|(?:언급|정보|내용|설명|기재|근거|단서)(?:이|가|은|는)?(?:전혀|따로|별도로)?(?:없|부족|충분하지않|불충분)"
)
_KOREAN = re.compile(
    rf"{_KOREAN_MEDIUM}(?:[^.]{{0,25}})(?:{_KOREAN_ABSENT})"
    rf"|^(?:[^.]{{0,25}})(?:확인할수없|알수없|답변할수없|답변을드릴수없|답변드릴수없|답할수없|찾을수없|판단할수없|파악할수없|대답할수없){_KOREAN_END}"
    r"|^(?:[^.]{0,30})(?:언급|명시|기재|제시)되(?:어있)?지않(?:았|습니다|음|아|다)|(?:잘)?모르겠(?:습니다|어요|다|네요)|죄송(?:합니다|하지만|해요)"
    r"|(?:ai|인공지능|언어모델)(?:모델)?(?:로서|으로서|이기때문|이므로|라서)|답변(?:을|이)?(?:제공|드리기|하기)?(?:가)?(?:어렵|불가능)"
)


def is_refusal(answer: str) -> bool:
    """True where the answer declines.

    >>> is_refusal("문서에서 확인할 수 없습니다."), is_refusal("We cannot accept returns after 30 days.")
    (True, False)
    """
    said = fold(answer)
    return (
        _WHOLE.fullmatch(said.strip(" .,!?\"'()[]*")) is not None
        or _ENGLISH.search(said) is not None
        or _KOREAN.search(said) is not None
    )
