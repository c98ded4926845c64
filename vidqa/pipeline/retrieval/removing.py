"""An archive rid of videos, and of what no search needs: from the database and from every index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from vidqa.archive.records import Deleted, Video
from vidqa.cache import RowStore
from vidqa.errors import ArchiveError
from vidqa.pipeline.retrieval.archive import Archive

INDEX_KEEPS = (
    "an index file is in use by another process or may not be removed, and may keep vectors of "
    "deleted videos until it is written again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What went with one video, and what is left of it: nothing, or the removal is not done."""

    name: str
    deleted: Deleted
    features: int
    """Files of kept vision tokens."""
    left: dict[str, int]
    """Rows of the database that still belong to it, by table."""

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "video": self.name,
            **asdict(self.deleted),
            "features": self.features,
            "left": self.left,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """What a compaction gave back."""

    generations: tuple[int, ...]
    """Those whose vectors went, since others serve in their place."""
    vectors: int
    size: int
    """Bytes that the database gave back to the disk."""

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "generations": list(self.generations),
            "vectors": self.vectors,
            "bytes": self.size,
        }


def remove(
    archive: Archive, videos: Sequence[Video], features: RowStore | None
) -> Iterator[Removed]:
    """Delete videos one by one: rows, clips, thumbnails, lines, vectors and kept vision tokens.

    The files themselves stay. At the end the indexes are written anew, so that no deleted vector
    is left in a file; raises :class:`ArchiveError` ``index_busy`` where another process kept one
    from being written.
    """
    for video in videos:
        traces = archive.store.traces(video.id)
        deleted = archive.store.delete_video(video.id)
        left = archive.store.leftovers(traces)
        kept = 0
        if features is not None and not archive.store.copies(video.digest):
            kept = features.forget(video.digest)  # another collection's copy would need them
        name = video.locations[0].url if video.locations else video.digest
        yield Removed(name=name, deleted=deleted, features=kept, left=left)
    forget(archive)


def compact(archive: Archive) -> Compacted:
    """Remove the vectors of generations that others serve in the place of, with their indexes, and
    give the room that deletions left back to the disk.

    Cut short, it goes on when it is called again. Raises as :func:`remove`.
    """
    spent = archive.store.spent()
    vectors = sum(archive.store.retire(generation_id) for generation_id in spent)
    forget(archive)
    return Compacted(generations=tuple(spent), vectors=vectors, size=archive.store.compact())


def forget(archive: Archive) -> None:
    """Have every index written anew or removed, so that none keeps what was deleted.

    Raises :class:`ArchiveError` ``index_busy`` where another process keeps one from it.
    """
    if archive.store.serving() is not None and not archive.serving.forget():
        raise ArchiveError(
            f"the videos are deleted, but {INDEX_KEEPS}",
            code="index_busy",
            next_step="Run vidqa archive compact when it is done.",
        )
