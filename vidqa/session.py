"""The Python door: ``vidqa.open(model=...)`` loads a model once, to ground and ask with."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from vidqa.archive.store import Store, open_store
from vidqa.cache import CacheFolder, RowStore
from vidqa.checkpoints import find_checkpoint
from vidqa.effort import Effort, Halt
from vidqa.engine import Sampling as Draw
from vidqa.engine import open_engine
from vidqa.errors import ArchiveError
from vidqa.pipeline.ask import ask, ask_many
from vidqa.pipeline.context import Context, Manner, Progress, no_progress
from vidqa.pipeline.describe import describe
from vidqa.pipeline.embedder import Embedder, EngineEmbedder
from vidqa.pipeline.ground import ground_many
from vidqa.pipeline.ingest import IngestOptions, ingest
from vidqa.pipeline.ingest_report import IngestReport, Watcher
from vidqa.pipeline.planning import sampling_of
from vidqa.pipeline.reindex import ReindexReport, reindex
from vidqa.pipeline.verify import verify
from vidqa.prefixes import PrefixMemory
from vidqa.reply import OnText, unheard
from vidqa.results import AskResult, DescribeResult, GroundResult
from vidqa.sampling import SamplingMode
from vidqa.session_archive import ArchiveSession
from vidqa.settings import Settings, load_settings


class Session(ArchiveSession):
    """One loaded model and the settings every question runs with."""

    def __init__(self, context: Context, archive_place: str | None = None) -> None:
        self.context = context
        self.archive_place = archive_place
        """The archive's database, a path or a URL; None where no settings named one."""
        self._archives = {}

    def ground(
        self,
        path: str | PathLike[str],
        query: str,
        *,
        start_s: float | None = None,
        end_s: float | None = None,
        strict: bool = False,
        effort: Effort | None = None,
    ) -> GroundResult:
        """When ``query`` happens in ``[start_s, end_s)`` of the video, or that it does not.

        A video longer than one pass is trusted with is searched from coarse to fine; ``effort``
        (:class:`vidqa.Effort`) bounds that search. ``strict`` holds the model to the format its
        profile promises, so that no reply is unreadable; a model that wants to say something else
        is not heard.
        Raises :class:`VideoError` on a file that cannot be read or a window with nothing of it,
        :class:`QueryError` on a blank query, :class:`PlanError` on an impossible budget.
        """
        return self.ground_many(
            path, [query], start_s=start_s, end_s=end_s, strict=strict, effort=effort
        )[0]

    def ground_many(
        self,
        path: str | PathLike[str],
        queries: Sequence[str],
        *,
        start_s: float | None = None,
        end_s: float | None = None,
        strict: bool = False,
        effort: Effort | None = None,
    ) -> list[GroundResult]:
        """:meth:`ground` for many queries about one video, in their order; they share all that is
        looked at, and where one pass shows it all, they are answered together. Raises as ground."""
        how = {"start_s": start_s, "end_s": end_s}
        return ground_many(Path(path), queries, self.context, strict=strict, effort=effort, **how)

    def describe(
        self,
        path: str | PathLike[str],
        *,
        start_s: float | None = None,
        end_s: float | None = None,
        effort: Effort | None = None,
    ) -> DescribeResult:
        """What happens in ``[start_s, end_s)`` of the video, as chapters; raises as ask."""
        return describe(Path(path), self.context, start_s=start_s, end_s=end_s, effort=effort)

    def ask(
        self,
        path: str | PathLike[str],
        question: str,
        *,
        start_s: float | None = None,
        end_s: float | None = None,
        system: str | None = None,
        sampling: Draw | None = None,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        on_text: OnText = unheard,
        effort: Effort | None = None,
    ) -> AskResult:
        """The answer to ``question`` from ``[start_s, end_s)`` of the video; raises as ground.

        In a video longer than one pass is trusted with the question says where to look, within
        ``effort``, whose ``thorough`` and ``precision_s`` are for ground: a :class:`PlanError`.
        ``system`` replaces the profile's system prompt; ``sampling`` (``qwen25vl.Sampling``) draws
        tokens, where ``None`` takes the most probable; ``max_tokens`` and ``stop`` strings end the
        reply; ``on_text`` gets its words as they come. Impossible ones are a :class:`ModelError`.
        """
        manner = Manner(
            system=system,
            sampling=sampling,
            max_tokens=max_tokens,
            stop=tuple(stop),
            on_text=on_text,
        )
        how = {"start_s": start_s, "end_s": end_s}
        return ask(Path(path), question, self.context, manner=manner, effort=effort, **how)

    def ask_many(
        self,
        path: str | PathLike[str],
        questions: Sequence[str],
        *,
        start_s: float | None = None,
        end_s: float | None = None,
        system: str | None = None,
        sampling: Draw | None = None,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        effort: Effort | None = None,
    ) -> list[AskResult]:
        """:meth:`ask` for many questions about one video, in their order; they share as
        :meth:`ground_many`."""
        manner = Manner(system=system, sampling=sampling, max_tokens=max_tokens, stop=tuple(stop))
        how = {"start_s": start_s, "end_s": end_s}
        return ask_many(Path(path), questions, self.context, manner=manner, effort=effort, **how)

    def verify(
        self,
        path: str | PathLike[str],
        query: str,
        *,
        start_s: float | None = None,
        end_s: float | None = None,
    ) -> float:
        """How probable the model holds it that ``query`` happens in ``[start_s, end_s)``, 0 to 1.

        An ordering within one checkpoint, not calibrated; raises as ground.
        """
        return verify(Path(path), query, self.context, start_s=start_s, end_s=end_s)

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
        with self._store(db) as store:
            report = ingest(
                targets,
                store,
                embedder or EngineEmbedder(self.context),
                options=options or self._ingest_options(),
                watcher=watcher,
                halt=halt,
            )
        self.bring_index_up(db, deleted=bool(report.removed))
        return report

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
        with self._store(db) as store:
            report = reindex(
                store,
                embedder or EngineEmbedder(self.context),
                options=options or self._ingest_options(),
                watcher=watcher,
                halt=halt,
                force=force,
            )
        self.bring_index_up(db, deleted=False)
        return report

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


def open_session(
    *,
    sampling: SamplingMode = "clock",
    progress: Progress = no_progress,
    calibrated: bool = True,
    **given: Any,
) -> Session:
    """A session from settings: ``given`` values, then ``VIDQA_*``, then ``config.toml``.

    ``calibrated=False`` leaves the checkpoint's calibration unread, to make another.
    Raises :class:`SettingsError` on an unknown or impossible setting, :class:`ModelError` on a
    checkpoint that cannot be found or loaded.
    """
    settings = load_settings(**given)
    progress("load", 0, 1)
    context = _context(settings, sampling, progress, calibrated=calibrated)
    progress("load", 1, 1)
    return Session(context, settings.archive_place)


def _context(
    settings: Settings, sampling: SamplingMode, progress: Progress, *, calibrated: bool
) -> Context:
    checkpoint = find_checkpoint(settings.model)
    engine = open_engine(
        checkpoint,
        device=settings.device,
        dtype=settings.dtype,
        weights=settings.weights,
        compiled=settings.compile,
        prefixes=_prefixes(settings),
        calibrated=calibrated,
    )
    how = sampling_of(checkpoint, settings, sampling)
    return Context(engine=engine, sampling=how, progress=progress, features=_features(settings))


def _prefixes(settings: Settings) -> PrefixMemory:
    on_host = settings.prefix_place == "host"
    return PrefixMemory(settings.prefix_bytes if settings.cache else 0, on_host=on_host)


def _features(settings: Settings) -> RowStore | None:
    """The store of vision tokens, unless it is turned off."""
    if not settings.cache or not settings.cache_bytes:
        return None
    return RowStore(CacheFolder(settings.cache_folder, settings.cache_bytes))
