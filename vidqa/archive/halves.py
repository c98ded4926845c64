"""Vectors to the bytes that are stored, float16 little-endian, and back to float32.

Axes: N vectors, D dimension.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vidqa.errors import ArchiveError

_HALF = np.dtype("<f2")
_LENGTH_TOLERANCE = 0.01
"""Rounding to float16 alone moves a length by less than 0.001."""


def to_bytes(vector_D: NDArray[np.float32], dimension: int) -> bytes:
    """A vector of length 1 as bytes; raises :class:`ArchiveError` where it is anything else."""
    if vector_D.shape != (dimension,):
        raise _unfit(f"has the shape {vector_D.shape}, not ({dimension},)")
    length = float(np.linalg.norm(vector_D.astype(np.float32)))
    if not abs(length - 1) <= _LENGTH_TOLERANCE:  # also where it is not a number
        raise _unfit(f"has length {length:.4g}, not 1")
    return vector_D.astype(_HALF).tobytes()


def from_bytes(stored: Sequence[bytes], dimension: int) -> NDArray[np.float32]:
    """Vectors as they were stored, (N, D)."""
    flat = b"".join(stored)
    if len(flat) != len(stored) * dimension * _HALF.itemsize:
        raise _unfit(f"of {len(stored)}, kept, has not the {2 * dimension} bytes of {dimension}")
    return np.frombuffer(flat, dtype=_HALF).reshape(-1, dimension).astype(np.float32)


def _unfit(why: str) -> ArchiveError:
    return ArchiveError(
        f"a vector {why}",
        code="archive_vector",
        next_step="Use the embedder that the generation was made for; `vidqa archive verify`.",
    )
