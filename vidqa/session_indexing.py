"""What a session can do to fill an archive: index videos, embed them anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike, fspath

from vidqa.archive.store import Store, open_store
from vidqa.effort import Halt
from vidqa.errors import ArchiveError
from vidqa.pipeline.embedder import Embedder, EngineEmbedder
from vidqa.pipeline.ingest import ingest
from vidqa.pipeline.ingest_options import IngestOptions
from vidqa.pipeline.ingest_report import IngestReport, Watcher
from vidqa.pipeline.reindex import ReindexReport, reindex
from vidqa.pipeline.retrieval.removing import INDEX_KEEPS
from vidqa.provenance import unfamiliar_index_note
from vidqa.session_archive import ArchiveSession


class IndexingSession(ArchiveSession):
    """The part of a session that writes an archive."""

    def index(
        self,
        paths: str | PathLike[str] | Sequence[str | PathLike[str]],
        *,
        db: str | PathLike[str] | None = None,
        embedder: Embedder | None = None,
        options: IngestOptions | None = None,
        watcher: Watcher | None = None,
        halt: Halt | None = None,
    ) -> IngestReport:
        """Index the videos at these paths (files, folders, patterns, URLs) into the archive.

        Run again, it reads only what is new. ``db`` is another database than the settings' own,
        ``embedder`` another source of vectors than the loaded checkpoint; ``options`` has the
        archive's name, tags, and what may be fetched. What is wrong with a file is told in the
        report. Raises :class:`ArchiveError` where nothing is there, or the database fails.
        """
        targets = [paths] if isinstance(paths, (str, PathLike)) else paths
        own = EngineEmbedder(self.context)
        with self._store(db) as store:
            report = ingest(
                targets,
                store,
                embedder or own,
                options=options or self._ingest_options(),
                watcher=watcher,
                halt=halt,
            )
        notes = self._bring_index_up(db, deleted=bool(report.removed))
        return replace(report, notes=(*self._of_footage(own), *notes))

    def reindex(
        self,
        *,
        db: str | PathLike[str] | None = None,
        embedder: Embedder | None = None,
        options: IngestOptions | None = None,
        watcher: Watcher | None = None,
        halt: Halt | None = None,
        force: bool = False,
    ) -> ReindexReport:
        """Embed every video of the database anew with this model, then let searches use that.

        ``force`` switches even where some videos cannot be read any more, which are then not found.
        Raises as :meth:`index`.
        """
        own = EngineEmbedder(self.context)
        with self._store(db) as store:
            report = reindex(
                store,
                embedder or own,
                options=options or self._ingest_options(),
                watcher=watcher,
                halt=halt,
                force=force,
            )
        notes = self._bring_index_up(db, deleted=False)
        return replace(report, notes=(*self._of_footage(own), *notes))

    def _bring_index_up(self, db: str | PathLike[str] | None, *, deleted: bool) -> list[str]:
        """Have the archive's index written where that is due, so that the next search need not; at
        once where something was ``deleted``, so that no file keeps it. Notes for a person."""
        archive = self.archive_at(db)
        if archive.store.serving() is None:
            return []
        archive.serving.settle()
        return [] if not deleted or archive.serving.forget() else [INDEX_KEEPS]

    def _of_footage(self, embedder: EngineEmbedder) -> list[str]:
        """That what was indexed is not what the checkpoint knows, where that is so."""
        if not embedder.footage.unfamiliar:
            return []
        profile = self.context.engine.profile
        return [f"{unfamiliar_index_note(embedder.name)} {profile.notice}".rstrip()]

    def _ingest_options(self) -> IngestOptions:
        how = self.context.sampling
        return IngestOptions(threads=how.threads, reader=how.reader)

    def _store(self, db: str | PathLike[str] | None) -> Store:
        place = self.archive_place if db is None else fspath(db)
        if place is None:
            raise ArchiveError(
                "there is no archive: this session was made without settings",
                code="archive_unnamed",
                next_step="Name its database: index(..., db='archive.db').",
            )
        return open_store(place)
