"""The archive as the owner of a database: its errors' words, its schema, its name."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, insert, select

from vidqa.archive.tables import SCHEMA, archive
from vidqa.database import Database, Owner, Schema
from vidqa.database import migrate as migrate_to
from vidqa.errors import ArchiveBusy, ArchiveError

ARCHIVE = Owner(
    noun="archive",
    code="archive",
    error=ArchiveError,
    busy=ArchiveBusy,
    next_steps={
        "read_only": "Correct the permissions of the file and of its folder, or name another"
        " archive.",
        "damaged": "Put it aside, together with its -wal file, and bring back a copy; or index the"
        " videos anew.",
        "unreadable": "Name an archive's file, or a name that does not exist yet.",
        "failed": "Run `vidqa archive verify`; report it if all is sound.",
    },
    page_bytes=16_384,  # seven vectors of 1,024 halves; 4,096 would hold one, and be half empty
)


def migrate(database: Database) -> str:
    """Bring it to the newest schema; its uid. Raises :class:`ArchiveError`."""
    migrate_to(database, _SCHEMA)
    with database.reading() as db:
        asked = select(archive.c.value).where(archive.c.name == "uid")
        return str(db.execute(asked).scalar_one())


def _name(db: Connection) -> None:
    db.execute(insert(archive).values(name="uid", value=secrets.token_hex(8)))


_SCHEMA = Schema(
    migrations="vidqa.archive:migrations",
    newest=SCHEMA,
    version_table="alembic_version",
    made=_name,
)
