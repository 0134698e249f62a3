"""What the models of this recipe are told. Instructions are in English; questions are written in their own language.
Contexts stand in a frame that nothing in them can close."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sightline.core.message import Message, Picture
from sightline.core.sample import Choice
from sightline.evaluate.choice import LETTERS
from sightline.recipes.adversarial_qa.items import Scene, Sees, Template
from sightline.recipes.document_qa.prompts import framed

LANGUAGES = {"en": "English", "ko": "Korean"}

_BLIND = """Choose the right answer to the question below. You are not shown what it is asked about: go by what the
question and its options themselves tell you, and always choose one.

{asked}

Reply in this form and with nothing else:
Answer: <letter>
Reason: <one or two sentences: what in the question or the options led you to it>"""
_SIGHTED = """Choose the answer to the question that what you are shown supports. Go by what is shown alone. Where no
option is supported, or more than one, the letter is 0.

{asked}

Reply in this form and with nothing else:
Answer: <letter>"""
_REWRITE = """The multiple-choice question below is asked about what you are shown. A model that was NOT shown it found
the right answer all the same, so the question gives itself away.

{asked}
Right answer: {key}

The model that saw nothing chose {key} in {right} of {votes} orders of the options. In its words: {reason}
{refused}
Write it anew, so that it can be answered only by somebody who is shown the same. You may reword the question, rework
the wrong options (plausible, close to the right one, of the same kind, length and manner), or ask about something else
that is shown. Exactly {count} options; exactly one is right and what is shown proves it. No option speaks of other
options. Write in {language}. "quote" is a piece of what is shown, letter by letter, that proves the answer ("" where
that is a picture). Where what is shown carries times, "start" and "end" are the seconds where the answer is seen."""
_PICK = """Below are kinds of question, each with a prototype. Which of them make sound questions about what you are
shown? Name those that fit, the best first, at most {count}; none where none does.

{templates}"""
_WRITE = """Write {count} multiple-choice questions about what you are shown, for testing whether somebody has really
seen it. Use these kinds of question, each where it fits:

{templates}

- Exactly {options} options each; exactly one is right, and what is shown proves it.
- Wrong options are plausible to somebody who was not shown it: of the same kind, length and manner as the right one.
- Nobody may find the right option from the words of the question and options alone. No option speaks of other options.
- "template" is the name of the kind; "answer" the letter of the right option; "rationale" says why it is right.
- "quote" is a piece of what is shown, letter by letter, that proves the answer ("" where that is a picture). Where what
  is shown carries times, "start" and "end" are the seconds where the answer is seen.
- Write in {language}."""
_NAME = """These questions were grouped by a program because they ask alike:

{questions}

Give what they have in common as a template for asking such questions about other material: a name of two to five words,
a prototype (the question in general form, with [brackets] for what changes), and one category of: {categories}."""


def lettered(options: Sequence[str]) -> str:
    """One option a line: "A) the guide"."""
    return "\n".join(f"{letter}) {text}" for letter, text in zip(LETTERS, options, strict=False))


def asked(question: str, options: Sequence[str]) -> str:
    """A question with its options, as every judge sees it."""
    return f"Question: {question}\n{lettered(options)}"


def blind_prompt(question: str, options: Sequence[str]) -> Message:
    """Question and options, nothing else."""
    return Message.of("user", _BLIND.format(asked=asked(question, options)))


def sighted_prompt(shown: Shown, question: str, options: Sequence[str]) -> Message:
    """The same for somebody who sees the context."""
    return shown.message(_SIGHTED.format(asked=asked(question, options)))


class Shown:
    """A context as a model is shown it: its words, its pictures, or both."""

    def __init__(self, about: Choice | Scene, sees: Sees, picture: Callable[[str], bytes]) -> None:
        self._text = about.context if isinstance(about, Choice) else about.text
        self._text = "" if sees == "picture" else self._text
        refs = () if sees == "text" else about.images
        self._pictures = [Picture(ref=ref, data=picture(ref.sha256)) for ref in refs]

    @property
    def nothing(self) -> bool:
        """Neither words nor pictures: nothing can be asked or checked."""
        return not self._text.strip() and not self._pictures

    def message(self, instruction: str) -> Message:
        told = framed(self._text, instruction, "en") if self._text.strip() else instruction
        return Message.of("user", *self._pictures, told)


def rewrite_prompt(shown: Shown, current: Choice, right: int, votes: int, reason: str, refused: str) -> Message:
    """`refused` is what was wrong with the last attempt, "" for none."""
    again = f"Your last attempt could not be used: {refused}.\n" if refused else ""
    return shown.message(
        _REWRITE.format(
            asked=asked(current.question, current.options),
            key=f"{LETTERS[current.answer]}) {current.options[current.answer]}",
            right=right,
            votes=votes,
            reason=reason or "(it gave none)",
            refused=again,
            count=len(current.options),
            language=LANGUAGES.get(current.language, current.language),
        )
    )


def pick_prompt(shown: Shown, templates: Sequence[Template], count: int) -> Message:
    """Which templates fit a scene."""
    return shown.message(_PICK.format(templates=_listed(templates), count=count))


def write_prompt(shown: Shown, templates: Sequence[Template], count: int, options: int, language: str) -> Message:
    """Questions for a scene."""
    return shown.message(
        _WRITE.format(
            templates=_listed(templates), count=count, options=options, language=LANGUAGES.get(language, language)
        )
    )


def name_prompt(questions: Sequence[str], categories: Sequence[str]) -> Message:
    """A name and prototype for a cluster of questions."""
    listed = "\n".join(f"- {question}" for question in questions)
    return Message.of("user", _NAME.format(questions=listed, categories=", ".join(categories)))


def _listed(templates: Sequence[Template]) -> str:
    return "\n".join(f"- {one.name}: {one.prototype}" for one in templates)
