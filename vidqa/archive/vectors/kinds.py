"""The two kinds of FAISS index, and from which size on the second pays.

``flat``: every vector as fp16, every search reads all of them. ``lists``: a byte per number, the
vectors in lists around k-means centres, of which a search reads the nearest few. Both take and
remove vectors at any time, which a graph (HNSW) does not: FAISS cannot remove from one, and making
one takes many times as long as lists (``benchmarks/vectors.py`` shows both).

One query is one thread's work: shared among threads, it waits for whichever core is busy with
something else (measured beside a training run: 80 ms where one thread took 2). Several queries at
once are shared.

Axes: N vectors, Q queries, F candidates, D dimension.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vidqa.archive.vectors.library import faiss

Kind = Literal["flat", "lists"]

LEAST_PROBES = 8
"""Lists that a search reads at least: up to 8 lists, so up to 90 vectors, it reads all."""
_PER_LIST = 64
"""Vectors of the training sample for each centre."""
_ROUNDS = 8
"""Of k-means: more do not change recall."""
_TRIALS = 32
"""Queries on which the number of probes is chosen."""
_TRIAL_HITS = 10
_ENOUGH = 0.995
"""Share of the trials' nearest that the probed lists must hold."""
_STEP = 8_192
"""Vectors taken from one kind to the other at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """When an index changes its kind, is trained again, or is written anew."""

    flat_bytes: int = 64 * 10**6
    """Most bytes of fp16 that a search reads whole: 125,000 vectors of 256 numbers, 31,250 of
    1,024; about 15 ms of one core."""
    grown: float = 2.0
    """Lists are trained again when there are so many times the vectors they were trained for, or
    the same part of them."""
    tail_share: float = 0.02
    """A file is written anew when it misses changes of this share of the vectors ..."""
    tail_least: int = 1_000
    """... and at least so many: what it misses is read from the database on opening."""


def kind_for(count: int, dimension: int, sizes: Sizes) -> Kind:
    """The kind for ``count`` vectors."""
    return "flat" if 2 * count * dimension <= sizes.flat_bytes else "lists"


def new_flat(dimension: int) -> Any:
    """An empty flat index; it needs no training."""
    codes = faiss.IndexScalarQuantizer(
        dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    return faiss.IndexIDMap(codes)


def flat_to_lists(flat: Any) -> Any:
    """The same vectors in lists, about as many as each list has vectors."""
    count, dimension = flat.ntotal, flat.d
    rng = np.random.default_rng(0)
    lists = _empty_lists(dimension, lists_for(count))
    sample = rng.choice(count, min(count, _PER_LIST * lists.nlist), replace=False)
    lists.train(_decoded(flat, np.sort(sample)))
    ids_N = stored_ids(flat)
    for start in range(0, count, _STEP):
        rows = np.arange(start, min(start + _STEP, count))
        lists.add_with_ids(_decoded(flat, rows), ids_N[rows])
    return lists


def lists_for(count: int) -> int:
    """The power of two nearest to the root of the number of vectors."""
    return 1 << max(0, round(math.log2(max(1, count)) / 2))


def _empty_lists(dimension: int, count: int) -> Any:
    centres = faiss.IndexFlatIP(dimension)
    lists = faiss.IndexIVFScalarQuantizer(
        centres,
        dimension,
        count,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
        False,  # codes of the vectors themselves, not of what is left beside a centre
    )
    lists.cp.niter = _ROUNDS
    lists.cp.spherical = True
    lists.cp.min_points_per_centroid = 1  # fewer are no reason to write to stderr
    return lists


def _decoded(flat: Any, rows_N: NDArray[np.int64]) -> NDArray[np.float32]:
    decoded: NDArray[np.float32] = flat.index.reconstruct_batch(rows_N)
    return decoded


def probes_that_suffice(lists: Any, vectors_ND: NDArray[np.float32]) -> int:
    """How many lists to read, tried on the index itself; a power of two.

    The trials lie half-way between two random vectors: a question is nowhere as near to a clip as
    clips are to each other, and neighbours of such a point are in more lists than a clip's own.
    """
    probes = LEAST_PROBES
    if lists.nlist <= probes:
        return probes
    half = len(vectors_ND) // 2
    trials_QD = vectors_ND[:half] + vectors_ND[half : 2 * half]
    truth_QF = _ids_with(lists, trials_QD, lists.nlist)
    while _shared(_ids_with(lists, trials_QD, probes), truth_QF) < _ENOUGH:
        probes *= 2
    return probes


def trial_vectors(flat: Any) -> NDArray[np.float32]:
    """Random vectors for :func:`probes_that_suffice`."""
    rows = np.random.default_rng(1).choice(flat.ntotal, min(flat.ntotal, 2 * _TRIALS), False)
    return _decoded(flat, np.sort(rows))


def _ids_with(lists: Any, trials_QD: NDArray[np.float32], probes: int) -> NDArray[np.int64]:
    parameters = faiss.SearchParametersIVF(nprobe=probes)
    ids_QF: NDArray[np.int64] = lists.search(trials_QD, _TRIAL_HITS, params=parameters)[1]
    return ids_QF


def _shared(found_QF: NDArray[np.int64], truth_QF: NDArray[np.int64]) -> float:
    pairs = zip(found_QF, truth_QF, strict=True)
    return float(np.mean([np.isin(truth, found).mean() for found, truth in pairs]))


def stored_ids(index: Any) -> NDArray[np.int64]:
    """The clip ids that an index holds, in its own order."""
    if isinstance(index, faiss.IndexIDMap):
        ids_N: NDArray[np.int64] = faiss.vector_to_array(index.id_map)
        return ids_N
    lists = index.invlists
    parts = [
        faiss.rev_swig_ptr(lists.get_ids(number), size).copy()
        for number in range(lists.nlist)
        if (size := lists.list_size(number))
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
