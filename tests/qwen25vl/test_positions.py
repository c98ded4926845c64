"""Position ids: every published vector, in every mode, and the rule written a second way."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from benchmarks.positions import ids_of
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
from qwen25vl.positions import MODES, Mode

DOCS = Path(__file__).parents[2] / "docs" / "positions.md"


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


# The same, where the interval is cut to whole seconds first: last time id, first text id after.
TRUNCATED = [
    ((384, 8, 16), 9.375, 6909, 6910),
    ((384, 8, 16), 2.34375, 1547, 1548),
    ((4, 4, 6), 0.5, 15, 18),
    ((60, 4, 6), 1.016835, 133, 134),
    ((384, 4, 6), 1.5625, 781, 782),
    ((5, 4, 6), 1.0, 23, 24),
    ((1, 4, 6), 7.5, 15, 18),
]


@pytest.mark.parametrize(("grid", "step", "t_last", "text"), TRUNCATED)
def test_published_vectors_of_the_truncated_interval(grid, step, t_last, text, make_config):
    config, grid = make_config(), Grid(*grid)
    run = VisionRun(grid, uniform_rows(grid.t, step))
    positions = position_ids(video_prompt(grid, config), [run], config, mode="int_truncated")
    video = positions[:, 15:-6].view(3, grid.t, -1)
    steps = video[0].diff(dim=0)
    assert (steps == 2 * int(step)).all()
    assert video[0, -1].tolist() == [t_last] * (grid.tokens(config.vision) // grid.t)
    assert positions[:, -6:].tolist() == [list(range(text, text + 6))] * 3


def test_a_truncated_interval_is_refused_for_rows_unequally_apart(make_config):
    config, grid = make_config(), Grid(3, 2, 2)
    run = VisionRun(grid, (0.0, 0.74, 10.0))
    with pytest.raises(PromptError, match="are not k"):
        position_ids(video_prompt(grid, config), [run], config, mode="int_truncated")


def test_whole_seconds_between_rows_are_the_same_in_both_truncations(make_config):
    config, grid = make_config(), Grid(9, 4, 4)
    run = VisionRun(grid, uniform_rows(9, 3.0))
    ids = video_prompt(grid, config)
    modes = (position_ids(ids, [run], config, mode=m) for m in ("reference", "int_truncated"))
    assert torch.equal(*modes)


@pytest.mark.parametrize(("seconds", "last"), [(10, 18), (60, 118), (600, 1196), (3600, 7181)])
def test_last_time_id_of_whole_clips_at_the_default_rate(seconds, last):
    frames = min(2 * seconds, 768)
    assert time_ids(uniform_rows(frames // 2, 2 * seconds / frames), 2.0)[-1] == last


def test_the_ids_in_the_docs_are_the_computed_ones():
    text = DOCS.read_text(encoding="utf-8").replace("**", "")
    written = [(int(t), int(first)) for t, first in re.findall(r"(\d+) -> (\d+)", text)]
    found = [ids_of(seconds)[mode] for seconds in (10, 60, 600, 3600) for mode in MODES]
    assert written == [(ids["last_time"], ids["text"]) for ids in found]


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


@pytest.mark.parametrize("mode", MODES)
def test_text_alone_counts_up(mode, make_config):
    assert position_ids([5, 6, 7], [], make_config(), mode=mode).tolist() == [[0, 1, 2]] * 3
    assert position_ids([], [], make_config(), mode=mode).shape == (3, 0)


Seen = tuple[str, Grid, float]
"""What a prompt shows: "image" or "video", its grid, seconds per row."""


@st.composite
def some_vision(draw: st.DrawFn) -> Seen:
    sides = st.integers(1, 5).map(lambda units: 2 * units)
    if draw(st.booleans()):
        return "image", Grid(1, draw(sides), draw(sides)), 0.0
    # The intervals of the official sampler, and any other that float32 holds.
    step = draw(st.sampled_from([0.5, 1.0, 1.016835, 1.5625, 9.375]) | st.floats(0, 40, width=32))
    return "video", Grid(draw(st.integers(1, 12)), draw(sides), draw(sides)), step


def mixed_prompt(
    seen: Sequence[Seen], texts: Sequence[int], config: ModelConfig
) -> tuple[list[int], list[VisionRun]]:
    """``texts[i]`` plain tokens before the i-th input, the rest at the end."""
    pads = {"image": config.image_token_id, "video": config.video_token_id}
    ids: list[int] = [20] * texts[-1]
    for (kind, grid, _), text in zip(seen, texts, strict=False):
        around = [pads[kind]] * grid.tokens(config.vision)
        ids += [*[21] * text, config.vision_start_token_id, *around, config.vision_end_token_id]
    runs = [VisionRun(grid, uniform_rows(grid.t, step)) for _, grid, step in seen]
    return [*ids, 22], runs


def written_out(seen: Sequence[Seen], texts: Sequence[int], mode: Mode) -> list[list[int]]:
    """The rule of the model's own code token by token, in whole numbers and one float32 product."""
    out: list[tuple[int, int, int]] = []
    at = 0

    def say(tokens: int) -> None:
        nonlocal at
        out.extend((at + i,) * 3 for i in range(tokens))
        at += tokens

    say(texts[-1])
    for (_, (rows, height, width), step), text in zip(seen, texts, strict=False):
        say(text + 1)
        step = float(int(step)) if mode == "int_truncated" else step
        times = [int((torch.tensor(float(k)) * step * 2.0).item()) for k in range(rows)]
        cells = itertools.product(times, range(height // 2), range(width // 2))
        out.extend((at + t, at + h, at + w) for t, h, w in cells)
        last = 0 if mode == "hf53" else times[-1]
        at += max(last + 1, height // 2, width // 2)
        say(1)
    say(1)
    return [list(axis) for axis in zip(*out, strict=True)]


@given(data=st.data(), seen=st.lists(some_vision(), min_size=1, max_size=4))
@pytest.mark.parametrize("mode", MODES)
def test_any_mix_of_images_and_videos_is_the_rule_written_out(mode, data, seen, make_config):
    texts = data.draw(st.lists(st.integers(0, 9), min_size=len(seen) + 1, max_size=len(seen) + 1))
    ids, runs = mixed_prompt(seen, texts, make_config())
    found = position_ids(ids, runs, make_config(), mode=mode)
    assert found.tolist() == written_out(seen, texts, mode)


@given(seen=st.lists(some_vision(), min_size=1, max_size=4))
def test_every_run_starts_where_the_text_before_it_ended(seen, make_config):
    config = make_config()
    ids, runs = mixed_prompt(seen, [3] * (len(seen) + 1), config)
    positions = position_ids(ids, runs, config)
    starts = [i for i, token in enumerate(ids) if token == config.vision_start_token_id]
    first = [positions[:, i + 1].tolist() for i in starts]
    assert positions.shape == (3, len(ids))
    assert first == [[int(positions[0, i]) + 1] * 3 for i in starts]
    assert all(later > now for now, later in pairwise(axis[0] for axis in first))


@given(seen=st.lists(some_vision(), min_size=1, max_size=4))
def test_the_next_token_follows_the_largest_id_of_the_prompt(seen, make_config):
    ids, runs = mixed_prompt(seen, [3] * (len(seen) + 1), make_config())
    positions = position_ids(ids, runs, make_config())
    # The reference adds a delta to the count of tokens: largest id + 1 - length.
    delta = int(positions.max()) + 1 - len(ids)
    assert next_position(positions) == len(ids) + delta


@given(
    seen=st.lists(some_vision(), min_size=1, max_size=4),
    pads=st.integers(0, 5),
    intervals=st.sampled_from(["list", "tensor"]),
)
def test_hf53_is_what_the_installed_transformers_computes(
    seen, pads, intervals, their_positions, make_config
):
    config = make_config()
    ids, runs = mixed_prompt(seen, [2] * (len(seen) + 1), config)
    steps: Any = [step for kind, _, step in seen if kind == "video"]
    steps = torch.tensor(steps) if intervals == "tensor" else steps
    theirs = their_positions([0] * pads + ids, seen, steps, pads)
    assert torch.equal(position_ids(ids, runs, config, mode="hf53"), theirs[:, 0, pads:])


@pytest.mark.parametrize(("grid", "step"), [(v[0], v[1]) for v in VECTORS])
def test_hf53_vectors_are_those_of_the_installed_transformers(
    grid, step, their_positions, make_config
):
    config, grid = make_config(), Grid(*grid)
    run, ids = VisionRun(grid, uniform_rows(grid.t, step)), video_prompt(grid, config)
    theirs = their_positions(ids, [("video", grid, step)], [step], 0)
    assert torch.equal(position_ids(ids, [run], config, mode="hf53"), theirs[:, 0])


@pytest.fixture(scope="session")
def their_positions(twins, make_config):
    """``get_rope_index`` of the installed transformers for one, perhaps left-padded, prompt."""
    _, network = twins(make_config())
    kinds = {make_config().image_token_id: 1, make_config().video_token_id: 2}

    def positions(ids: list[int], seen: Sequence[Seen], steps: Any, pads: int) -> Tensor:
        of = {k: [list(grid) for kind, grid, _ in seen if kind == k] for k in ("image", "video")}
        found, _ = network.model.get_rope_index(
            torch.tensor([ids]),
            torch.tensor([[kinds.get(token, 0) for token in ids]]),
            image_grid_thw=torch.tensor(of["image"]) if of["image"] else None,
            video_grid_thw=torch.tensor(of["video"]) if of["video"] else None,
            second_per_grid_ts=steps,
            attention_mask=torch.tensor([[0] * pads + [1] * (len(ids) - pads)]),
        )
        return found

    return positions


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
