"""What a session can do with an archive: search it, ask it."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import Any

from vidqa.archive.filing import EVERYTHING
from vidqa.archive.records import Filter
from vidqa.archive.remote import Remote
from vidqa.effort import Effort
from vidqa.errors import ArchiveError, QueryError
from vidqa.pipeline.context import Context, StageClock
from vidqa.pipeline.embedder import Embedder, EngineEmbedder
from vidqa.pipeline.ledger import Timer
from vidqa.pipeline.retrieval.archive import Archive, options_of
from vidqa.pipeline.retrieval.asking import AskOptions, ask_archive
from vidqa.pipeline.retrieval.footage import Footage
from vidqa.pipeline.retrieval.queries import Like, Picture, Query, Words
from vidqa.pipeline.retrieval.searcher import SearchOptions
from vidqa.pipeline.retrieval.verifying import inspected
from vidqa.search_results import ArchiveAnswer, SearchResult


class ArchiveSession:
    """The part of a session that is about an archive, which is opened once and kept open."""

    context: Context
    archive_place: str | None
    _archives: dict[str, Archive]

    @property
    def archive(self) -> Archive:
        """The archive that the settings name; raises :class:`ArchiveError` where there is none."""
        return self.archive_at(None)

    def archive_at(self, db: str | PathLike[str] | None) -> Archive:
        """The archive in another database than the settings' own; opened at the first call."""
        place = self.archive_place if db is None else fspath(db)
        if place is None:
            raise ArchiveError(
                "there is no archive: this session was made without settings",
                code="archive_unnamed",
                next_step="Name its database: db='archive.db'.",
            )
        if place not in self._archives:
            self._archives[place] = Archive(place)
        return self._archives[place]

    def search(
        self,
        text: str | None = None,
        *,
        image: str | PathLike[str] | None = None,
        like: str | None = None,
        db: str | PathLike[str] | None = None,
        embedder: Embedder | None = None,
        verify: bool = False,
        refine: bool = False,
        effort: Effort | None = None,
        remote: Remote | None = None,
        options: SearchOptions | None = None,
        **given: Any,
    ) -> SearchResult:
        """Stretches of the archive's videos that are like ``text``, a picture, or a clip
        (``like="camera.mp4@83.5"``), the best first; exactly one of the three.

        ``options``, or its fields by name, say which videos count (``where``), how many hits a
        page has, from which score on, and so on: :class:`SearchOptions`. ``verify`` looks at the
        frames of every hit on the page and says whether it is confirmed; ``refine`` grounds the
        text inside each to the second. A video that is gone is told of its hit. ``effort`` bounds
        these looks in time; ``remote`` says what may be fetched for them.
        Raises :class:`QueryError` for a query or a page that cannot be, :class:`ArchiveError` for
        an archive that is not there, empty, or of another model.
        """
        archive = self.archive_at(db)
        query = query_of(text, image, like, reader=self.context.sampling.reader)
        how = options_of(options, given)
        found = archive.search(query, embedder or self._embedder(), how)
        timer = Timer(effort or Effort())
        with self._footage(timer, remote) as footage:
            return inspected(found, footage, timer, verify=verify, refine=refine)

    def ask_archive(
        self,
        question: str,
        *,
        db: str | PathLike[str] | None = None,
        embedder: Embedder | None = None,
        where: Filter = EVERYTHING,
        looks: int | None = None,
        effort: Effort | None = None,
        remote: Remote | None = None,
    ) -> ArchiveAnswer:
        """The answer to ``question`` from the archive's videos, with citations that were verified.

        ``where`` says which videos count, ``looks`` how many stretches are looked at at most. Asked
        how often, what was verified and grounded among those is counted. Raises as :meth:`search`.
        """
        archive, timer = self.archive_at(db), Timer(effort or Effort())
        with self._footage(timer, remote) as footage:
            return ask_archive(
                question,
                archive.searcher,
                embedder or self._embedder(),
                footage,
                timer,
                AskOptions(where=where, looks=looks),
            )

    def bring_index_up(self, db: str | PathLike[str] | None, *, deleted: bool) -> None:
        """Have the archive's index written where that is due, so that the next search need not; at
        once where something was ``deleted``, so that no file keeps it."""
        archive = self.archive_at(db)
        if archive.store.serving() is None:
            return
        archive.serving.settle()
        if deleted:
            archive.serving.forget()

    def close(self) -> None:
        """Close the archives that were opened."""
        while self._archives:
            self._archives.popitem()[1].close()

    def _footage(self, timer: Timer, remote: Remote | None) -> Footage:
        ctx = self.context
        clock = StageClock(ctx.progress)
        return Footage(ctx, clock, timer.effort, remote or Remote())

    def _embedder(self) -> Embedder:
        return EngineEmbedder(self.context)


def query_of(
    text: str | None,
    image: str | PathLike[str] | None,
    like: str | None,
    *,
    reader: str = "pyav",
) -> Query:
    """The one that is given; raises :class:`QueryError` for none or several."""
    given: list[Query] = []
    if text is not None:
        given.append(Words(text))
    if image is not None:
        given.append(Picture(Path(image), reader))
    if like is not None:
        given.append(Like(like))
    if len(given) != 1:
        raise QueryError(
            f"{len(given)} things are sought at once" if given else "nothing is sought",
            code="query_count",
            next_step="Give words, or a picture (--image), or a clip (--like): one of them.",
        )
    return given[0]
