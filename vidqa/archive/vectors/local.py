"""The index of one machine: FAISS in memory, derived from a source, kept in one file.

Axes: N vectors, Q queries, D dimension.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidqa.archive.nearest import Change, Nearest, VectorBlock, VectorSource
from vidqa.archive.vectors.body import Body, build_body
from vidqa.archive.vectors.checks import checked_block, checked_changes
from vidqa.archive.vectors.gate import Gate
from vidqa.archive.vectors.kinds import Kind, Sizes
from vidqa.archive.vectors.ranking import FEW, Candidates, search_exactly
from vidqa.archive.vectors.snapshot import Facts, Snapshot
from vidqa.archive.vectors.trailer import UnusableError
from vidqa.errors import ArchiveError, ChangesPruned

_BATCH = 512
"""Changes applied at a time: searches wait while one batch goes in."""


class FaissIndex:
    """A :class:`vidqa.archive.nearest.VectorIndex` in this process's memory.

    Any number of processes may have one over the same folder; threads may share one. After a fork
    it belongs to the parent alone. What a file lacks is read from the source, which also replaces a
    file that is missing, damaged or of something else; where it cannot be written, every opening
    pays for that again and :attr:`notes` says so.
    """

    def __init__(self, folder: Path, source: VectorSource, sizes: Sizes | None = None) -> None:
        """Open the index in ``folder``, which is its own, or build it.

        Raises :class:`ArchiveError` when the source cannot be read, or holds what cannot be
        indexed.
        """
        self.notes: list[str] = []
        """What was unusual, for a person; in order."""
        self._source = source
        self._sizes = sizes or Sizes()
        self._snapshot = Snapshot(folder, source.name, source.dimension)
        self._pid = os.getpid()
        self._gate = Gate()
        self._changing = threading.Lock()  # held by whoever refreshes, builds or writes
        self._body: Body | None = None
        self._applied = 0
        with self._changing:
            self._open()

    @property
    def applied(self) -> int:
        """Number of the last change that searches know of."""
        return self._applied

    @property
    def count(self) -> int:
        """Vectors that searches can find."""
        return self._mine().count

    @property
    def kind(self) -> Kind:
        """How the vectors lie in memory."""
        return self._mine().kind

    def search(
        self, queries_QD: NDArray[np.float32], k: int, among: NDArray[np.int64] | None = None
    ) -> Nearest:
        """See :class:`VectorIndex`; reads up to ten vectors from the source for each hit."""
        return search_exactly(self, self._source, queries_QD, k, among)

    def candidates(
        self, queries_QD: NDArray[np.float32], fetch: int, among: NDArray[np.int64] | None
    ) -> Candidates:
        """See :class:`vidqa.archive.vectors.ranking.Proposer`."""
        with self._gate.reading():
            body = self._mine()
            there = body.count
            if among is not None:
                among = body.holds(among)
                there = len(among)
                if there <= FEW:
                    return Candidates(np.broadcast_to(among, (len(queries_QD), there)), there)
            return Candidates(body.nearest(queries_QD, fetch, among), there)

    def refresh(self) -> None:
        """Learn of every change that was committed before the call; writes nothing."""
        self._mine()
        with self._changing:
            self._catch_up()

    def settle(self) -> None:
        """Do what an owner does now and then: build anew where the size asks for it, write what the
        file lacks where that is much. Searches go on meanwhile.

        Raises :class:`ArchiveError` where the file cannot be written.
        """
        self._mine()
        with self._changing:
            self._catch_up()
            if not self._mine().fits(self._sizes):
                self._build()
                self._catch_up()
                self._write(replace=True)
            else:
                self._write(replace=False)

    def rewrite(self) -> bool:
        """Write the file as things are now, however little changed, so that nothing deleted is
        left in it; False where another process writes it at this moment.

        Raises :class:`ArchiveError` where the file cannot be written.
        """
        self._mine()
        with self._changing:
            self._catch_up()
            self._write(replace=True)
            return self._snapshot.seq() >= self._applied

    @staticmethod
    def scrub(folder: Path, source: VectorSource) -> bool:
        """Make zeros, in the file in ``folder``, of what was deleted from the source since it was
        written, without loading it. False where that is not how it can be done now, and
        :meth:`rewrite` must: no file of this source, no lists, or another process writes.

        Raises :class:`ArchiveError` where the file cannot be written.
        """
        snapshot = Snapshot(folder, source.name, source.dimension)
        if snapshot.seq() < 0:
            return False
        with snapshot.owned() as owner:
            try:
                return owner and snapshot.scrub(_gone_since(source, snapshot.facts().seq))
            except (UnusableError, ChangesPruned):
                return False

    def close(self) -> None:
        """Let go of the memory; nothing is written."""
        with self._gate.writing():
            self._body = None

    def _open(self) -> None:
        try:
            facts, index = self._snapshot.read()
            body = Body(index, facts.kind, facts.probes, facts.trained_on)
            self._take(body, facts.seq)
            self._catch_up()
        except UnusableError as err:
            if err.code != "index_missing":  # as at the first opening
                self.notes.append(f"{err}; building it from the database")
            self._build_and_write()
        else:
            if self._contradicts():
                self.notes.append("the index does not match its database; building it anew")
                self._build_and_write()

    def _build_and_write(self) -> None:
        self._build()
        self._catch_up()
        try:
            self._write(replace=True)
        except ArchiveError as err:
            self.notes.append(f"{err}; searching in memory")

    def _contradicts(self) -> bool:
        """Whether the source, with nothing new, has another number of vectors: as after a database
        was put back from a copy and went another way."""
        count = self._source.count()
        return self._source.last_seq() == self._applied and count != self._mine().count

    def _build(self) -> None:
        seq = self._source.last_seq()
        body = build_body(self._checked_blocks(), self._dimension, self._sizes)
        self._take(body, seq)

    def _checked_blocks(self) -> Iterator[VectorBlock]:
        for block in self._source.blocks():
            yield checked_block(block, self._dimension, self._source.name)

    def _take(self, body: Body, seq: int) -> None:
        with self._gate.writing():
            self._body, self._applied = body, seq

    def _catch_up(self) -> None:
        if self._source.last_seq() < self._applied:
            self.notes.append("the database went back in time; building the index anew")
            self._build()
        try:
            while changes := self._source.changes_after(self._applied, _BATCH):
                self._apply(changes)
        except ChangesPruned:
            # Of the log. Where the mean is another, building raises the same again.
            self._build()
            self._catch_up()

    def _apply(self, changes: Sequence[Change]) -> None:
        changed = checked_changes(changes, self._dimension, self._source.name)
        with self._gate.writing():
            body = self._mine()
            body.remove(changed.gone_N)
            body.put(changed.there)
            self._applied = changes[-1].seq

    @property
    def _dimension(self) -> int:
        return self._source.dimension

    def _write(self, *, replace: bool) -> None:
        """Write the file if that is due and nobody else is at it; called with changes held off."""
        if not replace and not self._due():
            return
        with self._snapshot.owned() as owner:
            # Another process may have written as much while this one waited for nothing.
            if owner and (replace or self._due()):
                body = self._mine()
                with self._gate.reading():
                    self._snapshot.write(self._facts(body), body.index)

    def _due(self) -> bool:
        least = max(self._sizes.tail_least, self._sizes.tail_share * self._mine().count)
        return self._applied - self._snapshot.seq() > least

    def _facts(self, body: Body) -> Facts:
        return Facts(
            source=self._source.name,
            dimension=self._dimension,
            seq=self._applied,
            count=body.count,
            kind=body.kind,
            probes=body.probes,
            trained_on=body.trained_on,
        )

    def _mine(self) -> Body:
        """The vectors; raises :class:`ArchiveError` once closed, and in a forked child, whose locks
        and threads were left behind in the parent."""
        if os.getpid() != self._pid:
            raise ArchiveError(
                f"this index was opened by process {self._pid}, before a fork",
                code="index_forked",
                next_step="Open the index in the process that searches it.",
            )
        if self._body is None:
            raise ArchiveError(
                "this index is closed", code="index_closed", next_step="Open it again."
            )
        return self._body


def _gone_since(source: VectorSource, seq: int) -> NDArray[np.int64]:
    """Clips that went after change ``seq``."""
    gone: list[int] = []
    while changes := source.changes_after(seq, _BATCH):
        gone += [change.clip_id for change in changes if change.vector_D is None]
        seq = changes[-1].seq
    return np.array(gone, dtype=np.int64)
