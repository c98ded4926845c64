"""Antialiased bicubic resizing of RGB pictures, in numpy: the filter that Qwen2.5-VL was fed.

Same numbers as ``torch.nn.functional.interpolate(mode="bicubic", antialias=True)`` in float32,
clamped and rounded to uint8, without torch: the cubic kernel with a = -0.5, stretched by the scale
when shrinking, weights of each output normalised to 1, pixel centres at half integers.

Both passes are banded matrix products: 8 outputs at a time need only the few dozen inputs under
their kernels. The products are kept small on purpose (see :data:`_BLAS_SMALL`).
Axes: H, W input rows and columns; h, w output ones; C colours; X, x columns times colours; s rows
of a strip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_A = -0.5
_BLOCK_ROWS = 8
_BLOCK_COLUMNS = 8
_STRIP = 8
"""Bands of rows taken through both passes at a time: what they need stays in the cache."""
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
        self._bands: dict[tuple[int, int, int], Sequence[_Band]] = {}

    def __call__(self, rgb_HWC: Picture, out_hwC: Picture) -> None:
        """Write the resized picture into ``out_hwC``; a picture of that size is only copied."""
        if rgb_HWC.shape == out_hwC.shape:
            out_hwC[:] = rgb_HWC
            return
        rows, columns, colours = rgb_HWC.shape
        flat_HX = np.ascontiguousarray(rgb_HWC).reshape(rows, columns * colours)
        down, across = self._for(rows, self.height, 1), self._for(columns, self.width, colours)
        for at in range(0, len(down), _STRIP):
            wide_sX = _mix_rows(flat_HX, down[at : at + _STRIP])
            small_sx = _mix_columns(wide_sX, across, self.width * colours)
            np.rint(small_sx, out=small_sx)
            np.clip(small_sx, 0, 255, out=small_sx)
            strip = slice(at * _BLOCK_ROWS, at * _BLOCK_ROWS + len(small_sx))
            out_hwC[strip] = small_sx.reshape(-1, self.width, colours)

    def _for(self, size_in: int, size_out: int, colours: int) -> Sequence[_Band]:
        key = (size_in, size_out, colours)
        if key not in self._bands:
            self._bands[key] = _bands(size_in, size_out, colours)
        return self._bands[key]


def _mix_rows(flat_HX: Picture, bands: Sequence[_Band]) -> Floats:
    """Filter down the columns: (H, X) uint8 to the s rows of these bands, (s, X) float32."""
    width, top = flat_HX.shape[1], bands[0].out.start
    result_sX = np.empty((bands[-1].out.stop - top, width), dtype=np.float32)
    for band in bands:
        part = flat_HX[band.inp].astype(np.float32)
        step = max(1, _BLAS_SMALL // band.weights.size)
        for at in range(0, width, step):
            tile = slice(at, at + step)
            rows = slice(band.out.start - top, band.out.stop - top)
            np.matmul(band.weights, part[:, tile], out=result_sX[rows, tile])
    return result_sX


def _mix_columns(wide_sX: Floats, bands: Sequence[_Band], width: int) -> Floats:
    """Filter along the rows: (s, X) to (s, width) float32, colours interleaved in both."""
    height = wide_sX.shape[0]
    result_sx = np.empty((height, width), dtype=np.float32)
    for band in bands:
        weights = band.weights.T
        step = max(1, _BLAS_SMALL // weights.size)
        for at in range(0, height, step):
            tile = slice(at, at + step)
            np.matmul(wide_sX[tile, band.inp], weights, out=result_sx[tile, band.out])
    return result_sx


def _bands(size_in: int, size_out: int, colours: int) -> Sequence[_Band]:
    starts, weights = filter_weights(size_in, size_out)
    block = _BLOCK_ROWS if colours == 1 else _BLOCK_COLUMNS
    return [
        _band(starts, weights, slice(at, min(at + block, size_out)), colours)
        for at in range(0, size_out, block)
    ]


def _band(starts: NDArray[np.int64], weights: Sequence[Floats], out: slice, colours: int) -> _Band:
    """One band; interleaved colours are kept apart by a weight matrix with zeros between them."""
    low = int(starts[out.start])
    high = max(int(starts[i]) + weights[i].size for i in range(out.start, out.stop))
    matrix = np.zeros((out.stop - out.start, high - low), dtype=np.float32)
    for i in range(out.start, out.stop):
        at = int(starts[i]) - low
        matrix[i - out.start, at : at + weights[i].size] = weights[i]
    return _Band(
        slice(out.start * colours, out.stop * colours),
        slice(low * colours, high * colours),
        np.kron(matrix, np.eye(colours)).astype(np.float32),
    )


def filter_weights(size_in: int, size_out: int) -> tuple[NDArray[np.int64], Sequence[Floats]]:
    """First input (size_out,) and float32 weights of every output along one axis.

    Every step is rounded where torch rounds it, so the weights are torch's to the bit. The exact
    ones would be others: a centre 640 pixels in is off by up to 3e-5 in float32, which moves a
    sharp edge by 0.01 of a level, and with it nearly one rounded value in a thousand.
    """
    scale = np.float32(size_in / size_out)
    stretch = max(scale, np.float32(1))
    support, shrink = np.float32(2) * stretch, np.float32(1) / stretch
    centres = (float(scale) * (np.arange(size_out) + 0.5)).astype(np.float32)
    starts = np.maximum(((centres - support) + np.float64(0.5)).astype(np.int64), 0)
    ends = np.minimum(((centres + support) + np.float64(0.5)).astype(np.int64), size_in)
    weights = []
    for start, end, centre in zip(starts, ends, centres, strict=True):
        apart = np.arange(start, end).astype(np.float32) - centre
        taps = _cubic(((apart + np.float64(0.5)) * float(shrink)).astype(np.float32))
        weights.append(taps / np.add.accumulate(taps)[-1])
    return starts, weights


def _cubic(x: Floats) -> Floats:
    """Keys' cubic convolution kernel with slope ``_A`` at 1; zero from 2 on."""
    x = np.abs(x)
    near = _fused(_fused(_A + 2, x, -(_A + 3)) * x, x, 1.0)
    far = _fused(_fused(_fused(_A, x, -5 * _A), x, 8 * _A), x, -4 * _A)
    return np.where(x < 1, near, np.where(x < 2, far, np.float32(0)))


def _fused(a: Floats | float, x: Floats, c: float) -> Floats:
    """``a * x + c`` in float32, rounded once, as a processor's fused instruction does."""
    return (np.asarray(a, np.float64) * x + c).astype(np.float32)
