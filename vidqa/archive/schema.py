"""Brings a database to the newest schema when it is opened; refuses one that is newer still."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Connection, insert, inspect, select, text

from vidqa.archive.database import Database
from vidqa.archive.tables import SCHEMA, archive
from vidqa.errors import ArchiveError

_LOCK = 0x76_69_64_71_61
"""Key of PostgreSQL's lock for migrations: "vidqa"."""


def migrate(database: Database) -> str:
    """Run the migrations that the database has not seen; its uid.

    Several processes may open a new database at once: one migrates it, the others wait. Raises
    :class:`ArchiveError` where a newer vidqa has migrated it beyond what this one knows.
    """
    with database.reading() as db:
        revision = _revision(db)
    if revision != SCHEMA:
        with database.writing() as db:
            if not database.is_sqlite:
                db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            _upgrade(db, database.place)
    with database.reading() as db:
        asked = select(archive.c.value).where(archive.c.name == "uid")
        return str(db.execute(asked).scalar_one())


def _upgrade(db: Connection, place: str) -> None:
    revision = _revision(db)
    if revision == SCHEMA:  # another process was quicker
        return
    from alembic import command
    from alembic.script import ScriptDirectory

    config = _config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise ArchiveError(
            f"the archive {place} has schema {revision}; this vidqa knows up to {SCHEMA}",
            code="archive_newer",
            next_step="Upgrade vidqa: pip install --upgrade vidqa.",
        )
    config.attributes["connection"] = db
    command.upgrade(config, "head")
    if revision is None:
        db.execute(insert(archive).values(name="uid", value=secrets.token_hex(8)))


def _revision(db: Connection) -> str | None:
    if not inspect(db).has_table("alembic_version"):
        return None
    found: str | None = db.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "vidqa.archive:migrations")
    config.set_main_option("path_separator", "os")
    return config
