"""A user's own datasets: rows read or refused by id, tasks, rows held out, checks, the chosen checkpoint, the page."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO

import av
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from sightline.cli.chat import command as chat_command
from sightline.cli.compare_fusions import command as fusions_command
from sightline.cli.train_vlm import command as train_command
from sightline.core.errors import InputError, PlanError, Reject
from sightline.core.media import Box, MediaRef
from sightline.core.message import Message, Picture, Reply
from sightline.evaluate.boxes import Convention, parse_boxes
from sightline.evaluate.statistics import score
from sightline.evaluate.totals import Totals
from sightline.runs import vlm_exam
from sightline.runs.vlm_config import changed
from sightline.runs.vlm_data import Item, held_out, items
from sightline.runs.vlm_exam import Check, asked, examined
from sightline.runs.vlm_fusions import _Ran, _summed, variant
from sightline.runs.vlm_run import VLMRun
from sightline.runs.vlm_stages import tiny_config
from sightline.runs.vlm_tasks import as_task
from sightline.runs.vlm_tuning import gathered, placed
from sightline.train.stages import Stage
from sightline.vlm.chat import VLMChat

torch.set_num_threads(1)
RATES = {"connector": 1e-3, "llm": 1e-3}
STAGE = Stage(name="sft", trainable=("connector", "llm"), lr=RATES, steps=4, save_every=2)
CONFIG = """
from sightline.runs.vlm_run import VLMRun
from sightline.runs.vlm_stages import tiny_config
from sightline.train.stages import Stage
from sightline.vlm.chat import VLMChat

def config():
    rates = {"connector": 1e-3, "llm": 1e-3}
    return tiny_config((Stage(name="sft", trainable=("connector", "llm"), lr=rates, steps=4, save_every=2),))
"""


def _png(colour="red", size=(60, 50)):
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def _set(place, rows):
    """JSON lines with a picture beside them."""
    (place / "a.png").write_bytes(_png())
    (place / "thin.png").write_bytes(_png(size=(1, 10_000)))
    (place / "junk.png").write_bytes(b"no picture")
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (place / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return place / "rows.jsonl"


def _row(id_, user="<image>colour?", assistant="red", images=("a.png",), **more):
    turns = [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    return {"id": id_, "images": list(images), "messages": turns, **more}


BAD = {
    "thin": (_row("thin", images=["thin.png"]), "aspect-ratio"),
    "junk": (_row("junk", images=["junk.png"]), "unreadable-picture"),
    "lost": (_row("lost", images=["lost.png"]), "no-such-picture"),
    "outside": (_row("outside", images=["../../etc/passwd"]), "no-such-picture"),
    "more": (_row("more", images=["a.png", "a.png"]), "pictures-and-placeholders"),
    "fewer": (_row("fewer", user="<image><image>?"), "pictures-and-placeholders"),
    "empty": ({"id": "empty", "images": [], "messages": []}, "empty-conversation"),
    "no answer": ({"id": "no answer", "messages": [{"role": "user", "content": "a?"}]}, "nothing-to-train"),
    "role": ({"id": "role", "messages": [{"role": "robot", "content": "a?"}]}, "malformed-row"),
    "form": ({"id": "form", "messages": "a"}, "malformed-row"),
    "long": (_row("long", user="<image>" + "why " * 400), "row-too-long"),
}


def test_every_kind_of_bad_row_is_refused_by_id_and_reason(tmp_path):
    data = _set(tmp_path, [bad for bad, _ in BAD.values()] + [_row(f"r{i}", group=f"g{i % 4}") for i in range(8)])
    (tmp_path / "mine.py").write_text(CONFIG)
    asked_for = [str(tmp_path / "mine.py"), "--data", str(data), "--out", str(tmp_path / "out"), "--set", "longest=200"]
    result = CliRunner().invoke(train_command, asked_for)
    assert result.exit_code == 0, (result.output, result.exception)
    lines = (tmp_path / "out" / "refused.jsonl").read_text().splitlines()
    assert {one["id"]: one["reason"] for one in map(json.loads, lines)} == {k: why for k, (_, why) in BAD.items()}
    assert "11 rows refused" in result.stderr
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert all(why in page for _, why in BAD.values())
    only_bad = _set(tmp_path, [BAD["junk"][0]])
    none = CliRunner().invoke(train_command, [asked_for[0], "--data", str(only_bad), "--out", str(tmp_path / "no")])
    assert isinstance(none.exception, InputError)
    assert "1 unreadable-picture" in str(none.exception)


def test_a_line_that_is_no_json_is_named_by_its_number(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"id": "a"}\n{"id": ', encoding="utf-8")
    with pytest.raises(InputError, match="line 2"):
        list(items(tmp_path / "rows.jsonl", {}))


def _item(n, group, **more):
    shown = Picture(ref=MediaRef(sha256=str(n), media_type="image/png"), data=_png(size=(200, 100)))
    messages = (Message.of("user", shown, "total?"), Message.of("assistant", "12 EUR"))
    return Item(id=f"i{n}", split="train", messages=messages, group=group, **more)


def test_whole_documents_are_held_out():
    rows = [_item(n, f"g{n % 10}") for n in range(100)]
    kept, held = held_out(rows, 0.2, 0)
    assert len(held) == 20
    assert not {row.group for row in kept} & {row.group for row in held}
    assert held_out(rows, 0.2, 0)[1] == held
    assert held_out(rows, 0.2, 1)[1] != held
    assert held_out(rows, 0.0, 0)[1] == []
    assert len(held_out(rows[:2], 0.01, 0)[1]) == 1, "at least one document"
    assert held_out(rows[:1], 0.5, 0) == (rows[:1], []), "never all"


def test_boxes_of_the_evidence_become_questions_and_answers():
    item = _item(0, "g", quote="12 EUR", boxes=(Box(20, 10, 60, 30),))
    boxes = "<box>100, 100, 300, 300</box>"
    said = {task: as_task(item, task) for task in ("locate", "read", "show")}
    assert said["locate"].messages[1].text == boxes
    assert "12 EUR" in said["locate"].messages[0].text
    assert boxes in said["read"].messages[0].text
    assert said["read"].messages[1].text == "12 EUR"
    assert said["show"].messages[1].text == f"12 EUR {boxes}"
    assert as_task(item, "answer") is item
    korean = as_task(_item(0, "g", quote="열두 유로", boxes=item.boxes, language="ko"), "locate")
    assert "어디" in korean.messages[0].text
    assert "열두 유로" in korean.messages[0].text
    with pytest.raises(Reject, match="no-evidence"):
        as_task(_item(0, "g"), "locate")
    found = parse_boxes(said["locate"].messages[1].text, Convention(unit="thousand"), 200, 100)
    assert found.boxes == item.boxes


def test_figures_are_scored_by_the_metric_of_their_task(monkeypatch):
    item = _item(0, "g", quote="12 EUR", boxes=(Box(20, 10, 60, 30),))
    rows = {task: [as_task(item, task)] for task in ("answer", "locate", "read", "show")}
    questions = asked((Check(),), {task: task for task in rows}, rows)
    assert [one.metric for one in questions] == ["anls", "acc@0.5", "anls", "text+box"]

    class Parrot:
        def __init__(self, *_):
            pass

        def replies(self, requests):
            for request in requests:
                yield next(type("R", (), {"text": own[0].messages[-1].text}) for own in rows.values()
                           if own[0].messages[:-1] == request.messages)  # fmt: skip

    monkeypatch.setattr(vlm_exam, "VLMChat", Parrot)
    _, reader = tiny_config((STAGE,)).build()
    scores, answers = examined(None, reader, questions)
    assert {name: score.value for name, score in scores.items()} == dict.fromkeys(rows, 1.0)
    assert len(answers) == 4
    with pytest.raises(InputError, match="needs boxes"):
        asked((Check(metric="iou"),), {"answer": "answer"}, rows)
    with pytest.raises(InputError, match="no such metric"):
        asked((Check(metric="anlz"),), {"answer": "answer"}, rows)
    with pytest.raises(InputError, match="no stage draws"):
        asked((Check(data="other"),), {"answer": "answer"}, rows)
    assert len(asked((Check(),), {"a": "answer", "b": "answer"}, {"a": rows["answer"], "b": rows["answer"]})) == 1


def test_questions_are_drawn_from_all_documents_and_only_where_one_is_answered():
    rows = [_item(n, f"g{n // 100}") for n in range(300)]
    (own,) = asked((Check(rows=6),), {"a": "answer"}, {"a": rows})
    assert [item.id for item in own.items] == ["i0", "i50", "i100", "i150", "i200", "i250"]
    left_open = replace(rows[0], messages=(*rows[0].messages, Message.of("user", "sure?")))
    bare = replace(rows[1], messages=rows[1].messages[1:])
    (own,) = asked((Check(),), {"a": "answer"}, {"a": [left_open, bare, rows[2]]})
    assert [item.id for item in own.items] == ["i2"]


def test_a_row_without_group_or_split_is_one_of_its_own(tmp_path):
    data = _set(tmp_path, [_row(f"r{i}", group=None, split=None) for i in range(2)] + [_row("n", group=0)])
    groups = [(item.group, item.split) for item in items(data, {})]
    assert groups == [("r0", "train"), ("r1", "train"), ("0", "train")]


def test_of_several_processes_the_first_writes_what_was_refused(tmp_path, monkeypatch):
    data = _set(tmp_path, [_row("r0"), _row("r1"), BAD["junk"][0]])
    for rank, written in (("1", False), ("0", True)):
        monkeypatch.setenv("RANK", rank)
        gathered(tiny_config((STAGE,)), {"data": (data,)}, tmp_path / "out")
        assert (tmp_path / "out" / "refused.jsonl").exists() == written


def test_datasets_go_to_the_names_that_stages_draw_from(tmp_path):
    stages = [STAGE.model_copy(update={"data": "a+b"}), STAGE.model_copy(update={"name": "two", "data": "c"})]
    config = tiny_config(tuple(stages))
    assert {name: [str(p) for p in paths] for name, paths in placed(config, ("x", "c=y", "c=z")).items()} == {
        "a": ["x"], "b": ["x"], "c": ["y", "z"]}  # fmt: skip
    with pytest.raises(InputError, match="--data b=DATASET"):
        placed(config, ("a=x", "c=y"))
    with pytest.raises(InputError, match="no stage draws"):
        placed(config, ("d=x",))
    with pytest.raises(InputError, match="no stage draws"):
        placed(changed(config, ['tasks={"e": "read"}']), ("x",))


def test_the_best_checkpoint_is_told_by_weighted_figures_and_shown_per_task(tmp_path, monkeypatch):
    """Scores are set from outside: the first save is the best by weight, the last one is not."""
    given = iter([(0.9, 0.1), (0.2, 0.6), (0.5, 0.5)])
    honest = vlm_exam.examined

    def rigged(model, reader, questions):
        scores, answers = honest(model, reader, questions)
        values = next(given)
        return {n: s.model_copy(update={"value": v}) for (n, s), v in zip(scores.items(), values, strict=True)}, answers

    monkeypatch.setattr("sightline.runs.vlm_tuning.examined", rigged)
    data = _set(tmp_path, [_row(f"r{i}", group=f"g{i % 4}") for i in range(8)])
    (tmp_path / "mine.py").write_text(CONFIG)
    checks = json.dumps([{"weight": 3}, {"metric": "exact", "weight": 1}])
    asked_for = [str(tmp_path / "mine.py"), "--data", str(data), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(train_command, [*asked_for, "--set", f"checks={checks}"])
    assert result.exit_code == 0, (result.output, result.exception)
    assert "chosen: stage sft, step 2 (score 0.700" in result.output
    assert "on the rows held out, which chose the checkpoint" in " ".join(result.output.split())
    assert "by data, data exact on 2 held-out rows" in result.stderr
    table = json.loads((tmp_path / "out" / "tuned.json").read_text())
    assert [row["figures"]["data"] for row in table["curve"]] == [0.9, 0.2]
    assert "By task" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_fusions_are_compared_on_a_users_data(tmp_path):
    data = _set(tmp_path, [_row(f"r{i}", group=f"g{i}", split="test" if i < 3 else "train") for i in range(9)])
    (tmp_path / "mine.py").write_text(CONFIG)
    tiles = 'resolution={"kind": "tiles", "tile": 32, "longest": 64, "patch": 8, "merge": 2}'
    asked_for = [str(tmp_path / "mine.py"), "--data", str(data), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(fusions_command, [*asked_for, "--set", tiles])
    assert result.exit_code == 0, (result.output, result.exception)
    made = json.loads((tmp_path / "out" / "fusions.json").read_text())
    assert [row["fusion"] for row in made["fusions"]] == ["embed", "cross", "hybrid"]
    lengths = [row["sequence"] for row in made["fusions"]]
    assert lengths[1] < lengths[2] < lengths[0]
    assert made["rows"] == 6 - len(held_out([_item(n, f"g{n + 3}") for n in range(6)], 0.1, 0)[1])
    for row in made["fusions"]:
        value, low, high, n = row["scores"]["data"]
        assert n == 3
        assert low <= value <= high
    for kind in ("embed", "cross", "hybrid"):
        assert (tmp_path / "out" / kind / "model" / "config.json").is_file()
    assert "One seed ranks nothing" in result.output
    assert "Fusions compared" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    again = [*asked_for, "--set", tiles, "--set", "stages.0.steps=4", "--fusions", "embed,cross", "--seeds", "2"]
    result = CliRunner().invoke(fusions_command, again)
    assert result.exit_code == 0, (result.output, result.exception)
    assert "other seeds and other test rows" in result.output
    made = json.loads((tmp_path / "out" / "fusions.json").read_text())
    assert (tmp_path / "out" / "cross-1" / "model" / "config.json").is_file()
    for row in made["fusions"]:
        seeds = [one["data"] for one in row["by_seed"]]
        assert len(seeds) == made["seeds"] == 2
        value, low, high, n = row["scores"]["data"]
        assert value == pytest.approx(sum(seeds) / 2)
        assert low <= value <= high
        assert n == 3
    assert list(made["fusions"][1]["minus_first"]) == ["data"]
    square = CliRunner().invoke(fusions_command, asked_for)
    assert isinstance(square.exception, PlanError), "hybrid has no tiles to send across"
    wrong = CliRunner().invoke(fusions_command, [*asked_for, "--fusions", "embed,late"])
    assert isinstance(wrong.exception, InputError)


def test_cross_attention_trains_where_the_connector_does():
    config = tiny_config((STAGE, STAGE.model_copy(update={"name": "llm", "trainable": ("llm",), "lr": {"llm": 1e-3}})))
    made = variant(config, "cross")
    assert [stage.lr.get("cross") for stage in made.stages] == [1e-3, None]
    assert variant(made, "embed").stages == config.stages
    alone = STAGE.model_copy(update={"trainable": ("cross",), "lr": {"cross": 1e-3}})
    with pytest.raises(PlanError, match="cross-attention alone"):
        variant(tiny_config((alone,)), "embed")
    with pytest.raises(PlanError, match="whole model"):
        variant(VLMRun(model="x", stages=(STAGE,)), "cross")


def _film(path, seconds=3, rate=10):
    """Black in the first second, white afterwards."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width = stream.height = 64
        for n in range(seconds * rate):
            pixels = np.full((64, 64, 3), 0 if n < rate else 255, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


def test_a_video_of_a_row_is_seen_as_evenly_sampled_frames(tmp_path):
    _film(tmp_path / "a.mp4")
    (tmp_path / "bad.mp4").write_bytes(b"no film")
    films = {"ok": ["a.mp4"], "bad": ["bad.mp4"], "lost": ["lost.mp4"], "two": ["a.mp4", "a.mp4"]}
    _set(tmp_path, [_row(id_, user="<video>what?", images=(), videos=videos) for id_, videos in films.items()])
    refused = {}
    (row,) = items(tmp_path / "rows.jsonl", refused)
    assert refused == {"bad": "unreadable-video", "lost": "no-such-video", "two": "pictures-and-placeholders"}
    means = [np.asarray(Image.open(BytesIO(one.data)).convert("L")).mean() for one in row.messages[0].pictures]
    assert [mean > 128 for mean in means] == [False, True, True], "one a second, each in the middle of its share"
    (short,) = items(tmp_path / "rows.jsonl", {}, 2)
    assert len(short.messages[0].pictures) == 2


def test_chat_sees_a_video(tmp_path, monkeypatch):
    _film(tmp_path / "a.mp4")
    seen = []

    class Scripted:
        def replies(self, requests):
            seen.extend(requests)
            yield Reply(text="white", model="scripted")

    monkeypatch.setattr(VLMChat, "open", lambda folder, **_: Scripted())
    asked_for = [str(tmp_path), "--video", str(tmp_path / "a.mp4"), "--frames", "2", "--ask", "colour?"]
    assert CliRunner().invoke(chat_command, asked_for).output == "white\n"
    assert len(seen[0].messages[0].pictures) == 2
    (tmp_path / "a.mp4").write_bytes(b"no film")
    assert isinstance(CliRunner().invoke(chat_command, asked_for).exception, InputError)


def test_differences_over_seeds_end_at_the_scale_and_equal_answers_are_no_certainty():
    def ran(*seeds):
        return [
            _Ran("test", 1, 1.0, 1.0, {"a": totals_score(list(own))}, {"a": [str(i) for i in range(len(own))]}, [])
            for own in seeds
        ]

    def totals_score(own):
        return score("a", Totals.of_mean(own), "a", [str(i) for i in range(len(own))])

    right = ran([1.0] * 20, [1.0] * 20)
    _, low, high = _summed(ran([1.0] * 20, [1.0] * 20), right)["minus_first"]["a"]
    assert low == pytest.approx(-high)
    assert high > 0.05
    value, low, high = _summed(ran([0.0] * 20, [1.0] * 20), right)["minus_first"]["a"]
    assert (value, low, high) == (-0.5, -1.0, 1.0)
