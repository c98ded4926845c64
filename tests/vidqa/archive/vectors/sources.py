"""A source in memory, and a reference index that reads all of it for every search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vidqa.archive.nearest import Change, Nearest, VectorBlock
from vidqa.archive.vectors.checks import checked_block, checked_changes, checked_k, checked_vectors
from vidqa.errors import ChangesPruned


class MemorySource:
    """The truth as a dictionary and a list; vectors are rounded to fp16, as in a database."""

    def __init__(self, dimension: int = 8, name: str = "memory") -> None:
        self.name = name
        self.dimension = dimension
        self.vectors: dict[int, NDArray[np.float32]] = {}
        self.log: list[tuple[int, int]] = []
        self.pruned_seq = 0
        self.reads = 0
        """How often all vectors were asked for."""

    def put(self, ids: Iterable[int], vectors_ND: NDArray[np.float32]) -> None:
        for clip, vector_D in zip(ids, vectors_ND, strict=True):
            self.vectors[clip] = np.asarray(vector_D, dtype=np.float16).astype(np.float32)
            self.log.append((self.last_seq() + 1, clip))

    def delete(self, ids: Iterable[int]) -> None:
        for clip in ids:
            self.vectors.pop(clip, None)
            self.log.append((self.last_seq() + 1, clip))

    def prune(self) -> None:
        """Forget the log, keep the numbers."""
        self.pruned_seq = self.last_seq()
        self.log.clear()

    def last_seq(self) -> int:
        return self.log[-1][0] if self.log else self.pruned_seq

    def count(self) -> int:
        return len(self.vectors)

    def changes_after(self, seq: int, limit: int) -> Sequence[Change]:
        if seq < self.pruned_seq:
            raise ChangesPruned("gone", code="changes_pruned", next_step="Build it.")
        later = [(number, clip) for number, clip in self.log if number > seq]
        return [Change(number, clip, self.vectors.get(clip)) for number, clip in later[:limit]]

    def blocks(self) -> Iterator[VectorBlock]:
        self.reads += 1
        ids = sorted(self.vectors)
        for start in range(0, len(ids), 5):
            yield self.vectors_of(np.array(ids[start : start + 5]))

    def vectors_of(self, ids_N: NDArray[np.int64]) -> VectorBlock:
        there = [clip for clip in ids_N.tolist() if clip in self.vectors]
        vectors_ND = np.zeros((len(there), self.dimension), dtype=np.float32)
        for row, clip in enumerate(there):
            vectors_ND[row] = self.vectors[clip]
        return VectorBlock(np.array(there, dtype=np.int64), vectors_ND)


class ExactIndex:
    """Compares every query with every vector, and keeps nothing."""

    def __init__(self, source: MemorySource) -> None:
        self._source = source
        self._build()
        self.refresh()

    def _build(self) -> None:
        self._ids: set[int] = set()
        self.applied = self._source.last_seq()
        for block in self._source.blocks():
            checked_block(block, self._source.dimension, self._source.name)
            self._ids |= set(block.ids_N.tolist())

    @property
    def count(self) -> int:
        return len(self._ids)

    def refresh(self) -> None:
        try:
            self._catch_up()
        except ChangesPruned:
            self._build()

    def _catch_up(self) -> None:
        while changes := self._source.changes_after(self.applied, 3):
            changed = checked_changes(changes, self._source.dimension, self._source.name)
            self._ids -= set(changed.gone_N.tolist())
            self._ids |= set(changed.there.ids_N.tolist())
            self.applied = changes[-1].seq

    def search(
        self, queries_QD: NDArray[np.float32], k: int, among: NDArray[np.int64] | None = None
    ) -> Nearest:
        queries_QD = checked_vectors(queries_QD, self._source.dimension, "queries")
        ids = self._ids if among is None else self._ids & set(among.tolist())
        block = self._source.vectors_of(np.array(sorted(ids), dtype=np.int64))
        return nearest_of(block, queries_QD, checked_k(k))

    def settle(self) -> None:
        pass

    def close(self) -> None:
        pass


def nearest_of(block: VectorBlock, queries_QD: NDArray[np.float32], k: int) -> Nearest:
    """By hand: the ``k`` best of a block."""
    ids_QK = np.full((len(queries_QD), k), -1, dtype=np.int64)
    scores_QK = np.full((len(queries_QD), k), -np.inf, dtype=np.float32)
    for row, query_D in enumerate(queries_QD):
        scores_N = np.array([(vector_D * query_D).sum() for vector_D in block.vectors_ND])
        best = sorted(range(len(scores_N)), key=lambda at: (-scores_N[at], block.ids_N[at]))[:k]
        ids_QK[row, : len(best)] = block.ids_N[best]
        scores_QK[row, : len(best)] = scores_N[best]
    return Nearest(ids_QK, scores_QK)


def unit_vectors(count: int, dimension: int = 8, seed: int = 0) -> NDArray[np.float32]:
    """Random directions."""
    vectors_ND = np.random.default_rng(seed).standard_normal((count, dimension), dtype=np.float32)
    unit: NDArray[np.float32] = vectors_ND / np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    return unit
