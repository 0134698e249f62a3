"""The composable vision-language model, in the layout that transformers, TRL and peft expect: `model` and `lm_head`.

What `VLMModel.forward` does, in the order of its code:
  1. words -> embeddings (B, L, D)
  2. pictures -> encoder -> connector -> one (tokens, D) per view
  3. views of the sequence replace the `<image>` tokens, in order
  4. views to look at become the memory, in the order of the `<seen>` tokens
  5. the language model runs, its chosen layers looking at the memory
"""

# mypy: disable-error-code="no-untyped-call"
# transformers and torch leave many of their functions untyped.

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForImageTextToText, PreTrainedConfig, PreTrainedModel
from transformers.generation.utils import GenerationMixin
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from sightline.core.errors import InputError, ModelError
from sightline.vlm.config import VLMConfig, composed
from sightline.vlm.connector import Connector, connected
from sightline.vlm.encoder import Sizes, encoded, in_crops, listed
from sightline.vlm.fusion import KEY, CrossBlock, Fusion, Memory, drop_memory, layers_of, remembered


class VLMPreTrainedModel(PreTrainedModel):
    """What both classes share."""

    config_class = VLMConfig
    base_model_prefix = "model"
    main_input_name = "input_ids"
    input_modalities = ["image", "text"]  # noqa: RUF012  (an attribute of transformers)
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _skip_keys_device_placement = ["cache"]  # noqa: RUF012

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, CrossBlock):
            nn.init.zeros_(module.gate)
            nn.init.zeros_(module.mlp_gate)


class VLMModel(VLMPreTrainedModel):
    """Everything but the head."""

    def __init__(self, config: VLMConfig) -> None:
        super().__init__(config)
        self.fusion = Fusion.model_validate(config.fusion)
        self.encoder = AutoModel.from_config(config.vision_config)
        self.language_model = AutoModel.from_config(config.text_config)
        assert config.vision_layers is not None
        channels = _channels(config.vision) * max(1, len(config.vision_layers))
        width = config.text.hidden_size
        self.connector = Connector.model_validate(config.connector).build(channels, width)
        self.cross_blocks = nn.ModuleList()
        if self.fusion.kind != "embed":
            self._add_cross_blocks(width)
        self.post_init()

    def _add_cross_blocks(self, width: int) -> None:
        for index, layer in enumerate(layers_of(self.language_model)):
            if index % self.fusion.every:
                layer.register_forward_pre_hook(drop_memory, with_kwargs=True)
                continue
            block = CrossBlock(width, self.fusion.heads, index)
            self.cross_blocks.append(block)
            layer.register_forward_pre_hook(block.before_layer, with_kwargs=True)

    def get_input_embeddings(self) -> nn.Module:
        found: nn.Module = self.language_model.get_input_embeddings()
        return found

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.language_model.set_input_embeddings(value)

    def encode(self, pixel_values: Tensor, image_sizes: Tensor | Sizes) -> Tensor:
        """Views (V, 3, H, W) -> features of every patch (T, C) before the connector: what a cache may keep while the
        encoder is frozen. `image_sizes` (V, 3): height, width, 1 where the view is reached by cross-attention."""
        layers, patch, sizes = tuple(self.config.vision_layers or ()), self.config.patch, listed(image_sizes)
        pixel_values = pixel_values.to(self.encoder.dtype)
        if not self.config.crops:
            return encoded(self.encoder, pixel_values, sizes, patch, layers)
        side = self.config.crops[0]

        def see(crops: Tensor) -> Tensor:
            return encoded(self.encoder, crops, [(side, side)] * len(crops), patch, layers)

        return in_crops(see, pixel_values, sizes, patch, self.config.crops)

    def views(self, features: Tensor, image_sizes: Tensor | Sizes) -> list[Tensor]:
        """Features of every patch -> (tokens, D) per view."""
        patch = self.config.patch
        grids = [(size[0] // patch, size[1] // patch) for size in listed(image_sizes)]
        return connected(self.connector, features, grids)

    def forward(
        self,
        input_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_sizes: Tensor | None = None,
        vision_features: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        cache: Any = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPast:
        """`input_ids` (B, L); the views of all rows in one `pixel_values` (V, 3, H, W), or their encoder features
        (T, C) in `vision_features`; `image_sizes` (V, 3). Packed rows: `position_ids` restart and no mask is given.
        Raises InputError where views and placeholders do not match."""
        if inputs_embeds is None:
            inputs_embeds = self.get_input_embeddings()(input_ids)
        memory = None if cache is None else getattr(cache, KEY, None)
        views: list[Tensor] = []
        if pixel_values is not None or vision_features is not None:
            assert image_sizes is not None, "pictures come with their sizes"
            if vision_features is None:
                vision_features = self.encode(cast(Tensor, pixel_values), image_sizes)
            views = self.views(vision_features, image_sizes)
        if input_ids is not None:
            inputs_embeds = self._in_sequence(inputs_embeds, input_ids, views, image_sizes)
            memory = self._to_look_at(input_ids, views, image_sizes, position_ids, memory)
        if memory is not None:
            memory.reached.clear()
            if use_cache and memory.kept is None:
                memory.kept = {}
            kwargs[KEY] = memory
        out = self.language_model(
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            cache=cache,
            use_cache=use_cache,
            **kwargs,
        )
        if memory is not None:
            self._check_reached(memory)
            if out.cache is not None:
                setattr(out.cache, KEY, memory)
        return cast(BaseModelOutputWithPast, out)

    def _in_sequence(
        self, embeds: Tensor, input_ids: Tensor, views: list[Tensor], image_sizes: Tensor | None
    ) -> Tensor:
        """Step 3."""
        if self.fusion.kind == "cross" or not (views or self.config.image_token_id >= 0):
            return embeds
        places = input_ids == self.config.image_token_id
        crossed = [] if image_sizes is None else image_sizes[:, 2].tolist()
        given = [view for view, across in zip(views, crossed, strict=True) if not across]
        features = torch.cat(given) if given else embeds.new_empty(0, embeds.shape[-1])
        wanted = int(places.sum())
        if wanted != len(features):
            raise InputError(
                f"{wanted} image placeholders for {len(features)} features of {len(given)} views",
                remedy="make the batch with the reader that was fitted to this model",
            )
        if not wanted:
            return embeds
        return embeds.masked_scatter(places[..., None], features.to(embeds.dtype))

    def _to_look_at(
        self,
        input_ids: Tensor,
        views: list[Tensor],
        image_sizes: Tensor | None,
        position_ids: Tensor | None,
        memory: Memory | None,
    ) -> Memory | None:
        """Step 4; while decoding, the memory of the prompt."""
        if self.fusion.kind == "embed":
            return None
        crossed = [] if image_sizes is None else image_sizes[:, 2].tolist()
        given = [view for view, across in zip(views, crossed, strict=True) if across]
        marks = (input_ids == self.config.seen_token_id).nonzero()
        if len(marks) != len(given):
            raise InputError(
                f"{len(marks)} view markers for {len(given)} views",
                remedy="make the batch with the reader that was fitted to this model",
            )
        if not given:
            return memory
        if memory is not None:
            raise InputError("new pictures cannot join a conversation whose keys are already kept", remedy="no cache")
        rows, length = input_ids.shape
        return remembered(given, marks, (rows, length), position_ids)

    def _check_reached(self, memory: Memory) -> None:
        missed = {block.layer for block in self.cross_blocks} - memory.reached
        if missed:
            raise ModelError(
                "the language model does not pass keywords on to its layers",
                subject=type(self.language_model).__name__,
                remedy="use Fusion(kind='embed')",
            )


class VLM(VLMPreTrainedModel, GenerationMixin):
    """Any encoder x any connector x any fusion x any language model.

    >>> VLM(SiglipVisionConfig(), Connector(kind="shuffle", merge=2), Fusion(kind="cross"), Qwen2Config())

    Encoder and language model are configs (random weights) or models (theirs are taken over). `VLM(config)` is how
    transformers calls it. Raises InputError where the parts do not fit.
    """

    gives_loss_alone = True

    def __init__(
        self,
        encoder: VLMConfig | PreTrainedConfig | PreTrainedModel,
        connector: Connector | None = None,
        fusion: Fusion | None = None,
        llm: PreTrainedConfig | PreTrainedModel | None = None,
        *,
        layers: tuple[int, ...] = (),
    ) -> None:
        if not isinstance(encoder, VLMConfig):
            if llm is None:
                raise InputError("a vision-language model needs a language model", remedy="VLM(..., llm=...)")
            config = composed(_config(encoder), connector or Connector(), fusion or Fusion(), _config(llm), layers)
        else:
            config = encoder
        super().__init__(config)
        text = config.text
        self.loss_type = "ForCausalLM"
        self.softcap = getattr(text, "final_logit_softcapping", None)
        self.model = VLMModel(config)
        self.lm_head = nn.Linear(text.hidden_size, text.vocab_size, bias=False)
        self._tied_weights_keys = {"lm_head.weight": f"model.language_model.{_embedding_name(self.model)}"}
        self.post_init()
        if isinstance(encoder, PreTrainedModel) or isinstance(llm, PreTrainedModel):
            self._take_over(encoder, llm)

    def _take_over(self, encoder: object, llm: object) -> None:
        if isinstance(encoder, PreTrainedModel):
            tower = getattr(encoder, "vision_model", encoder)
            self.model.encoder.load_state_dict(_matching(tower, self.model.encoder))
        if isinstance(llm, PreTrainedModel):
            self.model.language_model.load_state_dict(_matching(llm.base_model, self.model.language_model))
            head = llm.get_output_embeddings()
            if getattr(head, "bias", None) is not None:
                raise InputError("language models whose head has a bias are not supported", subject=type(llm).__name__)
            self.lm_head.load_state_dict(head.state_dict())

    def get_input_embeddings(self) -> nn.Module:
        found: nn.Module = self.model.get_input_embeddings()
        return found

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.model.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module:
        head: nn.Module = self.lm_head
        return head

    def set_output_embeddings(self, value: nn.Module) -> None:
        self.lm_head = value

    def forward(
        self,
        input_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_sizes: Tensor | None = None,
        vision_features: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        cache: Any = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        labels: Tensor | None = None,
        logits_to_keep: int | Tensor = 0,
        num_items_in_batch: int | Tensor | None = None,
        loss_alone: bool = False,
        return_dict: bool | None = None,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """As `VLMModel.forward`; with `labels` (B, L; -100 is not trained) the mean cross-entropy of the next token.
        `loss_alone`: the same loss and no logits; the head runs before trained tokens only, and filling at the end of
        rows gets no mask, as no word looks ahead. The parameters are spelled out because `generate` reads them off this
        signature."""
        if loss_alone and position_ids is None and attention_mask is not None and _filled_last(attention_mask):
            attention_mask = None
        out = self.model(
            input_ids=input_ids,
            pixel_values=pixel_values,
            image_sizes=image_sizes,
            vision_features=vision_features,
            attention_mask=attention_mask,
            position_ids=position_ids,
            cache=cache,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            **kwargs,
        )
        hidden = out.last_hidden_state
        loss: Tensor | None = None
        if loss_alone:
            assert labels is not None, "a loss needs labels"
            wanted = labels[:, 1:]
            trained = wanted != -100
            loss = self.scored(hidden[:, :-1][trained], wanted[trained], num_items_in_batch)
            return CausalLMOutputWithPast(loss=loss, hidden_states=out.hidden_states, attentions=out.attentions)
        if isinstance(logits_to_keep, Tensor) or logits_to_keep:
            keep = logits_to_keep if isinstance(logits_to_keep, Tensor) else slice(-logits_to_keep, None)
            hidden = hidden[:, keep]
        logits = self._logits(hidden)
        if labels is not None:
            vocabulary = self.config.text_config.vocab_size
            loss = self.loss_function(
                logits=logits, labels=labels, vocab_size=vocabulary, num_items_in_batch=num_items_in_batch
            )
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            cache=out.cache,
            hidden_states=out.hidden_states,
            attentions=out.attentions,
        )

    def scored(self, hidden: Tensor, wanted: Tensor, num_items_in_batch: int | Tensor | None = None) -> Tensor:
        """Cross-entropy of the tokens `wanted` (N,) that follow the states `hidden` (N, D): their mean, or their sum
        over `num_items_in_batch`."""
        loss: Tensor = self.loss_function(
            logits=self._logits(hidden),
            labels=None,
            vocab_size=self.config.text_config.vocab_size,
            num_items_in_batch=num_items_in_batch,
            shift_labels=wanted,
        )
        return loss

    def _logits(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self.lm_head(hidden)
        return logits if self.softcap is None else torch.tanh(logits / self.softcap) * self.softcap

    def _expand_inputs_for_generation(
        self, expand_size: int = 1, is_encoder_decoder: bool = False, input_ids: Any = None, **model_kwargs: Any
    ) -> Any:
        if expand_size > 1 and model_kwargs.get("pixel_values") is not None:
            raise InputError("beams over pictures are not supported", remedy="repeat the prompt, or num_beams=1")
        above: Any = super()
        return above._expand_inputs_for_generation(expand_size, is_encoder_decoder, input_ids, **model_kwargs)


def _filled_last(mask: Tensor) -> bool:
    """Whether every row of a mask (B, L) is words first, then filling."""
    return bool((mask[:, 1:] <= mask[:, :-1]).all())


def _config(thing: PreTrainedConfig | PreTrainedModel) -> PreTrainedConfig:
    return thing if isinstance(thing, PreTrainedConfig) else thing.config


def _channels(config: PreTrainedConfig) -> int:
    """Width of the last hidden state; a convolutional backbone lists one per stage."""
    stages = getattr(config, "hidden_sizes", None)
    return int(stages[-1]) if stages else int(config.hidden_size)


def _embedding_name(model: VLMModel) -> str:
    wanted = model.get_input_embeddings()
    names: list[str] = [name for name, module in model.language_model.named_modules() if module is wanted]
    return f"{names[0]}.weight"


def _matching(source: nn.Module, target: nn.Module) -> dict[str, Tensor]:
    """The weights of `source` that `target` has. Raises InputError where one is missing."""
    given, wanted = source.state_dict(), target.state_dict()
    if missing := sorted(set(wanted) - set(given)):
        raise InputError("the given model lacks weights", subject=type(source).__name__, remedy=f"first: {missing[:3]}")
    return {name: given[name] for name in wanted}


AutoConfig.register(VLMConfig.model_type, VLMConfig, exist_ok=True)
AutoModel.register(VLMConfig, VLMModel, exist_ok=True)
AutoModelForImageTextToText.register(VLMConfig, VLM, exist_ok=True)
