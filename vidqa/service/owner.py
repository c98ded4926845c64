"""The service as the owner of a database."""

from __future__ import annotations

from vidqa.database import Database, Owner, Schema, database_of, migrate
from vidqa.errors import ServiceBusy, ServiceError
from vidqa.service.tables import SCHEMA

SERVICE = Owner(
    noun="service's database",
    code="service",
    error=ServiceError,
    busy=ServiceBusy,
    log_pages=16_384,  # 64 MB: the re-dispatcher tidies, so that no request waits for it
)
_SCHEMA = Schema(
    migrations="vidqa.service:migrations", newest=SCHEMA, version_table="service_version"
)


def open_database(place: str) -> Database:
    """The service's database at a path or URL, of the newest schema.

    Raises :class:`ServiceError` where it cannot be opened, is damaged, or is of a newer vidqa.
    """
    database = database_of(place, SERVICE)
    try:
        migrate(database, _SCHEMA)
    except BaseException:
        database.close()
        raise
    return database
