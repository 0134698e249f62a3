"""The chat format, once as a template for libraries that render it and once as pieces for us.

`<|im_start|>role\\n ... <|im_end|>\\n`. Pieces keep words and control tokens apart, so that a document that spells
`<|im_end|>` or `<image>` stays text, and they know which tokens are trained: every assistant turn with its end token,
nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from sightline.core.errors import InputError, Reject
from sightline.core.message import Message, Picture, Text

BEGIN: Final = "<|im_start|>"
FINISH: Final = "<|im_end|>"
PAD: Final = "<|pad|>"
CONTROL: Final = (BEGIN, FINISH, PAD)

TEMPLATE: Final = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{{ part['text'] }}{% endfor %}{% endif %}"
    "{{ '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<image>' }}{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}{{ '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


class Piece(NamedTuple):
    """Words, or a control token repeated `times`, or (text "" and times 0) the place of the next picture."""

    text: str
    times: int = 1
    control: bool = False
    trained: bool = False

    @property
    def is_picture(self) -> bool:
        return self.times == 0


def pieces(messages: Sequence[Message], *, prompt: bool = False) -> Iterator[Piece]:
    """The conversation in order; `prompt` adds the opening of an assistant turn. Raises
    `Reject("empty-conversation")`, and InputError for clips, which come as pictures of frames."""
    if not messages:
        raise Reject("empty-conversation")
    for message in messages:
        trained = message.role == "assistant"
        yield Piece(BEGIN, control=True)
        yield Piece(f"{message.role}\n")
        for part in message.parts:
            if isinstance(part, Text):
                yield Piece(part.text, trained=trained)
            elif isinstance(part, Picture):
                yield Piece("", times=0)
            else:
                raise InputError("a clip must be sampled into pictures first", remedy="see resolution.frame_times")
        yield Piece(FINISH, control=True, trained=trained)
        yield Piece("\n")
    if prompt:
        yield Piece(BEGIN, control=True)
        yield Piece("assistant\n")


def joined(parts: Iterator[Piece]) -> Iterator[Piece]:
    """Neighbouring words become one piece, as a tokenizer would see them; a trained piece never joins an untrained
    one, so that the mask ends where the answer ends."""
    held: Piece | None = None
    for part in parts:
        words = not part.control and not part.is_picture
        if words and held is not None and held.trained == part.trained:
            held = held._replace(text=held.text + part.text)
            continue
        if held is not None:
            yield held
            held = None
        if words:
            held = part
        else:
            yield part
    if held is not None:
        yield held
