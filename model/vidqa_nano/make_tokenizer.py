"""Makes nano's tokenizer: byte-level BPE over our own phrases, with Qwen2.5-VL's special tokens.

In: nothing. Out: a ``tokenizers`` tokenizer that encodes any text and decodes it to the same bytes.
Every digit is a token of its own, so a time is read and written digit by digit. The sentences that
never change (:data:`vidqa_nano.wording.FIXED_PARTS`) are one token each, which halves the length of
a training question.
"""

from __future__ import annotations

from collections.abc import Iterator

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from vidqa_nano.asking import every_answer_word
from vidqa_nano.phrases import every_phrase
from vidqa_nano.wording import FIXED_PARTS

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
VOCABULARY = 1024
_WORDS = Regex(r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s*[\r\n]|\s+")


def make_tokenizer() -> Tokenizer:
    """Trains in about a second; the same result every time."""
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(_WORDS, behavior="isolated")
    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_])
    tokenizer.decoder = decoders.ByteLevel()
    reserved = len(SPECIAL) + len(set(FIXED_PARTS))
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - reserved,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_lines(), trainer)
    tokenizer.add_tokens([AddedToken(part, normalized=False) for part in FIXED_PARTS])
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in SPECIAL])
    return tokenizer


def _lines() -> Iterator[str]:
    for line in every_phrase():
        yield from (line, f" {line}", line.capitalize())
    for line in every_answer_word():
        yield line
        yield f" {line}"
    yield from ("system", "user", "assistant") * 8
