"""What the models of this recipe are told: in Korean about what is in Korean, in English about everything else, where
the language to write in is named. Contexts stand in a frame that nothing in them can close."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sightline.core.message import Message, Picture
from sightline.core.sample import Choice
from sightline.evaluate.benchmarks.mcq_wording import lettered
from sightline.evaluate.choice import LETTERS
from sightline.recipes.adversarial_qa.items import Scene, Sees, Template
from sightline.recipes.document_qa.prompts import framed

LANGUAGES = {"en": "English", "ko": "Korean"}
_THEIR_OWN = "the language of what you are shown"

_BLIND = {
    "en": """Choose the right answer to the question below. You are not shown what it is asked about: go by what the
question and its options themselves tell you, and always choose one.

{asked}

Reply in this form and with nothing else:
Answer: <letter>
Reason: <one or two sentences: what in the question or the options led you to it>""",
    "ko": """아래 질문의 맞는 보기를 고르십시오. 질문이 무엇에 대한 것인지는 보여 주지 않습니다. 질문과 보기 자체에서
알 수 있는 것만으로 판단하되, 반드시 하나를 고르십시오.

{asked}

다음 형식으로만 답하십시오.
정답: <글자>
이유: <질문이나 보기의 어떤 점 때문에 골랐는지 한두 문장>""",
}
_SIGHTED = {
    "en": """Choose the answer to the question that what you are shown supports. Go by what is shown alone. Where no
option is supported, or more than one, the letter is 0.

{asked}

Reply in this form and with nothing else:
Answer: <letter>""",
    "ko": """보여 드리는 내용이 뒷받침하는 보기를 고르십시오. 보여 드리는 내용만으로 판단하십시오. 뒷받침되는 보기가
없거나 둘 이상이면 글자 자리에 0을 쓰십시오.

{asked}

다음 형식으로만 답하십시오.
정답: <글자>""",
}
_REWRITE = {
    "en": """The multiple-choice question below is asked about what you are shown. A model that was NOT shown it found
the right answer all the same, so the question gives itself away.

{asked}
Right answer: {key}

The model that saw nothing chose {key} in {right} of {votes} orders of the options. In its words: {reason}
{refused}
Write it anew, so that it can be answered only by somebody who is shown the same. You may reword the question, rework
the wrong options (plausible, close to the right one, of the same kind, length and manner), or ask about something else
that is shown. Exactly {count} options; exactly one is right and what is shown proves it. No option speaks of other
options. Write in {language}. "quote" is a piece of what is shown, letter by letter, that proves the answer ("" where
that is a picture). Where what is shown carries times, "start" and "end" are the seconds where the answer is seen.""",
    "ko": """아래 객관식 문제는 보여 드리는 내용에 대한 것입니다. 그런데 그 내용을 보지 못한 모델도 정답을
맞혔으므로, 문제가 스스로 답을 드러내고 있습니다.

{asked}
정답: {key}

아무것도 보지 못한 모델은 보기의 순서를 바꾸어 가며 물은 {votes}번 가운데 {right}번 {key} 보기를 골랐습니다. 그
모델의 말:
{reason}
{refused}
같은 내용을 본 사람만 답할 수 있도록 문제를 새로 쓰십시오. 질문을 고쳐 쓰거나, 오답 보기를 다시 만들거나(그럴듯하고
정답에 가까우며 종류, 길이, 말투가 같은 것), 보여 드리는 내용의 다른 점을 물어도 됩니다. 보기는 정확히 {count}개이고
그 가운데 하나만 맞으며, 보여 드리는 내용이 그것을 증명해야 합니다. 어떤 보기도 다른 보기를 가리키면 안 됩니다.
한국어로 쓰십시오. "quote"에는 답을 증명하는 부분을 보여 드리는 내용에서 글자 그대로 옮기십시오(그림이면 ""). 내용에
시각이 적혀 있으면 "start"와 "end"에 답이 보이는 초를 쓰십시오.""",
}
_PICK = {
    "en": """Below are kinds of question, each with a prototype. Which of them make sound questions about what you are
shown? Name those that fit, the best first, at most {count}; none where none does.

{templates}""",
    "ko": """아래는 질문의 종류와 각각의 원형입니다. 보여 드리는 내용에 대해 올바른 질문이 되는 것은 어느 것입니까?
가장 알맞은 것부터 최대 {count}개까지 이름을 적힌 그대로 쓰고, 알맞은 것이 없으면 하나도 쓰지 마십시오.

{templates}""",
}
_WRITE = {
    "en": """Write {count} multiple-choice questions about what you are shown, for testing whether somebody has really
seen it. Use these kinds of question, each where it fits:

{templates}

- Exactly {options} options each; exactly one is right, and what is shown proves it.
- Wrong options are plausible to somebody who was not shown it: of the same kind, length and manner as the right one.
- Nobody may find the right option from the words of the question and options alone. No option speaks of other options.
- "template" is the name of the kind; "answer" the letter of the right option; "rationale" says why it is right.
- "quote" is a piece of what is shown, letter by letter, that proves the answer ("" where that is a picture). Where what
  is shown carries times, "start" and "end" are the seconds where the answer is seen.
- Write in {language}.""",
    "ko": """보여 드리는 내용을 실제로 보았는지 시험하는 객관식 문제를 {count}개 만드십시오. 다음 종류의 질문을 각각
알맞은 곳에 쓰십시오.

{templates}

- 보기는 문제마다 정확히 {options}개이며, 하나만 맞고 보여 드리는 내용이 그것을 증명해야 합니다.
- 오답 보기는 내용을 보지 못한 사람에게 그럴듯해야 하며, 정답과 종류, 길이, 말투가 같아야 합니다.
- 질문과 보기의 말만으로는 아무도 정답을 찾을 수 없어야 합니다. 어떤 보기도 다른 보기를 가리키면 안 됩니다.
- "template"은 종류의 이름을 적힌 그대로, "answer"는 정답의 글자, "rationale"은 그것이 맞는 까닭입니다.
- "quote"에는 답을 증명하는 부분을 보여 드리는 내용에서 글자 그대로 옮기십시오(그림이면 ""). 내용에 시각이 적혀
  있으면 "start"와 "end"에 답이 보이는 초를 쓰십시오.
- 한국어로 쓰십시오.""",
}
_NAME = {
    "en": """These questions were grouped by a program because they ask alike:

{questions}

Give what they have in common as a template for asking such questions about other material: a name of two to five words,
a prototype (the question in general form, with [brackets] for what changes), and one category of: {categories}.""",
    "ko": """다음 질문들은 묻는 방식이 비슷하여 프로그램이 하나로 묶은 것입니다.

{questions}

다른 자료에 대해서도 이렇게 물을 수 있도록 공통점을 틀로 적으십시오. 두 낱말에서 다섯 낱말의 한국어 이름(name),
원형(prototype: 바뀌는 부분을 [대괄호]에 넣은 일반적인 질문), 그리고 다음 가운데 적힌 그대로 고른 범주(category)
하나: {categories}.""",
}

_AGAIN = {"en": "Your last attempt could not be used: {refused}.\n", "ko": "지난번 답은 쓸 수 없었습니다: {refused}.\n"}
_NO_REASON = {"en": "(it gave none)", "ko": "(이유를 말하지 않음)"}

_NO_FORM = {"en": "it was not in the form asked for ({why})", "ko": "요청한 형식이 아닙니다({why})"}
_BAD_FORM = {"en": "its form is wrong ({why})", "ko": "형식이 잘못되었습니다({why})"}
_NO_KEY = {
    "en": "a reader of the same material chose no single option instead of {key}",
    "ko": "같은 내용을 읽은 독자가 {key} 보기는 물론 어느 하나도 고르지 못했습니다",
}
_OTHER_KEY = {
    "en": "a reader of the same material chose {chosen} instead of {key}",
    "ko": "같은 내용을 읽은 독자가 {key} 대신 {chosen} 쪽을 골랐습니다",
}


QUESTION = {"en": "Question", "ko": "질문"}


def spoken(language: str) -> str:
    """The language of the instructions."""
    return language if language in _BLIND else "en"


def asked(question: str, options: Sequence[str], language: str) -> str:
    """A question with its options, as every judge sees it."""
    return f"{QUESTION[spoken(language)]}: {question}\n{lettered(options)}"


def blind_prompt(question: str, options: Sequence[str], language: str) -> Message:
    """Question and options, nothing else."""
    return Message.of("user", _BLIND[spoken(language)].format(asked=asked(question, options, language)))


def sighted_prompt(shown: Shown, question: str, options: Sequence[str]) -> Message:
    """The same for somebody who sees the context."""
    return shown.message(_SIGHTED[shown.speaks].format(asked=asked(question, options, shown.speaks)))


def no_form(why: str, language: str) -> str:
    """A reply that could not be read, for people and for the next try."""
    return _NO_FORM[spoken(language)].format(why=why)


def bad_form(why: str, language: str) -> str:
    """A question of wrong form."""
    return _BAD_FORM[spoken(language)].format(why=why)


def other_key(choice: Choice, chosen: int | None) -> str:
    """What a reader chose instead of the key."""
    language, key = spoken(choice.language), repr(choice.options[choice.answer])
    if chosen is None:
        return _NO_KEY[language].format(key=key)
    return _OTHER_KEY[language].format(chosen=repr(choice.options[chosen]), key=key)


class Shown:
    """A context as a model is shown it: its words, its pictures, or both."""

    def __init__(self, about: Choice | Scene, sees: Sees, picture: Callable[[str], bytes]) -> None:
        self._text = about.context if isinstance(about, Choice) else about.text
        self._text = "" if sees == "picture" else self._text
        refs = () if sees == "text" else about.images
        self.speaks = spoken(about.language)
        """Language of the instructions."""
        self._pictures = [Picture(ref=ref, data=picture(ref.sha256)) for ref in refs]

    @property
    def nothing(self) -> bool:
        """Neither words nor pictures: nothing can be asked or checked."""
        return not self._text.strip() and not self._pictures

    def message(self, instruction: str) -> Message:
        told = framed(self._text, instruction, self.speaks) if self._text.strip() else instruction
        return Message.of("user", *self._pictures, told)


def rewrite_prompt(shown: Shown, current: Choice, right: int, votes: int, reason: str, refused: str) -> Message:
    """`refused` is what was wrong with the last attempt, "" for none."""
    return shown.message(
        _REWRITE[shown.speaks].format(
            asked=asked(current.question, current.options, shown.speaks),
            key=f"{LETTERS[current.answer]}) {current.options[current.answer]}",
            right=right,
            votes=votes,
            reason=reason or _NO_REASON[shown.speaks],
            refused=_AGAIN[shown.speaks].format(refused=refused) if refused else "",
            count=len(current.options),
            language=LANGUAGES.get(current.language, _THEIR_OWN),
        )
    )


def pick_prompt(shown: Shown, templates: Sequence[Template], count: int) -> Message:
    """Which templates fit a scene."""
    return shown.message(_PICK[shown.speaks].format(templates=_listed(templates), count=count))


def write_prompt(shown: Shown, templates: Sequence[Template], count: int, options: int, language: str) -> Message:
    """Questions for a scene."""
    return shown.message(
        _WRITE[shown.speaks].format(
            templates=_listed(templates), count=count, options=options, language=LANGUAGES.get(language, _THEIR_OWN)
        )
    )


def name_prompt(questions: Sequence[str], categories: Sequence[str], language: str) -> Message:
    """A name and prototype for a cluster of questions, most of which are in `language`."""
    listed = "\n".join(f"- {question}" for question in questions)
    return Message.of("user", _NAME[spoken(language)].format(questions=listed, categories=", ".join(categories)))


def _listed(templates: Sequence[Template]) -> str:
    return "\n".join(f"- {one.name}: {one.prototype}" for one in templates)
