"""The published choice of frames and sizes: the reference's golden tables, integer for integer."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vidqa.errors import PlanError
from vidqa.sampling.qwen import (
    frame_range,
    linspace_indices,
    pick_frames,
    row_times,
    smart_nframes,
)
from vidqa.sampling.size import frame_pixels, smart_resize

TOKEN = 28 * 28
PRESETS: dict[str, dict[str, Any]] = {
    "D": {"min_pixels": 128 * TOKEN, "total_pixels": 128_000 * TOKEN * 0.9},
    "T": {"min_pixels": 128 * TOKEN, "total_pixels": 24_576 * TOKEN},
    "T4": {"min_pixels": 4 * TOKEN, "total_pixels": 24_576 * TOKEN},
    "C": {"min_pixels": 16 * TOKEN, "total_pixels": 20_480 * TOKEN},
    "M": {
        "min_pixels": 128 * TOKEN,
        "total_pixels": 128_000 * TOKEN * 0.9,
        "max_pixels": 360 * 420,
    },
}
TEN = (560, 1008, 7200)
LONG = {
    "D": (336, 644, 105_984),
    "T": (224, 420, 46_080),
    "T4": (168, 280, 23_040),
    "C": (140, 252, 17_280),
    "M": (280, 504, 69_120),
}


@pytest.mark.parametrize(
    ("total", "video_fps", "count"),
    [(300, 30, 20), (1800, 30, 120), (18_000, 30, 768), (108_000, 30, 768), (324_000, 30, 768),
     (300, 29.97, 20), (1798, 29.97, 118), (17_982, 29.97, 768), (301, 30, 20), (59, 29.97, 4),
     (1500, 25, 120), (2, 30, 2), (3, 30, 2), (4, 30, 4)],
)  # fmt: skip
def test_frame_count_is_the_references(total: int, video_fps: float, count: int) -> None:
    assert smart_nframes(total, video_fps) == count


@pytest.mark.parametrize("total", [0, 1])
def test_fewer_than_two_frames_are_refused_by_the_reference_rule(total: int) -> None:
    with pytest.raises(PlanError, match="frames wanted"):
        smart_nframes(total, 30.0)


def test_a_given_number_of_frames_is_rounded_half_even_and_never_clamped() -> None:
    assert [smart_nframes(100, 30.0, nframes=n) for n in (5, 6, 7, 9)] == [4, 6, 8, 8]
    with pytest.raises(PlanError):
        smart_nframes(24, 30.0, nframes=32)


def test_indices_of_ten_seconds_are_the_published_ones() -> None:
    assert linspace_indices(0, 299, 20).tolist() == [
        0, 16, 31, 47, 63, 79, 94, 110, 126, 142, 157, 173, 189, 205, 220, 236, 252, 268, 283, 299,
    ]  # fmt: skip


def test_float32_moves_five_indices_of_a_three_hour_video() -> None:
    ours = linspace_indices(0, 323_999, 768)
    exact = np.rint(np.linspace(0, 323_999, 768)).astype(np.int64)
    assert np.flatnonzero(ours != exact).tolist() == [426, 544, 636, 662, 754]
    assert (ours[426], ours[544], ours[636]) == (179_952, 229_798, 268_662)


def test_float32_moves_two_indices_of_an_hour_at_ntsc_rate() -> None:
    exact = np.rint(np.linspace(0, 107_891, 768)).astype(np.int64)
    assert np.flatnonzero(linspace_indices(0, 107_891, 768) != exact).tolist() == [379, 382]


@pytest.mark.parametrize(("total", "video_fps"), [(11_232, 7), (8080, 12.5), (7245, 24), (300, 30)])
def test_row_times_give_the_time_ids_of_the_reference(total: int, video_fps: float) -> None:
    torch = pytest.importorskip("torch")
    picks = pick_frames(0, total - 1, video_fps, fps=2.0, min_frames=4, max_frames=768)
    rows = len(picks.indices) // 2
    theirs = (torch.arange(rows) * (2 / picks.fps) * 2).long()
    ours = (torch.tensor(row_times(rows, picks.fps)) * 2).long()
    assert torch.equal(ours, theirs)


def test_indices_equal_torch_for_many_lengths() -> None:
    torch = pytest.importorskip("torch")
    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        pytest.skip("this processor has no fused multiply-add, so torch rounds differently")
    random = np.random.default_rng(25)
    for _ in range(3000):
        total = int(random.integers(2, random.choice([100, 10_000, 3_000_000])))
        first = int(random.integers(0, 100_000)) * int(random.integers(0, 2))
        count = min(2 * int(random.integers(1, 385)), total // 2 * 2)
        theirs = torch.linspace(first, first + total - 1, count).round().long()
        assert linspace_indices(first, first + total - 1, count).tolist() == theirs.tolist()


def test_a_single_frame_is_taken_twice() -> None:
    picks = pick_frames(7, 7, 25.0, fps=2.0, min_frames=4, max_frames=768)
    assert picks.indices.tolist() == [7, 7]


def test_a_window_is_cut_as_the_reference_cuts_it() -> None:
    assert frame_range(None, None, 300, 30.0) == (0, 299)
    assert frame_range(1.01, 2.0, 300, 30.0) == (31, 60)
    assert frame_range(1.0, 99.0, 300, 30.0) == (30, 299)
    with pytest.raises(PlanError, match="fewer than two frames"):
        frame_range(1.0, 1.01, 300, 30.0)


@pytest.mark.parametrize(
    ("source", "resized"),
    [((14, 14), (56, 56)), ((70, 70), (56, 56)), ((98, 98), (112, 112)), ((480, 854), (476, 840)),
     ((720, 1280), (728, 1288)), ((1080, 1920), (1092, 1932)), ((2160, 3840), (2156, 3836)),
     ((10, 1999), (28, 1988)), ((1, 100), (28, 112))],
)  # fmt: skip
def test_image_sizes_are_the_references(source: tuple[int, int], resized: tuple[int, int]) -> None:
    assert smart_resize(*source, min_pixels=3136, max_pixels=12_845_056) == resized


@pytest.mark.parametrize(
    ("source", "resized"),
    [((14, 14), (336, 336)), ((720, 1280), (560, 1008)), ((1080, 1920), (560, 1008)),
     ((480, 854), (476, 840))],
)  # fmt: skip
def test_video_sizes_are_the_references(source: tuple[int, int], resized: tuple[int, int]) -> None:
    assert smart_resize(*source, min_pixels=100_352, max_pixels=602_112) == resized


def test_a_picture_thinner_than_1_to_200_is_refused_by_the_reference_rule() -> None:
    with pytest.raises(PlanError, match="thinner"):
        smart_resize(1, 201, min_pixels=3136, max_pixels=12_845_056)


@pytest.mark.parametrize(
    ("frames", "preset", "cap"),
    [(120, "T", 321_126), (120, "C", 267_605), (118, "T", 326_569), (118, "C", 272_141),
     (768, "D", 235_200), (768, "T", 105_369), (768, "T4", 50_176), (768, "C", 41_813)],
)  # fmt: skip
def test_pixels_per_frame_are_the_references(frames: int, preset: str, cap: int) -> None:
    assert int(frame_pixels(frames, **PRESETS[preset])) == cap


@pytest.mark.parametrize("source", [(720, 1280), (1080, 1920)])
@pytest.mark.parametrize(
    ("total", "video_fps", "expected"),
    [
        (300, 30, dict.fromkeys(["D", "T", "T4", "C"], TEN) | {"M": (280, 504, 1800)}),
        (1800, 30, {"D": (560, 1008, 43_200), "T": (420, 728, 23_400), "T4": (420, 728, 23_400),
                    "C": (364, 672, 18_720), "M": (280, 504, 10_800)}),
        (18_000, 30, LONG), (108_000, 30, LONG), (324_000, 30, LONG),
        (1798, 29.97, {"D": (560, 1008, 42_480), "T": (420, 756, 23_895),
                       "C": (364, 672, 18_408), "M": (280, 504, 10_620)}),
        (17_982, 29.97, LONG), (107_892, 29.97, LONG), (323_676, 29.97, LONG),
    ],
)  # fmt: skip
def test_worked_examples_of_every_preset(
    source: tuple[int, int],
    total: int,
    video_fps: float,
    expected: dict[str, tuple[int, int, int]],
) -> None:
    frames = smart_nframes(total, video_fps)
    for preset, (height, width, tokens) in expected.items():
        limits = PRESETS[preset]
        cap = frame_pixels(frames, **limits)
        size = smart_resize(*source, min_pixels=limits["min_pixels"], max_pixels=cap)
        assert (*size, frames // 2 * size[0] * size[1] // TOKEN) == (height, width, tokens)


@pytest.fixture(scope="module")
def utils() -> ModuleType:
    """qwen-vl-utils, where it is installed (it imports torchvision)."""
    pytest.importorskip("torch")
    from benchmarks.peers import allow_torchvision

    if not allow_torchvision():
        pytest.skip("qwen-vl-utils needs torchvision")
    pytest.importorskip("qwen_vl_utils")
    return importlib.import_module("qwen_vl_utils.vision_process")


def test_counts_and_sizes_equal_the_installed_utils(utils: ModuleType) -> None:
    random = np.random.default_rng(7)
    for _ in range(500):
        total, rate = int(random.integers(2, 100_000)), float(random.uniform(1, 120))
        assert smart_nframes(total, rate) == utils.smart_nframes({}, total, rate)
        height, width = (int(side) for side in random.integers(20, 4000, 2))
        bounds = {"min_pixels": 12_544, "max_pixels": int(random.integers(12_544, 602_112))}
        theirs = utils.smart_resize(height, width, 28, **bounds)
        assert smart_resize(height, width, **bounds) == tuple(theirs)
