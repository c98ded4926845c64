"""A tenant's archives: what was made, and what is in them. No model is needed for any of it.

The archive's database is opened when it is first asked for, and only where something was indexed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from vidqa.archive.records import Filter, Video, VideoState
from vidqa.archive.remote import is_url
from vidqa.errors import RequestError
from vidqa.pipeline.retrieval.archive import Archive
from vidqa.pipeline.retrieval.care import remove
from vidqa.service.archives import Archives
from vidqa.service.records import JsonDict
from vidqa.service.scoping import archive_id_of, archive_name


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFacts:
    """An archive in numbers."""

    id: str
    created_at: float | None
    """None for one that came to be by indexing into it."""
    videos: dict[VideoState, int]

    def to_dict(self) -> JsonDict:
        """As answers show it."""
        return {
            "id": self.id,
            "name": self.id,
            "videos": self.videos.get("ready", 0),
            "indexing": self.videos.get("indexing", 0),
            "failed": self.videos.get("failed", 0),
            "created_at": None if self.created_at is None else round(self.created_at, 3),
        }


class TenantArchives:
    """The archives of all tenants, each seen by its own. Not for the event loop."""

    def __init__(self, made: Archives, place: str) -> None:
        self._made, self._place = made, place
        self._archive: Archive | None = None
        self._lock = Lock()

    def make(self, tenant: str, archive_id: str) -> tuple[ArchiveFacts, bool]:
        """The archive, and whether it is new."""
        new = self._made.make(tenant, archive_id)
        return self.get(tenant, archive_id), new

    def all(self, tenant: str) -> list[ArchiveFacts]:
        """By id: what was made, and what has videos."""
        made = {each.id: each.created_at for each in self._made.all(tenant)}
        held = self._held(tenant)
        return [
            ArchiveFacts(id=each, created_at=made.get(each), videos=held.get(each, {}))
            for each in sorted({*made, *held})
        ]

    def get(self, tenant: str, archive_id: str) -> ArchiveFacts:
        """Raises :class:`RequestError` ``archive_missing``, also for another tenant's."""
        for each in self.all(tenant):
            if each.id == archive_id:
                return each
        raise RequestError(
            f"there is no archive {archive_id!r}",
            code="archive_missing",
            next_step="GET /v1/archives lists those there are; POST makes one.",
        )

    def videos(self, tenant: str, archive_id: str, *, after: int, limit: int) -> Sequence[Video]:
        """Those behind number ``after``, in the order in which they came."""
        self.get(tenant, archive_id)
        archive = self._opened()
        if archive is None:
            return ()
        return archive.store.videos(_of(tenant, archive_id), after=after, limit=limit)

    def delete(self, tenant: str, archive_id: str) -> None:
        """Forget it with everything that was indexed in it; the videos themselves stay."""
        self.get(tenant, archive_id)
        archive = self._opened()
        if archive is not None:
            self._remove(archive, list(archive.videos(_of(tenant, archive_id))))
        self._made.forget(tenant, archive_id)

    def delete_video(self, tenant: str, archive_id: str, sha256: str) -> None:
        """Forget what was indexed of one video; raises ``video_missing``."""
        self.get(tenant, archive_id)
        archive = self._opened()
        collection = archive_name(tenant, archive_id)
        found = None
        if archive is not None:
            found = archive.store.by_digest(collection, f"sha256:{sha256}")
        if archive is None or found is None:
            raise RequestError(
                f"archive {archive_id!r} holds no video {sha256[:16]}...",
                code="video_missing",
                next_step=f"GET /v1/archives/{archive_id}/videos lists those there are.",
            )
        self._remove(archive, [found])

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            if self._archive is not None:
                self._archive.close()
                self._archive = None

    def _held(self, tenant: str) -> dict[str, dict[VideoState, int]]:
        archive = self._opened()
        if archive is None:
            return {}
        collections = archive.store.collections().items()
        named = ((archive_id_of(tenant, name), counts) for name, counts in collections)
        return {name: counts for name, counts in named if name is not None}

    def _opened(self) -> Archive | None:
        """None while nothing was indexed by anybody."""
        with self._lock:
            there = is_url(self._place) or Path(self._place).exists()
            if self._archive is None and there:
                self._archive = Archive(self._place)
            return self._archive

    def _remove(self, archive: Archive, videos: Sequence[Video]) -> None:
        removed: Iterator[object] = remove(archive, videos, None)
        for _ in removed:
            pass


def _of(tenant: str, archive_id: str) -> Filter:
    return Filter(archives=[archive_name(tenant, archive_id)])
