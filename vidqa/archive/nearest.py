"""The interface to everything that finds the nearest vectors, and to what it is derived from.

Axes: N vectors, Q queries, K hits, D dimension.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Change:
    """One numbered change to a generation's vectors; numbers rise in the order of commits."""

    seq: int
    clip_id: int
    vector_D: NDArray[np.float32] | None
    """The clip's vector, or None where the clip was deleted."""


class VectorBlock(NamedTuple):
    """Some vectors with their clips."""

    ids_N: NDArray[np.int64]
    vectors_ND: NDArray[np.float32]


class Nearest(NamedTuple):
    """Each query's hits, best first; where there are fewer than K, ids are -1 and scores -inf."""

    ids_QK: NDArray[np.int64]
    scores_QK: NDArray[np.float32]
    """Inner products."""


class VectorSource(Protocol):
    """The truth that an index is derived from: one generation's vectors and their change log."""

    @property
    def name(self) -> str:
        """Tells this generation of this archive from every other; part of an index's manifest."""
        ...

    @property
    def dimension(self) -> int:
        """Of every vector."""
        ...

    def last_seq(self) -> int:
        """Number of the last committed change; 0 before the first."""
        ...

    def count(self) -> int:
        """Vectors that are there now."""
        ...

    def changes_after(self, seq: int, limit: int) -> Sequence[Change]:
        """Up to ``limit`` changes with numbers above ``seq``, in order, none where ``seq`` is the
        last. A clip that was added and deleted since may appear as its deletion alone. Raises
        :class:`vidqa.errors.ChangesPruned` where some of them are no longer kept."""
        ...

    def blocks(self) -> Iterator[VectorBlock]:
        """Every vector that is there, of one moment: call :meth:`last_seq` before, and replay the
        changes after it; replaying one that a block already shows changes nothing."""
        ...

    def vectors_of(self, ids_N: NDArray[np.int64]) -> VectorBlock:
        """The vectors of those clips that are still there, in any order. Several threads may
        ask at once."""
        ...


class VectorIndex(Protocol):
    """Finds the nearest of a source's vectors; derived, so it may be lost at any time."""

    @property
    def applied(self) -> int:
        """Number of the last change that searches know of."""
        ...

    @property
    def count(self) -> int:
        """Vectors that searches can find."""
        ...

    def refresh(self) -> None:
        """Learn of every change that was committed before the call."""
        ...

    def search(
        self, queries_QD: NDArray[np.float32], k: int, among: NDArray[np.int64] | None = None
    ) -> Nearest:
        """The ``k`` nearest by inner product, each scored exactly, equal ones by rising id; of
        ``among`` alone where given. Deleted clips are never found. Several threads may search at
        once, also while another refreshes."""
        ...

    def settle(self) -> None:
        """What keeps later openings and searches fast, where enough has changed for that to pay;
        takes from nothing to a build. For who ingests, after each video; not needed for answers."""
        ...

    def close(self) -> None:
        """Let go of files, locks and connections."""
        ...
