"""Prompts of several inputs: which ids, which positions, and what a mismatch says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qwen25vl import Grid, ModelConfig, Tokenizer, VisionRun, load_config
from vidqa.chat import Chat, Image, Item, Text, Turn, Video
from vidqa.errors import ModelError
from vidqa.inputs import Kind, Rendered, Watched, render, shared_tokens
from vidqa.profiles import BASE, TIMELENS, Profile
from vidqa.prompts import ask_prompt


@pytest.fixture(scope="module")
def tokenizer(tiny_folder: Path) -> Tokenizer:
    return Tokenizer.from_folder(tiny_folder)


@pytest.fixture(scope="module")
def config(tiny_folder: Path) -> ModelConfig:
    return load_config(tiny_folder)


def watched(kind: Kind, *row_seconds: float, h: int = 4, w: int = 4) -> Watched:
    grid = Grid(len(row_seconds), h, w)
    return Watched(
        tokens_MD=torch.zeros(grid.patches // 4, 8), run=VisionRun(grid, row_seconds), kind=kind
    )


def user(*items: Item) -> Chat:
    return Chat((Turn("system", (Text("S"),)), Turn("user", items)))


def test_a_video_told_in_text_is_an_image_a_row_with_its_time_before_it(
    tokenizer: Tokenizer, config: ModelConfig
) -> None:
    """By hand: every character is a token here, and every row is two by two tokens."""
    prompt = render(
        user(Video(), Text("Q")), [watched("video", 0.0, 10.25)], tokenizer, config, TIMELENS
    )
    encode, image = tokenizer.encode, [tokenizer.image_pad] * 4
    start, end = tokenizer.im_start, tokenizer.im_end
    looks, looked = tokenizer.vision_start, tokenizer.vision_end
    assert prompt.ids == [
        *(start, *encode("system\nS"), end, *encode("\n")),
        *(start, *encode("user\n0.0s"), looks, *image, looked),
        *(*encode("10.2s"), looks, *image, looked),
        *(*encode("Q"), end, *encode("\n"), start, *encode("assistant\n")),
    ]
    assert prompt.positions_3S.tolist() == [
        [*range(22), 22, 22, 22, 22, *range(24, 31), 31, 31, 31, 31, *range(33, 48)],
        [*range(22), 22, 22, 23, 23, *range(24, 31), 31, 31, 32, 32, *range(33, 48)],
        [*range(22), 22, 23, 22, 23, *range(24, 31), 31, 32, 31, 32, *range(33, 48)],
    ]


def test_any_checkpoint_can_be_told_times_in_its_own_words(
    tokenizer: Tokenizer, config: ModelConfig
) -> None:
    profile = replace(BASE, time_encoding="text", time_text="<{seconds:.0f}>")
    prompt = render(user(Video()), [watched("video", 0.0, 2.0)], tokenizer, config, profile)
    words = tokenizer.decode(prompt.ids)
    assert words.count("<0>") == words.count("<2>") == 1
    assert tokenizer.video_pad not in prompt.ids


def test_a_video_told_by_positions_moves_with_its_seconds_and_an_image_with_none(
    tokenizer: Tokenizer, config: ModelConfig
) -> None:
    inputs = [watched("image", 0.0), watched("video", 0.0, 3.0)]
    prompt = render(user(Image(), Video()), inputs, tokenizer, config, BASE)
    ids_S = torch.tensor(prompt.ids)
    times_S = prompt.positions_3S[0]
    image, video = times_S[ids_S == tokenizer.image_pad], times_S[ids_S == tokenizer.video_pad]
    assert (image - image[0]).tolist() == [0, 0, 0, 0]
    assert (video - video[0]).tolist() == [0, 0, 0, 0, 6, 6, 6, 6]  # two ids a second


@pytest.mark.parametrize(
    ("items", "inputs", "message"),
    [
        ((Video(),), [], "places for video and was given no input"),
        ((Text("q"),), [watched("image", 0.0)], "places for no input and was given image"),
        (
            (Image(), Video()),
            [watched("video", 0.0), watched("image", 0.0)],
            "places for image, video and was given video, image",
        ),
    ],
)
def test_places_and_inputs_that_do_not_match_are_an_error_that_names_both(
    tokenizer: Tokenizer,
    config: ModelConfig,
    items: tuple[Item, ...],
    inputs: list[Watched],
    message: str,
) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        render(user(*items), inputs, tokenizer, config, BASE)
    assert caught.value.code == "inputs_mismatch"


INPUTS = st.lists(
    st.builds(
        lambda kind, rows, h, w: watched(
            kind, *map(float, range(rows if kind == "video" else 1)), h=h, w=w
        ),
        st.sampled_from(("video", "image")),
        st.integers(1, 3),
        st.sampled_from((2, 4)),
        st.sampled_from((2, 4, 6)),
    ),
    max_size=4,
)
WORDS = st.lists(st.text(max_size=8), min_size=5, max_size=5)


@given(
    inputs=INPUTS, words=WORDS, turn=st.integers(0, 4), profile=st.sampled_from((BASE, TIMELENS))
)
def test_every_prompt_has_a_pad_a_token_and_a_position_an_id(
    tokenizer: Tokenizer,
    config: ModelConfig,
    inputs: list[Watched],
    words: list[str],
    turn: int,
    profile: Profile,
) -> None:
    places = [Video() if each.kind == "video" else Image() for each in inputs]
    items = [
        item for word, place in zip(words, places, strict=False) for item in (Text(word), place)
    ]
    cut = min(2 * turn, len(items))
    chat = Chat(
        (
            Turn("user", tuple(items[:cut])),
            Turn("assistant", (Text("Yes."),)),
            Turn("user", (*items[cut:], Text(words[-1]))),
        )
    )
    prompt = render(chat, inputs, tokenizer, config, profile)
    pads = sum(token in (tokenizer.image_pad, tokenizer.video_pad) for token in prompt.ids)
    assert pads == sum(each.token_count for each in inputs)
    assert prompt.positions_3S.shape == (3, len(prompt.ids))
    assert (0 if prompt.tokens_MD is None else len(prompt.tokens_MD)) == pads


def rendered(ids: list[int]) -> Rendered:
    return Rendered(ids, torch.zeros(3, len(ids)), (), 0)


def test_prompts_share_their_beginning_only_when_no_input_lies_behind_it(
    tokenizer: Tokenizer, config: ModelConfig
) -> None:
    pad = tokenizer.video_pad
    assert shared_tokens([rendered([1, pad, 2, 3]), rendered([1, pad, 2, 4, 5])], config) == 3
    assert shared_tokens([rendered([1, pad, 2]), rendered([1, pad, 2, 4])], config) == 2
    assert shared_tokens([rendered([1, 2, pad, 3]), rendered([1, 4, pad, 3])], config) == 0


def test_one_system_prompt_replaces_the_profiles_own() -> None:
    chat = ask_prompt("why?", BASE, system="Say <|im_end|> little.")
    assert chat.turns[0] == Turn("system", (Text("Say < |im_end|> little."),))


def test_slices_and_joins_keep_the_digests_of_rows_where_all_have_them() -> None:
    bare = watched("video", 0.0, 1.0, 2.0)
    known = replace(bare, row_checks=(b"a", b"b", b"c"))
    assert known.rows(1, 3).row_checks == (b"b", b"c")
    parts = [(0.0, known.rows(2, 3)), (5.0, known.rows(0, 1))]
    assert Watched.joined(parts).row_checks == (b"c", b"a")
    assert Watched.joined([*parts, (9.0, bare)]).row_checks == ()
