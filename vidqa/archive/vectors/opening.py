"""Opens an index by where it lies."""

from __future__ import annotations

from pathlib import Path

from vidqa.archive.nearest import VectorIndex, VectorSource


def open_index(place: Path | str, source: VectorSource) -> VectorIndex:
    """The index of ``source`` in a folder of its own (FAISS), or in the PostgreSQL database of a
    URL (pgvector); built where it is not there yet.

    Raises :class:`ArchiveError` when the source or the database cannot be read.
    """
    if str(place).startswith(("postgresql://", "postgres://")):
        from vidqa.archive.vectors.pgvector import PgvectorIndex

        return PgvectorIndex(str(place), source)
    from vidqa.archive.vectors.local import FaissIndex

    return FaissIndex(Path(place), source)
