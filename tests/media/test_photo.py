"""Photos: upright, 8-bit RGB, no metadata carried over, bombs refused."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.core.errors import Reject
from sightline.media.photo import PhotoConfig, read_photo

LOSSLESS = PhotoConfig(picture="png")


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def reason(data: bytes, config: PhotoConfig | None = None) -> Reject:
    with pytest.raises(Reject) as caught:
        read_photo(data, config)
    return caught.value


def test_a_photo_stored_on_its_side_is_turned_upright(samples: Path) -> None:
    path = samples / "photos" / "single_waterfall_exif.jpg"
    with Image.open(path) as stored:
        assert stored.getexif()[0x0112] == 6
        expected = np.asarray(stored.convert("RGB").transpose(Image.Transpose.ROTATE_270))
    photo = read_photo(path, LOSSLESS)
    assert "turned upright" in photo.notes
    np.testing.assert_array_equal(photo.pixels, expected)
    assert (photo.ref.width, photo.ref.height) == (expected.shape[1], expected.shape[0])
    assert not Image.open(io.BytesIO(photo.data)).getexif()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation(orientation: int) -> None:
    upright = np.zeros((20, 30, 3), np.uint8)
    upright[:10, :10] = (255, 0, 0)
    stored = Image.fromarray(upright)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    if orientation in undo:
        stored = stored.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = read_photo(saved(stored, "png", exif=exif), LOSSLESS)
    np.testing.assert_array_equal(photo.pixels, upright)


def test_position_is_told_only_when_asked_for_and_never_copied(samples: Path) -> None:
    path = samples / "photos" / "street_lund_1.jpg"
    assert read_photo(path).position is None
    photo = read_photo(path, PhotoConfig(position=True))
    assert photo.position == pytest.approx((55.7, 13.19), abs=0.05)
    assert not Image.open(io.BytesIO(photo.data)).getexif()
    assert b"GPS" not in photo.data


def test_modes_become_8_bit_rgb() -> None:
    cmyk = saved(Image.new("CMYK", (4, 4), (0, 255, 255, 0)), "jpeg", quality=100)
    red = read_photo(cmyk, LOSSLESS)
    assert red.pixels[0, 0, 0] > 200 > 60 > red.pixels[0, 0, 1]
    assert "CMYK without a colour profile" in red.notes
    deep = Image.fromarray(np.array([[0, 257, 32896, 65535]], np.uint16))
    shallow = read_photo(saved(deep, "png"), LOSSLESS)
    assert shallow.pixels[0, :, 0].tolist() == [0, 1, 128, 255]
    assert shallow.pixels.shape == (1, 4, 3)
    half = Image.new("RGBA", (2, 2), (0, 0, 0, 0))
    clear = read_photo(saved(half, "png"), LOSSLESS)
    assert clear.pixels.min() == 255
    assert "transparent parts on white" in clear.notes
    palette = Image.new("RGB", (4, 4), (10, 200, 30)).quantize(4)
    assert read_photo(saved(palette, "png"), LOSSLESS).pixels[0, 0].tolist() == [10, 200, 30]
    assert read_photo(saved(Image.new("1", (9, 9), 1), "tiff"), LOSSLESS).pixels.min() == 255


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (5, 5), colour) for colour in ("red", "blue", "lime")]
    photo = read_photo(saved(frames[0], "gif", save_all=True, append_images=frames[1:]), LOSSLESS)
    assert photo.pixels[0, 0].tolist() == [255, 0, 0]
    assert photo.notes[0] == "first of 3 frames"


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header says this size; its pixels are missing."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(99))))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("size", [(50_000, 40_000), (12_000, 11_000)])
def test_bombs_are_refused_by_their_header(size: tuple[int, int]) -> None:
    assert reason(png_of_size(*size)).reason == "picture-too-large"


def test_broken_and_foreign_files() -> None:
    whole = saved(Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)), "png")
    assert reason(whole[: len(whole) // 2]).reason == "broken-photo"
    assert reason(b"\xff\xd8\xff" + bytes(100)).reason == "broken-photo"
    assert reason(b"%PDF-1.4").evidence == {"media_type": "application/pdf"}
    assert reason(b"\x00\x00\x00\x20ftypheic" + bytes(99)).reason == "unsupported-photo"
    assert reason(saved(Image.new("F", (3, 3)), "tiff")).reason == "unsupported-photo"


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "tiff", "bmp"])
def test_damaged_bytes_never_give_another_error(kind: str) -> None:
    rng = np.random.default_rng(3)
    whole = bytearray(saved(Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)), kind))
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 4):
            damaged[place] = rng.integers(0, 256)
        try:
            assert read_photo(bytes(damaged)).pixels.ndim == 3
        except Reject as refused:
            assert refused.reason.endswith(("-photo", "-too-large"))  # noqa: PT017


def test_all_sample_photos_are_read_and_made_smaller(samples: Path) -> None:
    for path in sorted((samples / "photos").glob("*.[jp][pn]g")):
        photo = read_photo(path, PhotoConfig(max_side=300))
        assert max(photo.pixels.shape[:2]) <= 300
        assert photo.ref.media_type == "image/jpeg"


def test_a_wide_colour_profile_is_brought_to_srgb() -> None:
    from PIL import ImageCms

    lab_free = Image.new("RGB", (4, 4), (255, 0, 0))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = read_photo(saved(lab_free, "png", icc_profile=profile), LOSSLESS)
    assert same.pixels[0, 0].tolist() == [255, 0, 0]
    broken = read_photo(saved(lab_free, "png", icc_profile=b"no profile at all"), LOSSLESS)
    assert "colour profile cannot be used" in broken.notes
