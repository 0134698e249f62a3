"""The story end to end, and the commands as a person types them."""

from __future__ import annotations

import json
import re
import warnings
from functools import partial
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from sightline.cli import card as card_verb
from sightline.cli import convert, distill, doctor, generate, train_image
from sightline.core.errors import InputError, SightlineError
from sightline.core.score import Interval
from sightline.generate.backbone.mlp import MLPConfig
from sightline.generate.data import Pictures
from sightline.generate.denoiser import Condition
from sightline.generate.features import nearest, pca, train_classifier
from sightline.generate.model import ModelConfig
from sightline.generate.picture import contact_sheet
from sightline.generate.producing import Produced, Recipe
from sightline.runs.image_card import COPIES, Card, Gap, Plan, _as_frequent, _memory, make_card
from sightline.runs.image_consistency import embedded_pictures, placed, run, story, three_parts
from sightline.runs.image_yardstick import Yardstick, turns

pytest.importorskip("sklearn")


MODEL = ModelConfig(backbone=MLPConfig(shape=(1, 8, 8), classes=10))


def sightline(command: object, *arguments: object) -> Result:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])  # type: ignore[arg-type]
    if isinstance(result.exception, SightlineError):
        raise result.exception
    assert result.exit_code == 0, (result.output, result.exception)
    return result


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tiny")
    run(story("tiny"), out)
    return out


def test_tiny_story_writes_a_whole_card(finished: Path) -> None:
    card = Card.model_validate_json((finished / "card.json").read_text())
    assert [row.name for row in card.rows] == [
        "teacher, guided",
        "teacher, unguided",
        "student, 1 step",
        "student, 2 steps",
    ]
    assert [row.evaluations for row in card.rows] == [14, 7, 1, 2]
    assert card.compute("student, 2 steps", "teacher, guided") == pytest.approx(2 / 14)
    assert card.seeds == 5
    assert (card.training, card.choice.pictures, card.samples) == (799, 599, 399)
    assert card.choice.middle == min(card.choice.distances, key=lambda found: found[1])[0]
    assert any("seen by no training and no choice" in note for note in card.notes)
    assert card.memory[COPIES].copies.value == 1
    assert card.copying == ""
    copy = card.memory[COPIES]
    assert "student, 2 steps 7" in card.model_copy(update={"memory": dict.fromkeys(card.memory, copy)}).copying
    assert all(len(row.distances["classifier"]) == 5 for row in card.rows)
    page = (finished / "card.html").read_text()
    assert "teacher, unguided" in page
    assert "<script" not in page
    assert len(list(finished.glob("sheet-*.png"))) == 5


def test_the_sheet_of_real_pictures_shows_what_the_samples_were_asked_for(finished: Path) -> None:
    pictures = embedded_pictures("digits-8")
    _, _, confirm = three_parts(pictures, 1 / 3)
    asked: list[torch.Tensor] = []

    def watched(model: object, n: int, recipe: object, condition: Condition) -> Produced:
        asked.append(condition.label)  # type: ignore[arg-type]
        return Produced(torch.zeros(n, 1, 8, 8), 0.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sightline.runs.image_yardstick.produce", watched)
        yardstick = Yardstick.of(confirm, {"pca": pca(confirm)}, MODEL)
        yardstick.draw(MODEL.build(), Recipe(), 0)
    order = turns(len(confirm), 0)
    assert torch.equal(confirm.labels[order], asked[0])
    sheet = contact_sheet(confirm.pixels[order[:64]], columns=8, side=48)
    assert (finished / "sheet-real-held-out.png").read_bytes() == sheet


def test_training_choice_and_report_share_no_picture() -> None:
    rows = torch.arange(90)
    parts = three_parts(Pictures(rows.to(torch.uint8).reshape(90, 1, 1, 1), rows), 1 / 3)
    seen = torch.cat([part.labels for part in parts])
    assert seen.sort().values.tolist() == rows.tolist()
    assert [len(part) for part in parts] == [40, 30, 20]


def test_a_second_run_trains_nothing(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.runs.image_consistency.card", lambda *_: None)
    before = (finished / "student" / "state.safetensors").stat().st_mtime_ns
    phases = []
    run(story("tiny"), finished, lambda phase, progress: phases.append(phase))
    assert not phases
    assert (finished / "student" / "state.safetensors").stat().st_mtime_ns == before


def test_the_run_record_names_the_five_open_points(finished: Path) -> None:
    record = json.loads((finished / "student" / "run.json").read_text())
    options = record["config"]["consistency"]
    assert {"norm", "prior", "warmup_form", "weight_sign", "jvp"} <= options.keys()
    assert record["config"]["parent"]


def test_unknown_runs_are_named() -> None:
    with pytest.raises(InputError, match="digits-8"):
        story("other")


def test_verdicts() -> None:
    def verdict(low: float, high: float) -> str:
        return Gap(student="s", teacher="t", feature="f", value=0.0, interval=Interval(low, high)).verdict

    assert verdict(-0.1, 0.1) == "met"
    assert verdict(0.11, 0.2) == "not met"
    assert verdict(0.0, 0.2).startswith("undecided")


def test_a_card_wants_five_seeds() -> None:
    with pytest.raises(InputError, match="five"):
        make_card(None, None, None, None, {}, Plan(seeds=4))  # type: ignore[arg-type]


def test_features_tell_classes_and_copies() -> None:
    training, held_out = embedded_pictures("digits-8").split(1 / 3)
    trained = train_classifier(training, held_out, steps=100)
    assert trained.accuracy > 0.8
    assert trained.features(held_out.pixels).shape == (len(held_out), 64)
    assert pca(training)(held_out.pixels).shape == (len(held_out), 32)
    distance, where = nearest(training.pixels[:5], training.pixels)
    assert distance.max() < 1e-3
    assert where.tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(InputError, match="labelled"):
        train_classifier(Pictures(training.pixels, torch.full_like(training.labels, -1)), held_out)


def test_real_pictures_neither_copy_nor_lie_apart() -> None:
    """What the card measures models by, on real pictures that no part of it contains."""
    parts = three_parts(embedded_pictures("digits-8"), 1 / 3)
    chosen = _as_frequent(parts.choice, parts.confirm)
    assert torch.equal(chosen.labels.bincount(), parts.confirm.labels.bincount())
    memory = _memory(chosen.pixels, parts.training, parts.confirm)
    low, high = memory.nearer_training.interval
    assert low < 0.5 < high
    assert memory.copies.interval.low < 0.01 < memory.copies.interval.high
    copied = _memory(parts.training.pixels, parts.training, parts.confirm)
    assert copied.nearer_training.interval.low > 0.7
    assert copied.copies.value == 1
    yardstick = Yardstick.of(parts.confirm, {"pca": pca(parts.training)}, MODEL)
    floor = yardstick.distance("pca", _as_frequent(parts.training, parts.confirm).pixels)
    assert yardstick.distance("pca", chosen.pixels) == pytest.approx(floor, rel=0.2)


def test_photographs_are_patches_of_six() -> None:
    pytest.importorskip("skimage")
    pictures = embedded_pictures("photos-16")
    assert pictures.pixels.shape == (2400, 3, 16, 16)
    assert len(pictures.classes) == 6


@pytest.fixture(scope="module")
def own_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(24):
        name = "dark" if number % 2 else "light"
        (folder / name).mkdir(exist_ok=True)
        shade = 40 + number if number % 2 else 180 + number
        Image.new("RGB", (20, 16), (shade, shade, 90)).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def pair(own_pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    out = tmp_path_factory.mktemp("models")
    common = ("--size", 8, "--steps", 4, "--batch", 8, "--held-out", 0.3, "--path", "flow")
    sightline(train_image.command, "mlp", "--data", own_pictures, "--out", out / "t", *common)
    short = ("--paths", 16, "--teacher-steps", 3, "--regression-steps", 4, "--steps", 4, "--batch", 8)
    sightline(distill.command, out / "t", "--out", out / "s", "--guidance", "1,2", *short)
    return out / "t", out / "s"


def test_train_distill_generate_card_convert_doctor(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher, student = pair
    quick = partial(train_classifier, steps=20)
    monkeypatch.setattr("sightline.runs.image_consistency.train_classifier", lambda *parts, steps: quick(*parts))
    said = sightline(generate.command, student, "--out", tmp_path / "g", "--n", 6, "--class", "dark", "--guidance", 1.5)
    assert "6 pictures, 2 network evaluations" in said.output
    assert len(list((tmp_path / "g").glob("0*.png"))) == 6
    first = (tmp_path / "g" / "00003.png").read_bytes()
    sightline(generate.command, student, "--out", tmp_path / "h", "--n", 4, "--class", "dark", "--guidance", 1.5)
    assert (tmp_path / "h" / "00003.png").read_bytes() == first
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arguments = (student, teacher, "--out", tmp_path / "card", "--features", vision_model(tmp_path / "vit"))
        said = sightline(card_verb.command, *arguments).output
    assert "target <= 10 %" in said
    assert "FD vit (transformers)" in said
    assert "other held-out pictures" in said
    assert "written" in sightline(convert.command, teacher, "--to", "edm", "--out", tmp_path / "edm").output
    said = sightline(doctor.command, teacher).output
    assert "forward mode works" in said
    assert float(re.search(r"in float64: (\S+)", said).group(1)) <= 1e-5  # type: ignore[union-attr]


def vision_model(folder: Path) -> Path:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = transformers.ViTConfig(image_size=8, patch_size=4, **small)
    transformers.ViTModel(config).save_pretrained(folder)
    return folder


def test_precision_and_compilation_are_flags(own_pictures: Path, pair: tuple[Path, Path], tmp_path: Path) -> None:
    teacher, _ = pair
    short = ("--paths", 4, "--teacher-steps", 2, "--regression-steps", 1, "--steps", 1, "--batch", 4, "--bf16")
    sightline(distill.command, teacher, "--out", tmp_path / "s", *short)
    for phase in ("s", "s/regression"):
        assert json.loads((tmp_path / phase / "run.json").read_text())["config"]["train"]["precision"] == "bf16"
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_image, "train_teacher", lambda *_, settings, **__: asked.append(settings))
        sightline(train_image.command, "mlp", "--data", own_pictures, "--out", tmp_path / "t", "--compile", "--bf16")
    assert (asked[0].compile, asked[0].precision) == (True, "bf16")


def test_mistakes_are_named(pair: tuple[Path, Path], own_pictures: Path, tmp_path: Path) -> None:
    teacher, student = pair
    with pytest.raises(InputError, match=r"no such class.*dark, light"):
        sightline(generate.command, student, "--out", tmp_path, "--class", "green")
    with pytest.raises(InputError, match="takes no prompt"):
        sightline(generate.command, student, "--out", tmp_path, "--prompt", "a dog")
    with pytest.raises(InputError, match="cannot jump"):
        sightline(generate.command, teacher, "--out", tmp_path, "--sampler", "consistency")
    with pytest.raises(InputError, match="divisible"):
        sightline(train_image.command, "unet", "--data", own_pictures, "--out", tmp_path / "x", "--size", 10)
    with pytest.raises(InputError, match="vision model that transformers can read locally"):
        sightline(card_verb.command, student, teacher, "--out", tmp_path, "--features", tmp_path)
    with pytest.raises(InputError, match=r"device.*nowhere"):
        sightline(generate.command, student, "--out", tmp_path, "--device", "nowhere")
    with pytest.raises(InputError, match="must be a student"):
        sightline(card_verb.command, teacher, teacher, "--out", tmp_path)


@pytest.mark.parametrize("flag", ["--n", "--steps", "--middle"])
def test_a_number_out_of_range_is_a_usage_error(pair: tuple[Path, Path], tmp_path: Path, flag: str) -> None:
    result = CliRunner().invoke(generate.command, [str(pair[1]), "--out", str(tmp_path), flag, "0"])
    assert result.exit_code == 2
    assert flag in result.output


def test_a_size_of_nothing_is_a_usage_error(pair: tuple[Path, Path], tmp_path: Path) -> None:
    result = CliRunner().invoke(distill.command, [str(pair[0]), "--out", str(tmp_path), "--data", "x", "--size", "0"])
    assert (result.exit_code, "--size" in result.output) == (2, True)


def test_a_folder_keeps_the_pictures_of_its_model(pair: tuple[Path, Path], own_pictures: Path, tmp_path: Path) -> None:
    teacher, student = pair
    before = (teacher / "data.json").read_text(), (student / "data.json").read_text()
    with pytest.raises(InputError, match="other pictures"):
        sightline(train_image.command, "mlp", "--data", own_pictures, "--out", teacher, "--size", 12)
    with pytest.raises(InputError, match="other pictures"):
        sightline(distill.command, teacher, "--out", student, "--data", own_pictures, "--size", 12)
    assert ((teacher / "data.json").read_text(), (student / "data.json").read_text()) == before


def test_a_configuration_file_that_returns_something_else(own_pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("def run(pictures):\n    return 3\n")
    with pytest.raises(InputError, match=r"must return \(ModelConfig, TrainConfig\).*int"):
        sightline(train_image.command, tmp_path / "config.py", "--data", own_pictures, "--out", tmp_path / "x")


def test_a_mistake_in_a_configuration_file_is_named_with_its_line(own_pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("def run(pictures):\n    return 1 / len(pictures.clases)\n")
    with pytest.raises(InputError, match=r"AttributeError.*config\.py:2"):
        sightline(train_image.command, tmp_path / "config.py", "--data", own_pictures, "--out", tmp_path / "x")
    with pytest.raises(InputError, match="no such configuration file"):
        sightline(train_image.command, tmp_path / "none.py", "--data", own_pictures, "--out", tmp_path / "x")


def test_a_configuration_file_is_a_function(own_pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text(
        "from sightline.generate.backbone.dit import DiTConfig\n"
        "from sightline.generate.model import ModelConfig\n"
        "from sightline.generate.training import TrainConfig\n"
        "def run(pictures):\n"
        "    shape = tuple(pictures.pixels.shape[1:])\n"
        "    backbone = DiTConfig(shape=shape, classes=2, width=16, heads=2, blocks=1)\n"
        "    model = ModelConfig(backbone=backbone, pixels=pictures.spread, classes=pictures.classes)\n"
        "    return model, TrainConfig(steps=2, batch=4)\n"
    )
    out = tmp_path / "model"
    sightline(train_image.command, tmp_path / "config.py", "--data", own_pictures, "--out", out, "--size", 8)
    assert (out / "model.safetensors").is_file()


def test_a_grey_teacher_of_diffusers_takes_colour_pictures_as_grey(own_pictures: Path, tmp_path: Path) -> None:
    diffusers = pytest.importorskip("diffusers")
    teacher = tmp_path / "pipeline"
    blocks = {"down_block_types": ("DownBlock2D",), "up_block_types": ("UpBlock2D",), "block_out_channels": (8,)}
    small = {"sample_size": 8, "in_channels": 1, "out_channels": 1, "layers_per_block": 1, "norm_num_groups": 4}
    diffusers.UNet2DModel(**small, **blocks).save_pretrained(teacher / "unet")
    diffusers.DDPMScheduler().save_pretrained(teacher / "scheduler")
    (teacher / "model_index.json").write_text('{"_class_name": "DDPMPipeline"}')
    short = ("--paths", 4, "--teacher-steps", 2, "--regression-steps", 1, "--steps", 1, "--batch", 4)
    sightline(distill.command, teacher, "--out", tmp_path / "s", "--data", own_pictures, "--size", 8, *short)
    assert json.loads((tmp_path / "s" / "data.json").read_text())["channels"] == 1
    with pytest.raises(InputError, match="teacher's size"):
        sightline(distill.command, teacher, "--out", tmp_path / "x", "--data", own_pictures, "--size", 16, *short)


def test_an_embedded_run_takes_a_device_and_a_length_and_refuses_other_settings(tmp_path: Path) -> None:
    base, longer = story("digits-8"), placed(story("digits-8"), "cuda", 5)
    assert longer.teacher.steps == 5 * base.teacher.steps
    assert longer.distillation.paths == 5 * base.distillation.paths
    assert longer.distillation.polish.cool == 5 * base.distillation.polish.cool
    trainings = (longer.teacher, longer.distillation.regression, longer.distillation.polish)
    assert {one.device for one in trainings} == {"cuda"}
    refused = CliRunner().invoke(train_image.command, ["tiny", "--steps", "5", "--out", str(tmp_path)])
    assert refused.exit_code == 2
    assert "no --steps" in refused.output
