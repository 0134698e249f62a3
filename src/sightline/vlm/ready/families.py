"""What tells one ready family from another: one row of the table `FAMILIES` each.

Pixels come from the family's own Pillow image processor (no torchvision); a row says how a picture is spelled as
tokens, which keywords a batch takes besides them, and which modules are encoder, connector and language model.
Spelling and shapes follow the processors of transformers 5, to which tests/vlm/test_ready.py compares them.
"""

# mypy: disable-error-code="no-untyped-call"
# transformers and torch leave many of their functions untyped.

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from sightline.core.errors import InputError
from sightline.vlm.resolution import Native

Pictures = Sequence[Mapping[str, Tensor]]
"""What the image processor gave, one entry per picture."""
Spell = Callable[[Any, Any, int, int], str]
"""(config, image processor, width, height) -> the picture as tokens."""

LLAVA: Final = {
    "encoder": ("model.vision_tower.",),
    "connector": ("model.multi_modal_projector.",),
    "llm": ("model.language_model.", "lm_head."),
}
IDEFICS: Final = {
    "encoder": ("model.vision_model.",),
    "connector": ("model.connector.",),
    "llm": ("model.text_model.", "lm_head."),
}
QWEN: Final = {
    "connector": ("model.visual.merger.",),
    "encoder": ("model.visual.",),
    "llm": ("model.language_model.", "lm_head."),
}
MLLAMA: Final = {
    "encoder": ("model.vision_model.",),
    "connector": ("model.multi_modal_projector.",),
    "llm": ("model.language_model.", "lm_head."),
}
JANUS: Final = {
    "encoder": ("model.vision_model.",),
    "connector": ("model.aligner.",),
    "llm": ("model.language_model.", "lm_head."),
    "generation": ("model.vqmodel.", "model.generation_"),
}


def in_a_row(rows: Sequence[Pictures], _: Sequence[Tensor], __: Any) -> dict[str, Tensor]:
    """Pictures of all rows along the first axis, smaller ones filled with zeros below and to the right."""
    flat = [picture for row in rows for picture in row]
    return {key: _joined([picture[key] for picture in flat]) for key in (flat[0] if flat else ())}


def in_one_line(rows: Sequence[Pictures], _: Sequence[Tensor], __: Any) -> dict[str, Tensor]:
    """Idefics3 takes (rows, views, ...) and lays them in one line: so they come in one line at once."""
    flat = [picture for row in rows for picture in row]
    return {key: torch.cat([picture[key] for picture in flat], dim=1) for key in (flat[0] if flat else ())}


def across(rows: Sequence[Pictures], ids: Sequence[Tensor], config: Any) -> dict[str, Tensor]:
    """Mllama: (rows, pictures, tiles, ...), and what each token looks at: a picture from its token to the next
    picture's; pictures without words between them are looked at together. Raises InputError for rows of different
    numbers of pictures: in the stock class a token that looks at nothing looks at every slot of the row, empty ones
    too, so that such a row would not be what it is alone."""
    if not any(rows):
        return {}
    numbers = {len(row) for row in rows}
    if len(numbers) > 1:
        raise InputError(
            "Mllama's rows of a batch must have equally many pictures (others would change what each row says)",
            subject=f"rows with {', '.join(str(n) for n in sorted(numbers))} pictures",
            remedy="batch rows of the same number of pictures",
        )
    most = numbers.pop()
    keys = rows[0][0]
    out = {key: torch.cat([torch.cat([picture[key] for picture in row], dim=1) for row in rows]) for key in keys}
    tiles = out["aspect_ratio_mask"].shape[-1]
    masks = []
    for row, own in zip(rows, ids, strict=True):
        mask = torch.zeros(len(own), most, tiles, dtype=torch.int64)
        starts = (own == config.image_token_index).nonzero().flatten().tolist()
        end = len(own)
        for index in reversed(range(len(starts))):
            if index + 1 < len(starts) and starts[index + 1] != starts[index] + 1:
                end = starts[index + 1]
            mask[starts[index] : end, index] = row[index]["aspect_ratio_mask"][0, 0]
        masks.append(mask)
    return {**out, "cross_attention_mask": pad_sequence(masks, batch_first=True)}


def _joined(parts: Sequence[Tensor]) -> Tensor:
    if parts[0].ndim < 4:
        return torch.cat(list(parts))
    high, wide = (max(part.shape[axis] for part in parts) for axis in (-2, -1))
    pads = [(0, wide - part.shape[-1], 0, high - part.shape[-2]) for part in parts]
    return torch.cat([torch.nn.functional.pad(part, pad) for part, pad in zip(parts, pads, strict=True)])


def spell_idefics(config: Any, processor: Any, width: int, height: int) -> str:
    """Tiles row by row with their tags, then the whole picture (Idefics3, SmolVLM)."""
    vision = config.vision_config
    image = "<image>" * int((vision.image_size // vision.patch_size) ** 2 / config.scale_factor**2)
    _, rows, cols = processor.get_number_of_image_patches(height, width, {})
    whole = f"<fake_token_around_image><global-img>{image}<fake_token_around_image>"
    if not rows:
        return whole
    tiles = (
        "".join(f"<fake_token_around_image><row_{r}_col_{c}>{image}" for c in range(1, cols + 1)) + "\n"
        for r in range(1, rows + 1)
    )
    return f"{''.join(tiles)}\n{whole}"


def spell_llava(config: Any, processor: Any, width: int, height: int) -> str:
    """One token per patch; Pixtral's encoder: rows with a mark after each."""
    vision = config.vision_config
    if vision.model_type == "pixtral":
        plan = Native(patch=vision.patch_size, longest=processor.size["longest_edge"]).plan(width, height)
        rows = ["[IMG]" * plan.views[0].cols] * plan.views[0].rows
        return f"{'[IMG_BREAK]'.join(rows)}[IMG_END]"
    extra = (vision.model_type == "clip_vision_model") - (config.vision_feature_select_strategy == "default")
    return "<image>" * int((vision.image_size // vision.patch_size) ** 2 + extra)


def spell_qwen(config: Any, processor: Any, width: int, height: int) -> str:
    """As many tokens as merged patches; the marks around them stand in the template."""
    patches = processor.get_number_of_image_patches(height, width, {})
    return "<|image_pad|>" * int(patches // config.vision_config.spatial_merge_size**2)


def spell_mllama(config: Any, processor: Any, width: int, height: int) -> str:
    """One token: the picture is looked at across."""
    return "<|image|>"


def spell_paligemma(config: Any, processor: Any, width: int, height: int) -> str:
    """One token per patch."""
    vision = config.vision_config
    return "<image>" * int((vision.image_size // vision.patch_size) ** 2)


def spell_gemma3(config: Any, processor: Any, width: int, height: int) -> str:
    """A fixed number of tokens between marks."""
    return f"\n\n<start_of_image>{'<image_soft_token>' * config.mm_tokens_per_image}<end_of_image>\n\n"


def spell_internvl(config: Any, processor: Any, width: int, height: int) -> str:
    """Tiles and the whole picture, a fixed number of tokens each."""
    vision = config.vision_config
    wide, side = (one[0] if isinstance(one, (list, tuple)) else one for one in (vision.image_size, vision.patch_size))
    each = int((wide // side) ** 2 * config.downsample_ratio**2)
    return f"<img>{'<IMG_CONTEXT>' * each * processor.get_number_of_image_patches(height, width, {})}</img>"


def spell_janus(config: Any, processor: Any, width: int, height: int) -> str:
    """One token per patch between marks."""
    vision = config.vision_config
    each = (vision.image_size // vision.patch_size) ** 2
    return f"<begin_of_image>{'<image_placeholder>' * each}<end_of_image>"


@dataclass(frozen=True, slots=True)
class Family:
    """One row of the table."""

    placeholder: str
    """What chat templates of the family write where a picture stands."""
    spell: Spell
    parts: Mapping[str, tuple[str, ...]]
    """Part -> prefixes of its parameters' names; the first that fits counts."""
    keys: tuple[str, ...] = ("pixel_values",)
    """Of the image processor's answer, those that the model takes."""
    batch: Callable[[Sequence[Pictures], Sequence[Tensor], Any], dict[str, Tensor]] = in_a_row
    types: str = ""
    """Keyword under which the model wants to know the kind of each token: 1 for pictures (Qwen-VL, Gemma 3), or 1 for
    what is answered (PaliGemma)."""
    template: str = ""
    """For families whose folders bring no chat template."""
    tower: str = ""
    """Name of the encoder, where it can run view by view (see `tower`)."""


PREFIX: Final = (
    "{% for m in messages %}{% if m['role'] == 'assistant' %}"
    "{% for p in m['content'] %}{{ p['text'] }}{% endfor %}{{ eos_token }}{% else %}"
    "{% for p in m['content'] %}{% if p['type'] == 'image' %}<image>{% endif %}{% endfor %}{{ bos_token }}"
    "{% for p in m['content'] %}{% if p['type'] == 'text' %}{{ p['text'] }}{% endif %}{% endfor %}{{ '\n' }}"
    "{% endif %}{% endfor %}"
)
"""PaliGemma: pictures, <bos>, the prompt, a line end, then the answer."""

_IDEFICS: Final = Family("<image>", spell_idefics, IDEFICS, ("pixel_values", "pixel_attention_mask"), in_one_line,
                         tower="vision_model")  # fmt: skip
_QWEN: Final = Family("<|image_pad|>", spell_qwen, QWEN, ("pixel_values", "image_grid_thw"), types="mm_token_type_ids")
FAMILIES: Final[Mapping[str, Family]] = {
    "idefics3": _IDEFICS,
    "smolvlm": _IDEFICS,
    "llava": Family("<image>", spell_llava, LLAVA, tower="vision_tower"),
    "pixtral": Family("[IMG]", spell_llava, LLAVA, ("pixel_values", "image_sizes")),
    "qwen2_vl": _QWEN,
    "qwen2_5_vl": _QWEN,
    "mllama": Family(
        "<|image|>", spell_mllama, MLLAMA, ("pixel_values", "aspect_ratio_ids", "aspect_ratio_mask"), across
    ),
    "paligemma": Family(
        "<image>", spell_paligemma, LLAVA, types="token_type_ids", template=PREFIX, tower="vision_tower"
    ),
    "gemma3": Family("<start_of_image>", spell_gemma3, LLAVA, types="token_type_ids", tower="vision_tower"),
    "internvl": Family("<IMG_CONTEXT>", spell_internvl, LLAVA, tower="vision_tower"),
    "janus": Family("<image_placeholder>", spell_janus, JANUS, tower="vision_model"),
}
"""By `model_type`; "pixtral" is Llava with Pixtral's encoder."""


def family_of(config: Any) -> str:
    """The name in `FAMILIES`. Raises InputError that lists them."""
    kind = str(config.model_type)
    if kind == "llava" and config.vision_config.model_type == "pixtral":
        return "pixtral"
    if kind not in FAMILIES:
        raise InputError(
            "no adapter for this family of models", subject=kind, remedy=f"supported: {', '.join(sorted(FAMILIES))}"
        )
    return kind


def parts_of(config: Any) -> dict[str, tuple[str, ...]]:
    """Parts of this very model; the cross-attention layers of Mllama are a part of their own."""
    parts = dict(FAMILIES[family_of(config)].parts)
    if config.model_type != "mllama":
        return parts
    return {
        "cross": tuple(f"model.language_model.layers.{i}." for i in config.text_config.cross_attention_layers),
        **parts,
    }
