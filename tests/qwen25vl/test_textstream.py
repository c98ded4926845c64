"""Streamed text is the decoded text, cut before the stop string that is complete first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers

from qwen25vl import PromptError, TextStream, Tokenizer

CONTROLS = [
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|video_pad|>",
    "<|image_pad|>",
]


def byte_tokenizer() -> Tokenizer:
    """Every token is one byte, so every longer character spans several."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Backend(models.BPE({symbol: i for i, symbol in enumerate(alphabet)}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(CONTROLS)
    return Tokenizer(backend)


BYTES = byte_tokenizer()


def streamed(text: TextStream, ids: list[int]) -> str:
    said = "".join(text.feed(token) for token in ids)
    return said + text.finish()


def cut(text: str, stops: list[str]) -> str:
    """By definition: read character by character, end at the first that completes a stop."""
    for end in range(len(text) + 1):
        found = [len(stop) for stop in stops if text[:end].endswith(stop)]
        if found:
            return text[: end - max(found)]
    return text


@given(st.text(alphabet="abé€😀", max_size=30), st.lists(st.text("abé€", min_size=1, max_size=4)))
def test_streamed_text_is_the_text_before_the_first_stop(text, stops):
    stream = TextStream(BYTES, stops)
    assert streamed(stream, BYTES.encode(text)) == cut(text, stops)
    assert stream.stopped == any(stop in text for stop in stops)


@given(st.lists(st.integers(0, 255), max_size=20))
def test_bytes_that_are_no_text_come_out_as_the_decoder_shows_them(ids):
    assert streamed(TextStream(BYTES), ids) == BYTES.decode(ids)


def test_a_character_appears_when_its_last_byte_does():
    stream = TextStream(BYTES)
    assert [stream.feed(token) for token in BYTES.encode("😀")] == ["", "", "", "😀"]


def test_what_may_become_a_stop_string_is_held_back():
    stream = TextStream(BYTES, ["END"])
    assert [stream.feed(token) for token in BYTES.encode("aENb")] == ["a", "", "", "ENb"]
    assert stream.finish() == ""


def test_nothing_follows_a_stop():
    stream = TextStream(BYTES, ["."])
    assert [stream.feed(token) for token in BYTES.encode("a.b")] == ["a", "", ""]
    assert stream.finish() == ""


def test_an_empty_stop_string_is_refused():
    with pytest.raises(PromptError, match="stop strings"):
        TextStream(BYTES, ["a", ""])
