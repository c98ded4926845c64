"""One contract for every reader: the picture handed out is the one on screen at the time asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import clips
import numpy as np
import pytest

from vidqa.errors import VideoError
from vidqa.video import frame_times, open_reader, probe, read_frames

Clip = Callable[[str], Path]

# What decord reads right: constant rate, closed GOPs, no edit list, MP4.
DECORD = ("b_frames.mp4", "one_key.mp4", "ntsc.mp4", "offset.mp4", "odd.mp4", "one_frame.mp4")
CASES = [
    *(("pyav", recipe.name) for recipe in clips.RECIPES),
    *(("isolated", recipe.name) for recipe in clips.RECIPES),
    *(("decord", name) for name in DECORD),
]
READERS = ["pyav", "decord", "isolated"]


def own_size(path: Path) -> tuple[int, int]:
    info = probe(path)
    return info.height, info.width


def expected(name: str, asked: np.ndarray) -> np.ndarray:
    """Numbers of the pictures on screen, from the times the clip was written with."""
    seconds = np.array(clips.BY_NAME[name].seconds)
    return np.searchsorted(seconds - seconds[0], asked + 1.5e-3, side="right") - 1


def asked_times(path: Path, count: int, seed: int) -> np.ndarray:
    """Random times, none within 2 ms of a frame's start: containers round to a millisecond."""
    starts = frame_times(path)
    end = probe(path).duration_s
    times = np.random.default_rng(seed).uniform(0, end, 4 * count)
    near = np.abs(times[:, None] - starts).min(axis=1)
    return times[(near > 2e-3) & (times < end)][:count]


@pytest.fixture(autouse=True)
def _needs_decord(request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params.get("reader") == "decord":
        pytest.importorskip("decord", reason="decord exists for Linux on x86-64 only")


@pytest.mark.parametrize(("reader", "name"), CASES)
def test_every_frame_asked_by_its_own_time_is_that_frame(
    clip: Clip, reader: str, name: str
) -> None:
    path = clip(name)
    times = frame_times(path)

    frames = read_frames(path, times, own_size(path), reader=reader)

    assert [clips.number_on(rgb) for rgb in frames.rgb_THWC] == list(range(len(times)))
    np.testing.assert_array_equal(frames.pts_T, times)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("reader", "name"), CASES)
def test_the_frame_at_any_time_is_the_last_one_begun(
    clip: Clip, reader: str, name: str, threads: int
) -> None:
    path = clip(name)
    for seed, count in enumerate((1, 2, 12)):  # few are far apart: other shortcuts than for many
        asked = asked_times(path, count, seed)
        frames = read_frames(path, asked, own_size(path), reader=reader, threads=threads)
        shown = [clips.number_on(rgb) for rgb in frames.rgb_THWC]
        assert shown == expected(name, asked).tolist()
        assert (frames.pts_T <= asked).all()
        np.testing.assert_array_equal(frames.asked_T, asked)


@pytest.mark.parametrize("reader", READERS)
def test_order_and_doubles_are_the_callers(clip: Clip, reader: str) -> None:
    path = clip("b_frames.mp4")
    frames = read_frames(path, [0.8, 0.0, 0.8, 0.4], own_size(path), reader=reader)
    assert [clips.number_on(rgb) for rgb in frames.rgb_THWC] == [20, 0, 20, 10]


@pytest.mark.parametrize("reader", READERS)
def test_frames_come_resized_and_contiguous(clip: Clip, reader: str) -> None:
    frames = read_frames(clip("b_frames.mp4"), [0.0, 0.5], (28, 56), reader=reader)
    assert frames.rgb_THWC.shape == (2, 28, 56, 3)
    assert frames.rgb_THWC.dtype == np.uint8
    assert frames.rgb_THWC.flags.c_contiguous


@pytest.mark.parametrize("reader", READERS)
def test_no_times_give_no_frames(clip: Clip, reader: str) -> None:
    frames = read_frames(clip("b_frames.mp4"), [], (28, 28), reader=reader)
    assert frames.rgb_THWC.shape == (0, 28, 28, 3)
    assert frames.unreadable_from_s is None


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("t_s", [-0.01, 1.6, 99.0, float("nan"), float("inf")])
def test_a_time_outside_the_film_is_refused_with_its_range(
    clip: Clip, reader: str, t_s: float
) -> None:
    with pytest.raises(VideoError, match=r"outside the video, \[0, 1\.600\) s") as caught:
        read_frames(clip("b_frames.mp4"), [0.0, t_s], (28, 28), reader=reader)
    assert caught.value.code == "window_outside"


@pytest.mark.parametrize("reader", READERS)
def test_a_size_without_pixels_is_refused(clip: Clip, reader: str) -> None:
    with pytest.raises(VideoError, match="0 rows") as caught:
        read_frames(clip("b_frames.mp4"), [0.0], (0, 28), reader=reader)
    assert caught.value.code == "size_impossible"


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_measured_once_reads_often(clip: Clip, reader: str) -> None:
    opened = open_reader(clip("b_frames.mp4"), reader=reader)
    assert opened.info == probe(clip("b_frames.mp4"))
    for number in (30, 3):
        frames = opened.read_frames([number / 25], (64, 96))
        assert clips.number_on(frames.rgb_THWC[0]) == number


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_knows_the_time_of_every_frame(clip: Clip, reader: str) -> None:
    path = clip("b_frames.mp4")
    np.testing.assert_array_equal(open_reader(path, reader=reader).frame_times_T, frame_times(path))
