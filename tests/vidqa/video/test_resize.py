"""The resizer against the filter that the model was fed: torch's antialiased bicubic, rounded."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vidqa.video.resize import Resizer, filter_weights

SIZES = [
    ((720, 1280), (252, 448)),
    ((120, 160), (112, 140)),
    ((121, 161), (252, 336)),
    ((34, 960), (28, 420)),
    ((360, 640), (364, 644)),
    ((2, 2), (28, 28)),
    ((1, 1), (28, 56)),
    ((96, 64), (1, 1)),
]


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    """torch, where its kernels use fused multiply-adds as our weights do."""
    found: ModuleType = pytest.importorskip("torch")
    if found.backends.cpu.get_cpu_capability() == "DEFAULT":
        pytest.skip("this processor has no fused multiply-add, so torch rounds differently")
    return found


@given(size_in=st.integers(1, 2000), size_out=st.integers(1, 1200))
@example(size_in=720, size_out=252)
@example(size_in=640, size_out=644)
@example(size_in=2, size_out=28)
def test_weights_are_torchs_to_the_bit(size_in: int, size_out: int, torch: ModuleType) -> None:
    one_dot_each = torch.eye(size_in)[None, None]
    theirs = torch.nn.functional.interpolate(
        one_dot_each, size=(size_out, size_in), mode="bicubic", antialias=True
    )[0, 0].numpy()
    ours = np.zeros((size_out, size_in), np.float32)
    for row, start, taps in zip(ours, *filter_weights(size_in, size_out), strict=True):
        row[start : start + taps.size] = taps
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("size_in", "size_out"), SIZES)
def test_only_sums_that_float32_cannot_tell_from_a_tie_round_apart(
    size_in: tuple[int, int], size_out: tuple[int, int], torch: ModuleType
) -> None:
    """Pixels and weights are torch's to the bit; what is left is the order of the additions.

    torch filters along the rows first and adds one product after another; we filter down the
    columns first, on fewer numbers, in whatever order the matrix product adds. The two sums differ
    by some units in the last place (1.5e-5 at 255), so a value rounds to the next level only where
    torch's own sum lies that close to the middle between two. The largest share of noise below is
    3 values in 100,000.
    """
    rgb_HWC = np.random.default_rng(0).integers(0, 256, (*size_in, 3), dtype=np.uint8)
    ours_hwC = np.empty((*size_out, 3), dtype=np.uint8)

    Resizer(*size_out)(rgb_HWC, ours_hwC)

    x_NCHW = torch.from_numpy(rgb_HWC).permute(2, 0, 1)[None].float()
    y_NChw = torch.nn.functional.interpolate(
        x_NCHW, size=size_out, mode="bicubic", antialias=True, align_corners=False
    )
    sums_hwC = y_NChw.clamp(0, 255)[0].permute(1, 2, 0).numpy()
    apart_hwC = np.abs(ours_hwC - sums_hwC.round())
    from_tie_hwC = np.abs(sums_hwC - np.floor(sums_hwC) - 0.5)
    assert apart_hwC.max() <= 1
    assert (from_tie_hwC[apart_hwC > 0] <= 1.5e-4).all()
    assert (apart_hwC > 0).mean() < 1e-4


def test_a_picture_of_the_size_wanted_is_copied_untouched() -> None:
    rgb_HWC = np.random.default_rng(0).integers(0, 256, (31, 17, 3), dtype=np.uint8)
    out_HWC = np.zeros_like(rgb_HWC)
    Resizer(31, 17)(rgb_HWC, out_HWC)
    np.testing.assert_array_equal(out_HWC, rgb_HWC)


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_an_even_picture_stays_even(level: int) -> None:
    out_hwC = np.empty((28, 84, 3), dtype=np.uint8)
    Resizer(28, 84)(np.full((71, 133, 3), level, dtype=np.uint8), out_hwC)
    assert (out_hwC == level).all()


def test_a_turned_view_is_resized_like_its_copy() -> None:
    rgb_HWC = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    view_HWC = np.rot90(rgb_HWC)
    a_hwC, b_hwC = (np.empty((28, 28, 3), dtype=np.uint8) for _ in range(2))
    resize = Resizer(28, 28)
    resize(view_HWC, a_hwC)
    resize(view_HWC.copy(), b_hwC)
    np.testing.assert_array_equal(a_hwC, b_hwC)


def test_halving_takes_eight_inputs_around_each_centre() -> None:
    starts, weights = filter_weights(16, 8)
    assert starts[4] == 5  # the centre lies at 9, the kernel reaches 4 to either side
    keys = np.array([-0.0234375, -0.0703125, 0.2265625, 0.8671875]) / 2  # cubic at 1.75, 1.25 ...
    np.testing.assert_allclose(weights[4], [*keys, *keys[::-1]], atol=1e-7)
