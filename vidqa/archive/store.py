"""The archive's database: a path or URL in, a :class:`Store` out; the only truth.

Every change is one transaction. Whatever else is kept of an archive, indexes above all, is derived
from here and can be thrown away.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from vidqa.archive.checking import Checks
from vidqa.archive.claiming import Claims
from vidqa.archive.clipping import Clips
from vidqa.archive.deleting import Deletion
from vidqa.archive.filing import Videos
from vidqa.archive.generating import Generations
from vidqa.archive.schema import ARCHIVE, migrate
from vidqa.archive.subtitling import Lines
from vidqa.database import database_of


class Store(Videos, Claims, Clips, Lines, Generations, Deletion, Checks):
    """Everything that an archive keeps; safe from several threads and processes.

    Every method raises :class:`ArchiveError` where the database does not do its part, and
    :class:`ArchiveBusy` where the same call may succeed later.
    """

    __slots__ = ()

    @property
    def uid(self) -> str:
        """Tells this database from every other, wherever it is moved."""
        return self._uid

    @property
    def address(self) -> str:
        """Its file, or its URL without the password."""
        return self._db.place

    def close(self) -> None:
        """Let go of every connection."""
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_store(place: str | Path) -> Store:
    """The archive in an SQLite file, made where there is none, or at a ``postgresql://`` URL.

    Raises :class:`ArchiveError` where it cannot be opened, is damaged, or is of a newer vidqa.
    """
    database = database_of(place, ARCHIVE)
    try:
        return Store(database, migrate(database))
    except BaseException:
        database.close()
        raise
