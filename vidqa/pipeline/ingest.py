"""Videos into an archive: found, opened, claimed, filmed, kept; one at a time, resumable anywhere.

``targets -> places -> Opened -> claim -> groups of clips -> store``

A run that is killed loses at most the group in hand, and the next one goes on behind the last.
Several processes may ingest the same folder: a file that another works on is left to the end. What
becomes of one file is told in :mod:`vidqa.pipeline.ingest_file`.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterable, Iterator

from vidqa.archive.discover import Discovery, Place, Unreachable
from vidqa.archive.records import Generation
from vidqa.archive.store import Store
from vidqa.effort import Halt
from vidqa.pipeline.beside import Subtitling
from vidqa.pipeline.embedder import Embedder
from vidqa.pipeline.ingest_file import Changed, FileIngest
from vidqa.pipeline.ingest_meter import Meter
from vidqa.pipeline.ingest_options import IngestOptions
from vidqa.pipeline.ingest_report import FileReport, IngestReport, Watcher
from vidqa.pipeline.opening import Opened, Opener, one_ahead
from vidqa.pipeline.vanished import gone_from, prune, remove_overwritten

_TRIES = 2
"""How often a file is begun that changes while it is read."""
_RENEW_MEAN = 10
_POLL_S = 0.2


def generation_of(store: Store, embedder: Embedder) -> Generation:
    """The generation that an embedder's vectors belong to, made where there is none."""
    return store.generation(
        embedder.name, embedder.recipe, embedder.dimension, centred=embedder.centred
    )


def ingest(
    targets: Iterable[str | os.PathLike[str]],
    store: Store,
    embedder: Embedder,
    *,
    options: IngestOptions | None = None,
    watcher: Watcher | None = None,
    halt: Halt | None = None,
) -> IngestReport:
    """Index every video that the targets name: files, folders, patterns, URLs.

    What is wrong with a file is told in the report and ends nothing else. ``halt`` ends the run
    after the group of clips in hand. Raises :class:`ArchiveError` for targets that name nothing,
    and when the archive does not do its part; :class:`vidqa.errors.ModelError` when the embedder
    fails.
    """
    run = _Run(
        store,
        embedder,
        generation_of(store, embedder),
        options or IngestOptions(),
        watcher or Watcher(),
        halt or Halt(),
    )
    return run.ingest(targets)


class _Halted(Exception):  # noqa: N818  (a signal within this file)
    """The caller wants an end."""


class _Run:
    """One call of :func:`ingest`."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        generation: Generation,
        options: IngestOptions,
        watcher: Watcher,
        halt: Halt,
    ) -> None:
        self._store, self._generation = store, generation
        self._options, self._watcher, self._halt = options, watcher, halt
        self._meter = Meter(watcher)
        self._opener = Opener(
            store=store,
            archive=options.archive,
            generation_id=generation.id,
            remote=options.remote,
            retry=options.retry,
            reader=options.reader,
        )
        self._files = FileIngest(
            store=store,
            embedder=embedder,
            generation=generation,
            archive=options.archive,
            tags=options.tags,
            threads=options.threads,
            reader=options.reader,
            lease_s=options.lease_s,
            holder=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
            subtitling=Subtitling(store),
            meter=self._meter.film,
            check_halt=self._check_halt,
        )
        self._reports: list[FileReport] = []
        self._not_videos = 0

    def ingest(self, targets: Iterable[str | os.PathLike[str]]) -> IngestReport:
        """See :func:`ingest`."""
        discovery = Discovery(self._options.remote)
        places = []
        for found in discovery.places(targets):
            if isinstance(found, Place):
                places.append(found)
            else:
                self._tell(_unreachable(found))
        self._meter.expect(places)
        removed: list[str] = []
        gone: list[str] = []
        self._halt.heeded = True
        try:
            for held in self._all(one_ahead(self._opener, places)):
                self._wait_for(held)
            archive = self._options.archive
            removed = remove_overwritten(self._store, archive)
            gone = gone_from(self._store, archive, discovery.roots)
            if self._options.prune:
                removed += prune(self._store, archive, gone)
                gone = []
            self._centre()
        except _Halted:
            return self._report(discovery, removed, gone, interrupted=True)
        finally:
            self._halt.heeded = False
        return self._report(discovery, removed, gone, interrupted=False)

    def _report(
        self, discovery: Discovery, removed: list[str], gone: list[str], *, interrupted: bool
    ) -> IngestReport:
        serving = self._store.serving()
        return IngestReport(
            files=self._reports,
            not_videos=self._not_videos,
            hidden=discovery.hidden,
            removed=removed,
            gone=gone,
            seconds=self._meter.elapsed_s,
            video_s=self._meter.progress.video_s,
            serving=serving is not None and serving.id == self._generation.id,
            interrupted=interrupted,
        )

    def _all(self, opened: Iterator[Opened]) -> list[Opened]:
        """Deal with all files; those that others work on are left, to be asked about at the end."""
        held = []
        for each in opened:
            self._check_halt()
            self._meter.begin(each.place)
            if self._deal_with(each):
                self._done(each.place)
                each.close()
            else:
                held.append(each)
        return held

    def _deal_with(self, opened: Opened) -> bool:
        """Index a file, or find that it need not be; False where another process does."""
        if opened.ignored:
            self._not_videos += 1
            return True
        for _ in range(_TRIES):
            try:
                report = self._files.dealt(opened)
            except Changed:
                opened = self._opener.again(opened)
                continue
            if report is None:
                return False
            self._tell(report)
            return True
        url = opened.place.location.url
        self._store.unplace(self._options.archive, url)
        self._tell(_changing(url))
        return True

    def _wait_for(self, opened: Opened) -> None:
        """A file that another process works on: take it over where that process is dead."""
        url, known = opened.place.location.url, opened.known
        left_s = float("inf")
        while known is not None:
            self._check_halt()
            opened.complete = self._store.embedded(known.id, self._generation.id)
            held = None if opened.complete else self._files.held(known)
            if held is None:
                if self._deal_with(opened):
                    break
            elif held.left_s > left_s:  # renewed: somebody lives
                self._tell(FileReport(url=url, outcome="held", video_id=known.id))
                break
            else:
                left_s = held.left_s
                time.sleep(min(_POLL_S, max(left_s, 0.01)))
        self._done(opened.place)
        opened.close()

    def _centre(self) -> None:
        """Measure what the vectors have in common, once a tenth of them is new to it."""
        added = sum(each.clips for each in self._reports)
        total = self._store.progress(self._generation.id).clips
        stale = added * _RENEW_MEAN >= total if added else False
        if total and (stale or self._store.mean(self._generation.id) is None):
            self._store.set_mean(self._generation.id, self._store.measure_mean(self._generation.id))

    def _tell(self, report: FileReport) -> None:
        self._reports.append(report)
        self._watcher.file(report)

    def _done(self, place: Place) -> None:
        indexed = bool(self._reports) and self._reports[-1].outcome == "indexed"
        self._meter.done(place, indexed=indexed)

    def _check_halt(self) -> None:
        if self._halt.asked:
            raise _Halted


def _unreachable(found: Unreachable) -> FileReport:
    return FileReport(
        url=found.url,
        outcome="failed",
        code="file_unreadable",
        reason=f"{found.url}: {found.reason}",
    )


def _changing(url: str) -> FileReport:
    return FileReport(
        url=url,
        outcome="failed",
        code="file_changing",
        reason=f"{url}: it changes while it is read; is it still being recorded or copied?",
    )
