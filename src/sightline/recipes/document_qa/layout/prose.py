"""Facts of running text: what sentences say, what they mention, what short forms stand for, what lists hold."""

from __future__ import annotations

import re
from collections import Counter

from sightline.recipes.document_qa.layout import english, korean
from sightline.recipes.document_qa.layout.acronyms import acronyms
from sightline.recipes.document_qa.layout.fact import Fact
from sightline.recipes.document_qa.layout.lists import lists
from sightline.recipes.document_qa.layout.mentions import mentions
from sightline.recipes.document_qa.layout.sentences import sentences, whole_page
from sightline.recipes.document_qa.layout.view import View

_HANGUL = re.compile(r"[가-힣]")


def prose(view: View, language: str) -> list[Fact]:
    """Facts to be asked in `language` ("en" or "ko"), of sentences in it: a question repeats their words."""
    korean_asked = language == "ko"
    found = [one for one in sentences(view) if (_HANGUL.search(one.text) is not None) == korean_asked]
    say = korean.say if korean_asked else english.say
    said = [fact for sentence in found for fact in say(sentence)]
    asked = Counter((fact.form, fact.slots) for fact in said)
    once = [fact for fact in said if asked[fact.form, fact.slots] == 1]
    return [*once, *acronyms(whole_page(view)), *lists(view), *mentions(found)]
