"""One archive, opened: its store, its index, and all that can be done with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType
from typing import Any

from vidqa.archive.filing import EVERYTHING
from vidqa.archive.records import Filter, Stats, Video
from vidqa.archive.remote import is_url
from vidqa.archive.store import Store, open_store
from vidqa.errors import ArchiveError
from vidqa.hits import Hit
from vidqa.pipeline.embedder import Embedder
from vidqa.pipeline.retrieval.queries import Query, video_named
from vidqa.pipeline.retrieval.search_options import SearchOptions
from vidqa.pipeline.retrieval.searcher import Searcher
from vidqa.pipeline.retrieval.serving import Serving
from vidqa.search_results import SearchResult

_PAGE = 500


class Archive:
    """An archive that exists; close it, or use it in a ``with`` block.

    Everything raises :class:`ArchiveError` where the database does not do its part.
    """

    def __init__(self, place: str | PathLike[str]) -> None:
        """Open the archive in a file or at a ``postgresql://`` URL; raises :class:`ArchiveError`
        where there is none."""
        self.place = fspath(place)
        if not is_url(self.place) and not Path(self.place).exists():
            raise ArchiveError(
                f"{self.place}: there is no archive",
                code="archive_missing",
                next_step="Index something first (vidqa index FOLDER), or name a database: --db.",
            )
        self.store: Store = open_store(self.place)
        self.serving = Serving(self.store, self.place)
        self.searcher = Searcher(self.store, self.serving)

    def search(
        self, query: Query, embedder: Embedder | None = None, options: SearchOptions | None = None
    ) -> SearchResult:
        """A page of hits; see :meth:`Searcher.search`."""
        return self.searcher.search(query, embedder, options)

    def videos(self, where: Filter = EVERYTHING) -> Iterator[Video]:
        """Every video that matches, by id."""
        after = 0
        while page := self.store.videos(where, after=after, limit=_PAGE):
            yield from page
            after = page[-1].id

    def video(self, name: str) -> Video:
        """By path, end of a path, digest or id; raises :class:`vidqa.errors.QueryError`."""
        return video_named(name, self.store)

    def stats(self) -> Stats:
        """The archive in numbers."""
        return self.store.stats()

    def thumbnail(self, hit: Hit) -> bytes:
        """A hit's picture, as JPEG."""
        return self.store.thumbnail(hit.clip_id)

    def thumbnails(self, hits: Sequence[Hit]) -> list[bytes]:
        """Of several hits, in their order."""
        return [self.thumbnail(hit) for hit in hits]

    def close(self) -> None:
        """Let go of the index and of every connection."""
        self.serving.close()
        self.store.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def options_of(options: SearchOptions | None, given: dict[str, Any]) -> SearchOptions:
    """Options given whole, or one by one; raises :class:`TypeError` for both, as any call would."""
    if options is not None and given:
        raise TypeError(f"options and {', '.join(given)} at once")
    return options or SearchOptions(**given)
