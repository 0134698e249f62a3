from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.core.errors import InputError, Reject
from sightline.generate.data import PictureBatches, decode, from_dataset, from_folder, load
from sightline.generate.model import to_pixels, to_unit


def save(path: Path, picture: Image.Image, **more: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **more)  # type: ignore[arg-type]


def solid(colour: tuple[int, ...], size: tuple[int, int] = (12, 10), mode: str = "RGB") -> Image.Image:
    return Image.new(mode, size, colour)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        save(tmp_path / "red" / f"{number}.png", solid((200 + number, 0, 0)))
        save(tmp_path / "blue" / f"{number}.jpg", solid((0, 0, 200)))
    return tmp_path


def bomb(path: Path) -> None:
    """A PNG header that promises 60000 x 60000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


def test_subfolders_are_classes_and_every_refused_file_has_a_reason(folder: Path) -> None:
    (folder / "red" / "broken.png").write_bytes(b"no picture")
    whole = (folder / "blue" / "0.jpg").read_bytes()
    (folder / "blue" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    bomb(folder / "red" / "bomb.png")
    (folder / "red" / "notes.txt").write_text("not a picture")
    pictures = from_folder(folder, 8)
    assert pictures.classes == ("blue", "red")
    assert pictures.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert pictures.pixels.shape == (6, 3, 8, 8)
    reasons = {row.origin: row.reason for row in pictures.rejected}
    assert reasons.keys() == {"red/broken.png", "blue/cut.jpg", "red/bomb.png"}
    assert set(reasons.values()) <= {"unreadable", "too-many-pixels"}


def test_hidden_folders_and_files_are_left_out(folder: Path) -> None:
    save(folder / ".thumbnails" / "0.png", solid((0, 9, 0)))
    save(folder / "red" / ".0.png", solid((0, 9, 0)))
    pictures = from_folder(folder, 4)
    assert (len(pictures), pictures.classes, pictures.rejected) == (6, ("blue", "red"), ())


def test_a_cache_gives_the_same_pictures(folder: Path, tmp_path: Path) -> None:
    (folder / "red" / "broken.png").write_bytes(b"")
    cache = tmp_path / ".cache"
    first, second = (from_folder(folder, 8, cache=cache) for _ in range(2))
    assert len(list(cache.iterdir())) == 1
    assert torch.equal(first.pixels, second.pixels)
    assert first.rejected == second.rejected
    assert torch.equal(first.labels, second.labels)


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda at: None, "no picture in the folder"),
        (lambda at: (at / "a.png").write_bytes(b"x"), "not one usable picture"),
        (
            lambda at: (save(at / "a" / "1.png", solid((1, 2, 3))), (at / "b").mkdir()),
            "a class has no usable picture: b",
        ),
        (lambda at: (save(at / "1.png", solid((1, 2, 3))), (at / "metadata.jsonl").write_text("{")), "metadata.jsonl"),
    ],
)
def test_folders_that_cannot_be_used(tmp_path: Path, prepare: object, message: str) -> None:
    prepare(tmp_path)  # type: ignore[operator]
    with pytest.raises(InputError, match=message):
        from_folder(tmp_path, 8)


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        from_folder(tmp_path / "none", 8)


def test_captions_come_from_metadata(tmp_path: Path) -> None:
    save(tmp_path / "1.png", solid((9, 9, 9)))
    save(tmp_path / "2.png", solid((9, 9, 9)))
    (tmp_path / "metadata.jsonl").write_text(json.dumps({"file_name": "2.png", "text": "회색"}), "utf-8")
    pictures = from_folder(tmp_path, 4)
    assert pictures.captions == ("", "회색")
    assert pictures.classes == ()


def test_exif_rotation_alpha_grey_16_bit_and_animation(tmp_path: Path) -> None:
    tall = Image.new("RGB", (4, 8), (255, 0, 0))
    tall.paste((0, 0, 255), (0, 4, 4, 8))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    save(tmp_path / "turned.png", tall, exif=exif)
    up = decode(tmp_path / "turned.png", 4, 3)
    assert up[2, 0].float().mean() > up[0, 0].float().mean()  # blue on top now
    clear = decode(solid((0, 0, 0, 0), mode="RGBA"), 4, 3)
    assert (clear == 255).all()
    deep = Image.fromarray((np.arange(64, dtype=np.uint16) * 1000).reshape(8, 8))
    assert 100 < decode(deep, 8, 1).float().mean() < 140
    assert decode(solid((90,), mode="L"), 4, 3).shape == (3, 4, 4)
    frames = [solid((10, 10, 10)), solid((250, 250, 250))]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert decode(tmp_path / "moving.gif", 4, 3).float().mean() < 60
    with pytest.raises(Reject, match="too-small"):
        decode(Image.new("RGB", (1, 9)), 4, 3)


def test_rows_of_a_dataset() -> None:
    rows = [
        {"image": solid((1, 1, 1)), "label": 1, "text": "a"},
        {"image": None, "label": 0},
        {"image": [solid((2, 2, 2)), solid((3, 3, 3))], "label": 0},
    ]
    pictures = from_dataset(rows, 4)
    assert pictures.labels.tolist() == [1, 0]
    assert [row.reason for row in pictures.rejected] == ["no-picture"]
    assert pictures.captions == ("a", "")


def test_a_hugging_face_dataset_folder_of_parquet(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_dict(
        {"image": [solid((i, i, i)) for i in (10, 20, 30)], "label": [0, 1, 0]},
        features=datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])}),
    )
    data.to_parquet(tmp_path / "train.parquet")
    pictures = load(str(tmp_path), 4)
    assert len(pictures) == 3
    assert pictures.classes == ("a", "b")


@pytest.mark.parametrize("column", ["image", "images"])
def test_a_broken_picture_of_a_dataset_is_a_refused_row(tmp_path: Path, column: str) -> None:
    datasets = pytest.importorskip("datasets")
    save(tmp_path / "a.png", solid((9, 9, 9)))
    whole = (tmp_path / "a.png").read_bytes()
    rows = [{"bytes": one, "path": None} for one in (whole, whole[:50], b"no picture", whole)]
    kind = datasets.Image() if column == "image" else datasets.Sequence(datasets.Image())
    (tmp_path / "data").mkdir()
    made = [{column: row if column == "image" else [row]} for row in rows]
    data = datasets.Dataset.from_list(made, features=datasets.Features({column: kind}))
    data.to_parquet(tmp_path / "data" / "train.parquet")
    pictures = load(str(tmp_path / "data"), 4)
    assert len(pictures) == 2
    assert [(row.reason, row.origin) for row in pictures.rejected] == [("unreadable", "row 1"), ("unreadable", "row 2")]


def test_labels_are_numbers() -> None:
    with pytest.raises(InputError, match=r"must be a number: cat.*class_encode_column"):
        from_dataset([{"image": solid((1, 1, 1)), "label": "cat"}], 4)


def test_units_there_and_back(folder: Path) -> None:
    pictures = from_folder(folder, 8)
    units = to_unit(pictures.pixels, pictures.spread)
    assert units.std().item() == pytest.approx(1, abs=0.01)
    assert torch.equal(to_pixels(units, pictures.spread), pictures.pixels)


def test_split_is_seeded_and_whole(folder: Path) -> None:
    pictures = from_folder(folder, 8)
    training, held_out = pictures.split(1 / 3, seed=4)
    assert (len(training), len(held_out)) == (4, 2)
    assert torch.equal(pictures.split(1 / 3, seed=4)[1].pixels, held_out.pixels)


@pytest.mark.parametrize("size", [4, 6, 15], ids=["less than an epoch", "one", "more"])
def test_each_epoch_holds_every_picture_once(folder: Path, size: int) -> None:
    pictures = from_folder(folder, 8)
    batches = PictureBatches(pictures, pictures.spread)
    seen = torch.cat([batches(step, size).rows for step in range(12)])
    assert len(seen) == 12 * size
    epochs = seen[: len(seen) // 6 * 6].reshape(-1, 6)
    assert torch.equal(epochs.sort(1).values, torch.arange(6).expand(len(epochs), 6))
    assert len({tuple(epoch) for epoch in epochs.tolist()}) > 1
    assert torch.equal(batches(5, size).x0, to_unit(pictures.pixels[batches(5, size).rows], pictures.spread))


def test_real_photographs(samples: Path) -> None:
    pictures = from_folder(samples / "photos", 32)
    assert len(pictures) >= 30
    assert not pictures.rejected
