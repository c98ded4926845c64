"""Vectors compared about their mean: what all hidden states share tells none of them apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def centred(
    vectors_ND: NDArray[np.float32], mean_D: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """Vectors (N, D) with the mean taken off, of length 1 again; as they are without a mean.

    One that is the mean itself has no direction, and stays 0: it is as far from everything. Queries
    are treated the same way as what they are compared with.
    """
    if mean_D is None:
        return vectors_ND
    moved_ND = vectors_ND - mean_D
    length_N1 = np.linalg.norm(moved_ND, axis=1, keepdims=True)
    return (moved_ND / np.where(length_N1 > 0, length_N1, 1)).astype(np.float32)
