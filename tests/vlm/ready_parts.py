"""Tiny random models of every ready family, with the stock image processor and a byte tokenizer."""

from __future__ import annotations

import torch
import transformers as t

from sightline.vlm.ready.kit import ReadyReader
from sightline.vlm.tokenizer import byte_tokenizer

TOKENS = {
    "idefics3": ["<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>"]
    + [f"<row_{r}_col_{c}>" for r in range(1, 7) for c in range(1, 7)],
    "llava": ["<image>"],
    "pixtral": ["[IMG]", "[IMG_BREAK]", "[IMG_END]"],
    "qwen2_vl": ["<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"],
    "mllama": ["<|image|>", "<|python_tag|>"],
    "paligemma": ["<image>"],
    "gemma3": ["<image_soft_token>", "<start_of_image>", "<end_of_image>"],
    "internvl": ["<IMG_CONTEXT>", "<img>", "</img>", "<video>"],
    "janus": ["<image_placeholder>", "<begin_of_image>", "<end_of_image>"],
}
TOKENS |= {"smolvlm": TOKENS["idefics3"], "qwen2_5_vl": TOKENS["qwen2_vl"]}
NAMED = {
    "gemma3": {"image_token": 0, "boi_token": 1, "eoi_token": 2},
    "internvl": {"context_image_token": 0, "start_image_token": 1, "end_image_token": 2, "video_token": 3},
    "janus": {"image_token": 0, "boi_token": 1, "eoi_token": 2},
    "qwen2_vl": {"image_token": 0, "video_token": 1},
    "qwen2_5_vl": {"image_token": 0, "video_token": 1},
}
T = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 4096,
    "initializer_range": 0.2,
    "pad_token_id": 0,
}
V = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
MROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2], "type": "mrope"}


def template(placeholder, before="", after=""):
    """ChatML with the family's placeholder."""
    return (
        "{{ bos_token }}{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
        "{% for p in m['content'] %}{% if p['type'] == 'image' %}" + before + placeholder + after + "{% else %}"
        "{{ p['text'] }}{% endif %}{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    )


def tokenizer(family):
    made = byte_tokenizer()
    names = {f"{key}": TOKENS[family][at] for key, at in NAMED.get(family, {}).items()}
    made.add_special_tokens({"additional_special_tokens": [*TOKENS[family], "<|im_start|>"]})
    made.add_special_tokens({"bos_token": "<s>", "eos_token": "<|im_end|>", "pad_token": "<pad>"})
    for key, token in names.items():
        setattr(made, key, token)
        setattr(made, f"{key}_id", made.convert_tokens_to_ids(token))
    marks = ("<|vision_start|>", "<|vision_end|>") if family.startswith("qwen") else ("", "")
    at = 1 if family == "gemma3" else 0
    made.chat_template = None if family == "paligemma" else template(TOKENS[family][at], *marks)
    return made


def model_of(family, words):
    """The stock class with random weights; `words` gives ids and the size of the vocabulary."""
    text = {**T, "vocab_size": len(words)}
    image = words.convert_tokens_to_ids(TOKENS[family][0])
    ids = {"image_token_id": image, "pad_token_id": 0}
    vision = {**V, "image_size": 32, "patch_size": 8}
    torch.manual_seed(0)
    if family in ("idefics3", "smolvlm"):
        kind = t.Idefics3Config if family == "idefics3" else t.SmolVLMConfig
        config = kind(vision_config=vision, text_config={**text, "model_type": "llama"}, scale_factor=2, **ids)
    elif family == "llava":
        config = t.LlavaConfig(
            vision_config={**vision, "model_type": "clip_vision_model"},
            text_config={**text, "model_type": "llama"},
            image_token_id=image,
        )
    elif family == "pixtral":
        config = t.LlavaConfig(
            vision_config={**V, "model_type": "pixtral", "image_size": 64, "patch_size": 8, "head_dim": 16},
            text_config={**text, "model_type": "mistral"},
            image_token_id=image,
            vision_feature_layer=-1,
            vision_feature_select_strategy="full",
        )
    elif family in ("qwen2_vl", "qwen2_5_vl"):
        marks = {
            "video_token_id": words.convert_tokens_to_ids("<|video_pad|>"),
            "vision_start_token_id": words.convert_tokens_to_ids("<|vision_start|>"),
            "vision_end_token_id": words.convert_tokens_to_ids("<|vision_end|>"),
        }
        text |= {"rope_parameters": MROPE}
        if family == "qwen2_vl":
            vision = {"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 2, "patch_size": 8}
            config = t.Qwen2VLConfig(vision_config=vision, text_config=text, **ids, **marks)
        else:
            vision = {"depth": 2, "hidden_size": 32, "out_hidden_size": 32, "intermediate_size": 48, "num_heads": 2}
            vision |= {"patch_size": 8, "window_size": 32, "fullatt_block_indexes": [1]}
            config = t.Qwen2_5_VLConfig(vision_config=vision, text_config=text, **ids, **marks)
    elif family == "mllama":
        vision = {
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_global_layers": 1,
            "attention_heads": 2,
            "image_size": 32,
            "patch_size": 8,
            "vision_output_dim": 64,
            "intermediate_layers_indices": [0],
            "max_num_tiles": 4,
            "supported_aspect_ratios": [[1, 1], [1, 2], [1, 3], [1, 4], [2, 1], [2, 2], [3, 1], [4, 1]],
        }
        text |= {"num_hidden_layers": 3, "cross_attention_layers": [1]}
        config = t.MllamaConfig(vision_config=vision, text_config=text, image_token_index=image)
    elif family == "paligemma":
        config = t.PaliGemmaConfig(
            vision_config={**vision, "model_type": "siglip_vision_model", "vision_use_head": False},
            text_config={**text, "model_type": "gemma"},
            image_token_id=image,
            projection_dim=32,
        )
    elif family == "gemma3":
        config = t.Gemma3Config(
            vision_config={**vision, "vision_use_head": False},
            text_config={**text, "sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]},
            image_token_id=image,
            mm_tokens_per_image=4,
        )
    elif family == "internvl":
        config = t.InternVLConfig(
            vision_config={**V, "image_size": [32, 32], "patch_size": [8, 8]},
            text_config={**text, "model_type": "qwen2"},
            image_token_id=image,
            downsample_ratio=0.5,
        )
    else:
        config = t.JanusConfig(
            vision_config={**V, "image_size": 32, "patch_size": 8, "num_image_tokens": 16, "projection_dim": 32},
            text_config={**text, "model_type": "llama"},
            vq_config={"embed_dim": 8, "num_embeddings": 16, "base_channels": 32, "channel_multiplier": [1, 1],
                       "num_res_blocks": 1, "latent_channels": 8, "image_token_embed_dim": 16, "projection_dim": 16},
            image_token_id=image,
        )  # fmt: skip
    model = t.AutoModelForImageTextToText.from_config(config).eval()
    for name, value in model.named_parameters():  # stock gates and Gemma 3's projection start at 0: nothing would show
        if name.endswith(("gate", "mm_input_projection_weight")) or "gate_attn" in name or "gate_ffn" in name:
            torch.nn.init.normal_(value, std=0.5)
    return model


def processor(family):
    """The stock Pillow image processor, at the size of the tiny encoder."""
    square = {"height": 32, "width": 32}
    return {
        "idefics3": lambda: t.Idefics3ImageProcessorPil(size={"longest_edge": 64}, max_image_size={"longest_edge": 32}),
        "smolvlm": lambda: t.SmolVLMImageProcessorPil(size={"longest_edge": 64}, max_image_size={"longest_edge": 32}),
        "llava": lambda: t.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=square),
        "pixtral": lambda: t.PixtralImageProcessorPil(size={"longest_edge": 64}, patch_size={"height": 8, "width": 8}),
        "qwen2_vl": lambda: t.Qwen2VLImageProcessorPil(patch_size=8, size={"shortest_edge": 256, "longest_edge": 4096}),
        "mllama": lambda: t.MllamaImageProcessorPil(size=square, max_image_tiles=4),
        "paligemma": lambda: t.SiglipImageProcessorPil(size=square, image_seq_length=16),
        "gemma3": lambda: t.Gemma3ImageProcessorPil(size=square),
        "internvl": lambda: t.GotOcr2ImageProcessorPil(size=square, crop_to_patches=True, max_patches=4),
        "janus": lambda: t.JanusImageProcessorPil(size=square),
    }["qwen2_vl" if family == "qwen2_5_vl" else family]()


def build(family):
    """(model, reader)."""
    words = tokenizer(family)
    model = model_of(family, words)
    return model, ReadyReader(model, words, processor(family))
