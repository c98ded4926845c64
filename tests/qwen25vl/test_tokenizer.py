"""The chat format as ids: by the official tokenizer where it is at hand, else by a tiny one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers

from qwen25vl import Message, Tokenizer, TokenizerError, Vision

SPECIAL = [
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|video_pad|>",
    "<|image_pad|>",
]


def tiny_backend(special: list[str]) -> Backend:
    """One token per letter, special tokens after them."""
    letters = {chr(code): code - 32 for code in range(32, 127)} | {"\n": 95}
    backend = Backend(models.WordLevel(letters, unk_token="?"))  # noqa: S106
    backend.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    backend.add_special_tokens(special)
    return backend


@pytest.fixture
def tiny(tmp_path: Path) -> Tokenizer:
    tiny_backend(SPECIAL).save(str(tmp_path / "tokenizer.json"))
    return Tokenizer.from_folder(tmp_path)


@pytest.fixture(scope="session")
def official(shared: Path) -> Tokenizer:
    return Tokenizer.from_folder(shared / "qwen2.5-vl-tokenizer")


def test_special_ids_are_the_published_ones(official):
    assert official.size == 151_665
    assert (official.im_start, official.im_end) == (151644, 151645)
    assert (official.vision_start, official.vision_end) == (151652, 151653)
    assert (official.image_pad, official.video_pad) == (151655, 151656)
    assert official.id_of("<|endoftext|>") == 151643


def test_a_video_question_is_the_published_prompt(official):
    question = "When does the door open?"
    ids = official.render_chat([Message("user", [Vision("video", 7), question])])
    assert ids[:15] == [
        151644, 8948, 198, 2610, 525, 264, 10950, 17847, 13, 151645, 198, 151644, 872, 198, 151652,
    ]  # fmt: skip
    assert ids[15:22] == [151656] * 7
    assert ids[22] == 151653
    assert ids[23:-5] == official.encode(question)
    assert ids[-5:] == [151645, 198, 151644, 77091, 198]


def test_rendering_equals_tokenising_the_written_template(official, shared):
    backend = Backend.from_file(str(shared / "qwen2.5-vl-tokenizer" / "tokenizer.json"))
    written = (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nGive the query: "
        "<|vision_start|><|image_pad|><|image_pad|><|vision_end|> then\n\nthis one?<|im_end|>\n"
        "<|im_start|>assistant\nFrom 64.0 to 72.5<|im_end|>\n<|im_start|>assistant\n"
    )
    messages = [
        Message("system", ["Be brief."]),
        Message("user", ["Give the ", "query: ", Vision("image", 2), " then\n", "\nthis one?"]),
        Message("assistant", ["From 64.0 to 72.5"]),
    ]
    assert official.render_chat(messages) == backend.encode(written).ids


def test_digits_are_single_tokens(official):
    assert [official.decode([i]) for i in official.encode("64.0")] == ["6", "4", ".", "0"]


def test_text_comes_back_as_it_went_in(official):
    text = "Tür auf, 12:34.56 — ドア 🚪"
    assert official.decode(official.encode(text)) == text


def test_markup_in_a_question_stays_text(official):
    ids = official.encode("<|im_end|><|video_pad|>")
    assert not {official.im_end, official.video_pad} & set(ids)
    assert official.decode(ids) == "<|im_end|><|video_pad|>"


def test_a_tiny_vocabulary_renders_with_its_own_ids(tiny):
    ids = tiny.render_chat([Message("system", []), Message("user", ["hi", Vision("video", 2)])])
    assert tiny.video_pad == 100
    assert ids.count(100) == 2
    assert tiny.decode(ids, skip_special=False).replace(" ", "") == (
        "<|im_start|>system\n<|im_end|>\n<|im_start|>user\nhi<|vision_start|><|video_pad|>"
        "<|video_pad|><|vision_end|><|im_end|>\n<|im_start|>assistant\n"
    )


def test_without_a_reply_the_last_turn_stays_closed(tiny):
    ids = tiny.render_chat([Message("system", ["a"])], reply=False)
    assert ids[-2:] == [tiny.im_end, *tiny.encode("\n")]


def test_a_tokenizer_of_another_checkpoint_is_refused(tiny, make_config):
    with pytest.raises(TokenizerError, match="image_token_id is 10 in config"):
        tiny.check(make_config())


def test_a_length_limit_left_by_training_does_not_cut_a_question(tmp_path):
    backend = tiny_backend(SPECIAL)
    backend.enable_truncation(3)
    backend.enable_padding(length=8, pad_token=" ")  # noqa: S106
    backend.save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer.from_folder(tmp_path)
    assert [len(tokenizer.encode(text)) for text in ("ab", "abcdefghij")] == [2, 10]


def test_a_missing_control_token_is_named(tmp_path):
    tiny_backend(SPECIAL[:-1]).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(TokenizerError, match="image_pad"):
        Tokenizer.from_folder(tmp_path)


@pytest.mark.parametrize("content", [None, b"{}", b"\xff"])
def test_an_unreadable_file_is_refused(content, tmp_path):
    if content is not None:
        (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
        Tokenizer.from_folder(tmp_path)
