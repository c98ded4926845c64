"""Which archives a tenant has made, and what they are called where all tenants' videos lie.

An archive's videos, clips and vectors are in the archive's own database (:mod:`vidqa.archive`),
which tells collections apart by name. There a tenant's collection is named ``tenant/id``, and that
of this machine's own user ``id`` alone, so that the command line finds it under the same name; an
id has no slash, so nobody's name is another's.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select

from vidqa.database import Database, now_s
from vidqa.service.records import LOCAL
from vidqa.service.tables import archives


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeArchive:
    """An archive that somebody made."""

    id: str
    created_at: float


class Archives:
    """The archives that were made, by tenant. Raises :class:`vidqa.errors.ServiceError`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def make(self, tenant: str, archive_id: str) -> bool:
        """Write it down; False where it was there."""
        row = {"tenant": tenant, "id": archive_id, "created_at": now_s()}
        with self._db.writing() as db:
            entered = self._db.insert(archives).values(**row).on_conflict_do_nothing()
            return bool(db.execute(entered.returning(archives.c.id)).first())

    def all(self, tenant: str) -> list[MadeArchive]:
        """By id."""
        asked = select(archives).where(archives.c.tenant == tenant).order_by(archives.c.id)
        with self._db.reading() as db:
            rows = db.execute(asked).all()
        return [MadeArchive(id=row.id, created_at=row.created_at) for row in rows]

    def forget(self, tenant: str, archive_id: str) -> bool:
        """Whether it was there."""
        with self._db.writing() as db:
            gone = delete(archives).where(
                archives.c.tenant == tenant, archives.c.id == archive_id
            )
            return bool(db.execute(gone).rowcount)


def collection_of(tenant: str, archive_id: str) -> str:
    """What a tenant's archive is called in the archive's database."""
    return archive_id if tenant == LOCAL else f"{tenant}/{archive_id}"


def archive_in(tenant: str, collection: str) -> str | None:
    """The id of the tenant's archive that is called so; None for somebody else's."""
    if tenant == LOCAL:
        return None if "/" in collection else collection
    owner, _, archive_id = collection.rpartition("/")
    return archive_id if owner == tenant else None
