"""Laws of pages and pictures."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from sightline.core.errors import Reject
from sightline.core.media import Box, Source
from sightline.media.layout import arrange
from sightline.media.pdf import PageConfig, page_count, read_page
from sightline.media.pdf_file import Geometry
from sightline.media.pdf_words import clean
from sightline.media.photo import PhotoConfig, read_photo
from sightline.media.png import encode_png
from sightline.media.sniffing import sniff

SOURCE = Source(name="t.pdf", uri="t.pdf", sha256="0" * 64, media_type="application/pdf", size=1)
PLENTY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
side = st.floats(20, 3000, allow_nan=False).map(lambda value: round(value, 2))


def pdf(width: float, height: float, rotation: int) -> bytes:
    """A page of this size with a filled rectangle in the lower left corner and a line of text."""
    content = b"0.2 g 0 0 5 5 re f"
    return (
        b"%%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj\n"
        b"3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 %.2f %.2f]/Rotate %d/Contents 4 0 R"
        b"/Resources<</Font<</F 5 0 R>>>>>> endobj\n"
        b"4 0 obj <</Length %d>> stream\n%s\nBT /F 1 Tf 6 6 Td (sixteen letters and more) Tj ET\nendstream endobj\n"
        b"5 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj\ntrailer <</Root 1 0 R>>\n"
        % (width, height, rotation, len(content) + 55, content)
    )


@PLENTY
@given(width=side, height=side, rotation=st.sampled_from([0, 90, 180, 270]), dpi=st.floats(10, 200))
def test_pixels_are_points_times_dpi_over_72_within_one(
    tmp_path: Path, width: float, height: float, rotation: int, dpi: float
) -> None:
    path = tmp_path / f"{hash((width, height, rotation))}.pdf"
    path.write_bytes(pdf(width, height, rotation))
    config = PageConfig(dpi=dpi, max_side=1000, min_chars=1, min_text_pixels=0)  # the letters are one point high
    page = read_page(path, SOURCE, 0, config=config)
    shown = (width, height) if rotation % 180 == 0 else (height, width)
    assert abs(page.width - shown[0]) < 0.01
    assert abs(page.height - shown[1]) < 0.01
    scale = min(dpi / 72, 1000 / max(shown))
    size = Image.open(io.BytesIO(page.blob or b"")).size
    assert size == (page.image.width, page.image.height)
    assert abs(size[0] - shown[0] * scale) <= 1
    assert abs(size[1] - shown[1] * scale) <= 1
    assert max(size) <= 1000


@PLENTY
@given(
    rotation=st.sampled_from([0, 90, 180, 270]),
    edges=st.tuples(*[st.floats(-500, 500) for _ in range(4)]),
    corner=st.tuples(st.floats(-100, 100), st.floats(-100, 100)),
)
def test_a_box_comes_back_from_user_space(
    rotation: int, edges: tuple[float, float, float, float], corner: tuple[float, float]
) -> None:
    left, bottom = corner
    shown = (300.0, 200.0) if rotation % 180 == 0 else (200.0, 300.0)
    geometry = Geometry(*shown, rotation, left, bottom, left + 300, bottom + 200)
    x0, x1 = sorted(edges[:2])
    y0, y1 = sorted(edges[2:])
    user = geometry.user_space(Box(x0, y0, x1, y1))
    np.testing.assert_allclose(geometry.displayed(np.array([user]))[0], (x0, y0, x1, y1), atol=1e-9)
    whole = geometry.displayed(np.array([[left, bottom, left + 300, bottom + 200]]))[0]
    np.testing.assert_allclose(whole, (0, 0, *shown), atol=1e-9)


@PLENTY
@given(
    boxes=st.lists(st.tuples(st.floats(0, 600), st.floats(0, 800), st.floats(0, 90), st.floats(0, 20)), max_size=80),
    turn=st.sampled_from([0, 90, 180, 270]),
)
def test_arranging_loses_no_word_and_counts_up(boxes: list[tuple[float, float, float, float]], turn: int) -> None:
    edges = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes]).reshape(-1, 4)
    texts = [str(at) for at in range(len(boxes))]
    words = arrange(texts, edges, np.full(len(boxes), 10.0), np.full(len(boxes), turn))
    assert sorted(word.text for word in words) == sorted(texts)
    for word in words:
        assert word.box == Box(*edges[int(word.text)])
    order = [(word.block, word.line) for word in words]
    assert order == sorted(order)


@PLENTY
@given(shift=st.tuples(st.floats(-900, 900), st.floats(-900, 900)), scale=st.floats(0.1, 10))
def test_reading_order_does_not_depend_on_place_or_unit(shift: tuple[float, float], scale: float) -> None:
    rng = np.random.default_rng(0)
    left = np.sort(rng.uniform(0, 500, 60))
    top = rng.integers(0, 40, 60) * 14.0
    boxes = np.stack((left, top, left + 30, top + 9), axis=1)
    texts = [str(at) for at in range(60)]
    heights, turns = np.full(60, 11.0), np.zeros(60, int)
    before = arrange(texts, boxes, heights, turns)
    after = arrange(texts, boxes * scale + np.tile(shift, 2), heights * scale, turns)
    assert [(word.text, word.line, word.block) for word in after] == [
        (word.text, word.line, word.block) for word in before
    ]


@PLENTY
@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))))
def test_a_photo_written_as_png_is_read_the_same(pixels: np.ndarray) -> None:
    photo = read_photo(encode_png(pixels), PhotoConfig(picture="png"))
    np.testing.assert_array_equal(photo.pixels, pixels)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(photo.data))), pixels)


@PLENTY
@given(st.text(alphabet=st.characters(codec=None, categories=("Cs", "Cc", "Co", "L", "So"))))
def test_clean_text_can_always_be_written(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert "\x00" not in cleaned
    assert clean(cleaned) == cleaned


@PLENTY
@given(st.binary(max_size=300))
def test_any_bytes_have_a_media_type_and_no_other_error(tmp_path: Path, data: bytes) -> None:
    assert "/" in sniff(data)
    path = tmp_path / "any"
    path.write_bytes(b"%PDF-1.5\n" + data)
    try:
        assert page_count(path) > 0
    except Reject as refused:
        assert refused.reason in {"broken-pdf", "no-pages", "encrypted-pdf"}  # noqa: PT017
