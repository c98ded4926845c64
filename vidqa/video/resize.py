"""Antialiased bicubic resizing of RGB pictures, in numpy: the filter that Qwen2.5-VL was fed.

Same numbers as ``torch.nn.functional.interpolate(mode="bicubic", antialias=True)`` in float32,
clamped and rounded to uint8, without torch: the cubic kernel with a = -0.5, stretched by the scale
when shrinking, weights of each output normalised to 1, pixel centres at half integers.

Both passes are banded matrix products: 16 outputs at a time need only the few dozen inputs under
their kernels. The products are kept small on purpose (see :data:`_BLAS_SMALL`).
Axes: H, W input rows and columns; h, w output ones; C colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_A = -0.5
_BLOCK = 16
_BLAS_SMALL = 250_000
"""Multiply-adds up to which OpenBLAS stays on the calling thread (its limit is 262,144). Segments
are decoded in parallel already; a second layer of threads would only burn the processor."""

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Band:
    """Outputs ``out`` of one axis, made of inputs ``inp`` by ``weights`` (outputs, inputs)."""

    out: slice
    inp: slice
    weights: Floats


class Resizer:
    """Pictures (H, W, 3) to one size (h, w, 3); weights are made once for each input size."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self._bands: dict[tuple[int, int], Sequence[_Band]] = {}

    def __call__(self, rgb_HWC: Picture, out_hwC: Picture) -> None:
        """Write the resized picture into ``out_hwC``; a picture of that size is only copied."""
        if rgb_HWC.shape == out_hwC.shape:
            out_hwC[:] = rgb_HWC
            return
        tall_hWC = self._shrink_rows(np.ascontiguousarray(rgb_HWC))
        tall_WhC = np.ascontiguousarray(tall_hWC.transpose(1, 0, 2))
        small_whC = _apply(tall_WhC, self._for(rgb_HWC.shape[1], self.width), self.width)
        np.rint(small_whC, out=small_whC)
        np.clip(small_whC, 0, 255, out=small_whC)
        out_hwC[:] = small_whC.transpose(1, 0, 2)

    def _shrink_rows(self, rgb_HWC: Picture) -> Floats:
        return _apply(rgb_HWC, self._for(rgb_HWC.shape[0], self.height), self.height)

    def _for(self, size_in: int, size_out: int) -> Sequence[_Band]:
        key = (size_in, size_out)
        if key not in self._bands:
            self._bands[key] = _bands(size_in, size_out)
        return self._bands[key]


def _apply(x_NMC: Picture | Floats, bands: Sequence[_Band], size_out: int) -> Floats:
    """Filter along the first axis: (N, M, C) to (size_out, M, C) float32."""
    count = x_NMC.shape[1] * x_NMC.shape[2]
    flat = x_NMC.reshape(x_NMC.shape[0], count)
    result = np.empty((size_out, count), dtype=np.float32)
    for band in bands:
        part = flat[band.inp].astype(np.float32, copy=False)
        step = max(1, _BLAS_SMALL // band.weights.size)
        for at in range(0, count, step):
            columns = slice(at, at + step)
            np.matmul(band.weights, part[:, columns], out=result[band.out, columns])
    return result.reshape(size_out, *x_NMC.shape[1:])


def _bands(size_in: int, size_out: int) -> Sequence[_Band]:
    starts, weights = filter_weights(size_in, size_out)
    return [
        _band(starts, weights, at, min(at + _BLOCK, size_out)) for at in range(0, size_out, _BLOCK)
    ]


def _band(starts: NDArray[np.int64], weights: Sequence[Floats], first: int, end: int) -> _Band:
    low = int(starts[first])
    high = max(int(starts[i]) + weights[i].size for i in range(first, end))
    matrix = np.zeros((end - first, high - low), dtype=np.float32)
    for i in range(first, end):
        at = int(starts[i]) - low
        matrix[i - first, at : at + weights[i].size] = weights[i]
    return _Band(slice(first, end), slice(low, high), matrix)


def filter_weights(size_in: int, size_out: int) -> tuple[NDArray[np.int64], Sequence[Floats]]:
    """First input (size_out,) and float32 weights of every output along one axis."""
    scale = np.float32(size_in / size_out)
    stretch = max(float(scale), 1.0)
    support = 2.0 * stretch
    centres = float(scale) * (np.arange(size_out) + 0.5)
    starts = np.maximum((centres - support + 0.5).astype(np.int64), 0)
    ends = np.minimum((centres + support + 0.5).astype(np.int64), size_in)
    weights = []
    for start, end, centre in zip(starts, ends, centres, strict=True):
        taps = _cubic((np.arange(start, end) - centre + 0.5) / stretch)
        weights.append((taps / taps.sum()).astype(np.float32))
    return starts, weights


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel with slope ``_A`` at 1; zero from 2 on."""
    x = np.abs(x)
    near = ((_A + 2) * x - (_A + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * _A
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
