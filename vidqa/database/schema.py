"""Brings a database to the newest schema when it is opened; refuses one that is newer still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, Text, inspect, select, text

from vidqa.database.transactions import Database

_LOCK = 0x76_69_64_71_61
"""Key of PostgreSQL's lock for migrations: "vidqa"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What a part of vidqa keeps in a database, which other parts may keep theirs in as well."""

    migrations: str
    """The package with Alembic's scripts, as ``package:folder``."""
    newest: str
    """Revision of the last of them."""
    version_table: str
    """Where a database says which it has seen."""
    made: Callable[[Connection], None] = lambda _: None
    """Called once in a database's life, when its tables were just made."""


def migrate(database: Database, schema: Schema) -> None:
    """Run the migrations that the database has not seen.

    Several processes may open a new database at once: one migrates it, the others wait. Raises
    the owner's error where a newer vidqa has migrated it beyond what this one knows.
    """
    with database.reading() as db:
        revision = _revision(db, schema)
    if revision == schema.newest:
        return
    with database.writing() as db:
        if not database.is_sqlite:
            db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        _upgrade(db, database, schema)


def _upgrade(db: Connection, database: Database, schema: Schema) -> None:
    revision = _revision(db, schema)
    if revision == schema.newest:  # another process was quicker
        return
    from alembic import command
    from alembic.script import ScriptDirectory

    config = _config(schema)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        owner = database.owner
        raise owner.error(
            f"the {owner.noun} {database.place} has schema {revision};"
            f" this vidqa knows up to {schema.newest}",
            code=f"{owner.code}_newer",
            next_step="Upgrade vidqa: pip install --upgrade vidqa.",
        )
    config.attributes["connection"] = db
    config.attributes["version_table"] = schema.version_table
    command.upgrade(config, "head")
    if revision is None:
        schema.made(db)


def _revision(db: Connection, schema: Schema) -> str | None:
    if not inspect(db).has_table(schema.version_table):
        return None
    version = Table(schema.version_table, MetaData(), Column("version_num", Text))
    found: str | None = db.execute(select(version.c.version_num)).scalar()
    return found


def _config(schema: Schema) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", schema.migrations)
    config.set_main_option("path_separator", "os")
    return config
