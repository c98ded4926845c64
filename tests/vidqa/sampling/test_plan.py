"""A plan keeps every bound, for every length and size, and never loses a moment of the window."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidqa.errors import PlanError
from vidqa.sampling import Budget, PatchGrid, Plan, SamplingMode, plan_frames, to_true_seconds
from vidqa.timeline import Span

DAY_S = 86_400.0


@dataclass(frozen=True)
class Video:
    """A measured video; 30 fps 720p unless said."""

    duration_s: float
    fps: float = 30.0
    width: int = 1280
    height: int = 720
    vfr: bool = False
    frames: int | None = None

    @property
    def frame_count(self) -> int:
        return self.frames or max(1, round(self.duration_s * self.fps))

    @property
    def times_T(self) -> np.ndarray:
        return np.arange(self.frame_count) / self.fps


def plan(video: Video, mode: SamplingMode = "clock", **given: object) -> Plan:
    times_T = video.times_T if mode == "qwen" else None
    return plan_frames(video, mode=mode, frame_times_T=times_T, **given)  # type: ignore[arg-type]


@st.composite
def videos(draw: st.DrawFn) -> Video:
    """From one frame to a day, from 2x2 to 8192x8192, constant and variable rate."""
    fps = draw(st.sampled_from([0.01, 0.5, 1.5, 2, 15, 24, 25, 29.97, 60]))
    length_s = draw(st.floats(1 / fps, max(DAY_S, 1 / fps)) | st.sampled_from([1 / fps, DAY_S]))
    side = st.integers(2, 8192) | st.sampled_from([2, 8192])
    return Video(length_s, fps, draw(side), draw(side), draw(st.booleans()))


@settings(max_examples=400)
@given(videos(), st.sampled_from(["clock", "qwen"]))
def test_every_plan_keeps_768_frames_and_24576_tokens(video: Video, mode: SamplingMode) -> None:
    got = plan(video, mode)
    assert 2 <= got.frames == len(got.seconds) <= 768
    assert got.frames % 2 == 0
    assert got.height % 28 == got.width % 28 == 0
    assert got.height >= 28 <= got.width
    rows = len(got.row_seconds)
    assert got.video_tokens == rows * (got.height // 28) * (got.width // 28) <= 24_576
    assert rows * 2 == got.frames
    assert got.row_tokens <= 768
    assert list(got.seconds) == sorted(got.seconds)
    assert all(0 <= t_s <= video.duration_s for t_s in got.seconds)


@settings(max_examples=200)
@given(
    videos(),
    st.integers(2, 768),
    st.integers(16, 24_576),
    st.floats(0.1, 8),
    st.sampled_from(["clock", "qwen"]),
)
def test_every_plan_keeps_a_smaller_budget_too(
    video: Video, frames: int, tokens: int, fps: float, mode: SamplingMode
) -> None:
    got = plan(video, mode, budget=Budget(frames=frames, video_tokens=tokens, fps=fps))
    assert got.frames <= frames
    assert got.video_tokens <= tokens


@settings(max_examples=200)
@given(videos(), st.floats(0, 1), st.floats(0, 1))
def test_the_clock_never_leaves_more_than_a_step_unseen(video: Video, a: float, b: float) -> None:
    low, high = sorted((a * video.duration_s, b * video.duration_s))
    window = Span(low, high) if high > low else None
    got = plan(video, window=window)
    step_s, last_s = 1 / got.fps, got.seconds[-1]
    assert got.seconds[0] == got.span.start_s
    assert got.span.end_s - last_s <= step_s + 1 / video.fps + 1e-6
    gaps = np.diff(got.seconds)
    assert np.allclose(gaps[:-1], step_s)
    assert np.allclose(np.array(got.seconds[::2]) - got.span.start_s, got.row_seconds)


@pytest.mark.parametrize(
    ("duration_s", "fps", "frames"),
    [(10, 2, 20), (384, 2, 768), (385, 1, 386), (600, 1, 600), (769, 0.5, 386), (1500, 0.5, 750),
     (3072, 0.25, 768)],
)  # fmt: skip
def test_two_frames_a_second_when_it_fits_then_halving(
    duration_s: float, fps: float, frames: int
) -> None:
    got = plan(Video(duration_s))
    assert (got.fps, got.frames) == (fps, frames)
    assert got.precision_s == 2 / fps


@pytest.mark.parametrize(("duration_s", "row_s"), [(3600, 9.5), (10_800, 28.5), (86_400, 225)])
def test_rows_of_hours_of_video_stay_whole_time_ids_apart(duration_s: float, row_s: float) -> None:
    got = plan(Video(duration_s))
    assert got.row_seconds[1] == row_s
    assert all((t_s * 2).is_integer() for t_s in got.row_seconds)


def test_ten_minutes_at_720p_share_the_budget_as_81_tokens_a_row_at_most() -> None:
    got = plan(Video(600))
    assert (got.height, got.width, got.video_tokens) == (168, 336, 300 * 72)


def test_a_window_is_sampled_from_its_own_start() -> None:
    got = plan(Video(100), window=Span(12.3, 14.3))
    assert got.seconds == pytest.approx((12.3, 12.8, 13.3, 13.8))
    assert got.row_seconds == (0.0, 1.0)


def test_a_window_is_cut_to_the_video() -> None:
    assert plan(Video(10), window=Span(8, 99)).span == Span(8, 10)


@pytest.mark.parametrize("window", [Span(10, 12), Span(3, 3), Span(-2, 0)])
def test_a_window_outside_the_video_is_an_error(window: Span) -> None:
    with pytest.raises(PlanError, match="no part of a video") as caught:
        plan(Video(10), window=window)
    assert caught.value.code == "window_outside"


def test_a_frame_count_that_is_odd_repeats_the_last_time_only() -> None:
    got = plan(Video(4.5))
    assert got.seconds == (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4)


def test_a_clip_of_a_second_still_gets_four_frames() -> None:
    got = plan(Video(1.0))
    assert got.seconds == (0, 0.25, 0.5, 0.75)
    assert (got.fps, got.precision_s) == (4, 0.5)


def test_one_frame_becomes_a_pair_of_the_same_time() -> None:
    got = plan(Video(1 / 30))
    assert got.seconds == (0, 0)
    assert got.row_seconds == (0,)
    assert got.precision_s == pytest.approx(1 / 30)


def test_a_frame_without_a_length_becomes_a_pair_too() -> None:
    assert plan(Video(0.0, frames=1)).seconds == (0, 0)


def test_a_slow_constant_source_is_sampled_at_its_own_rate() -> None:
    got = plan(Video(10, fps=1.0))
    assert got.seconds == tuple(range(10))


def test_a_slow_variable_source_keeps_the_clock_for_its_bursts() -> None:
    assert plan(Video(10, fps=1.0, vfr=True)).frames == 20


def test_a_short_window_of_a_variable_source_may_hold_a_burst() -> None:
    assert plan(Video(100, fps=0.5, vfr=True), window=Span(40, 41)).frames == 4


def test_a_window_within_one_frame_of_a_constant_source_is_one_pair() -> None:
    assert plan(Video(100, fps=0.5), window=Span(40, 41)).seconds == (40, 40)


def test_a_picture_thinner_than_1_to_200_keeps_one_block_on_its_short_side() -> None:
    assert (plan(Video(10, width=8192, height=2)).height) == 28
    wide = plan(Video(384, width=8192, height=2))
    assert (wide.height, wide.width) == (28, 28 * 64)
    tall = plan(Video(384, width=2, height=8192))
    assert (tall.height, tall.width) == (28 * 64, 28)


def test_a_fixed_size_is_taken_whatever_the_source() -> None:
    budget = Budget(fixed_size=(56, 56))
    got = plan(Video(20), budget=budget)
    assert (got.height, got.width, got.row_tokens, got.video_tokens) == (56, 56, 4, 80)


def test_a_fixed_size_that_is_no_whole_number_of_blocks_is_an_error() -> None:
    with pytest.raises(PlanError, match="no whole number of tokens"):
        plan(Video(20), budget=Budget(fixed_size=(56, 60)))


def test_a_budget_below_one_row_is_an_error() -> None:
    with pytest.raises(PlanError, match="do not hold one row") as caught:
        plan(Video(20), budget=Budget(video_tokens=8))
    assert "row_tokens_min" in caught.value.next_step


@pytest.mark.parametrize(
    "wrong",
    [{"frames": 0}, {"fps": 0.0}, {"fps": math.nan}, {"row_tokens_min": 9, "row_tokens_max": 8}],
)
def test_an_impossible_budget_is_an_error(wrong: dict[str, float]) -> None:
    with pytest.raises(PlanError, match="impossible budget"):
        Budget(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "video",
    [Video(math.nan, frames=9), Video(-1.0, frames=9), Video(5, fps=0.0, frames=9),
     Video(5, fps=math.inf, frames=9), Video(5, width=0)],
)  # fmt: skip
def test_impossible_measurements_are_an_error(video: Video) -> None:
    with pytest.raises(PlanError, match="cannot be sampled"):
        plan_frames(video)


def test_a_budget_is_limited_downwards_only() -> None:
    limited = Budget(frames=100, video_tokens=5000).limited(frames=768, video_tokens=1000)
    assert (limited.frames, limited.video_tokens) == (100, 1000)


def test_the_grid_comes_from_the_checkpoint() -> None:
    config = {"vision_config": {"patch_size": 16, "spatial_merge_size": 2, "tokens_per_second": 4}}
    assert PatchGrid.from_config(config) == PatchGrid(patch=16, ids_per_s=4)
    assert PatchGrid.from_config({}) == PatchGrid()
    assert PatchGrid(patch=16).block == 32
    assert PatchGrid.from_config({"vision_config": {"tokens_per_second": 2.0}}).ids_per_s == 2
    with pytest.raises(PlanError, match="patch_size"):
        PatchGrid.from_config({"vision_config": {"patch_size": "14"}})


@pytest.mark.parametrize(
    ("duration_s", "frames", "told_s", "size", "tokens"),
    [(10, 20, 1.0, (560, 1008), 7200), (60, 120, 1.0, (420, 728), 23_400),
     (600, 768, 1.5625, (168, 280), 23_040), (3600, 768, 9.375, (168, 280), 23_040)],
)  # fmt: skip
def test_the_qwen_mode_is_the_published_plan_within_the_hard_budget(
    duration_s: float, frames: int, told_s: float, size: tuple[int, int], tokens: int
) -> None:
    got = plan(Video(duration_s), "qwen")
    assert (got.frames, (got.height, got.width), got.video_tokens) == (frames, size, tokens)
    assert got.row_seconds[1] == told_s
    assert got.seconds[-1] == pytest.approx(duration_s - 1 / 30)


def test_the_qwen_mode_needs_the_time_of_every_frame() -> None:
    with pytest.raises(PlanError, match="needs the time of every frame"):
        plan_frames(Video(10), mode="qwen")


def test_the_qwen_mode_cuts_a_window_by_frame_numbers() -> None:
    got = plan(Video(10), "qwen", window=Span(1.0, 3.0))
    assert got.frames == 4
    assert (got.seconds[0], got.seconds[-1]) == (1.0, 3.0)


def test_the_clock_told_true_times_so_only_the_window_is_added() -> None:
    got = plan(Video(100), window=Span(30, 60))
    assert to_true_seconds(got, 12.5) == 42.5
    assert to_true_seconds(got, 99) == 60
    assert to_true_seconds(got, -1) == 30


def test_a_time_of_the_stretched_timeline_is_mapped_back() -> None:
    got = plan(Video(10), "qwen")
    assert to_true_seconds(got, 9.5) == pytest.approx(299 / 30)
    assert to_true_seconds(got, 0.5) == pytest.approx(16 / 30)
    assert to_true_seconds(got, 0.25) == pytest.approx(8 / 30)
    assert to_true_seconds(got, 20) == 10


@settings(max_examples=100)
@given(videos(), st.sampled_from(["clock", "qwen"]), st.floats(-1, 1e5), st.floats(-1, 1e5))
def test_true_time_keeps_the_order_and_the_window(
    video: Video, mode: SamplingMode, a_s: float, b_s: float
) -> None:
    got = plan(video, mode)
    true_a, true_b = (to_true_seconds(got, t_s) for t_s in sorted((a_s, b_s)))
    assert got.span.start_s <= true_a <= true_b <= got.span.end_s


def test_a_plan_is_json() -> None:
    got = plan(Video(4), window=Span(1, 3)).to_dict()
    assert json.loads(json.dumps(got)) == {
        "mode": "clock", "start": 1, "end": 3, "seconds": [1, 1.5, 2, 2.5],
        "row_seconds": [0, 1], "height": 560, "width": 1008, "fps": 2, "frames": 4,
        "video_tokens": 1440, "precision_s": 1,
    }  # fmt: skip


def test_the_aspect_of_a_large_picture_survives() -> None:
    got = plan(Video(60, width=1920, height=1080))
    assert abs(Fraction(got.width, got.height) - Fraction(16, 9)) < Fraction(1, 10)


def test_an_unknown_mode_is_refused_and_not_taken_for_the_clock() -> None:
    with pytest.raises(PlanError, match="quen") as caught:
        plan_frames(Video(10.0), mode="quen")  # type: ignore[arg-type]
    assert "qwen" in caught.value.next_step
