"""Pages: everything in one file, every text escaped, nothing that can run or load."""

from __future__ import annotations

import io
import re

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup
from PIL import Image

from sightline import show
from sightline.core.media import Box
from sightline.core.score import Interval, Proportion
from sightline.show import blocks
from sightline.show.page import LINKED, template
from sightline.show.values import Mark, Note, StepFlow, Tile

EVIL = "<script>1</script>\"'></style>{{7*7}}"
ESCAPED = "&lt;script&gt;1&lt;/script&gt;&#34;&#39;&gt;&lt;/style&gt;{{7*7}}"


def picture(form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "white").save(out, form)
    return out.getvalue()


def every_block(words: str) -> dict[str, Markup]:
    marks = [Mark(1, (Box(2.0, 3.0, 12.0, 8.0),), words)]
    marked = blocks.marked_picture(picture(), 40.0, 20.0, marks, alt=words, id="p")
    return {
        "section": blocks.section(words, words, id="s", lead=words),
        "tiles": blocks.tiles([Tile(words, words, words)]),
        "callout": blocks.callout(words, words, tone="warning"),
        "figure": blocks.figure(Markup("<i></i>"), title=words, caption=words),
        "grid": blocks.grid([blocks.callout(words, words)]),
        "details": blocks.details(words, words),
        "data_table": blocks.data_table([words], [[words]], caption=words),
        "facts": blocks.facts({words: words}),
        "code": blocks.code(words),
        "chain": blocks.chain([Tile(words, words)]),
        "counted": blocks.counted(1, words, words),
        "funnel": blocks.funnel([StepFlow(words, 3, 2, 1)]),
        "interval_bar": blocks.interval_bar(0.5, Interval(0.4, 0.6), text=words),
        "marked_picture": marked,
        "annotated": blocks.annotated(words, marked, [Note(1, words, words, words, (words,))], id="p"),
    }


def test_every_block_escapes_every_text() -> None:
    made = every_block(EVIL)
    assert made.keys() <= set(show.__all__)
    for name, html in made.items():
        assert "<script" not in html, name
        assert ESCAPED in html, name
        assert html.count(ESCAPED) == every_block("plain words")[name].count("plain words"), name


def test_a_page_is_one_file_that_cannot_load_or_run() -> None:
    html = show.web_page(
        EVIL, Markup("").join(every_block(EVIL).values()), eyebrow=EVIL, lead=EVIL, contents=((EVIL, EVIL),)
    )
    assert "<script" not in html
    assert "default-src &#39;none&#39;; img-src data:; style-src &#39;unsafe-inline&#39;" in html
    assert html.count("</style>") == 1
    assert not re.search(r'(?:src|href)="(?!#|data:image/)', html)
    assert "url(" not in html
    assert "@import" not in html


def test_an_undefined_name_in_a_template_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        template("sightline.show", "page.html").render(title="no body given")


def test_boxes_and_badges_lie_at_their_place() -> None:
    marks = [Mark(7, (Box(10.0, 5.0, 30.0, 15.0), Box(0.0, 15.0, 4.0, 19.0)), "hint")]
    html = blocks.marked_picture(picture(), 40.0, 20.0, marks, alt="", id="page-1")
    assert 'viewBox="0 0 40.0 20.0"' in html
    assert '<rect x="9.92" y="4.92" width="20.16" height="10.16"' in html
    assert html.count("<rect") == 2
    assert 'href="#page-1-7"' in html
    assert "left:25.000%;top:25.000%" in html


def test_a_mark_without_box_has_no_badge_on_the_picture() -> None:
    html = blocks.marked_picture(picture(), 40.0, 20.0, [Mark(1, ())], alt="", id="p")
    assert "badge" not in html


@pytest.mark.parametrize(("form", "media_type"), [("PNG", "png"), ("JPEG", "jpeg"), ("WEBP", "webp")])
def test_pictures_are_named_by_content(form: str, media_type: str) -> None:
    html = blocks.marked_picture(picture(form), 40.0, 20.0, [], alt="", id="p")
    assert f'src="data:image/{media_type};base64,' in html


def test_numbers_stand_right_and_none_is_a_dash() -> None:
    html = blocks.data_table(["name", "count", "mean"], [["a", 1234, 0.5], ["b", None, 2.0]])
    assert html.count('class="number"') == 2 + 4
    assert "1,234" in html
    assert "–" in html
    assert "0.50" in html


def test_the_funnel_says_what_was_lost() -> None:
    html = blocks.funnel([StepFlow("check", 10, 30, 10, reused=3, seconds=1.25)], {"check": "drafts checked"})
    assert "drafts checked" in html
    assert "width:75.000%" in html
    assert "10 refused" in html
    assert "3 reused" in html


def test_a_step_that_gave_nothing_and_refused_nothing_lost_nothing() -> None:
    assert StepFlow("empty", 0, 0, 0).kept == 1.0
    assert "nothing refused" in blocks.funnel([StepFlow("empty", 0, 0, 0)])


def test_the_whisker_spans_the_interval() -> None:
    rate = Proportion(19, 20)
    html = blocks.interval_bar(rate.value, rate.interval)
    assert "width:95.000%" in html
    assert f"left:{rate.interval.low * 100:.3f}%" in html
    assert "95.0%" in html


def test_pointing_lights_up_by_style_alone() -> None:
    html = show.web_page("t", Markup(""))
    assert html.count('.sheet:has([data-n="') == LINKED
