"""What the networked index says to PostgreSQL: its tables, and what is put in and found there.

``vidqa_indexes`` has a row for each source: which table holds its vectors, and which change it has.
Axes: N vectors, Q queries, F candidates, D dimension.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg import errors, sql
from psycopg.rows import TupleRow
from psycopg_pool import PoolClosed

from vidqa.archive.nearest import VectorBlock
from vidqa.errors import ArchiveBusy, ArchiveError

LAYOUT = 1
"""Goes up with every change to the tables or to how vectors are put into them."""
WIDEST_INDEXED, WIDEST = 4_000, 16_000
"""Most numbers of a ``halfvec`` in an HNSW index, and in a table."""
_OLDEST = (0, 8)
"""Of pgvector: the first whose HNSW scans go on until there are enough candidates."""
_LEAST_EF, _MOST_EF = 100, 1_000
"""How many candidates an HNSW search keeps; pgvector takes no more than 1,000."""
_INDEXES = """
CREATE TABLE IF NOT EXISTS vidqa_indexes (
    source text PRIMARY KEY,
    layout integer NOT NULL,
    dimension integer NOT NULL,
    relation text NOT NULL,
    applied bigint NOT NULL,
    vectors bigint NOT NULL
)"""


class MovedError(ArchiveError):
    """The source's table was built anew under another name since its row was read."""


Connection = psycopg.Connection[TupleRow]


@dataclass(frozen=True, slots=True)
class Entry:
    """A source's row."""

    relation: str
    """The table of its vectors."""
    applied: int
    """Number of the last change that is in it."""
    count: int
    """How many vectors it has."""

    @property
    def table(self) -> sql.Identifier:
        """The table's name, quoted."""
        return sql.Identifier(self.relation)


def prepare(db: Connection) -> None:
    """Make what all sources share. Raises :class:`ArchiveError` where pgvector is not to be had."""
    hold_changes(db, "")  # two who create the same thing at once would fail
    try:
        db.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except (errors.FeatureNotSupported, errors.UndefinedFile, errors.InsufficientPrivilege) as err:
        raise ArchiveError(
            f"the database has no pgvector: {str(err).splitlines()[0]}",
            code="pgvector_missing",
            next_step="Install pgvector, and run CREATE EXTENSION vector as a superuser.",
        ) from err
    (version,) = db.execute(
        "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
    ).fetchall()[0]
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        raise ArchiveError(
            f"the database's pgvector is {version}, 0.8 or newer is needed",
            code="pgvector_old",
            next_step="Install a newer pgvector, and run ALTER EXTENSION vector UPDATE.",
        )
    db.execute(_INDEXES)


def hold_changes(db: Connection, source: str) -> None:
    """Wait to be the only one who changes a source's tables, until the transaction ends."""
    key = int.from_bytes(_digest(f"vidqa index {source}")[:8], "big", signed=True)
    db.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def entry_of(db: Connection, source: str, dimension: int) -> Entry | None:
    """The source's row, where there is one of this layout."""
    found = db.execute(
        "SELECT relation, applied, vectors FROM vidqa_indexes"
        " WHERE source = %s AND layout = %s AND dimension = %s",
        [source, LAYOUT, dimension],
    ).fetchone()
    return None if found is None else Entry(*found)


def new_table(db: Connection, source: str, dimension: int) -> str:
    """Make an empty table for a source's vectors; its name."""
    relation = f"vidqa_vectors_{_digest(source).hex()[:12]}_{secrets.token_hex(4)}"
    db.execute(
        sql.SQL("CREATE TABLE {} (clip_id bigint PRIMARY KEY, vector halfvec({}) NOT NULL)").format(
            sql.Identifier(relation), sql.Literal(dimension)
        )
    )
    return relation


def add_index(db: Connection, relation: str, dimension: int) -> None:
    """Make the HNSW index, after the vectors went in: that is much faster than before."""
    if dimension <= WIDEST_INDEXED:
        db.execute(
            sql.SQL("CREATE INDEX ON {} USING hnsw (vector halfvec_ip_ops)").format(
                sql.Identifier(relation)
            )
        )


def enter(db: Connection, source: str, dimension: int, entry: Entry) -> None:
    """Let a source's row say ``entry``; the table it named before is removed."""
    leave(db, source)
    db.execute(
        "INSERT INTO vidqa_indexes VALUES (%s, %s, %s, %s, %s, %s)",
        [source, LAYOUT, dimension, entry.relation, entry.applied, entry.count],
    )


def update(db: Connection, source: str, entry: Entry) -> None:
    """Let a source's row say what its table now has."""
    db.execute(
        "UPDATE vidqa_indexes SET applied = %s, vectors = %s WHERE source = %s",
        [entry.applied, entry.count, source],
    )


def sources(db: Connection) -> list[str]:
    """Names of all sources that have a table, of whatever archive."""
    return [name for (name,) in db.execute("SELECT source FROM vidqa_indexes").fetchall()]


def leave(db: Connection, source: str) -> None:
    """Remove a source's row and table, where it has one."""
    for (relation,) in db.execute(
        "DELETE FROM vidqa_indexes WHERE source = %s RETURNING relation", [source]
    ).fetchall():
        db.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(relation)))


def add(db: Connection, relation: str, block: VectorBlock) -> None:
    """Put checked vectors in, none of which is there."""
    statement = sql.SQL("COPY {} (clip_id, vector) FROM STDIN (FORMAT BINARY)")
    with db.cursor() as cursor, cursor.copy(statement.format(sql.Identifier(relation))) as copy:
        copy.set_types(["int8", "halfvec"])
        for clip_id, vector_D in zip(block.ids_N.tolist(), block.vectors_ND, strict=True):
            copy.write_row((clip_id, HalfVector(vector_D)))


def remove(db: Connection, entry: Entry, ids_N: NDArray[np.int64]) -> int:
    """Take vectors out; how many of them were there."""
    statement = sql.SQL("DELETE FROM {} WHERE clip_id = ANY(%s)").format(entry.table)
    return db.execute(statement, [ids_N.tolist()]).rowcount


def held(db: Connection, entry: Entry, ids_N: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of the ids that are in the table."""
    statement = sql.SQL("SELECT clip_id FROM {} WHERE clip_id = ANY(%s)").format(entry.table)
    found = db.execute(statement, [ids_N.tolist()]).fetchall()
    return np.array([clip_id for (clip_id,) in found], dtype=np.int64)


def nearest(
    db: Connection,
    entry: Entry,
    queries_QD: NDArray[np.float32],
    fetch: int,
    among_N: NDArray[np.int64] | None,
) -> NDArray[np.int64]:
    """Ids (Q, F) of about the ``fetch`` nearest, of ``among_N`` (a result of :func:`held`) alone
    where given; there are as many."""
    allowed = sql.SQL("" if among_N is None else "WHERE clip_id = ANY(%(among)s)")
    statement = sql.SQL(
        "SELECT clip_id FROM {} {} ORDER BY vector <#> %(query)s LIMIT %(fetch)s"
    ).format(entry.table, allowed)
    among = None if among_N is None else among_N.tolist()
    _set(db, "hnsw.ef_search", str(min(max(fetch, _LEAST_EF), _MOST_EF)))
    _set(db, "hnsw.iterative_scan", "relaxed_order")  # what comes is ranked exactly anyway
    ids_QF = np.full((len(queries_QD), fetch), -1, dtype=np.int64)
    for row, query_D in enumerate(queries_QD):
        given = {"query": HalfVector(query_D), "fetch": fetch, "among": among}
        found = db.execute(statement, given).fetchall()
        if len(found) < fetch:  # the graph did not lead to all: read every vector
            _set(db, "enable_indexscan", "off")
            found = db.execute(statement, given).fetchall()
            _set(db, "enable_indexscan", "on")
        ids_QF[row, : len(found)] = [clip_id for (clip_id,) in found]
    return ids_QF


@contextmanager
def translated() -> Iterator[None]:
    """The database's errors, as ours."""
    try:
        yield
    except PoolClosed as err:
        raise ArchiveError(
            "this index is closed", code="index_closed", next_step="Open it again."
        ) from err
    except psycopg.OperationalError as err:
        raise ArchiveBusy(
            f"the index's database does not answer: {str(err).splitlines()[0]}",
            code="index_away",
            next_step="Check the URL and that PostgreSQL runs, then try again.",
        ) from err
    except errors.UniqueViolation as err:
        raise ArchiveError(
            f"the same clip came twice: {err.diag.message_detail}",
            code="bad_ids",
            next_step="Report this: the archive gives each clip an id of its own.",
        ) from err
    except errors.UndefinedTable as err:
        raise MovedError(
            f"the index's table is gone: {str(err).splitlines()[0]}",
            code="index_moved",
            next_step="Try again; if that does not help, open the index again.",
        ) from err
    except psycopg.Error as err:
        raise ArchiveError(
            f"the index's database refused: {str(err).splitlines()[0]}",
            code="index_refused",
            next_step="Check that the user of the URL may create tables there.",
        ) from err


def _set(db: Connection, name: str, value: str) -> None:
    """Until the transaction ends."""
    db.execute("SELECT set_config(%s, %s, true)", [name, value])


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
