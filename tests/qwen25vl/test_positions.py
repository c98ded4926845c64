"""Position ids: every published vector, in both modes."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qwen25vl import (
    Grid,
    ModelConfig,
    PromptError,
    VisionRun,
    next_position,
    position_ids,
    time_ids,
    uniform_rows,
)


def video_prompt(grid: Grid, config: ModelConfig, *, before: int = 15, after: int = 6) -> list[int]:
    """``before`` tokens ending in vision start, the pads, ``after`` tokens from vision end on."""
    pads = [config.video_token_id] * (grid.patches // 4)
    head = [5] * (before - 1) + [config.vision_start_token_id]
    return [*head, *pads, config.vision_end_token_id, *[6] * (after - 1)]


# Grid and seconds per row; first and last time ids; largest row and column id; first text id after
# the video by the reference rule and by transformers 5.3's.
VECTORS = [
    ((5, 4, 6), 1.0, [15, 17, 19, 21, 23], 23, 16, 17, 24, 18),
    ((30, 20, 36), 1.0, [15, 17, 19], 73, 24, 32, 74, 33),
    ((4, 4, 6), 0.5, [15, 16, 17, 18], 18, 16, 17, 19, 18),
    ((384, 8, 16), 9.375, [15, 33, 52, 71, 90, 108, 127, 146], 7196, 18, 22, 7197, 23),
    ((384, 8, 16), 2.34375, [15, 19, 24, 29, 33, 38, 43, 47], 1810, 18, 22, 1811, 23),
    ((8, 4, 6), 0.08333, [15] * 7 + [16], 16, 16, 17, 18, 18),
]


@pytest.mark.parametrize("mode", ["reference", "hf53"])
@pytest.mark.parametrize(
    ("grid", "step", "t_head", "t_last", "h_max", "w_max", "ref", "hf"), VECTORS
)
def test_published_vectors(grid, step, t_head, t_last, h_max, w_max, ref, hf, mode, make_config):
    config, grid = make_config(), Grid(*grid)
    run = VisionRun(grid, uniform_rows(grid.t, step))
    positions = position_ids(video_prompt(grid, config), [run], config, mode=mode)
    video = positions[:, 15:-6].view(3, grid.t, grid.h // 2, grid.w // 2)
    assert positions[:, :15].tolist() == [list(range(15))] * 3
    assert video[0, : len(t_head), 0, 0].tolist() == t_head
    assert (video[0] == video[0, :, :1, :1]).all()
    assert video[0, -1, 0, 0] == t_last
    assert video[1, 0, :, 0].tolist() == list(range(15, h_max + 1))
    assert video[2, 0, 0].tolist() == list(range(15, w_max + 1))
    first = ref if mode == "reference" else hf
    assert positions[:, -6:].tolist() == [list(range(first, first + 6))] * 3
    assert next_position(positions) == first + 6


@pytest.mark.parametrize(("seconds", "last"), [(10, 18), (60, 118), (600, 1196), (3600, 7181)])
def test_last_time_id_of_whole_clips_at_the_default_rate(seconds, last):
    frames = min(2 * seconds, 768)
    assert time_ids(uniform_rows(frames // 2, 2 * seconds / frames), 2.0)[-1] == last


def test_row_times_need_not_be_uniform(make_config):
    config, grid = make_config(), Grid(3, 2, 2)
    run = VisionRun(grid, (0.0, 0.74, 10.0))
    positions = position_ids(video_prompt(grid, config, before=1, after=1), [run], config)
    assert positions.tolist() == [[0, 1, 2, 21, 22], [0, 1, 1, 1, 22], [0, 1, 1, 1, 22]]


def test_images_and_videos_follow_each_other(make_config):
    config = make_config()
    start, end = config.vision_start_token_id, config.vision_end_token_id
    image, video = config.image_token_id, config.video_token_id
    ids = [start, *[image] * 6, end, start, *[video] * 2, end, start, video, end]
    runs = [
        VisionRun(Grid(1, 4, 6), (0.0,)),
        VisionRun(Grid(2, 2, 2), (0.0, 1.5)),
        VisionRun(Grid(1, 2, 2), (0.0,)),
    ]
    t, h, w = position_ids(ids, runs, config).tolist()
    assert t == [0, 1, 1, 1, 1, 1, 1, 4, 5, 6, 9, 10, 11, 12, 13]
    assert h == [0, 1, 1, 1, 2, 2, 2, 4, 5, 6, 6, 10, 11, 12, 13]
    assert w == [0, 1, 2, 3, 1, 2, 3, 4, 5, 6, 6, 10, 11, 12, 13]


def test_text_alone_counts_up(make_config):
    assert position_ids([5, 6, 7], [], make_config()).tolist() == [[0, 1, 2]] * 3
    assert position_ids([], [], make_config()).shape == (3, 0)


@given(
    rows=st.integers(1, 20),
    seconds=st.floats(0, 20_000, width=32),
    h=st.integers(1, 4),
    w=st.integers(1, 4),
)
def test_the_reference_never_places_text_inside_a_video(rows, seconds, h, w, make_config):
    config, grid = make_config(), Grid(rows, 2 * h, 2 * w)
    run = VisionRun(grid, uniform_rows(rows, seconds))
    positions = position_ids(video_prompt(grid, config), [run], config)
    assert positions[:, -6:].min() == positions[:, :-6].max() + 1
    assert all(later >= now for now, later in pairwise(positions[0].tolist()))


@pytest.mark.parametrize(
    ("extra", "runs"),
    [
        ([], []),
        ([11], [VisionRun(Grid(1, 2, 4), (0.0,))]),
        ([], [VisionRun(Grid(1, 2, 2), (0.0,)), VisionRun(Grid(1, 2, 2), (0.0,))]),
        ([], [VisionRun(Grid(1, 2, 2), (0.0, 1.0))]),
        ([], [VisionRun(Grid(1, 2, 2), (-1.0,))]),
        ([], [VisionRun(Grid(1, 2, 2), (float("nan"),))]),
        ([], [VisionRun(Grid(1, 4, 4), (0.0,))]),
    ],
    ids=["no input", "mixed pads", "no pads", "times", "negative", "nan", "too few pads"],
)
def test_pads_and_inputs_that_differ_are_refused(extra, runs, make_config):
    config = make_config()
    ids = [config.vision_start_token_id, 11 if not extra else 10, *extra, 5]
    with pytest.raises(PromptError):
        position_ids(ids, runs, config)


def test_an_unknown_mode_is_refused(make_config):
    with pytest.raises(PromptError, match="hf54"):
        position_ids([5], [], make_config(), mode="hf54")


def test_ids_are_whole_numbers_of_the_widest_kind(make_config):
    assert position_ids([5], [], make_config()).dtype == torch.int64
