"""The networked index: pgvector in a PostgreSQL database, for archives that outgrow a machine.

A source has a table of its own; a change and its number are committed together. Vectors are kept as
``halfvec``, as exact as the archive's own fp16. Up to 4,000 numbers they get an HNSW index; wider
ones (of the 32B and 72B checkpoints) pgvector cannot index, and every search reads them all.

Axes: Q queries, D dimension.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector.psycopg import register_vector
from psycopg_pool import ConnectionPool

from vidqa.archive.nearest import Nearest, VectorSource
from vidqa.archive.vectors import pgtables
from vidqa.archive.vectors.checks import checked_block, checked_changes
from vidqa.archive.vectors.pgtables import Connection, Entry, MovedError, translated
from vidqa.archive.vectors.ranking import FEW, Candidates, search_exactly
from vidqa.errors import ArchiveError, ChangesPruned

_BATCH = 2_048
_WAIT_S = 30.0
"""For the database to answer."""


class PgvectorIndex:
    """A :class:`vidqa.archive.nearest.VectorIndex` in a PostgreSQL database.

    Any number of processes may use one; changes are applied by one at a time. Threads may share
    one; after a fork it belongs to the parent alone.
    """

    def __init__(self, url: str, source: VectorSource) -> None:
        """Open the source's table in the database of ``url``, or build it.

        Raises :class:`ArchiveBusy` when the database does not answer, :class:`ArchiveError` when it
        has no pgvector, when the source cannot be read or holds what cannot be indexed.
        """
        if source.dimension > pgtables.WIDEST:
            raise ArchiveError(
                f"vectors of {source.dimension} numbers are too wide for pgvector"
                f" ({pgtables.WIDEST})",
                code="too_wide",
                next_step="Keep the index in a folder instead.",
            )
        self._source = source
        self._pid = os.getpid()
        with translated(), psycopg.connect(url, connect_timeout=int(_WAIT_S)) as db:
            pgtables.prepare(db)
        self._pool = ConnectionPool(
            url,
            min_size=1,
            max_size=8,
            timeout=_WAIT_S,
            configure=_configure,
            check=ConnectionPool.check_connection,
            open=True,
        )
        try:
            self.refresh()
        except BaseException:
            self.close()
            raise

    @property
    def applied(self) -> int:
        """Number of the last change that searches know of."""
        with self._connected() as db:
            return self._entry(db).applied

    @property
    def count(self) -> int:
        """Vectors that searches can find."""
        with self._connected() as db:
            return self._entry(db).count

    def search(
        self, queries_QD: NDArray[np.float32], k: int, among: NDArray[np.int64] | None = None
    ) -> Nearest:
        """See :class:`VectorIndex`; reads up to ten vectors from the source for each hit."""
        return search_exactly(self, self._source, queries_QD, k, among)

    def refresh(self) -> None:
        """Learn of every change that was committed before the call, for all processes."""
        with self._connected() as db:
            pgtables.hold_changes(db, self._source.name)
            entry = pgtables.entry_of(db, self._source.name, self._source.dimension)
            if entry is None or self._contradicts(entry):
                entry = self._build(db)
            try:
                self._catch_up(db, entry)
            except ChangesPruned:
                # Of the log. Where the mean is another, building raises the same again.
                self._catch_up(db, self._build(db))

    def settle(self) -> None:
        """Nothing: what a refresh learns is kept at once."""

    def close(self) -> None:
        """Give the connections back."""
        self._pool.close()

    def candidates(
        self, queries_QD: NDArray[np.float32], fetch: int, among: NDArray[np.int64] | None
    ) -> Candidates:
        """See :class:`vidqa.archive.vectors.ranking.Proposer`."""
        try:
            return self._candidates(queries_QD, fetch, among)
        except MovedError:
            return self._candidates(queries_QD, fetch, among)

    def _candidates(
        self, queries_QD: NDArray[np.float32], fetch: int, among: NDArray[np.int64] | None
    ) -> Candidates:
        with self._connected() as db:
            entry = self._entry(db)
            there = entry.count
            if among is not None:
                among = pgtables.held(db, entry, among)
                there = len(among)
                if there <= FEW:
                    return Candidates(np.broadcast_to(among, (len(queries_QD), there)), there)
            ids_QF = pgtables.nearest(db, entry, queries_QD, min(fetch, there), among)
            return Candidates(ids_QF, there)

    def _contradicts(self, entry: Entry) -> bool:
        """Whether the source went back, or has another number of vectors with nothing new: as after
        a database was put back from a copy."""
        count, last_seq = self._source.count(), self._source.last_seq()
        return last_seq < entry.applied or (last_seq == entry.applied and count != entry.count)

    def _catch_up(self, db: Connection, entry: Entry) -> None:
        applied = entry.applied
        while changes := self._source.changes_after(entry.applied, _BATCH):
            changed = checked_changes(changes, self._source.dimension, self._source.name)
            touched = np.concatenate([changed.gone_N, changed.there.ids_N])
            removed = pgtables.remove(db, entry, touched)
            pgtables.add(db, entry.relation, changed.there)
            count = entry.count - removed + len(changed.there.ids_N)
            entry = Entry(entry.relation, changes[-1].seq, count)
        if entry.applied > applied:
            pgtables.update(db, self._source.name, entry)

    def _build(self, db: Connection) -> Entry:
        """A new table of every vector; the old one is searched until this is committed."""
        name, dimension = self._source.name, self._source.dimension
        seq, count = self._source.last_seq(), 0
        relation = pgtables.new_table(db, name, dimension)
        for block in self._source.blocks():
            checked = checked_block(block, dimension, name)
            pgtables.add(db, relation, checked)
            count += len(checked.ids_N)
        pgtables.add_index(db, relation, dimension)
        entry = Entry(relation, seq, count)
        pgtables.enter(db, name, dimension, entry)
        return entry

    def _entry(self, db: Connection) -> Entry:
        entry = pgtables.entry_of(db, self._source.name, self._source.dimension)
        if entry is None:
            raise ArchiveError(
                f"the index of {self._source.name} was dropped",
                code="index_dropped",
                next_step="Open it again.",
            )
        return entry

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection and a transaction on it."""
        if os.getpid() != self._pid:
            raise ArchiveError(
                f"this index was opened by process {self._pid}, before a fork",
                code="index_forked",
                next_step="Open the index in the process that searches it.",
            )
        with translated(), self._pool.connection() as db:
            yield db


def drop_indexes(url: str, unwanted: Callable[[str], bool]) -> list[str]:
    """Remove the tables of every source in the database whose name is ``unwanted``; their names.

    Whoever still has such an index open is told ``index_dropped``. Raises as opening does.
    """
    with translated(), psycopg.connect(url, connect_timeout=int(_WAIT_S)) as db:
        pgtables.prepare(db)
        gone = sorted(filter(unwanted, pgtables.sources(db)))
        for name in gone:  # in one order everywhere, so that no two wait for each other in a circle
            pgtables.hold_changes(db, name)
            pgtables.leave(db, name)
    return gone


def _configure(db: Connection) -> None:
    register_vector(db)
    db.commit()
