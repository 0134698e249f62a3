"""Trainers' layouts: what is exported passes, what is spoilt is named with its row, and TRL itself takes it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from sightline.recipes.dataset import Dataset
from sightline.recipes.kinds import KINDS
from sightline.recipes.layouts import check, export

Cli = Callable[..., Any]
Row = dict[str, Any]
LAYOUTS = KINDS["document_qa"].layouts


@pytest.fixture(scope="module")
def exported(cli: Cli, built_examples: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each layout's folder, written by the command line; to be read only."""
    folders = {}
    for layout in LAYOUTS:
        folders[layout] = tmp_path_factory.mktemp("exported") / layout
        ran = cli("export", built_examples, "--to", layout, "--out", folders[layout])
        assert ran.code == 0, ran.err
        written = [Path(line) for line in ran.out.splitlines()]
        assert written
        assert all(path.is_file() for path in written)
    return folders


def pairs(folder: Path) -> list[tuple[str, str]]:
    return sorted((row["texts"][0]["user"], row["texts"][0]["assistant"]) for row in Dataset(folder).rows(["texts"]))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_dataset_and_its_export_pass_the_check(
    layout: str, cli: Cli, built_examples: Path, exported: dict[str, Path]
) -> None:
    for folder in (built_examples, exported[layout]):
        ran = cli("check", folder, "--for", layout)
        assert ran.code == 0, ran.out
        assert f"0 would be refused by {layout}" in ran.out


def rows_of_jsonl(folder: Path) -> list[Row]:
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.open(encoding="utf-8")]


def rows_of_json(folder: Path) -> list[Row]:
    return [row for path in sorted(folder.glob("*.json")) for row in json.loads(path.read_text(encoding="utf-8"))]


def rows_of_parquet(folder: Path) -> list[Row]:
    return [row for path in sorted(folder.glob("data/*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_messages_hold_all_pairs_with_a_mark_per_picture(built_examples: Path, exported: dict[str, Path]) -> None:
    """LLaMA-Factory: messages of role and content, images as paths, as many "<image>" as images."""
    found = []
    for row in rows_of_jsonl(exported["messages"]):
        said = [(turn["role"], turn["content"]) for turn in row["messages"]]
        assert [role for role, _ in said] == ["user", "assistant"] * (len(said) // 2)
        assert sum(content.count("<image>") for _, content in said) == len(row["images"])
        assert said[0][1].startswith("<image>\n")
        assert all((exported["messages"] / image).is_file() for image in row["images"])
        found += [(q[1].removeprefix("<image>\n"), a[1]) for q, a in zip(said[::2], said[1::2], strict=True)]
    assert sorted(found) == pairs(built_examples)


def test_llava_holds_all_pairs(built_examples: Path, exported: dict[str, Path]) -> None:
    found = []
    for row in rows_of_json(exported["llava"]):
        assert set(row) == {"id", "image", "conversations"}
        said = [(turn["from"], turn["value"]) for turn in row["conversations"]]
        assert [role for role, _ in said] == ["human", "gpt"] * (len(said) // 2)
        assert (exported["llava"] / row["image"]).is_file()
        found += [(q[1].removeprefix("<image>\n"), a[1]) for q, a in zip(said[::2], said[1::2], strict=True)]
    assert sorted(found) == pairs(built_examples)


def test_docmatix_holds_all_pairs_one_row_a_document(built_examples: Path, exported: dict[str, Path]) -> None:
    rows = rows_of_parquet(exported["docmatix"])
    assert all(set(row) == {"images", "texts"} for row in rows)
    sources = [{text["source"] for text in row["texts"]} for row in rows]
    assert all(len(names) == 1 for names in sources)
    assert len(sources) == len(set().union(*sources))
    found = [(text["user"], text["assistant"]) for row in rows for text in row["texts"]]
    assert sorted(found) == pairs(built_examples)


@pytest.mark.slow
def test_trl_takes_every_row(built_examples: Path, exported: dict[str, Path], tmp_path: Path) -> None:
    """The rows as TRL's own loader sees them: prepare_multimodal_messages raises where parts and pictures differ."""
    datasets = pytest.importorskip("datasets")
    prepare = pytest.importorskip("trl.data_utils").prepare_multimodal_messages
    seen = 0
    for folder in (exported["trl"], built_examples):
        for split in datasets.load_dataset(str(folder), cache_dir=str(tmp_path)).values():
            for row in split:
                prepared = prepare(row["messages"], row["images"])
                shown = [part["image"] for turn in prepared for part in turn["content"] if part["type"] == "image"]
                assert [picture.size for picture in shown] == [picture.size for picture in row["images"]]
                seen += 1
    assert seen > len(pairs(built_examples))


def test_trl_rows_have_as_many_image_parts_as_pictures(built_examples: Path, exported: dict[str, Path]) -> None:
    """The rule of trl.data_utils.prepare_multimodal_messages, by hand: typed parts only, placeholders = pictures."""
    found = []
    for row in rows_of_parquet(exported["trl"]):
        parts = [part for turn in row["messages"] for part in turn["content"]]
        assert {part["type"] for part in parts} == {"image", "text"}
        assert sum(part["type"] == "image" for part in parts) == len(row["images"])
        assert [turn["role"] for turn in row["messages"]] == ["user", "assistant"] * (len(row["messages"]) // 2)
        said = ["".join(part["text"] or "" for part in turn["content"]) for turn in row["messages"]]
        found += zip(said[::2], said[1::2], strict=True)
    assert sorted(found) == pairs(built_examples)


def test_single_gives_a_conversation_per_question(built_examples: Path, tmp_path: Path) -> None:
    export(built_examples, "messages", tmp_path / "single", single=True)
    assert len(rows_of_jsonl(tmp_path / "single")) == len(pairs(built_examples))


def test_an_export_never_overwrites(cli: Cli, built_examples: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep me")
    ran = cli("export", built_examples, "--to", "trl", "--out", tmp_path)
    assert (ran.code, ran.error.partition(":")[0]) == (2, "the folder is not empty")
    ran = cli("export", built_examples, "--to", "trl", "--out", tmp_path / "mine")
    assert ran.code == 2
    assert (tmp_path / "mine").read_text() == "keep me"
    ran = cli("export", built_examples, "--to", "llava", "--out", "/proc/nothing")
    assert ran.code == 2
    assert "/proc/nothing" in ran.error


def spoil_messages(row: Row, folder: Path) -> dict[str, Callable[[], None]]:
    first, last = row["messages"][0], row["messages"][-1]
    picture = folder / row["images"][0]

    def missing() -> None:
        row["images"][0] = "images/gone.png"

    def broken() -> None:
        row["images"][0] = "images/broken.png"
        (folder / "images" / "broken.png").write_bytes(picture.read_bytes()[:200])

    return {
        "file not found": missing,
        "not decodable": broken,
        "2 <image> marks but 1 pictures": lambda: first.update(content="<image>" + first["content"]),
        "0 <image> marks but 1 pictures": lambda: first.update(content=first["content"].replace("<image>", "")),
        "<image> in an answer": lambda: last.update(content=last["content"] + "<image>"),
        "turns do not alternate user, assistant": lambda: last.update(role="user"),
        "turns do not alternate user, assistant: human": lambda: first.update(role="human"),
        "no turns": lambda: row.update(messages=[]),
        "has no text": lambda: last.update(content="  "),
        "not a list of objects with a string 'content'": lambda: last.update(content=None),
        "not a path inside the folder": lambda: row["images"].__setitem__(0, str(picture.resolve())),
        "not a path inside the folder (climbing)": lambda: row["images"].__setitem__(0, "../" + row["images"][0]),
        "neither a path nor a picture": lambda: row["images"].__setitem__(0, 7),
    }


OFFENCES = ("file not found", "not decodable", "2 <image> marks but 1 pictures", "0 <image> marks but 1 pictures",
            "<image> in an answer", "turns do not alternate user, assistant",
            "turns do not alternate user, assistant: human", "no turns", "has no text",
            "not a list of objects with a string 'content'", "not a path inside the folder",
            "not a path inside the folder (climbing)", "neither a path nor a picture")  # fmt: skip


@pytest.mark.parametrize("offence", OFFENCES)
def test_an_offence_planted_into_messages_is_named_with_its_row(
    offence: str, cli: Cli, exported: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "messages"
    shutil.copytree(exported["messages"], folder)
    path = folder / "train.jsonl"
    rows = [json.loads(line) for line in path.open(encoding="utf-8")]
    spoil_messages(rows[2], folder)[offence]()
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    ran = cli("check", folder, "--for", "messages")
    assert ran.code == 1, ran
    named = [line for line in ran.out.splitlines() if line.startswith("train.jsonl line 3")]
    assert any(offence.partition(" (")[0] in line for line in named), ran.out
    assert "1 would be refused by messages" in ran.out


def broken_llava(row: Row) -> dict[str, Callable[[], None]]:
    turns = row["conversations"]
    return {
        "turns do not alternate human, gpt": lambda: turns[0].update({"from": "user"}),
        "2 <image> marks but 1 pictures": lambda: turns[0].update(value="<image>" + turns[0]["value"]),
        "file not found": lambda: row.update(image="images/gone.png"),
        "1 <image> marks but 0 pictures": lambda: row.pop("image"),
    }


@pytest.mark.parametrize("offence", ["turns do not alternate human, gpt", "2 <image> marks but 1 pictures",
                                     "file not found", "1 <image> marks but 0 pictures"])  # fmt: skip
def test_an_offence_planted_into_llava_is_named_with_its_row(
    offence: str, cli: Cli, exported: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "llava"
    shutil.copytree(exported["llava"], folder)
    rows = json.loads((folder / "train.json").read_text(encoding="utf-8"))
    broken_llava(rows[1])[offence]()
    (folder / "train.json").write_text(json.dumps(rows), encoding="utf-8")
    ran = cli("check", folder, "--for", "llava")
    assert ran.code == 1
    assert f"train.json row 1 ({rows[1]['id']}): " in ran.out
    assert offence in ran.out


def spoil_parquet(rows: list[Row], layout: str) -> dict[str, Callable[[], None]]:
    row = rows[0]
    shared = {
        "not decodable": lambda: row["images"][0].update(bytes=row["images"][0]["bytes"][:300]),
        "no bytes": lambda: row["images"][0].update(bytes=None),
    }
    if layout == "docmatix":
        return shared | {
            "no pictures": lambda: row.update(images=[]),
            "no texts": lambda: row.update(texts=[]),
            "text 0 has no 'assistant'": lambda: row["texts"][0].update(assistant=" "),
        }
    return shared | {
        "1 image parts but 2 pictures": lambda: row["images"].append(row["images"][0]),
        "1 image parts but 0 pictures": lambda: row.update(images=[]),
        "turns do not alternate user, assistant": lambda: row["messages"][0].update(role="assistant"),
        "unknown part type 'picture'": lambda: row["messages"][0]["content"][0].update(type="picture"),
        "a text part without text": lambda: row["messages"][1]["content"][0].update(text=None),
    }


@pytest.mark.parametrize(("layout", "offence"), [
    *(("trl", name) for name in ("not decodable", "no bytes", "1 image parts but 2 pictures",
                                 "a text part without text",
                                 "1 image parts but 0 pictures", "turns do not alternate user, assistant",
                                 "unknown part type 'picture'")),
    *(("docmatix", name) for name in ("not decodable", "no bytes", "no pictures", "no texts",
                                      "text 0 has no 'assistant'")),
])  # fmt: skip
def test_an_offence_planted_into_parquet_is_named_with_its_row(
    layout: str, offence: str, cli: Cli, exported: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    table = pq.read_table(exported[layout] / "data" / "train-00000.parquet")
    rows = table.to_pylist()
    spoil_parquet(rows, layout)[offence]()
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), tmp_path / "data" / "train-00000.parquet")
    ran = cli("check", tmp_path, "--for", layout)
    assert ran.code == 1, ran
    named = [line for line in ran.out.splitlines() if line.startswith("train-00000.parquet row 0")]
    assert any(offence in line for line in named), ran.out
    assert "1 would be refused" in ran.out


@pytest.mark.parametrize(("layout", "name", "content"), [
    ("messages", "train.jsonl", b'{"messages": [], "images": []}\n{"messages": [\n'),
    ("messages", "train.jsonl", b"\xff\xfe not text"),
    ("llava", "train.json", b'[{"id": "a", '),
    ("llava", "train.json", b'{"id": "a"}'),
    ("llava", "train.json", b"\xff\xfe"),
    ("trl", "data/train-00000.parquet", b"PAR1 and no more"),
    ("docmatix", "data/train-00000.parquet", b""),
])  # fmt: skip
def test_a_file_that_is_no_such_file_is_one_line(
    layout: str, name: str, content: bytes, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content)
    ran = cli("check", tmp_path, "--for", layout)
    assert ran.code == 2, ran
    assert Path(name).name in ran.error


@pytest.mark.parametrize(("layout", "row"), [("messages", 7), ("messages", None), ("messages", {"messages": 3}),
                                             ("llava", "x"), ("llava", [])])  # fmt: skip
def test_a_row_that_is_no_row_is_named(layout: str, row: object, tmp_path: Path) -> None:
    text = json.dumps(row if layout == "messages" else [row])
    (tmp_path / ("train.jsonl" if layout == "messages" else "train.json")).write_text(text)
    assert len(check(tmp_path, layout).offences) == 1


def test_parquet_with_other_columns_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"text": ["hello"]}), tmp_path / "data" / "train-00000.parquet")
    assert check(tmp_path, "trl").offences[0].what == "needs the lists 'messages' and 'images'"
    assert [one.what for one in check(tmp_path, "docmatix").offences] == ["no pictures", "no texts"]


def test_the_mark_in_a_document_is_not_taken_for_a_picture(built_examples: Path, tmp_path: Path) -> None:
    from sightline.recipes.layouts.checking import open_layout

    row = next(Dataset(built_examples).rows())
    row["texts"][0].update(user="What does <image> mean?", assistant="a picture: <image>")
    for name, field in (("messages", "messages"), ("llava", "conversations")):
        layout = open_layout(name)
        made = layout.convert([row])
        assert list(layout.offences(made, None)) == []
        assert sum(text.count("<image>") for turn in made[field] for text in turn.values()) == 1
