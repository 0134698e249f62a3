"""One config for one model: vision backbone, connector, fusion, language model, and the ids that join them."""

# mypy: disable-error-code="no-untyped-call"
# transformers and torch leave many of their functions untyped.

from __future__ import annotations

from typing import Any, ClassVar

from transformers import AutoConfig, PreTrainedConfig
from transformers.configuration_utils import SubConfigSpec

from sightline.core.errors import InputError
from sightline.vlm.connector import Connector
from sightline.vlm.encoder import stride
from sightline.vlm.fusion import Fusion


class VLMConfig(PreTrainedConfig):
    """As Hugging Face keeps it: config.json of a plain model folder."""

    model_type = "sightline_vlm"
    sub_configs_defaults: ClassVar[dict[str, SubConfigSpec]] = {
        "vision_config": SubConfigSpec(config_class=AutoConfig, model_type="sightline_native_vision"),
        "text_config": SubConfigSpec(config_class=AutoConfig, model_type="llama"),
    }

    vision_config: dict[str, Any] | PreTrainedConfig | None = None
    text_config: dict[str, Any] | PreTrainedConfig | None = None
    connector: dict[str, Any] | None = None
    fusion: dict[str, Any] | None = None
    vision_layers: list[int] | None = None
    """Hidden states of the encoder to join; empty for the last."""
    patch: int = 16
    """Pixels of the side of one feature of the encoder."""
    crops: list[int] | None = None
    """Side in pixels and margin in patches of overlapping crops in which the encoder sees a view; None where it sees it
    whole. The reader's resolution decides."""
    image_token_id: int = -1
    seen_token_id: int = -1
    """-1 until a reader's tokenizer is fitted to the model."""
    tie_word_embeddings: bool = False
    initializer_range: float = 0.02

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)
        self.connector = Connector.model_validate(self.connector or {}).model_dump()
        self.fusion = Fusion.model_validate(self.fusion or {}).model_dump()
        self.vision_layers = list(self.vision_layers or [])
        if not self.tie_word_embeddings and getattr(self.text_config, "tie_word_embeddings", False):
            self.tie_word_embeddings = True

    @property
    def text(self) -> PreTrainedConfig:
        """The language model's config; a plain dict only before it is read."""
        assert isinstance(self.text_config, PreTrainedConfig)
        return self.text_config

    @property
    def vision(self) -> PreTrainedConfig:
        """The encoder's config."""
        assert isinstance(self.vision_config, PreTrainedConfig)
        return self.vision_config


def context_of(config: PreTrainedConfig) -> int:
    """Places that a language model has; a large number where it does not say."""
    text = config.get_text_config()
    return int(getattr(text, "max_position_embeddings", 0) or getattr(text, "n_positions", 0) or 2**31)


def composed(
    vision: PreTrainedConfig, connector: Connector, fusion: Fusion, text: PreTrainedConfig, layers: tuple[int, ...] = ()
) -> VLMConfig:
    """The config of a new model. Raises InputError for language models whose head is more than one matrix."""
    text = text.get_text_config()
    for name in ("logit_scale", "logits_scaling", "lm_head_multiplier"):
        if getattr(text, name, None) not in (None, 1.0, 1):
            raise InputError(f"language models with {name!r} are not supported", subject=text.model_type)
    vision = getattr(vision, "vision_config", vision)
    if getattr(vision, "vision_use_head", None):
        vision.vision_use_head = False
    return VLMConfig(
        vision_config=vision.to_dict(),
        text_config=text.to_dict(),
        connector=connector.model_dump(),
        fusion=fusion.model_dump(),
        vision_layers=list(layers),
        patch=stride(vision),
        initializer_range=getattr(text, "initializer_range", 0.02),
    )
