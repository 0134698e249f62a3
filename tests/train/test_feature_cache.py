"""The encoder runs once per view; the numbers are those of running it every time; what cannot be trusted is redone."""

from __future__ import annotations

import errno
import os

import pytest
import torch

from sightline.core.errors import PlanError, StorageError
from sightline.train.feature_cache import FeatureCache, Featured, Usage
from sightline.train.lora import Lora, add_lora
from sightline.train.packing import epochs, packed, packed_epochs
from sightline.train.parts import PARTS, hashes
from sightline.train.stages import Stage, train
from sightline.vlm.pixels import stacked

ALIGN = Stage(name="align", trainable=("connector",), lr={"connector": 1e-2}, steps=6, save_every=2)
WARM = Stage(name="warm", trainable=("encoder",), lr={"encoder": 1e-3}, steps=2)
AGAIN = ALIGN.model_copy(update={"name": "again"})


def _setting(tiny, encoder="siglip", fusion="hybrid"):
    model, reader = tiny.build(encoder, "llama", fusion)
    chats = [
        tiny.chat(tiny.picture(0), tiny.picture(1)),
        tiny.chat(question="only words"),
        tiny.chat(tiny.picture(2, size=(30, 90)), answer="longer answer"),
        tiny.chat(tiny.picture(1)),
    ]
    return model, reader, [reader.encode(chat) for chat in chats]


def _distinct(rows):
    return len({view.numpy().tobytes() for row in rows for view in row.views})


def _counted(model):
    seen: list[int] = []
    inner = model.model.encode

    def encode(pixel_values, image_sizes):
        seen.append(len(image_sizes))
        return inner(pixel_values, image_sizes)

    model.model.encode = encode
    return seen


@pytest.mark.parametrize("fusion", ["embed", "cross", "hybrid"])
@pytest.mark.parametrize("encoder", ["siglip", "resnet", "native"])
def test_training_with_the_cache_is_training_without(tiny, tmp_path, encoder, fusion):
    plain, reader, rows = _setting(tiny, encoder, fusion)
    slow = train(plain, [ALIGN], {"data": epochs(rows, 2, reader.collate, seed=1)}, tmp_path / "slow")
    model, reader, rows = _setting(tiny, encoder, fusion)
    seen = _counted(model)
    data = Featured(rows, lambda rows: epochs(rows, 2, reader.collate, seed=1), tmp_path / "features")
    fast = train(model, [ALIGN], {"data": data}, tmp_path / "fast")
    assert fast.losses == pytest.approx(slow.losses, rel=1e-6)
    assert sum(seen) == _distinct(rows), "once per view in three epochs"
    used = fast.proofs[0]["features"]
    assert used["misses"] == _distinct(rows)
    assert used["hits"] + used["misses"] == 3 * sum(len(row.views) for row in rows)
    assert used["bytes"] == sum(path.stat().st_size for path in (tmp_path / "features").iterdir()) - _headers(tmp_path)


def _headers(tmp_path):
    paths = list((tmp_path / "features").iterdir())
    return sum(8 + int.from_bytes(path.read_bytes()[:8], "little") for path in paths)


def test_packs_take_features_too(tiny, tmp_path):
    model, _, rows = _setting(tiny)
    data = Featured(rows, lambda rows: packed_epochs(rows, 400, stacked, seed=1), tmp_path).begin(_frozen(model))
    batch = data(0)
    assert "pixel_values" not in batch
    with torch.no_grad():
        assert torch.allclose(
            model(**batch).loss, model(**packed_epochs(rows, 400, stacked, seed=1)(0)).loss, atol=1e-6
        )


def _frozen(model):
    model.model.encoder.requires_grad_(False)
    return model


def test_epochs_stages_and_runs_share_it_and_a_changed_encoder_does_not(tiny, tmp_path):
    model, reader, rows = _setting(tiny)
    seen = _counted(model)

    def data():
        return {"data": Featured(rows, lambda rows: epochs(rows, 2, reader.collate, seed=1), tmp_path / "features")}

    course = train(model, [ALIGN, AGAIN, WARM, ALIGN.model_copy(update={"name": "last"})], data(), tmp_path / "run")
    first, again, warm, last = (proof.get("features") for proof in course.proofs)
    assert first["misses"] == last["misses"] == _distinct(rows)
    assert again["misses"] == 0
    assert warm is None, "the encoder trains"
    before = sum(seen)
    train(model, [AGAIN], data(), tmp_path / "other")
    assert sum(seen) == before, "another run with the same encoder"


def test_an_adapter_in_the_encoder_is_another_encoder(tiny, tmp_path):
    model, _, _ = _setting(tiny)
    plain = FeatureCache(model.model, tmp_path).key
    add_lora(model, Lora(rank=2, parts=("encoder",)))
    assert FeatureCache(model.model, tmp_path).key != plain
    data = Featured([], lambda rows: rows, tmp_path)
    assert data.begin(model) == []
    assert data.flush() is None, "the adapter trains, so the encoder is not frozen"


def test_features_are_mapped_from_the_file_and_exact(tiny, tmp_path):
    model, _, rows = _setting(tiny)
    view, size = rows[0].views[0], rows[0].sizes[0]
    cache = FeatureCache(model.model, tmp_path)
    made = cache.features(view, size)
    cache.flush()
    again = FeatureCache(model.model, tmp_path)
    assert torch.equal(again.features(view, size), made)
    assert again.usage == Usage(hits=1, misses=0, bytes=made.numel() * 4)
    assert again.usage.told() == f"features of the frozen encoder: 1 kept, 0 computed, {made.numel() * 4 / 1e6:.1f} MB"


def _torn(path):
    path.write_bytes(path.read_bytes()[:-100])


def _foreign(path):
    path.write_bytes(b"junk")


def _other_header(path):
    data = path.read_bytes()
    path.write_bytes(data.replace(b"sightline-features-1", b"sightline-features-0"))


@pytest.mark.parametrize("damage", [_torn, _foreign, _other_header])
def test_a_file_that_cannot_be_read_is_named_and_computed_again(tiny, tmp_path, damage):
    model, _, rows = _setting(tiny)
    view, size = rows[0].views[0], rows[0].sizes[0]
    cache = FeatureCache(model.model, tmp_path)
    made = cache.features(view, size)
    cache.flush()
    (path,) = tmp_path.iterdir()
    damage(path)
    with pytest.warns(UserWarning, match=path.name):
        again = FeatureCache(model.model, tmp_path)
    assert torch.equal(again.features(view, size), made)
    assert (again.usage.misses, again.usage.unread) == (1, [path.name])
    again.flush()
    assert FeatureCache(model.model, tmp_path).usage.unread == [], "mended"


def test_a_full_disk_is_named(tiny, tmp_path, monkeypatch):
    model, _, rows = _setting(tiny)
    cache = FeatureCache(model.model, tmp_path)
    cache.features(rows[0].views[0], rows[0].sizes[0])

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        cache.flush()
    assert not list(tmp_path.iterdir())


def test_interrupted_with_a_cache_equals_uninterrupted_to_the_last_bit(tiny, tmp_path):
    def whole(out, stop=None):
        model, reader, rows = _setting(tiny)
        left = iter(range(stop)) if stop else None

        def batches(rows):
            inner = epochs(rows, 2, reader.collate, seed=1)

            def batch(step):
                if left is not None and next(left, None) is None:
                    raise KeyboardInterrupt
                return inner(step)

            return batch

        course = train(model, [ALIGN], {"data": Featured(rows, batches, out / "features")}, out)
        return course.losses, hashes(model, PARTS)

    with pytest.raises(KeyboardInterrupt):
        whole(tmp_path / "cut", stop=3)
    assert whole(tmp_path / "cut") == whole(tmp_path / "whole")


def test_a_model_whose_encoder_cannot_run_alone_is_refused(tmp_path):
    with pytest.raises(PlanError, match="cannot run alone"):
        Featured([], lambda rows: rows, tmp_path).begin(torch.nn.Linear(2, 2))


def test_features_in_a_pack_stand_where_the_pixels_stood(tiny, tmp_path):
    model, reader, rows = _setting(tiny)
    data = Featured(rows, lambda rows: [packed(rows, stacked), reader.collate(rows)], tmp_path)
    for seen, plain in zip(data.begin(_frozen(model)), (packed(rows, stacked), reader.collate(rows)), strict=True):
        with torch.no_grad():
            wanted = model.model.encode(plain["pixel_values"], plain["image_sizes"])
        assert torch.allclose(seen["vision_features"], wanted, atol=1e-6)
        assert torch.equal(seen["image_sizes"], plain["image_sizes"])
