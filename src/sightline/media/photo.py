"""Photos: any common picture file as upright 8-bit sRGB pixels, encoded anew without its metadata.

What the file carried beside its pixels (camera, position, thumbnails) is not copied; the position is told only when
asked for. The size is read from the header and refused before anything is decoded.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps
from pydantic import BaseModel, ConfigDict, Field

from sightline.core.errors import Reject
from sightline.core.media import MediaRef
from sightline.media.png import encode_png
from sightline.media.sniffing import sniff

_DECODERS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/tiff": "TIFF",
    "image/bmp": "BMP",
    "image/avif": "AVIF",
    "image/jp2": "JPEG2000",
}
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, OverflowError, IndexError, KeyError, TypeError)
"""What Pillow's decoders raise on damaged files."""
_ORIENTATION, _GPS = 0x0112, 0x8825
_EXIF_NORTH_SOUTH, _EXIF_LATITUDE, _EXIF_EAST_WEST, _EXIF_LONGITUDE = 1, 2, 3, 4


class PhotoConfig(BaseModel):
    """What is refused, and how the picture is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_pixels: int = Field(default=120_000_000, ge=1, le=178_956_970)
    """Width times height by the file's header; above Pillow's own bomb limit nothing can be allowed."""
    max_side: int | None = Field(default=None, ge=1)
    """Pixels; a larger photo is made smaller (Lanczos). None keeps the size."""
    picture: Literal["jpeg", "png"] = "jpeg"
    jpeg_quality: int = Field(default=92, ge=1, le=100)
    position: bool = False
    """Tell where the photo was taken, if the file says so. People's homes are in there: off unless asked for."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo ready to be shown and trained on."""

    pixels: npt.NDArray[np.uint8]
    """(height, width, 3), sRGB, upright."""
    data: bytes
    """The same, encoded; carries no metadata."""
    ref: MediaRef
    media_type: str
    """Of the file it came from."""
    notes: tuple[str, ...]
    """What was changed besides the encoding, in words: "turned upright", "first of 12 frames" ..."""
    position: tuple[float, float] | None
    """Latitude and longitude in degrees; None unless asked for and known."""


def read_photo(photo: str | os.PathLike[str] | bytes, config: PhotoConfig | None = None) -> Photo:
    """The photo at a path, or in the bytes of a file.

    Raises Reject: "not-a-photo" (media_type=), "unsupported-photo", "picture-too-large" (width=, height=),
    "broken-photo" (detail=); OSError where the file cannot be read.
    """
    config = config or PhotoConfig()
    data = photo if isinstance(photo, bytes) else _read_file(photo)
    media_type = sniff(data[:4096])
    if not media_type.startswith("image/"):
        raise Reject("not-a-photo", media_type=media_type)
    if media_type not in _DECODERS:
        raise Reject("unsupported-photo", media_type=media_type)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=[_DECODERS[media_type]])
        if image.width * image.height > config.max_pixels:
            raise Reject("picture-too-large", width=image.width, height=image.height, limit=config.max_pixels)
        pixels, notes, position = _decoded(image, config)
    except Image.DecompressionBombError as error:
        raise Reject("picture-too-large", detail=str(error), limit=config.max_pixels) from error
    except _BROKEN as error:
        raise Reject("broken-photo", detail=f"{type(error).__name__}: {error}"[:200]) from error
    encoded = encode_png(pixels) if config.picture == "png" else _jpeg(pixels, config.jpeg_quality)
    ref = MediaRef(
        sha256=hashlib.sha256(encoded).hexdigest(),
        media_type=f"image/{config.picture}",
        width=pixels.shape[1],
        height=pixels.shape[0],
    )
    return Photo(pixels, encoded, ref, media_type, notes, position)


def _read_file(path: str | os.PathLike[str]) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _decoded(
    image: Image.Image, config: PhotoConfig
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...], tuple[float, float] | None]:
    """Pixels, notes and position of the first frame."""
    notes: list[str] = []
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        image.seek(0)
        notes.append(f"first of {frames} frames")
    image.load()
    exif = image.getexif()
    position = _position(exif.get_ifd(_GPS)) if config.position else None
    orientation = exif.get(_ORIENTATION, 1)
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    if orientation in range(2, 9):
        notes.append("turned upright")
    coloured = _rgb(upright, profile, notes)
    if config.max_side is not None and max(coloured.size) > config.max_side:
        coloured.thumbnail((config.max_side, config.max_side), Image.Resampling.LANCZOS)
        notes.append(f"made smaller than {image.width} x {image.height}")
    return np.asarray(coloured), tuple(notes), position


def _rgb(image: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    """Any mode as 8-bit RGB: 16 bit scaled, what is transparent on white, CMYK and wide colour by their profile."""
    if image.mode.startswith("I"):
        notes.append("16 bit reduced to 8")
        levels = np.asarray(image).astype(np.float64)
        return Image.fromarray(np.clip(np.rint(levels / 257), 0, 255).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise Reject("unsupported-photo", detail="floating-point pixels have no stated range")
    if image.has_transparency_data:
        notes.append("transparent parts on white")
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    if profile and image.mode in ("RGB", "CMYK"):
        return _in_srgb(image, profile, notes)
    if image.mode == "CMYK":
        notes.append("CMYK without a colour profile")
    return image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes, notes: list[str]) -> Image.Image:
    """Colours by the embedded profile; a profile that cannot be used is noted."""
    try:
        embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(embedded):
            return image.convert("RGB")
        turned = ImageCms.profileToProfile(image, embedded, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        notes.append("colour profile cannot be used")
        return image.convert("RGB")
    notes.append("colours brought to sRGB")
    return image.convert("RGB") if turned is None else turned


def _position(gps: dict[int, object]) -> tuple[float, float] | None:
    """Degrees north and east from an EXIF GPS directory; None where it is not whole."""
    sides = ((_EXIF_LATITUDE, _EXIF_NORTH_SOUTH, "S"), (_EXIF_LONGITUDE, _EXIF_EAST_WEST, "W"))
    degrees: list[float] = []
    for value, side, negative in sides:
        parts = gps.get(value)
        if not isinstance(parts, tuple) or len(parts) != 3:
            return None
        angle = sum(float(part) / 60**power for power, part in enumerate(parts))
        degrees.append(-angle if str(gps.get(side, "")).startswith(negative) else angle)
    return degrees[0], degrees[1]


def _jpeg(pixels: npt.NDArray[np.uint8], quality: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()
