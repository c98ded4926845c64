"""Vectors and their numbered log in an SQLite file, with nothing around: what an index is made of.

The smallest :class:`vidqa.archive.nearest.VectorSource` that several processes can share; for
benchmarks and tests of indexes alone. Axes: N vectors, D dimension.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidqa.archive.nearest import Change, VectorBlock

_TABLES = """
CREATE TABLE IF NOT EXISTS vectors (clip_id INTEGER PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS changes (seq INTEGER PRIMARY KEY, clip_id INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS counted (vectors INTEGER NOT NULL);
INSERT INTO counted SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM counted);
"""
_BLOCK, _ASKED = 4_096, 500


class PlainSource:
    """A source in one file; any thread or process may use it."""

    def __init__(self, path: Path, dimension: int, name: str | None = None) -> None:
        self.path = path
        self.dimension = dimension
        self.name = name or str(path)
        self._local = threading.local()
        with self._writing() as db:
            for statement in _TABLES.split(";"):
                db.execute(statement)

    def put(self, ids: Iterable[int], vectors_ND: NDArray[np.float32]) -> None:
        """Add vectors in one transaction; each is a change."""
        halves_ND = np.asarray(vectors_ND, dtype="<f2")
        rows = [(clip, half.tobytes()) for clip, half in zip(ids, halves_ND, strict=True)]
        with self._writing() as db:
            clips = self._without(db, [clip for clip, _ in rows])
            db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            db.execute("UPDATE counted SET vectors = vectors + ?", [len({c for (c,) in clips})])
            db.executemany("INSERT INTO changes (clip_id) VALUES (?)", clips)

    def delete(self, ids: Iterable[int]) -> None:
        """Remove vectors in one transaction; each is a change."""
        with self._writing() as db:
            clips = self._without(db, list(ids))
            db.executemany("INSERT INTO changes (clip_id) VALUES (?)", clips)

    def _without(self, db: sqlite3.Connection, ids: Sequence[int]) -> list[tuple[int]]:
        """The ids as rows, once their vectors are gone."""
        clips = [(clip,) for clip in ids]
        gone = db.executemany("DELETE FROM vectors WHERE clip_id = ?", clips).rowcount
        db.execute("UPDATE counted SET vectors = vectors - ?", [gone])
        return clips

    def last_seq(self) -> int:
        """See :class:`vidqa.archive.nearest.VectorSource`, here and below."""
        return int(self._one("SELECT coalesce(max(seq), 0) FROM changes"))

    def count(self) -> int:
        return int(self._one("SELECT vectors FROM counted"))

    def changes_after(self, seq: int, limit: int) -> Sequence[Change]:
        rows = self._db.execute(
            "SELECT seq, c.clip_id, vector FROM changes c LEFT JOIN vectors v USING (clip_id)"
            " WHERE seq > ? ORDER BY seq LIMIT ?",
            (seq, limit),
        ).fetchall()
        return [
            Change(number, clip, None if half is None else self._matrix([half])[0])
            for number, clip, half in rows
        ]

    def blocks(self) -> Iterator[VectorBlock]:
        db = sqlite3.connect(self.path)
        try:
            cursor = db.execute("SELECT clip_id, vector FROM vectors ORDER BY clip_id")
            while rows := cursor.fetchmany(_BLOCK):
                yield self._block(rows)
        finally:
            db.close()

    def vectors_of(self, ids_N: NDArray[np.int64]) -> VectorBlock:
        rows = []
        for start in range(0, len(ids_N), _ASKED):
            asked = ids_N[start : start + _ASKED].tolist()
            marks = ",".join("?" * len(asked))
            rows += self._db.execute(
                f"SELECT clip_id, vector FROM vectors WHERE clip_id IN ({marks})",  # noqa: S608
                asked,
            ).fetchall()
        return self._block(rows)

    def close(self) -> None:
        """Close this thread's connection."""
        if hasattr(self._local, "db"):
            self._local.db.close()
            del self._local.db

    def _block(self, rows: Sequence[tuple[int, bytes]]) -> VectorBlock:
        ids_N = np.array([clip for clip, _ in rows], dtype=np.int64)
        return VectorBlock(ids_N, self._matrix([half for _, half in rows]))

    def _matrix(self, halves: Sequence[bytes]) -> NDArray[np.float32]:
        flat = np.frombuffer(b"".join(halves), dtype="<f2")
        return flat.reshape(len(halves), self.dimension).astype(np.float32)

    @property
    def _db(self) -> sqlite3.Connection:
        if not hasattr(self._local, "db"):
            self._local.db = sqlite3.connect(self.path, timeout=60)
        connection: sqlite3.Connection = self._local.db
        return connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=60)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            with db:
                yield db
        finally:
            db.close()

    def _one(self, statement: str) -> int:
        found: int = self._db.execute(statement).fetchone()[0]
        return found
