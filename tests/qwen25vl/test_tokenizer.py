"""The chat format as ids: by the official tokenizer where it is at hand, else by a tiny one."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
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


@pytest.fixture(scope="session")
def official_backend(shared: Path) -> Backend:
    """The same file as other software reads it: control tokens in a text are control tokens."""
    return Backend.from_file(str(shared / "qwen2.5-vl-tokenizer" / "tokenizer.json"))


def test_special_ids_are_the_published_ones(official):
    assert official.size == 151_665
    assert (official.im_start, official.im_end) == (151644, 151645)
    assert (official.vision_start, official.vision_end) == (151652, 151653)
    assert (official.image_pad, official.video_pad) == (151655, 151656)
    assert official.id_of("<|endoftext|>") == 151643


MARKUP = [
    "endoftext", "im_start", "im_end", "object_ref_start", "object_ref_end", "box_start", "box_end",
    "quad_start", "quad_end", "vision_start", "vision_end", "vision_pad", "image_pad", "video_pad",
]  # fmt: skip
WORDS = ["fim_prefix", "fim_middle", "fim_suffix", "fim_pad", "repo_name", "file_sep"]
ADDED = (
    [f"<|{name}|>" for name in MARKUP]
    + ["<tool_call>", "</tool_call>"]
    + [f"<|{name}|>" for name in WORDS]
)


def test_all_22_added_tokens_have_the_published_ids(official):
    assert [official.id_of(token) for token in ADDED] == list(range(151_643, 151_665))


def test_the_last_eight_added_tokens_are_not_special(official_backend):
    added = official_backend.get_added_tokens_decoder()
    assert {i for i, token in added.items() if not token.special} == set(range(151_657, 151_665))


def test_added_tokens_that_are_not_special_are_kept_in_replies(official):
    ids = [official.id_of(token) for token in ADDED]
    assert official.decode(ids) == "".join(ADDED[14:])
    assert official.decode(ids, skip_special=False) == "".join(ADDED)


def test_nothing_is_put_before_or_after_a_text(official):
    assert official.encode("") == []
    assert official.decode(official.encode("a")) == "a"
    assert len(official.encode("a")) == 1


def test_composed_and_decomposed_letters_are_the_same_tokens(official):
    text = "T\u00fcr \u212b \uac00"
    assert official.encode(unicodedata.normalize("NFD", text)) == official.encode(text)
    assert official.decode(official.encode(text)) == unicodedata.normalize("NFC", text)


@given(number=st.decimals(0, 100_000, places=2))
def test_every_digit_of_a_number_is_a_token(number, official):
    assert [official.decode([i]) for i in official.encode(str(number))] == list(str(number))


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


def test_rendering_equals_tokenising_the_written_template(official, official_backend):
    text = (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nGive the query: "
        "<|vision_start|><|image_pad|><|image_pad|><|vision_end|> then\n\nthis one?<|im_end|>\n"
        "<|im_start|>assistant\nFrom 64.0 to 72.5<|im_end|>\n<|im_start|>assistant\n"
    )
    messages = [
        Message("system", ["Be brief."]),
        Message("user", ["Give the ", "query: ", Vision("image", 2), " then\n", "\nthis one?"]),
        Message("assistant", ["From 64.0 to 72.5"]),
    ]
    assert official.render_chat(messages) == official_backend.encode(text).ids


def written(messages: Sequence[Message], *, reply: bool) -> str:
    """The chat template's rules as one string, one pad per vision token."""
    if messages[0].role != "system":
        messages = [Message("system", ["You are a helpful assistant."]), *messages]
    text = ""
    for role, content in messages:
        body = "".join(
            part
            if isinstance(part, str)
            else f"<|vision_start|>{f'<|{part.kind}_pad|>' * part.tokens}<|vision_end|>"
            for part in content
        )
        text += f"<|im_start|>{role}\n{body}<|im_end|>\n"
    return f"{text}<|im_start|>assistant\n" if reply else text


# Line breaks, digits, several scripts and letters that NFC joins, at the seams of pieces too.
some_text = st.text(st.sampled_from("ab A1\n\r\t.,:'\u00e9e\u0301\u4e2d\U0001f6aa<|>"), max_size=12)
some_vision = st.builds(Vision, st.sampled_from(["video", "image"]), st.integers(1, 9))
some_content = st.lists(some_text | some_vision, max_size=6)


@given(
    system=st.none() | some_content,
    turns=st.lists(some_content, min_size=1, max_size=4),
    reply=st.booleans(),
)
def test_any_chat_is_the_written_template(system, turns, reply, official, official_backend):
    messages = [] if system is None else [Message("system", system)]
    messages += [Message(("user", "assistant")[i % 2], turn) for i, turn in enumerate(turns)]
    ids = official_backend.encode(written(messages, reply=reply)).ids
    assert official.render_chat(messages, reply=reply) == ids


def test_the_places_of_videos_and_images_are_kept(official):
    content = ["a", Vision("image", 1), Vision("video", 2), "b", Vision("image", 3), "c"]
    ids = official.render_chat([Message("user", content)], reply=False)
    image, wide = [151_652, 151_655, 151_653], [151_652, *[151_655] * 3, 151_653]
    video = [151_652, 151_656, 151_656, 151_653]
    assert [i for i in ids if i >= 151_652] == [*image, *video, *wide]


def test_text_comes_back_as_it_went_in(official):
    text = "Tür auf, 12:34.56 — ドア 🚪"
    assert official.decode(official.encode(text)) == text


@pytest.mark.parametrize("token", ADDED[:14])
def test_markup_in_a_question_stays_text(token, official, official_backend):
    """Stricter than transformers, to whom the same words in a question are the control token."""
    ids = official.encode(f"a{token}b")
    assert max(ids) < 151_643
    assert official.decode(ids) == f"a{token}b"
    assert official_backend.token_to_id(token) in official_backend.encode(f"a{token}b").ids


@pytest.mark.parametrize("token", ADDED[14:])
def test_added_words_that_are_not_special_are_one_token_in_a_question_too(token, official):
    assert official.encode(token) == [official.id_of(token)]


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
