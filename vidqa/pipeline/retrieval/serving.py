"""The vectors that answer searches, and their index: opened once, brought up to date at each use.

Where the archive is an SQLite file, the index lies beside it; a PostgreSQL database with pgvector
keeps its own, one without has it in the user's cache folder, which is said.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

from vidqa.archive.nearest import VectorIndex
from vidqa.archive.records import Generation
from vidqa.archive.source import StoredVectors
from vidqa.archive.store import Store
from vidqa.archive.vectors.local import FaissIndex
from vidqa.archive.vectors.opening import open_index
from vidqa.errors import ArchiveError, ChangesPruned

_WITHOUT_PGVECTOR = frozenset({"pgvector_missing", "pgvector_old", "too_wide"})
_DRIVER = re.compile(r"^postgres(ql)?(\+\w+)?:")
_TRIES = 3
"""How often an index is opened whose vectors get another mean meanwhile."""


@dataclass(slots=True, kw_only=True)
class Served:
    """One generation that serves, and the index over it."""

    generation: Generation
    source: StoredVectors
    index: VectorIndex
    notes: tuple[str, ...] = ()
    """What whoever searches should know of where the index lies."""
    users: int = 0


class Serving:
    """Gives out whichever generation serves at the moment. Threads may share it."""

    def __init__(self, store: Store, place: str) -> None:
        """``place`` is the path or URL that the store was opened by."""
        self._store = store
        self._place = _DRIVER.sub("postgresql:", place)
        self._lock = RLock()
        self._served: Served | None = None

    @contextmanager
    def use(self) -> Iterator[Served]:
        """The generation and its index, which knows of every change committed before the call.

        An index that another took the place of is closed when the last one who uses it is done.
        Raises :class:`ArchiveError` for an archive in which nothing is indexed.
        """
        with self._lock:
            served = self._current()
            served.users += 1
        try:
            yield served
        finally:
            with self._lock:
                served.users -= 1
                self._close(served)

    def settle(self) -> None:
        """Have the index file written where that is due: for who has just changed the archive."""
        with self.use() as served:
            served.index.settle()
            if not isinstance(served.index, FaissIndex):
                family = f"{self._store.uid}-{served.generation.id}-"  # indexes about earlier means
                self._drop_tables(served.source, family)

    def forget(self) -> bool:
        """Have what was deleted gone from every index: False where one is in use at this moment,
        which must be asked again. Indexes of what does not serve are removed whole."""
        if self._scrubbed():
            return True
        with self.use() as served:
            local = isinstance(served.index, FaissIndex)
            gone = self._remove_folders(self.folder(served.generation.id) if local else None)
            if isinstance(served.index, FaissIndex):
                return served.index.rewrite() and gone
            served.index.refresh()
            self._drop_tables(served.source, f"{self._store.uid}-")
            return gone

    def _scrubbed(self) -> bool:
        """Whether that could be done in the file itself: a million vectors take seconds to load."""
        generation = self._store.serving()
        if generation is None or _is_postgres(self._place):
            return False
        folder = self.folder(generation.id)
        source = self._store.source(generation.id)
        return FaissIndex.scrub(folder, source) and self._remove_folders(folder)

    def _remove_folders(self, kept: Path | None) -> bool:
        """Whether no index is left on this machine but the one that is kept."""
        others = [o for o in index_folder(self._store, self._place).glob("*") if o != kept]
        for other in others:
            shutil.rmtree(other, ignore_errors=True)  # what stays is told by the answer
        return not any(other.exists() for other in others)

    def _drop_tables(self, served: StoredVectors, family: str) -> None:
        """In PostgreSQL, remove every index of a source whose name, with a dash behind it, begins
        like this, but for the one that serves."""
        from vidqa.archive.vectors.pgvector import drop_indexes  # late: the driver

        drop_indexes(
            self._place,
            lambda name: name != served.name and f"{name}-".startswith(family),
        )

    def close(self) -> None:
        """Let go of the index."""
        with self._lock:
            served, self._served = self._served, None
            if served is not None:
                self._close(served)

    def folder(self, generation_id: int) -> Path:
        """Where an index on this machine lies."""
        return index_folder(self._store, self._place) / str(generation_id)

    def _current(self) -> Served:
        for _ in range(_TRIES):
            generation = self._store.serving()
            if generation is None:
                raise ArchiveError(
                    f"{self._store.address}: nothing is indexed",
                    code="archive_empty",
                    next_step="Index something first: vidqa index FOLDER.",
                )
            source = self._store.source(generation.id)
            try:
                return self._opened(generation, source)
            except ChangesPruned:  # another mean was set since the source was asked for
                continue
        raise ArchiveError(
            f"{self._store.address}: its vectors are being moved about a new mean",
            code="archive_moving",
            next_step="Search again in a moment.",
        )

    def _opened(self, generation: Generation, source: StoredVectors) -> Served:
        known = self._served
        if known is not None and known.source.name == source.name:
            known.index.refresh()
            return known
        index, notes = self._open(source)
        served = Served(generation=generation, source=source, index=index, notes=notes)
        self._served = served
        if known is not None:
            self._close(known)
        return served

    def _open(self, source: StoredVectors) -> tuple[VectorIndex, tuple[str, ...]]:
        folder = self.folder(source.generation_id)
        if not _is_postgres(self._place):
            return open_index(folder, source), ()
        try:
            return open_index(self._place, source), ()
        except ArchiveError as err:
            if err.code not in _WITHOUT_PGVECTOR:
                raise
            return open_index(folder, source), (f"{err}; the index lies in {folder}",)

    def _close(self, served: Served) -> None:
        if served is not self._served and not served.users:
            served.index.close()


def index_folder(store: Store, place: str) -> Path:
    """The folder of an archive's indexes on this machine, one folder to a generation."""
    if not _is_postgres(place):
        path = Path(store.address)
        return path.with_name(f"{path.name}.index")
    from platformdirs import user_cache_path  # only where it is needed: start-up time

    return user_cache_path("vidqa", appauthor=False) / "index" / store.uid


def _is_postgres(place: str) -> bool:
    return _DRIVER.match(place) is not None
