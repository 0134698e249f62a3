"""A tokenizer that needs no training and no download: one token per byte, every script round-trips."""

# mypy: disable-error-code="no-untyped-call"
# transformers and torch leave many of their functions untyped.

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast


def byte_tokenizer(letters: Iterable[str] = ()) -> PreTrainedTokenizerFast:
    """256 byte tokens, and one token for each of `letters` (or words), such as the syllables that a small model reads
    (as single bytes a Hangul syllable takes three)."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(vocab={char: i for i, char in enumerate(alphabet)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_tokens(sorted(set(letters)))
    return PreTrainedTokenizerFast(tokenizer_object=inner)
