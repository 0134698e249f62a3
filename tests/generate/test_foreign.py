"""Tiny diffusers folders made on the spot: opened, converted, examined, distilled, and refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sightline.core.errors import InputError
from sightline.generate.checkpoint import load_model, save_model
from sightline.generate.consistency import Consistency, ConsistencyConfig
from sightline.generate.convert import TARGETS, example, prove
from sightline.generate.denoiser import Condition
from sightline.generate.distilling import DistillConfig, distill, student_of
from sightline.generate.doctor import examine, forward_differentiable
from sightline.generate.latents import decode, encode
from sightline.generate.losses import Batch, Draw
from sightline.generate.model import ImageModel, Pixels
from sightline.generate.opening import identity, open_model
from sightline.generate.producing import Recipe, produce
from sightline.generate.samplers import ddim
from sightline.generate.training import TrainConfig

diffusers = pytest.importorskip("diffusers")

UNET = {
    "sample_size": 8,
    "block_out_channels": (16, 32),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "attention_head_dim": 8,
    "in_channels": 1,
    "out_channels": 1,
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
}


def network(kind: str) -> Any:
    torch.manual_seed(0)
    match kind:
        case "unet":
            return diffusers.UNet2DModel(**UNET)
        case "unet-class":
            return diffusers.UNet2DModel(**UNET, num_class_embeds=4)
        case "condition":
            return diffusers.UNet2DConditionModel(
                sample_size=8,
                block_out_channels=(16, 32),
                layers_per_block=1,
                norm_num_groups=4,
                cross_attention_dim=16,
                attention_head_dim=4,
                in_channels=4,
                down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
                up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            )
        case "dit":
            return diffusers.DiTTransformer2DModel(
                num_attention_heads=2,
                attention_head_dim=8,
                in_channels=4,
                out_channels=8,
                num_layers=1,
                sample_size=8,
                patch_size=2,
                num_embeds_ada_norm=5,
                norm_num_groups=4,
            )
        case "sd3":
            return diffusers.SD3Transformer2DModel(
                sample_size=8,
                in_channels=4,
                num_layers=1,
                attention_head_dim=8,
                num_attention_heads=2,
                joint_attention_dim=16,
                caption_projection_dim=16,
                pooled_projection_dim=8,
                out_channels=4,
                pos_embed_max_size=8,
            )
        case "sana":
            return diffusers.SanaTransformer2DModel(
                in_channels=4,
                out_channels=4,
                num_attention_heads=2,
                attention_head_dim=8,
                num_layers=1,
                num_cross_attention_heads=2,
                cross_attention_head_dim=8,
                cross_attention_dim=16,
                caption_channels=16,
                sample_size=8,
                patch_size=1,
            )
    raise AssertionError(kind)


def folder(at: Path, kind: str, scheduler: Any) -> Path:
    model = network(kind)
    model.save_pretrained(
        at / ("unet" if kind.startswith(("unet", "cond")) else "transformer"), safe_serialization=True
    )
    scheduler.save_pretrained(at / "scheduler")
    (at / "model_index.json").write_text(json.dumps({"_class_name": "Pipeline"}))
    return at


KINDS = ["unet", "unet-class", "condition", "dit", "sd3", "sana"]
SCHEDULERS = {
    "eps": lambda: diffusers.DDPMScheduler(),
    "x0": lambda: diffusers.DDPMScheduler(prediction_type="sample"),
    "v": lambda: diffusers.DDIMScheduler(prediction_type="v_prediction", beta_schedule="scaled_linear"),
    "u": lambda: diffusers.FlowMatchEulerDiscreteScheduler(),
    "F": lambda: diffusers.EDMEulerScheduler(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_opens_and_is_the_network_itself(tmp_path: Path, kind: str) -> None:
    flow = kind in ("sd3", "sana")
    model = open_model(folder(tmp_path, kind, SCHEDULERS["u" if flow else "eps"]()))
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(2, *model.config.backbone.shape, generator=generator)
    asked, time = example(model, 2, generator), torch.tensor([100.0, 700.0])
    ours = model(z, time, asked, raw=True)
    keywords: dict[str, Any] = {"class_labels": asked.label} if asked.label is not None else {}
    if asked.tokens is not None:
        keywords["encoder_hidden_states"] = asked.tokens
    if asked.pooled is not None:
        keywords["pooled_projections"] = asked.pooled
    with torch.no_grad():
        theirs = network(kind).eval()(z, timestep=time, **keywords).sample
    assert torch.allclose(ours, theirs[:, : z.shape[1]], atol=1e-6)


@pytest.mark.parametrize("output", ["eps", "x0", "v", "u", "F"])
def test_converted_model_is_the_original_to_1e_5(tmp_path: Path, output: str) -> None:
    model = open_model(folder(tmp_path, "unet", SCHEDULERS[output]()))
    for target in TARGETS:
        proof = prove(model, target, samples=2)
        assert proof.holds, proof
        assert max(proof.single) < 1e-3


def test_ddim_on_the_opened_model_is_the_pipelines_own(tmp_path: Path) -> None:
    scheduler = diffusers.DDIMScheduler(clip_sample=False, set_alpha_to_one=False)
    model = open_model(folder(tmp_path, "unet", scheduler))
    pipeline = diffusers.DDIMPipeline(network("unet").eval(), scheduler)
    z = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    scheduler.set_timesteps(10)
    theirs = z
    with torch.no_grad():
        for t in scheduler.timesteps:
            theirs = scheduler.step(pipeline.unet(theirs, t).sample, t, theirs).prev_sample
        path = model.config.frame.path
        times = scheduler.timesteps.double()
        x = (z / path.radius(times[0])).float()
        ours = ddim(model, x, path.angle(times)) * float(path.radius(times[-1]))
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()


def test_the_doctor_names_the_layer_mends_it_and_proves_it(tmp_path: Path) -> None:
    model = open_model(folder(tmp_path, "unet", SCHEDULERS["eps"]()))
    x, t = torch.randn(2, 1, 8, 8), torch.tensor([0.5, 1.2])
    found = examine(model, x, t, Condition())
    assert not found.works
    assert {fault.kind for fault in found.faults} == {"Attention", "GroupNorm"}
    assert {fault.module for fault in found.faults} >= {"network.body.mid_block.attentions.0"}
    assert all(fault.substitute != "jvp='difference'" for fault in found.faults)
    assert found.works_mended
    assert found.same_output is not None
    assert found.same_output < 1e-5
    assert found.against_difference is not None
    assert found.against_difference < 2e-3  # in float64, but for the network's own embedding of 1000 t in float32
    assert next(model.parameters()).dtype == torch.float32


@pytest.mark.parametrize("kind", ["condition", "dit", "sd3", "sana"])
def test_the_doctor_mends_the_other_kinds(tmp_path: Path, kind: str) -> None:
    model = open_model(folder(tmp_path, kind, SCHEDULERS["u" if kind in ("sd3", "sana") else "eps"]())).double()
    generator = torch.Generator().manual_seed(0)
    asked = example(model, 2, generator)
    asked = Condition(asked.label, tokens=_double(asked.tokens), pooled=_double(asked.pooled))
    x = torch.randn(2, *model.config.backbone.shape, generator=generator).double()
    found = examine(model, x, torch.tensor([0.5, 1.2]).double(), asked)
    assert found.works_mended, found
    assert found.against_difference is not None
    assert found.against_difference < 2e-3  # these networks embed 1000 t in float32, whatever their own precision


def _double(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.double()


def test_the_doctor_on_plain_torch_layers() -> None:
    class Net(nn.Module):
        def __init__(self, layer: nn.Module) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
            return self.layer(x) * t.view(-1, *(1,) * (x.ndim - 1))

    t = torch.tensor([0.5, 1.0]).double()
    norm = examine(Net(nn.BatchNorm2d(3)).double().train(), torch.randn(2, 3, 4, 4).double(), t, Condition())
    assert (norm.works, norm.faults[0].kind, norm.works_mended) == (False, "BatchNorm2d", True)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    encoder = examine(Net(layer).double().eval(), torch.randn(2, 5, 8).double(), t, Condition())
    assert (encoder.works, encoder.works_mended) == (False, True)
    assert encoder.against_difference is not None
    assert encoder.against_difference < 1e-6
    plain = examine(Net(nn.Conv2d(3, 3, 3, padding=1)).double(), torch.randn(2, 3, 4, 4).double(), t, Condition())
    assert plain.works
    assert not plain.faults


def test_everything_is_put_back_after_mending(tmp_path: Path) -> None:
    model = open_model(folder(tmp_path, "unet", SCHEDULERS["eps"]()))
    before = [type(m.processor) for m in model.modules() if hasattr(m, "processor")]
    with forward_differentiable(model):
        assert [type(m.processor) for m in model.modules() if hasattr(m, "processor")] != before
    assert [type(m.processor) for m in model.modules() if hasattr(m, "processor")] == before


def test_a_foreign_student_trains_saves_and_samples(tmp_path: Path) -> None:
    teacher = open_model(folder(tmp_path / "t", "unet-class", SCHEDULERS["u"]()))
    student = student_of(teacher, (1.5, 1.5))
    batch = Batch(torch.randn(2, 1, 8, 8), Condition(label=torch.tensor([0, 2])), torch.arange(2))
    objective = Consistency(ConsistencyConfig(warmup=0, guidance=(1.5, 1.5)), teacher)
    objective(student, batch, Draw(0, 0), 0).loss.mean().backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None or p.grad.isfinite().all() for p in student.parameters())
    save_model(tmp_path / "s", student.config, student.state_dict())
    again = load_model(tmp_path / "s")
    recipe = Recipe(steps=2, seed=1)
    asked = Condition(label=torch.tensor([0, 1, 2]))
    made = produce(again, 3, recipe, asked)
    assert made.evaluations == 2
    assert torch.allclose(made.units, produce(student.eval(), 3, recipe, asked).units)
    assert identity(again) == identity(student)
    with pytest.raises(InputError, match="no guidance as an input"):
        student_of(teacher, (1.0, 2.0))


def test_a_table_that_ends_short_of_pure_noise_samples_and_distils(tmp_path: Path) -> None:
    """Stable Diffusion's table ends at sigma 14.6, far below where the usual grids begin."""
    teacher = open_model(folder(tmp_path / "t", "unet", SCHEDULERS["v"]()))
    drawn = produce(teacher, 2, Recipe(steps=3, sampler="ddim"))
    assert drawn.units.isfinite().all()
    assert drawn.evaluations == 3
    student = student_of(teacher, (1.0, 1.0))
    rows = torch.randn(8, 1, 8, 8)

    def batches(step: int, size: int, /) -> Batch:
        return Batch(rows[:size], Condition(), torch.arange(size))

    short = TrainConfig(steps=3, batch=8)
    config = DistillConfig(paths=8, teacher_steps=4, guidance=(1.0, 1.0), regression=short, polish=short)
    distill(teacher, student, batches, config, tmp_path / "s", model=(student.config, "t"))
    assert produce(load_model(tmp_path / "s"), 2, Recipe(steps=2)).units.isfinite().all()


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda at: (at / "model_index.json").unlink(), "neither a model of sightline nor a diffusers pipeline"),
        (
            lambda at: (at / "unet" / "config.json").write_text('{"_class_name": "Other"}'),
            "kind Other is not supported",
        ),
        (lambda at: (at / "unet").rename(at / "net"), "neither a unet nor a transformer"),
        (lambda at: (at / "scheduler" / "scheduler_config.json").write_text("{"), "no readable scheduler"),
        (
            lambda at: (at / "scheduler" / "scheduler_config.json").write_text('{"_class_name": "Odd"}'),
            "scheduler Odd with prediction epsilon is not supported",
        ),
        (lambda at: next((at / "unet").glob("*.safetensors")).unlink(), "no readable safetensors"),
    ],
)
def test_folders_that_cannot_be_used_are_named(tmp_path: Path, break_it: Any, message: str) -> None:
    at = folder(tmp_path, "unet", SCHEDULERS["eps"]())
    break_it(at)
    with pytest.raises(InputError, match=message):
        open_model(at)


def test_latents_go_there_and_back_with_the_pipelines_scale(tmp_path: Path) -> None:
    torch.manual_seed(0)
    diffusers.AutoencoderKL(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=4,
        scaling_factor=0.5,
    ).save_pretrained(tmp_path / "vae", safe_serialization=True)
    at = folder(tmp_path, "condition", SCHEDULERS["eps"]())
    model: ImageModel = open_model(at)
    assert model.config.pixels.std == 2.0
    pictures = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
    units = encode(pictures, model.config.pixels, batch=2)
    assert units.shape == (3, *model.config.backbone.shape)
    assert decode(units, model.config.pixels).shape == pictures.shape
    with pytest.raises(InputError, match="no readable autoencoder"):
        encode(pictures, Pixels(latent=str(tmp_path)))
