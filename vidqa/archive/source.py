"""One generation's vectors and their log, as an index asks for them.

Where the generation is compared about a mean, vectors are handed out with the mean taken off and
length 1 again; a new mean makes another source, of another name, from which the index is built
anew. Axes: N vectors, D dimension.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from vidqa.archive.centring import centred
from vidqa.archive.halves import from_bytes
from vidqa.archive.nearest import Change, VectorBlock
from vidqa.archive.part import generation_row
from vidqa.archive.tables import changes, vectors
from vidqa.database import Database, batches
from vidqa.errors import ChangesPruned

_BLOCK = 4_096
"""Vectors in memory at a time: 16 MB where they have 1,024 numbers."""
_MANY = 500
"""Vectors asked for by id in one statement."""


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """A :class:`vidqa.archive.nearest.VectorSource` over the store."""

    _db: Database
    generation_id: int
    name: str
    dimension: int
    mean_D: NDArray[np.float32] | None
    mean_version: int

    def last_seq(self) -> int:
        """Number of the last committed change; 0 before the first."""
        with self._db.reading() as db:
            return int(generation_row(db, self.generation_id).last_seq)

    def count(self) -> int:
        """Vectors that are there now."""
        with self._db.reading() as db:
            return int(generation_row(db, self.generation_id).vectors)

    def changes_after(self, seq: int, limit: int) -> Sequence[Change]:
        """See :class:`VectorSource`; raises :class:`ChangesPruned` where some are gone."""
        with self._db.reading() as db:
            self._check(db, seq)
            found = db.execute(
                select(changes.c.seq, changes.c.clip_id, vectors.c.vector)
                .outerjoin(
                    vectors,
                    (vectors.c.clip_id == changes.c.clip_id)
                    & (vectors.c.generation_id == changes.c.generation_id),
                )
                .where(changes.c.generation_id == self.generation_id, changes.c.seq > seq)
                .order_by(changes.c.seq)
                .limit(limit)
            ).all()
        return self._changes(found)

    def blocks(self) -> Iterator[VectorBlock]:
        """See :class:`VectorSource`; by rising id. Raises :class:`ChangesPruned` where the mean
        is no longer the one that this source was made for."""
        after = -1
        with self._db.reading() as db:
            self._check(db, None)
            while True:
                found = db.execute(
                    select(vectors.c.clip_id, vectors.c.vector)
                    .where(vectors.c.generation_id == self.generation_id)
                    .where(vectors.c.clip_id > after)
                    .order_by(vectors.c.clip_id)
                    .limit(_BLOCK)
                ).all()
                if not found:
                    return
                yield self._block(found)
                after = found[-1].clip_id

    def vectors_of(self, ids_N: NDArray[np.int64]) -> VectorBlock:
        """See :class:`VectorSource`."""
        block = self.uncentred(ids_N.tolist())
        return VectorBlock(block.ids_N, centred(block.vectors_ND, self.mean_D))

    def uncentred(self, ids: Sequence[int]) -> VectorBlock:
        """The vectors of those clips that are still there as they are kept, in any order."""
        found: list[Any] = []
        with self._db.reading() as db:
            for some in batches(ids, _MANY):
                found += db.execute(
                    select(vectors.c.clip_id, vectors.c.vector).where(
                        vectors.c.generation_id == self.generation_id,
                        vectors.c.clip_id.in_(some),
                    )
                ).all()
        ids_N = np.array([row.clip_id for row in found], dtype=np.int64)
        return VectorBlock(ids_N, from_bytes([row.vector for row in found], self.dimension))

    def _check(self, db: Connection, seq: int | None) -> None:
        row = generation_row(db, self.generation_id)
        if row.mean_version != self.mean_version:
            raise ChangesPruned(
                f"the vectors of {self.name} have another mean by now",
                code="mean_changed",
                next_step="Build the index from the generation's source as it is now.",
            )
        if seq is not None and seq < row.pruned_seq:
            raise ChangesPruned(
                f"changes of {self.name} are kept from {row.pruned_seq + 1} on, "
                f"those after {seq} were asked for",
                code="changes_pruned",
                next_step="Build the index from all vectors.",
            )

    def _changes(self, rows: Sequence[Any]) -> list[Change]:
        there = [row for row in rows if row.vector is not None]
        vectors_ND = iter(self._block(there).vectors_ND)
        return [
            Change(row.seq, row.clip_id, None if row.vector is None else next(vectors_ND))
            for row in rows
        ]

    def _block(self, rows: Sequence[Any]) -> VectorBlock:
        ids_N = np.array([row[-2] for row in rows], dtype=np.int64)
        vectors_ND = from_bytes([row[-1] for row in rows], self.dimension)
        return VectorBlock(ids_N, centred(vectors_ND, self.mean_D))
