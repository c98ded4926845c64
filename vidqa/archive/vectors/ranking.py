"""The exact half of a search: candidates from an index, scored with the source's own vectors.

Axes: N vectors, Q queries, F candidates of each query, K hits, D dimension.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vidqa.archive.nearest import Nearest, VectorBlock, VectorSource
from vidqa.archive.vectors.checks import checked_k, checked_vectors

OVERFETCH = 10
"""Candidates for each hit: quantised scores may put the tenth best at place 40, never seen past
100; on a million clustered vectors recall@10 is then 1.000 of what the probed lists hold."""
MOST_EXTRA = 1_000
"""Most candidates beyond the hits: each is a vector read from the database."""
FEW = 2_000
"""Up to so many allowed clips are all scored exactly instead of asking the index."""
_TRIES = 3
"""How often a search begins again because clips that it found were deleted meanwhile."""
_QUERIES = 32
"""Queries whose candidates are read from the source at a time."""


class Candidates(NamedTuple):
    """What an index proposes."""

    ids_QF: NDArray[np.int64]
    """-1 where there are fewer."""
    there: int
    """How many clips could be found, as far as the index knows."""


class Proposer(Protocol):
    """The half of an index that need not be exact."""

    def candidates(
        self, queries_QD: NDArray[np.float32], fetch: int, among: NDArray[np.int64] | None
    ) -> Candidates:
        """About the ``fetch`` nearest for each query, at least as many where there are; all of
        ``among`` where those are :data:`FEW`."""
        ...

    def refresh(self) -> None:
        """See :class:`vidqa.archive.nearest.VectorIndex`."""
        ...


def search_exactly(
    index: Proposer,
    source: VectorSource,
    queries_QD: NDArray[np.float32],
    k: int,
    among: NDArray[np.int64] | None,
) -> Nearest:
    """A search as :class:`vidqa.archive.nearest.VectorIndex` promises it.

    Raises :class:`ArchiveError` for queries that cannot be compared, and for a ``k`` below 1.
    """
    queries_QD, k = checked_vectors(queries_QD, source.dimension, "queries"), checked_k(k)
    fetch = min(OVERFETCH * k, k + MOST_EXTRA)
    tries = 0
    while True:
        candidates = index.candidates(queries_QD, fetch, among)
        found = rank(source, queries_QD, candidates.ids_QF, k)
        tries += 1
        if tries == _TRIES or (found.ids_QK[:, : min(k, candidates.there)] >= 0).all():
            return found
        index.refresh()  # a deletion that the index did not know of took hits away


def rank(
    source: VectorSource,
    queries_QD: NDArray[np.float32],
    candidates_QF: NDArray[np.int64],
    k: int,
) -> Nearest:
    """The ``k`` best of each query's candidates; by falling score, equal ones by rising id.

    Candidates of -1, and those that the source no longer has, are left out.
    """
    ids_QK = np.full((len(queries_QD), k), -1, dtype=np.int64)
    scores_QK = np.full((len(queries_QD), k), -np.inf, dtype=np.float32)
    for rows in _slices(len(queries_QD)):
        wanted = np.unique(candidates_QF[rows])
        block = _sorted(source.vectors_of(wanted[wanted >= 0]))
        for row in range(rows.start, rows.stop):
            ids_K, scores_K = _best(queries_QD[row], candidates_QF[row], block, k)
            ids_QK[row, : len(ids_K)] = ids_K
            scores_QK[row, : len(ids_K)] = scores_K
    return Nearest(ids_QK, scores_QK)


def _best(
    query_D: NDArray[np.float32],
    candidates_F: NDArray[np.int64],
    block: VectorBlock,
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    ids_F = np.intersect1d(candidates_F, block.ids_N)
    vectors_FD = block.vectors_ND[np.searchsorted(block.ids_N, ids_F)]
    # Not a matrix product: BLAS adds the last rows of a block in another order, and two clips with
    # the same vector must get the same score.
    scores_F = np.einsum("fd,d->f", vectors_FD, query_D)
    order_K = np.lexsort((ids_F, -scores_F))[:k]
    return ids_F[order_K], scores_F[order_K]


def _sorted(block: VectorBlock) -> VectorBlock:
    order_N = np.argsort(block.ids_N)
    return VectorBlock(block.ids_N[order_N], block.vectors_ND[order_N])


def _slices(count: int) -> Iterator[slice]:
    for start in range(0, count, _QUERIES):
        yield slice(start, min(start + _QUERIES, count))
