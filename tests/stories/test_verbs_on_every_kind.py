"""inspect, audit, report, check and export on a videos and on a questions dataset, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from scripted_endpoint import Act, ScriptedEndpoint, last_text
from sightline.recipes.dataset import Dataset
from sightline.recipes.kinds import KINDS
from sightline.recipes.layouts import LAYOUTS
from sightline.recipes.video_annotation.audit import PLANTERS

Cli = Callable[..., Any]
VIDEO_SCRIPT = Path(__file__).resolve().parents[1] / "recipes" / "video_annotation" / "conftest.py"


@pytest.fixture(scope="module")
def videos(cli: Cli, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short films, annotated by a script behind HTTP, a file that is no video refused."""
    folder = tmp_path_factory.mktemp("videos")
    (folder / "words.mp4").write_text("no video")
    names = ["street_scenes_10s.mp4", "webb_narration_13s.mp4"]
    with ScriptedEndpoint(annotator()) as server:
        ran = cli(
            "build", "videos", *(samples / "videos" / name for name in names), folder / "words.mp4",
            "--out", folder / "d", "--annotator", server.url, "--annotator-model", "script", "--min-words", 0,
            "--min-words-per-second", 0, "--max-static", 2, "--workers", 1, OPENAI_API_KEY="a-key-of-some-length",
        )  # fmt: skip
    assert ran.code == 0, ran.err
    return folder / "d"


def annotator() -> Callable[[dict[str, Any], int], Act]:
    """Two scenes for every video, whatever it shows."""
    import importlib.util
    import re

    from sightline.verify.integrity import stated_time

    spec = importlib.util.spec_from_file_location("video_script", VIDEO_SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def script(body: dict[str, Any], nth: int) -> Act:
        found = re.search(r"video of (\d\d:\d\d:\d\d\.\d{3})", last_text(body))
        assert found is not None
        duration = stated_time(found[1], 0.0)
        return Act(json.dumps(module.annotation_of(module.halves(duration))))

    return script


@pytest.fixture(scope="module")
def questions(cli: Cli, built_examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("questions")
    assert cli("build", "questions", built_examples, "--out", folder / "q").code == 0
    assert cli("refine", folder / "q", "--out", folder / "r").code == 0
    return folder / "r"


def test_videos(cli: Cli, videos: Path, tmp_path: Path) -> None:
    shown = cli("inspect", videos)
    assert shown.code == 0, shown.err
    for word in ("watch", "finish", "not-a-video", "dynamism", "scenes"):
        assert word in shown.out
    record = next(Dataset(videos).rows(["id"]))["id"]
    told = json.loads(cli("inspect", videos, record[:12]).out)
    assert told["id"] == record
    assert told["thumbnails"][0].endswith(".jpg")
    assert told["json"]["content_metadata"]["scenes"]
    assert "words.mp4" in cli("inspect", videos, "--rejects", "not-a-video").out

    ran = cli("audit", videos)
    assert ran.code == 0, ran.err
    audit = json.loads((videos / "audit.json").read_text(encoding="utf-8"))
    assert {row["kind"] for row in audit["rows"]} == set(PLANTERS)
    assert all(row["caught"] == row["planted"] for row in audit["rows"]), audit["rows"]
    assert audit["false_alarms"]["time checks"]["refused"] == 0
    for kind in ("shifted", "truncated", "swapped-scenes"):
        assert kind in ran.out
        assert kind in (videos / "README.md").read_text(encoding="utf-8")
        assert kind in (videos / "report.html").read_text(encoding="utf-8")
    assert cli("audit", videos, "--judge", "x:y").code == 2
    assert cli("report", videos).out.strip() == str(videos / "report.html")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_videos(cli: Cli, videos: Path, tmp_path: Path, layout: str) -> None:
    exported(cli, videos, "video_annotation", layout, tmp_path / "e")
    if layout == "llava-video":
        (row, _) = json.loads((tmp_path / "e" / "train.json").read_text(encoding="utf-8"))
        assert row["conversations"][0]["value"].count("<image>") == 1
        assert len(row["conversations"]) == 10
        assert (tmp_path / "e" / row["video"]).stat().st_size > 10_000
        (tmp_path / "e" / row["video"]).unlink()
        broken = cli("check", tmp_path / "e", "--for", layout)
        assert (broken.code, "file not found" in broken.out) == (1, True)
    if layout == "trl":
        (row, *_) = pq.read_table(next((tmp_path / "e").rglob("*.parquet"))).to_pylist()
        assert len(row["messages"]) == 10
        assert len(row["images"]) == 2


def test_questions(cli: Cli, questions: Path) -> None:
    shown = cli("inspect", questions)
    assert shown.code == 0, shown.err
    for word in ("blind-test", "weak by chance", "5.8%", "heuristics", "category", "unfixed"):
        assert word in shown.out, word
    record = next(Dataset(questions).rows(["id"]))["id"]
    assert json.loads(cli("inspect", questions, record).out)["options"]
    ran = cli("audit", questions)
    assert ran.code == 0, ran.err
    rows = {row["kind"]: row for row in json.loads((questions / "audit.json").read_text(encoding="utf-8"))["rows"]}
    assert {row["check"] for row in rows.values()} == {"blind judge"}
    for text in (ran.out, *((questions / name).read_text(encoding="utf-8") for name in ("README.md", "report.html"))):
        assert "key much longer" in text
    assert cli("audit", questions, "--judge-model", "x").code == 2


MODELS = """
from sightline.lm import Scripted

constant = Scripted(lambda request: "Answer: A", "constant")
unread = Scripted(lambda request: "I would have to see it.", "unread")
"""


@pytest.fixture
def choice_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "choice_models.py").write_text(MODELS)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("choice_models")
def test_questions_are_evaluated_from_their_folder(cli: Cli, questions: Path, tmp_path: Path) -> None:
    ran = cli("evaluate", questions, "--model", "choice_models:constant", "--out", tmp_path / "test")
    assert ran.code == 0, ran.err
    rows = [row for row in Dataset(questions).rows(["split", "answer"]) if not row["split"].startswith("unfixed")]
    test = [row["answer"] for row in rows if row["split"] == "test"]
    told = json.loads((tmp_path / "test" / "scores.json").read_text(encoding="utf-8"))
    (accuracy,) = [score for score in told["scores"] if score["name"] == "accuracy"]
    assert (told["benchmark"], accuracy["n"], accuracy["value"]) == ("mcq", len(test), test.count(0) / len(test))
    for name in ("constant", "unread"):
        asked = ("--benchmark", "mcq-all", "--model", f"choice_models:{name}")
        ran = cli("evaluate", questions, *asked, "--out", tmp_path / name)
        assert ran.code == 0, ran.err
        assert json.loads((tmp_path / name / "scores.json").read_text(encoding="utf-8"))["examples"] == len(rows)
    compared = cli("compare", tmp_path / "constant", tmp_path / "unread")
    assert (compared.code, "accuracy" in compared.out) == (0, True), compared.err


@pytest.mark.usefixtures("choice_models")
def test_videos_are_not_evaluated_but_say_how(cli: Cli, videos: Path, tmp_path: Path) -> None:
    ran = cli("evaluate", videos, "--model", "choice_models:unread", "--out", tmp_path / "e")
    assert ran.code == 2
    assert "sightline build questions" in ran.error


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_questions(cli: Cli, questions: Path, tmp_path: Path, layout: str) -> None:
    exported(cli, questions, "refine", layout, tmp_path / "e")
    if layout == "mcq":
        kept = [row for row in Dataset(questions).rows(["id", "split"]) if not row["split"].startswith("unfixed")]
        again = cli("refine", tmp_path / "e" / "train.jsonl", "--out", tmp_path / "again")
        assert again.code == 0, again.err
        found = {row["id"] for row in Dataset(tmp_path / "again").rows(["id"])}
        assert found == {row["id"] for row in kept if row["split"] == "train"}
    if layout == "messages":
        first = json.loads((tmp_path / "e" / "train.jsonl").read_text(encoding="utf-8").splitlines()[0])
        assert first["messages"][0]["content"].startswith("<image>\n")
        assert first["messages"][1]["content"][:8] in ("Answer: ", *(f"정답: {letter}" for letter in "ABCDE"))


def exported(cli: Cli, dataset: Path, recipe: str, layout: str, out: Path) -> None:
    """Written and sound, or refused by a line that names the layouts that work."""
    checked, ran = cli("check", dataset, "--for", layout), cli("export", dataset, "--to", layout, "--out", out)
    if layout in KINDS[recipe].layouts:
        assert (checked.code, ran.code) == (0, 0), (checked.out, checked.err, ran.err)
        assert cli("check", out, "--for", layout).code == 0
    else:
        assert (checked.code, ran.code) == (2, 2)
        assert ", ".join(KINDS[recipe].layouts) in ran.error
        assert not out.exists()
