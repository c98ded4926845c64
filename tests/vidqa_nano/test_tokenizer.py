"""Nano's tokenizer: any text there and back, digits one by one, Qwen's special names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from vidqa_nano import weights_folder
from vidqa_nano.make_tokenizer import SPECIAL, make_tokenizer
from vidqa_nano.wording import FIXED_PARTS, ground_reply

TOKENIZER = make_tokenizer()


@given(st.text())
def test_any_text_comes_back_unchanged(text: str) -> None:
    ids = TOKENIZER.encode(text).ids
    assert TOKENIZER.decode(ids, skip_special_tokens=False) == text


def test_every_digit_is_a_token() -> None:
    tokens = TOKENIZER.encode("12.34").tokens
    assert tokens == ["1", "2", ".", "3", "4"]


def test_a_reply_spells_its_times_digit_by_digit_between_fixed_parts() -> None:
    tokens = TOKENIZER.encode(ground_reply([(3.0, 7.5)])).tokens
    head, tail = "The given query happens in ", " seconds."
    assert tokens == [head, "3", ".", "0", " - ", "7", ".", "5", tail]


@pytest.mark.parametrize("name", SPECIAL)
def test_special_tokens_have_the_names_of_the_family(name: str) -> None:
    assert len(TOKENIZER.encode(name).ids) == 1


def test_fixed_parts_are_one_token_each() -> None:
    assert all(len(TOKENIZER.encode(part).ids) == 1 for part in FIXED_PARTS)


def test_the_shipped_tokenizer_is_the_one_this_code_makes() -> None:
    shipped = Tokenizer.from_file(str(weights_folder() / "tokenizer.json"))
    assert shipped.to_str() == TOKENIZER.to_str()
