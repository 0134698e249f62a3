from __future__ import annotations

import io
import random
import time

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sightline.verify import QuestionPool, duplicate_of, group_pages, picture_hash, picture_hash_of
from sightline.verify.duplicates import _Union
from sightline.verify.picture_hashing import distance

WORDS = [
    f"{a}{b}" for a in ("re", "con", "pro", "in", "de", "trans") for b in ("port", "tain", "form", "sult", "gress")
]


def prose(seed: int, words: int = 200) -> str:
    draw = random.Random(seed)
    return "\n".join(" ".join(draw.choices(WORDS, k=10)) for _ in range(words // 10))


def template(*values: str) -> str:
    return prose(7, 120) + "\n" + "\n".join(f"Field {k}  {value}" for k, value in enumerate(values))


@pytest.fixture(scope="module")
def shown(page_of):
    def build(text: str, document: str, index: int = 0, picture: str = "f0f0f0f0f0f0f0f0"):
        return page_of(text, document=document, index=index).model_copy(update={"perceptual_hash": picture})

    return build


def test_pages_of_one_document_are_one_group_and_strangers_are_not(shown) -> None:
    pages = [shown(prose(1), "a", 0), shown(prose(2), "a", 1), shown(prose(3), "b", 0)]
    groups = group_pages(pages)
    assert groups[pages[0].key] == groups[pages[1].key] != groups[pages[2].key]


def test_a_shared_page_joins_documents_across_a_chain(shown) -> None:
    pages = [shown(prose(1), "a"), shown(prose(1), "b"), shown(prose(2), "b", 1), shown(prose(2), "c"), shown("x", "d")]
    groups = group_pages(pages)
    assert len({groups[page.key] for page in pages[:4]}) == 1
    assert groups[pages[4].key] != groups[pages[0].key]


def test_a_long_chain_of_documents_is_one_group() -> None:
    joined = _Union()
    for n in range(5000, 0, -1):
        joined.unite(f"{n:05}", f"{n - 1:05}")
    assert joined.root("05000") == "00000"


def test_a_template_filled_twice_is_grouped_but_neither_is_a_duplicate(shown) -> None:
    one = shown(template("Kim", "17", "blue", "north"), "a")
    other = shown(template("Lee", "23", "red", "south"), "b", picture="f0f0f0f0f0f0f0f1")
    groups = group_pages([one, other])
    assert groups[one.key] == groups[other.key]
    assert duplicate_of([one, other]) == {}


def test_pictures_alone_do_not_join_pages_with_much_text(shown) -> None:
    one, other = shown(prose(1), "a"), shown(prose(2), "b")
    assert one.perceptual_hash == other.perceptual_hash
    groups = group_pages([one, other])
    assert groups[one.key] != groups[other.key]


def test_little_text_alone_does_not_join(shown) -> None:
    one, other = shown("Appendix A", "a"), shown("Appendix A", "b", picture="0f0f0f0f0f0f0f0f")
    groups = group_pages([one, other])
    assert groups[one.key] != groups[other.key]


def test_pages_without_words_join_by_picture_unless_blank(shown) -> None:
    scan, again = shown("", "a", picture="f0f0f0f0f0f0f0f0"), shown("", "b", picture="f0f0f0f0f0f0f0f1")
    blank, blank_too = shown("", "c", picture="8000000000000000"), shown("", "d", picture="8000000000000000")
    groups = group_pages([scan, again, blank, blank_too])
    assert groups[scan.key] == groups[again.key]
    assert len(set(groups.values())) == 3


def test_an_equal_page_points_at_the_first(shown) -> None:
    first, second = shown(prose(1), "a"), shown(prose(1).upper(), "b", picture="f0f0f0f0f0f0f0f3")
    far = shown(prose(1), "c", picture="0f0f0f0f0f0f0f0f")
    assert duplicate_of([second, far, first]) == {second.key: first.key}


def test_many_filled_forms_are_not_compared_all_with_all(shown) -> None:
    start = time.process_time()
    pages = [shown(template(str(k), str(k * 7)), f"doc{k:05}") for k in range(400)]
    built = time.process_time() - start
    start = time.process_time()
    assert len(set(group_pages(pages).values())) == 1
    assert time.process_time() - start < 5 * built + 2.0


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("What is the total amount due?", "What is the total amount due", True),
        ("What is the total amount due?", "what are the total amounts due?", True),
        ("Which total amount is due?", "What is the total amount due?", True),
        ("What is the total for 2022?", "What is the total for 2023?", False),
        ('What is the figure for "North"?', 'What is the figure for "South"?', False),
        ("Who signed the lease?", "When was the lease signed?", False),
        ("How many people signed?", "How did people sign?", False),
        ("Which items are included?", "Which items are not included?", False),
        ("합계는 얼마입니까?", "합계가 얼마인가요?", True),
        ("2022년 합계는 얼마입니까?", "2023년 합계는 얼마입니까?", False),
        ("What is it?", "What is that?", False),
    ],
)
def test_questions_that_ask_the_same(first: str, second: str, same: bool) -> None:
    pool = QuestionPool()
    assert pool.twin(first) is None
    assert (pool.twin(second) == first) is same


def drawing(seed: int, size: tuple[int, int] = (620, 877)) -> Image.Image:
    draw, image = random.Random(seed), Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    for _ in range(30):
        x, y = draw.randrange(size[0]), draw.randrange(size[1])
        pen.rectangle((x, y, x + draw.randrange(200), y + draw.randrange(60)), fill=(draw.randrange(200),) * 3)
    return image


def encoded(image: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def test_picture_hash_is_stable_over_size_and_coding_and_tells_pictures_apart() -> None:
    picture = drawing(1)
    known = picture_hash(encoded(picture, "PNG"))
    assert len(known) == 16
    assert distance(known, picture_hash(encoded(picture, "JPEG"))) <= 4
    assert distance(known, picture_hash(encoded(picture.resize((930, 1315)), "PNG"))) <= 4
    assert distance(known, picture_hash_of(np.asarray(picture))) <= 2
    assert distance(known, picture_hash_of(np.asarray(picture.convert("L")))) <= 2
    assert distance(known, picture_hash(encoded(drawing(2), "PNG"))) > 12
    assert picture_hash(encoded(Image.new("RGB", (300, 400), "white"), "PNG")) == "8000000000000000"
