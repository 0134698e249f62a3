"""Open a model for use, whoever made it: ours, or a diffusers pipeline folder."""

from __future__ import annotations

import json
from pathlib import Path as FilePath
from typing import Any, cast

from sightline.core.door import require
from sightline.core.errors import InputError
from sightline.core.fingerprint import fingerprint
from sightline.generate.checkpoint import is_ours, load_model, load_weights
from sightline.generate.foreign import NETWORKS, encode_prompts, network_config, read_weights, with_empty
from sightline.generate.model import Frame, ImageModel, ModelConfig, Pixels
from sightline.generate.path import DDPM, EDM, Flow, Output

OUTPUTS: dict[str, Output] = {"epsilon": "eps", "sample": "x0", "v_prediction": "v"}


def open_model(folder: FilePath, *, text: bool = False) -> ImageModel:
    """A model in evaluation mode. `text`: of a pipeline with text encoders, also read what it makes of an empty prompt,
    which guidance and distillation need (loads the encoders).

    Raises InputError naming what is supported where the folder is neither ours nor a pipeline of a known kind.
    """
    if is_ours(folder):
        return load_model(folder)
    index = folder / "model_index.json"
    if not index.is_file():
        raise InputError(
            "neither a model of sightline nor a diffusers pipeline",
            subject=folder,
            remedy=f"a folder with model.safetensors, or with model_index.json and one of {', '.join(NETWORKS)}",
        )
    part = next((folder / name for name in ("unet", "transformer") if (folder / name).is_dir()), None)
    if part is None:
        raise InputError(
            "the pipeline has neither a unet nor a transformer", subject=folder, remedy=f"one of {', '.join(NETWORKS)}"
        )
    backbone = network_config(part)
    latent = folder / "vae"
    pixels = _latent_scale(latent) if latent.is_dir() else Pixels(mean=0.0, std=0.5)
    frame = scheduler_frame(folder / "scheduler", sigma_data=1.0 if latent.is_dir() else 0.5)
    sprint = backbone.settings.get("guidance_embeds")
    prompts = (folder / "tokenizer").is_dir()
    weights = read_weights(part, backbone)
    if text and prompts:
        empty = encode_prompts(folder, [""])
        backbone, more = with_empty(backbone, empty)
        weights |= more
    config = ModelConfig(
        backbone=backbone,
        frame=frame,
        pixels=pixels,
        classes=_names(folder, backbone.classes),
        role="student" if sprint else "teacher",
        prompts=str(folder.resolve()) if prompts else "",
    )
    model = config.build()
    load_weights(model.network, weights, part)
    return model.eval()


def scheduler_frame(folder: FilePath, sigma_data: float) -> Frame:
    """Path and prediction of a diffusers scheduler. Raises InputError where it is of an unknown family."""
    try:
        settings = json.loads((folder / "scheduler_config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError("the pipeline has no readable scheduler, so its path is unknown", subject=folder) from error
    name = str(settings.get("_class_name"))
    if name.startswith("FlowMatch"):
        path = Flow(time_scale=float(settings.get("num_train_timesteps", 1000)), sigma_data=sigma_data)
        return Frame(path=path, output="u", feed="state", clock="time")
    if name.startswith("EDM"):
        if settings.get("prediction_type", "epsilon") != "epsilon":
            raise InputError("an EDM scheduler with another prediction is not supported", subject=folder)
        return Frame(path=EDM(sigma_data=settings.get("sigma_data", 0.5)), output="F", clock="log-sigma")
    if name == "SCMScheduler":  # SANA-Sprint: TrigFlow outside, but the network itself stayed a flow-matching one
        return Frame(path=Flow(sigma_data=1.0), output="u", feed="state", clock="time")
    diffusers = cast(Any, require("diffusers", "generate"))
    scheduler = getattr(diffusers, name, None)
    prediction = str(settings.get("prediction_type", "epsilon"))
    if scheduler is None or prediction not in OUTPUTS:
        raise InputError(
            f"the scheduler {name} with prediction {prediction} is not supported",
            subject=folder,
            remedy=f"DDPM-like with {', '.join(OUTPUTS)}, FlowMatch..., EDM... or SCM",
        )
    table = getattr(scheduler.from_config(settings), "alphas_cumprod", None)
    if table is None:
        raise InputError(f"the scheduler {name} has no table of noise levels", subject=folder)
    table_path = DDPM(alphas_cumprod=tuple(table.double().tolist()), sigma_data=sigma_data)
    return Frame(path=table_path, output=OUTPUTS[prediction], feed="state", clock="time")


def identity(model: ImageModel) -> str:
    """Fingerprint of configuration and weights: the `parent` of a student's run."""
    sums = [[name, float(tensor.double().sum()), list(tensor.shape)] for name, tensor in model.state_dict().items()]
    return fingerprint([model.config, sums])


def _latent_scale(folder: FilePath) -> Pixels:
    """Latents are trained on as (latent - shift) * scaling_factor."""
    settings = json.loads((folder / "config.json").read_text("utf-8"))
    scale = float(settings.get("scaling_factor") or 1.0)
    return Pixels(mean=float(settings.get("shift_factor") or 0.0), std=1 / scale, latent=str(folder))


def _names(folder: FilePath, classes: int) -> tuple[str, ...]:
    labels = json.loads((folder / "model_index.json").read_text("utf-8")).get("id2label") or {}
    return tuple(str(labels.get(str(i), i)) for i in range(classes))
