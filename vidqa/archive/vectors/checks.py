"""What an index refuses: FAISS takes NaN and the same id twice, and fails on a wrong width late.

Axes: N vectors, D dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vidqa.archive.nearest import Change, VectorBlock
from vidqa.errors import ArchiveError


class Changed(NamedTuple):
    """What to put in, over what is there, and what to remove."""

    there: VectorBlock
    gone_N: NDArray[np.int64]


def checked_block(block: VectorBlock, dimension: int, source: str) -> VectorBlock:
    """A block that can be indexed, contiguous; ``source`` is named in errors.

    Raises :class:`ArchiveError` on another width, a number that is not finite, an id below 0 or one
    that is there twice.
    """
    ids_N = np.ascontiguousarray(block.ids_N, dtype=np.int64)
    vectors_ND = checked_vectors(block.vectors_ND, dimension, f"vectors of {source}")
    if ids_N.shape != (len(vectors_ND),):
        raise _refused(
            f"{source}: {len(vectors_ND)} vectors came with ids of shape {ids_N.shape}", "bad_ids"
        )
    if len(ids_N) and int(ids_N.min()) < 0:
        raise _refused(f"{source}: clip id {int(ids_N.min())} is below 0", "bad_ids")
    unique_U, times_U = np.unique(ids_N, return_counts=True)
    if len(unique_U) < len(ids_N):
        raise _refused(f"{source}: clip {unique_U[times_U > 1][0]} came twice", "bad_ids")
    return VectorBlock(ids_N, vectors_ND)


def checked_changes(changes: Sequence[Change], dimension: int, source: str) -> Changed:
    """What some changes come to, each clip once, as it is after the last of them.

    Raises :class:`ArchiveError` as :func:`checked_block` does.
    """
    latest = {change.clip_id: change.vector_D for change in changes}
    there = {clip: vector_D for clip, vector_D in latest.items() if vector_D is not None}
    vectors_ND = np.zeros((len(there), dimension), dtype=np.float32)
    for row, (clip, vector_D) in enumerate(there.items()):
        if vector_D.shape != (dimension,):
            raise _refused(
                f"{source}: clip {clip} has a vector of shape {vector_D.shape}, not ({dimension},)",
                "bad_width",
            )
        vectors_ND[row] = vector_D
    gone = np.array([clip for clip in latest if clip not in there], dtype=np.int64)
    block = VectorBlock(np.array(list(there), dtype=np.int64), vectors_ND)
    return Changed(checked_block(block, dimension, source), gone)


def checked_vectors(
    vectors_ND: NDArray[np.float32], dimension: int, what: str
) -> NDArray[np.float32]:
    """Vectors (N, D) that can be compared, contiguous; ``what`` they are is named in errors.

    Raises :class:`ArchiveError` on another width or a number that is not finite.
    """
    vectors_ND = np.ascontiguousarray(vectors_ND, dtype=np.float32)
    if vectors_ND.ndim != 2 or vectors_ND.shape[1] != dimension:
        raise _refused(
            f"{what}: shape {vectors_ND.shape} where (N, {dimension}) is needed", "bad_width"
        )
    finite_N = np.isfinite(vectors_ND).all(axis=1)
    if not finite_N.all():
        row = int(np.argmin(finite_N))
        raise _refused(f"{what}: row {row} holds a number that is not finite", "bad_vector")
    return vectors_ND


def checked_k(k: int) -> int:
    """How many hits to find. Raises :class:`ArchiveError` below 1."""
    if k < 1:
        raise ArchiveError(
            f"{k} nearest vectors were asked for",
            code="bad_k",
            next_step="Ask for one or more.",
        )
    return k


def _refused(message: str, code: str) -> ArchiveError:
    return ArchiveError(
        message,
        code=code,
        next_step="Embed again with the model that the archive was made with.",
    )
