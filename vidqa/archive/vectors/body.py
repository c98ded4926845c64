"""A FAISS index with the ids it holds: what is found, added and removed in memory.

Axes: N vectors, Q queries, F candidates, D dimension.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidqa.archive.nearest import VectorBlock
from vidqa.archive.vectors.kinds import (
    LEAST_PROBES,
    Kind,
    Sizes,
    flat_to_lists,
    kind_for,
    new_flat,
    probes_that_suffice,
    stored_ids,
    trial_vectors,
)
from vidqa.archive.vectors.library import faiss
from vidqa.errors import ArchiveError

_BITS_PER_CLIP = 64
"""Ids are selected by a bit each while that is no more than so many for each clip."""


class Body:
    """Vectors in memory. Searches may run together; a change must be alone (:class:`Gate`)."""

    def __init__(self, index: Any, kind: Kind, probes: int, trained_on: int) -> None:
        """Take an index over; raises :class:`ArchiveError` when it holds an id twice."""
        self.index = index
        self.kind: Kind = kind
        self.probes = probes
        """Lists that a search reads; of no meaning where the kind is flat."""
        self.trained_on = trained_on
        """How many vectors there were when the lists were made."""
        self._ids_N = np.sort(stored_ids(index), kind="stable")  # quick: each list is in order
        if (self._ids_N[1:] == self._ids_N[:-1]).any():
            raise ArchiveError(
                "an index holds the same clip twice",
                code="bad_ids",
                next_step="Remove the index's folder; it is built again from the database.",
            )

    @property
    def count(self) -> int:
        """Vectors that can be found."""
        return len(self._ids_N)

    def holds(self, ids_N: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the ids that are here, each once, rising."""
        ids_N = np.sort(ids_N, kind="stable")
        once_N = np.append(True, ids_N[1:] != ids_N[:-1])[: len(ids_N)]
        return ids_N[once_N & self._found(ids_N)]

    def put(self, block: VectorBlock) -> None:
        """Add checked vectors; one whose id is here already takes the other's place."""
        self.remove(block.ids_N)
        if len(block.ids_N):
            self.index.add_with_ids(block.vectors_ND, block.ids_N)
            fresh_N = np.sort(block.ids_N)
            self._ids_N = np.insert(self._ids_N, np.searchsorted(self._ids_N, fresh_N), fresh_N)

    def remove(self, ids_N: NDArray[np.int64]) -> None:
        """Forget these vectors; ids that are not here are no error."""
        gone_N = self.holds(ids_N)
        if len(gone_N):
            self.index.remove_ids(faiss.IDSelectorBatch(gone_N))
            self._ids_N = np.delete(self._ids_N, np.searchsorted(self._ids_N, gone_N))

    def _found(self, ids_N: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of them are here. Not by numpy's set operations, here and above: those hash every
        id, and a million take a second."""
        if not len(self._ids_N):
            return np.zeros(len(ids_N), dtype=np.bool_)
        at_N = np.minimum(np.searchsorted(self._ids_N, ids_N), len(self._ids_N) - 1)
        found_N: NDArray[np.bool_] = self._ids_N[at_N] == ids_N
        return found_N

    def nearest(
        self,
        queries_QD: NDArray[np.float32],
        fetch: int,
        among_N: NDArray[np.int64] | None = None,
    ) -> NDArray[np.int64]:
        """Ids (Q, F) of about the ``fetch`` nearest, -1 where there are fewer; of ``among_N``
        (a result of :meth:`holds`) alone where given. All that there are, where that is not more
        than ``fetch``."""
        there = self.count if among_N is None else len(among_N)
        fetch = min(fetch, there)
        if not fetch:
            return np.empty((len(queries_QD), 0), dtype=np.int64)
        selector = None if among_N is None else self._selector(among_N)
        # The fewer are allowed, the more lists it takes to meet as many of them.
        probes = math.ceil(self.probes * self.count / there)
        while True:
            ids_QF = self._search(queries_QD, fetch, probes, selector)
            if (ids_QF >= 0).all() or self.kind == "flat" or probes >= self.index.nlist:
                return ids_QF
            probes *= 4

    def _search(
        self, queries_QD: NDArray[np.float32], fetch: int, probes: int, selector: Any
    ) -> NDArray[np.int64]:
        chosen = {} if selector is None else {"sel": selector}
        if self.kind == "flat":
            parameters = faiss.SearchParameters(**chosen)
        else:
            nprobe = min(probes, self.index.nlist)
            parameters = faiss.SearchParametersIVF(nprobe=nprobe, **chosen)
        ids_QF: NDArray[np.int64] = self.index.search(queries_QD, fetch, params=parameters)[1]
        return ids_QF

    def _selector(self, among_N: NDArray[np.int64]) -> Any:
        top = int(among_N[-1]) + 1
        if top > _BITS_PER_CLIP * self.count:
            return faiss.IDSelectorBatch(among_N)
        bits = np.zeros(top, dtype=np.uint8)
        bits[among_N] = 1
        return faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little"))

    def fits(self, sizes: Sizes) -> bool:
        """Whether the kind is the right one for as many vectors as there are now."""
        if self.kind == "flat":
            return kind_for(self.count, self.index.d, sizes) == "flat"
        # Twice: an archive whose size goes up and down at the border keeps its lists.
        factor = self.count / self.trained_on
        return (
            kind_for(2 * self.count, self.index.d, sizes) == "lists"
            and 1 / sizes.grown < factor < sizes.grown
        )


def build_body(blocks: Iterable[VectorBlock], dimension: int, sizes: Sizes) -> Body:
    """An index of all checked vectors, of the kind for their number.

    Raises :class:`ArchiveError` when a clip is in two blocks. Takes the source's vectors once, as
    fp16 in memory (2 D bytes each), and makes lists from those.
    """
    flat = new_flat(dimension)
    for block in blocks:
        flat.add_with_ids(block.vectors_ND, block.ids_N)
    count = flat.ntotal
    body = Body(flat, "flat", LEAST_PROBES, count)
    if body.fits(sizes):
        return body
    trials = trial_vectors(flat)
    lists = flat_to_lists(flat)
    return Body(lists, "lists", probes_that_suffice(lists, trials), count)
