"""The resizer against the filter that the model was fed: torch's antialiased bicubic, rounded."""

from __future__ import annotations

import numpy as np
import pytest

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


@pytest.mark.parametrize(("size_in", "size_out"), SIZES)
def test_same_as_torch_to_one_level_in_a_thousand_values(
    size_in: tuple[int, int], size_out: tuple[int, int]
) -> None:
    torch = pytest.importorskip("torch")
    rgb_HWC = np.random.default_rng(0).integers(0, 256, (*size_in, 3), dtype=np.uint8)
    ours_hwC = np.empty((*size_out, 3), dtype=np.uint8)

    Resizer(*size_out)(rgb_HWC, ours_hwC)

    x_NCHW = torch.from_numpy(rgb_HWC).permute(2, 0, 1)[None].float()
    y_NChw = torch.nn.functional.interpolate(
        x_NCHW, size=size_out, mode="bicubic", antialias=True, align_corners=False
    )
    torch_hwC = y_NChw.clamp(0, 255).round()[0].permute(1, 2, 0).numpy()
    apart = np.abs(ours_hwC - torch_hwC)
    assert apart.max() <= 1
    assert (apart > 0).mean() < 1e-3


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
