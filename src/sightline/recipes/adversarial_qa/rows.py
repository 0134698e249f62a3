"""JSON lines of other people's questions or scenes, line by line; a bad line becomes a refused row with its number.

{"question": "Who enters first?", "options": ["the guide", "the driver"], "answer": "B", "context": "..."}

    options    also "choices": 2 to 10 texts
    answer     also "key", "answer_key", "answer_key_position": an index from 0, a letter, or the text of the option
    context    also "movie_scene": what it is asked about, in words; times in it may be written as the writer likes
    may stand  id, category ("question_category"), rationale, images (files beside this one), start and end (seconds),
               language, split, group, licence

A scene to ask about is a line with "context" or "images" and no options; "question" and "answer" are seeds then.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sightline.core.errors import InputError, MediaError, Reject
from sightline.core.fingerprint import fingerprint
from sightline.core.media import Evidence, MediaRef, Source, Span
from sightline.core.sample import Choice, Rejected
from sightline.evaluate.choice import LETTERS
from sightline.lm.cleaning import clean
from sightline.pipeline.sinks import is_split
from sightline.recipes.adversarial_qa.drafts import key_of, one_line, problem
from sightline.recipes.adversarial_qa.items import Scene, Seed
from sightline.recipes.adversarial_qa.pictures import Pictures
from sightline.recipes.document_qa.language import page_language
from sightline.verify.folding import fold

Row = dict[str, Any]


def lines(path: Path) -> Iterator[tuple[int, Row | str, bytes]]:
    """(number, object or what is wrong, bytes) of every line that is not empty. Raises InputError for no such file."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError("the file cannot be read", subject=path, remedy=str(error.strerror)) from error
    with file:
        for number, raw in enumerate(file, 1):
            if not raw.strip():
                continue
            try:
                found = json.loads(raw.decode("utf-8-sig" if number == 1 else "utf-8"), parse_constant=_refuse)
            except (ValueError, RecursionError) as error:
                yield number, f"no JSON: {error}"[:200], raw
                continue
            yield number, found if isinstance(found, dict) else "a line must hold an object", raw


def choices_of(path: Path, pictures: Pictures) -> Iterator[Choice | Rejected]:
    """Questions of a JSON-lines file. Refused: "broken-line", "no-question", "no-key", "ambiguous-key", "option-count",
    "same-options", "empty-text", "too-long", "positional-option", "no-such-picture", "bad-split", "duplicate-id"."""
    yield from _taken(path, lambda row, source: _choice(row, source, path.parent, pictures))


def scenes_of(path: Path, pictures: Pictures) -> Iterator[Scene | Rejected]:
    """Scenes of a JSON-lines file. Refused: "broken-line", "no-context", "no-such-picture", "bad-split",
    "duplicate-id"."""
    yield from _taken(path, lambda row, source: _scene(row, source, path.parent, pictures))


def _taken(path: Path, make: Callable[[Row, Source], Any]) -> Iterator[Any]:
    seen: dict[str, int] = {}
    for number, row, raw in lines(path):
        origin = f"{path.name} line {number}"
        if isinstance(row, str):
            yield Rejected(reason="broken-line", origin=origin, evidence={"why": clean(row)})
            continue
        try:
            made = make(row, _source(path, raw, row))
        except Reject as refused:
            yield Rejected(reason=refused.reason, origin=origin, evidence=refused.evidence)
            continue
        if made.id in seen:
            yield Rejected(reason="duplicate-id", origin=origin, evidence={"id": made.id, "line": seen[made.id]})
            continue
        seen[made.id] = number
        yield made


def _choice(row: Row, source: Source, folder: Path, pictures: Pictures) -> Choice:
    question = one_line(_text(row, "question"))
    given: list[Any] = next((row[name] for name in ("options", "choices") if isinstance(row.get(name), list)), [])
    if not question or not given:
        raise Reject("no-question", fields=sorted(map(str, row))[:20])
    options = [one_line(str(option)) for option in given]
    key = _key(row, options)
    wrong = problem(question, options, key, len(options))
    if wrong is not None and wrong != "answer-in-question":  # theirs may be; the blind test will say
        raise Reject(wrong, question=question, options=options[:12])
    if not 2 <= len(options) <= len(LETTERS):
        raise Reject("option-count", question=question, options=len(options))
    assert key is not None
    context, span = clean(_text(row, "context", "movie_scene")), _span(row)
    return Choice(
        id=_id(row, [question, options, context]),
        question=question,
        options=tuple(options),
        answer=key,
        category=one_line(_text(row, "category", "question_category")),
        rationale=one_line(_text(row, "rationale")),
        context=context,
        evidence=None if span is None else Evidence(span=span),
        images=_images(row, folder, pictures),
        source=source,
        **_about(row),
    )


def _scene(row: Row, source: Source, folder: Path, pictures: Pictures) -> Scene:
    text = clean(_text(row, "context", "movie_scene", "text"))
    images = _images(row, folder, pictures)
    if not text.strip() and not images:
        raise Reject("no-context", fields=sorted(map(str, row))[:20])
    asked, answer = one_line(_text(row, "question")), one_line(_text(row, "answer"))
    return Scene(
        id=_id(row, [text, [image.sha256 for image in images], asked]),
        text=text,
        seeds=(Seed(asked, answer),) if asked else (),
        span=_span(row),
        images=images,
        source=source,
        **_about(row),
    )


def _key(row: Row, options: list[str]) -> int | None:
    """The first key field that is there decides; a text may be an option's words or its letter, never both."""
    names = ("answer_key_position", "answer", "key", "answer_key")
    given = next((row[name] for name in names if row.get(name) is not None), None)
    if isinstance(given, bool) or not isinstance(given, int | str):
        return None
    if isinstance(given, int):
        return given if 0 <= given < len(options) else None
    by_text = [place for place, option in enumerate(options) if fold(option) == fold(given)]
    by_letter = key_of(given, len(options))
    if by_text and by_letter is not None and by_text != [by_letter]:
        raise Reject("ambiguous-key", key=clean(given), options=options)
    if by_text:
        return by_text[0] if len(by_text) == 1 else None
    return by_letter


def _images(row: Row, folder: Path, pictures: Pictures) -> tuple[MediaRef, ...]:
    names = row.get("images") or []
    if not isinstance(names, list):
        raise Reject("no-such-picture", images=clean(str(names))[:200])
    out = []
    for name in names:
        path = (folder / clean(str(name))).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise Reject("no-such-picture", picture=clean(str(name))[:200])
        try:
            out.append(pictures.add_file(path))
        except MediaError as error:
            raise Reject("no-such-picture", picture=clean(str(name))[:200], why=str(error)) from error
    return tuple(out)


def _span(row: Row) -> Span | None:
    pair = row.get("span") or [row.get("start"), row.get("end")]
    if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(end, int | float) for end in pair):
        return None
    start, end = float(pair[0]), float(pair[1])
    return Span(start, end) if math.isfinite(start) and math.isfinite(end) and 0 <= start < end else None


def _about(row: Row) -> dict[str, Any]:
    split = _text(row, "split") or "train"
    if not is_split(split):
        raise Reject("bad-split", split=clean(split)[:200])
    return {
        "language": clean(_text(row, "language")) or _spoken(row),
        "split": split,
        "group": clean(_text(row, "group", "source", "yt_clip_title")),
        "licence": clean(_text(row, "licence", "license")) or None,
    }


def _spoken(row: Row) -> str:
    """The language of the question or of what it is about, "en" where it cannot be told."""
    found = page_language(_text(row, "question") or _text(row, "context", "movie_scene", "text"))
    return "en" if found == "other" else found


def _text(row: Row, *names: str) -> str:
    """The first of these fields that holds a text or a number."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            return str(value)
    return ""


def _id(row: Row, parts: list[Any]) -> str:
    return one_line(_text(row, "id", "question_id")) or fingerprint(parts)[:20]


def _source(path: Path, raw: bytes, row: Row) -> Source:
    """A line is its own source: editing one leaves what is known of the others."""
    return Source(
        name=path.name,
        uri=str(path),
        sha256=hashlib.sha256(raw.strip()).hexdigest(),
        media_type="application/jsonl",
        size=len(raw),
        licence=clean(_text(row, "licence", "license")) or None,
    )


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON number")
