"""A dataset that `datasets` loads gives the same examples as its Parquet files; without package or hub it is named."""

from __future__ import annotations

import io
from pathlib import Path

import datasets
import pytest
from PIL import Image

from sightline.core.errors import InputError, MissingExtra
from sightline.evaluate.benchmarks import hub
from sightline.evaluate.benchmarks.table import TABLE


def png(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (6, 4), (shade, 9, 9)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = {
        "question": ["Total?", "합계는?"],
        "answers": [["5", "five"], ["오"]],
        "image": [{"bytes": png(i), "path": None} for i in (0, 1)],
        "docId": [3, 4],
    }
    features = datasets.Features(
        {"question": datasets.Value("string"), "answers": datasets.List(datasets.Value("string")),
         "image": datasets.Image(), "docId": datasets.Value("int64")}
    )  # fmt: skip
    out = tmp_path / "data"
    out.mkdir()
    made = datasets.Dataset.from_dict(rows, features=features)
    made.to_parquet(str(out / "validation-00000-of-00001.parquet"))
    made.select([0]).to_parquet(str(out / "train-00000-of-00001.parquet"))
    return tmp_path


def test_a_loaded_dataset_equals_its_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(folder / "home"))
    found = list(hub.loaded(str(folder), None, None))
    told = ("question", "references", "group", "pictures")
    assert [e.model_dump(include=set(told)) for e in found] == [
        e.model_dump(include=set(told)) for e in TABLE.read(folder)
    ]
    assert [e.pictures for e in found] == [(png(0),), (png(1),)]
    assert len(list(hub.loaded(str(folder), None, "train"))) == 1
    with pytest.raises(InputError, match="no split 'test'"):
        list(hub.loaded(str(folder), None, "test"))


def test_a_dataset_that_fails_on_the_way_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(folder / "home"))
    (folder / "data" / "validation-00000-of-00001.parquet").rename(
        folder / "data" / "validation-00000-of-00002.parquet"
    )
    (folder / "data" / "validation-00001-of-00002.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(InputError, match="cannot be loaded"):
        list(hub.loaded(str(folder), None, None))


def test_only_a_name_goes_to_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert hub.names_hub("org/name")
    assert hub.names_hub("org/name:config@test")
    assert not hub.names_hub("mine/gone")
    assert not hub.names_hub("questions.jsonl")
    assert not hub.names_hub("a/b/c")
    with pytest.raises(InputError, match="no name of a hub dataset"):
        list(hub.read(Path("a/b/c")))


def test_no_hub_in_reach_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"cannot be loaded.*some-org/some-name.*needs no hub"):
        list(hub.read(Path("some-org/some-name")))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"\[hub\]"):
        list(hub.read(Path("org/name")))
