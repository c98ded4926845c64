"""A path or URL in, transactions out: how vidqa speaks to SQLite and to PostgreSQL.

SQLite is in WAL: readers go on while one writes. A change asks for the write lock at its start
(``BEGIN IMMEDIATE``), so that it never loses its work to another writer half way, and is forced to
the disk before it counts (``synchronous=FULL``): what an index was told of cannot be taken back by
a power cut. Deleted bytes are overwritten with zeros.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DisconnectionError

from vidqa.database.failures import typed
from vidqa.database.owner import Owner

BUSY_S = 30.0
"""How long a writer waits for another."""
_LOOK_S = 0.002
"""Time between two tries to begin to write."""


class Database:
    """One database, from any thread; a process that was forked opens connections of its own."""

    def __init__(self, url: URL, owner: Owner) -> None:
        self.url, self.owner = url, owner
        self.place = url.database or "" if _is_sqlite(url) else url.render_as_string()
        self._engine = _sqlite_engine(url, owner) if _is_sqlite(url) else _postgres_engine(url)
        _keep_within_process(self._engine)
        self._reads = self._engine.execution_options(
            **({} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"})
        )
        self._writes = self._engine.execution_options(vidqa_begin="BEGIN IMMEDIATE")

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite; PostgreSQL otherwise."""
        return _is_sqlite(self.url)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees the database of one moment, whatever is written meanwhile."""
        with typed(self.owner, self.place), self._reads.connect() as db, db.begin():
            yield db

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that lands whole at its end, or not at all."""
        with typed(self.owner, self.place), self._writes.connect() as db, db.begin():
            yield db

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """No transaction: for upkeep that an engine does only outside of one."""
        options = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        with (
            typed(self.owner, self.place),
            self._engine.execution_options(vidqa_begin="", **options).connect() as db,
        ):
            yield db

    def tidy(self) -> None:
        """Empty SQLite's log into its file, beside whoever reads and writes; PostgreSQL does so by
        itself."""
        if self.is_sqlite:
            with self.alone() as db:
                db.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    def size(self) -> int:
        """Bytes that the database takes."""
        with self.reading() as db:
            if not self.is_sqlite:
                asked = "SELECT pg_database_size(current_database())"
                return int(db.exec_driver_sql(asked).scalar_one())
            pages = db.exec_driver_sql("PRAGMA page_count").scalar_one()
            return int(pages * db.exec_driver_sql("PRAGMA page_size").scalar_one())

    def insert(self, table: Table) -> Any:
        """``INSERT`` of this engine's dialect, which knows ``on_conflict_do_nothing``."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def close(self) -> None:
        """Let go of every connection."""
        with typed(self.owner, self.place):
            self._engine.dispose()


def database_of(place: str | Path, owner: Owner) -> Database:
    """The database at a path, or at a ``sqlite:`` or ``postgresql:`` URL.

    Makes a file's folder where it is missing. Raises the ``owner``'s error for any other URL, and
    where PostgreSQL's driver is not installed.
    """
    url = _url(place, owner)
    if _is_sqlite(url):
        _make_private(Path(url.database or ""), owner)
    try:
        return Database(url, owner)
    except ModuleNotFoundError as err:
        raise owner.error(
            f"the {owner.noun} {url.render_as_string()} needs {err.name}, which is not installed",
            code=f"{owner.code}_driver",
            next_step="pip install 'vidqa[postgres]'",
        ) from err


def _url(place: str | Path, owner: Owner) -> URL:
    if isinstance(place, Path) or "://" not in place:
        return URL.create("sqlite", database=str(Path(place).expanduser().absolute()))
    try:
        url = make_url(place)
    except ArgumentError:
        url = URL.create("unreadable")
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database not in (None, "", ":memory:"):
        return URL.create("sqlite", database=str(Path(url.database or "").absolute()))
    raise owner.error(
        f"no {owner.noun} can lie at {place!r}"
        if url.drivername == "unreadable"
        else f"no {owner.noun} can lie at {url.render_as_string()}",
        code=f"{owner.code}_url",
        next_step="Give a file's path, or postgresql://user@host/database.",
    )


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _make_private(path: Path, owner: Owner) -> None:
    """What it holds tells what videos show: a new one is for the user alone."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as err:
        raise owner.error(
            f"the {owner.noun} {path} cannot be opened: {err.strerror}",
            code=f"{owner.code}_unopened",
            next_step="Name a file in a folder that you may write, on a disk with room.",
        ) from err


def _sqlite_engine(url: URL, owner: Owner) -> Engine:
    engine = create_engine(
        url, connect_args={"timeout": BUSY_S, "check_same_thread": False}, pool_timeout=BUSY_S
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, below
        for pragma in (
            f"page_size={owner.page_bytes}",
            "auto_vacuum=INCREMENTAL",
            "foreign_keys=ON",
            "secure_delete=ON",
            "synchronous=FULL",
            "cache_size=-32768",
            f"wal_autocheckpoint={owner.log_pages}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        _use_wal(connection)

    @event.listens_for(engine, "begin")
    def _begin(db: Connection) -> None:
        begin = db.get_execution_options().get("vidqa_begin", "BEGIN")
        if begin == "BEGIN IMMEDIATE":
            _take_lock(db)
        elif begin:
            db.exec_driver_sql(begin)

    return engine


def _take_lock(db: Connection) -> None:
    """Begin to write. SQLite's own waiting looks less and less often, ten times a second in the
    end: among several busy writers some would wait for a second, and writes take milliseconds."""
    raw: Any = db.connection.dbapi_connection
    began_s = time.monotonic()
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while not _has_begun(raw, patient=time.monotonic() - began_s < BUSY_S):
            time.sleep(_LOOK_S)
    finally:
        raw.execute(f"PRAGMA busy_timeout={round(BUSY_S * 1000)}")


def _has_begun(raw: sqlite3.Connection, *, patient: bool) -> bool:
    try:
        raw.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as err:
        if "locked" not in str(err) or not patient:
            raise
        return False
    return True


def _use_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait for the lock that turning a new file to WAL takes: try until it may."""
    deadline_s = time.monotonic() + BUSY_S
    while not _is_wal(connection, patient=time.monotonic() < deadline_s):
        time.sleep(0.02)


def _is_wal(connection: sqlite3.Connection, *, patient: bool) -> bool:
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as err:
        if "locked" not in str(err) or not patient:
            raise
        return False
    return True


def _postgres_engine(url: URL) -> Engine:
    return create_engine(
        url,
        connect_args={"connect_timeout": 10, "application_name": "vidqa"},
        pool_pre_ping=True,  # a server that was started anew must not fail the next question
        pool_timeout=BUSY_S,
    )


def _keep_within_process(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _mark(_: Any, record: Any) -> None:
        record.info["pid"] = os.getpid()

    @event.listens_for(engine, "checkout")
    def _check(_: Any, record: Any, proxy: Any) -> None:
        if record.info["pid"] != os.getpid():
            record.dbapi_connection = proxy.dbapi_connection = None
            raise DisconnectionError("a connection of the process that this one was forked from")


def batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Runs of at most ``size``: a statement takes only so many values."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
