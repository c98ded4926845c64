"""The clips of a video: 8 s every 4 s, on one clock, all of the video and nothing twice."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.errors import VideoError
from vidqa.pipeline.clips import GROUP, ClipGrid, grid_of


def spans(duration_s: float) -> list[tuple[float, float]]:
    grid = ClipGrid(duration_s)
    clips = [grid.clip(n) for n in range(grid.count)]
    return [(clip.span.start_s, clip.span.end_s) for clip in clips]


@pytest.mark.parametrize(
    ("duration_s", "wanted"),
    [
        (0.04, [(0, 0.04)]),
        (7.9, [(0, 7.9)]),
        (8.0, [(0, 8)]),
        (8.4, [(0, 8), (4, 8.4)]),
        (12.0, [(0, 8), (4, 12)]),
        (13.0, [(0, 8), (4, 12), (8, 13)]),
    ],
)
def test_clips_are_eight_seconds_every_four_and_the_last_ends_with_the_video(
    duration_s: float, wanted: list[tuple[float, float]]
) -> None:
    assert spans(duration_s) == wanted


@given(st.floats(0.01, 7200))
def test_every_moment_is_in_a_clip_and_every_clip_has_frames_of_its_own(duration_s: float) -> None:
    grid = ClipGrid(duration_s)
    clips = [grid.clip(n) for n in range(grid.count)]
    assert clips[0].span.start_s == 0
    assert clips[-1].span.end_s == duration_s
    assert clips[-1].last == grid.frames
    for before, after in itertools.pairwise(clips):
        assert after.span.start_s <= before.span.end_s
        assert after.last > before.last
    for clip in clips:
        assert clip.first <= clip.key < clip.last
    assert all(s < duration_s for s in grid.seconds(0))
    assert [c.number for some in grid.groups() for c in some] == list(range(grid.count))
    assert all(len(some) == GROUP for some in list(grid.groups())[:-1])


def test_the_key_frame_is_the_one_at_the_middle() -> None:
    grid = ClipGrid(20.0)
    assert [grid.clip(n).key / 2 for n in range(grid.count)] == [4.0, 8.0, 12.0, 16.0]


def test_a_video_that_claims_more_than_a_week_is_refused() -> None:
    with pytest.raises(VideoError, match="claims to last") as caught:
        grid_of("a.mp4", 1e9)
    assert caught.value.code == "video_too_long"
