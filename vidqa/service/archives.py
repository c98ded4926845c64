"""Which archives a tenant has made. What is in them lies in the archive's own database
(:mod:`vidqa.archive`), in collections named by :mod:`vidqa.service.scoping`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select

from vidqa.database import Database, now_s
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
            gone = delete(archives).where(archives.c.tenant == tenant, archives.c.id == archive_id)
            return bool(db.execute(gone).rowcount)
