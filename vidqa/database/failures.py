"""Errors of SQLite, PostgreSQL and SQLAlchemy in, our own errors out: value, place, next step."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from vidqa.database.owner import Owner
from vidqa.errors import VidqaError


class _Case(NamedTuple):
    code: str
    what: str
    next_step: str
    busy: bool = False


_BUSY = _Case(
    "busy",
    "is in use by another process",
    "Try again; should it last, end the process that holds it.",
    busy=True,
)
_FULL = _Case("full", "has no room to grow", "Make room on its disk, then go on.")
_READ_ONLY = _Case(
    "read_only",
    "cannot be written",
    "Correct the permissions of the file and of its folder, or name another.",
)
_DAMAGED = _Case(
    "damaged",
    "is damaged",
    "Put it aside, together with its -wal file, and bring back a copy.",
)
_NO_DATABASE = _Case(
    "unreadable",
    "is no database",
    "Name the right file, or a name that does not exist yet.",
)
_UNOPENED = _Case(
    "unopened",
    "cannot be opened",
    "Name a file in a folder that exists and that you may write.",
)
_DISK = _Case("disk", "cannot be read from or written to its disk", "Check the disk.")
_AWAY = _Case(
    "away",
    "does not answer",
    "Start the server, or correct host and port, then try again.",
    busy=True,
)
_REFUSED = _Case(
    "refused",
    "refused the user, the password or the database's name",
    "Correct the URL, or have the server's owner grant access.",
)
_UNKNOWN = _Case("failed", "failed", "Report it, with the message.")

_SQLITE = (
    ("database is locked", _BUSY),
    ("database table is locked", _BUSY),
    ("database schema is locked", _BUSY),
    ("database or disk is full", _FULL),
    ("attempt to write a readonly database", _READ_ONLY),
    ("disk image is malformed", _DAMAGED),
    ("malformed database schema", _DAMAGED),
    ("vtable constructor failed", _DAMAGED),
    ("file is not a database", _NO_DATABASE),
    ("unable to open database file", _UNOPENED),
    ("disk I/O error", _DISK),
)
"""By message: Python 3.10 does not hand SQLite's error codes over. Each has stood since 2010."""

_POSTGRES = (
    ("08", _AWAY),
    ("57P", _AWAY),
    ("53100", _FULL),
    ("53", _BUSY),
    ("55P03", _BUSY),
    ("40", _BUSY),
    ("25006", _READ_ONLY),
    ("42501", _REFUSED),
    ("28", _REFUSED),
    ("3D000", _REFUSED),
    ("XX", _DAMAGED),
)
"""By the beginning of the SQLSTATE; the first that fits."""
_REFUSALS = ("authentication failed", "does not exist", "no password", "no pg_hba.conf entry")
"""A connection that was never made has no SQLSTATE, only the server's words."""


@contextmanager
def typed(owner: Owner, place: str) -> Iterator[None]:
    """Turn what the database raises inside into the ``owner``'s error; ``place`` is its URL."""
    try:
        yield
    except PoolTimeout as err:
        raise _error(owner, place, _BUSY, "no connection was free") from err
    except DBAPIError as err:
        raise _error(owner, place, _case(err), str(err.orig).strip()) from err
    except sqlite3.Error as err:
        raise _error(owner, place, _sqlite_case(str(err)), str(err)) from err
    except SQLAlchemyError as err:
        raise _error(owner, place, _UNKNOWN, str(err).strip()) from err


def _error(owner: Owner, place: str, case: _Case, detail: str) -> VidqaError:
    kind = owner.busy if case.busy else owner.error
    return kind(
        f"the {owner.noun} {place} {case.what}: {detail}",
        code=f"{owner.code}_{case.code}",
        next_step=owner.next_steps.get(case.code, case.next_step),
    )


def _case(err: DBAPIError) -> _Case:
    message = str(err.orig)
    if isinstance(err.orig, sqlite3.Error):
        return _sqlite_case(message)
    sqlstate: str | None = getattr(err.orig, "sqlstate", None)
    return _postgres_case(sqlstate, message, lost=err.connection_invalidated)


def _sqlite_case(message: str) -> _Case:
    return next((case for words, case in _SQLITE if words in message), _UNKNOWN)


def _postgres_case(sqlstate: str | None, message: str, *, lost: bool) -> _Case:
    if sqlstate is None:
        if any(words in message for words in _REFUSALS):
            return _REFUSED
        return _AWAY if lost or "connect" in message else _UNKNOWN
    return next((case for start, case in _POSTGRES if sqlstate.startswith(start)), _UNKNOWN)
