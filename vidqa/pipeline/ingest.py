"""Videos into an archive: found, opened, claimed, filmed, kept; one at a time, resumable anywhere.

``targets -> places -> Opened -> claim -> groups of clips -> store``

Each group of clips is one transaction, so a run that is killed loses at most the group in hand, and
the next one goes on behind the last. A video is claimed before it is written: several processes may
ingest the same folder. Nothing is written of a file that changed since it was opened.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from vidqa.archive.discover import Discovery, Place, Unreachable, exists
from vidqa.archive.records import Claim, Generation, Held, NewClip, Video
from vidqa.archive.remote import Remote, is_url
from vidqa.archive.store import Store
from vidqa.effort import Halt
from vidqa.errors import ArchiveError, ClaimLost, VideoError
from vidqa.pipeline.beside import Subtitling
from vidqa.pipeline.embedder import Embedder
from vidqa.pipeline.filming import Filming
from vidqa.pipeline.ingest_report import (
    FileReport,
    IngestProgress,
    IngestReport,
    Outcome,
    Watcher,
)
from vidqa.pipeline.lease import renewed
from vidqa.pipeline.opening import Opened, Opener, one_ahead
from vidqa.pipeline.vanished import gone_from, prune, remove_overwritten
from vidqa.video import Film

ARCHIVE = "default"
_PASSING = frozenset({"file_missing", "file_unreadable"})
"""Errors that say nothing about the bytes: such a file is tried again the next time."""
_TRIES = 2
"""How often a file is begun that changes while it is read."""
_RENEW_MEAN = 10
_POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions:
    """How files become part of an archive."""

    archive: str = ARCHIVE
    """Name of the collection within the database."""
    tags: Sequence[str] = ()
    """Given to every video, also to those that are there already."""
    remote: Remote = field(default_factory=Remote)
    """Which URLs may be fetched."""
    retry: bool = False
    """Try files again that failed and have not changed since."""
    prune: bool = False
    """Remove videos whose files lay in the folders and are gone from everywhere known."""
    lease_s: float = 30.0
    """For how long a claim stands when its holder dies; it is renewed three times in that."""
    threads: int = 2
    """That decode, beside the one that embeds."""
    reader: str = "pyav"
    """How files are decoded, see :func:`vidqa.video.media`."""


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


class _Changed(Exception):  # noqa: N818  (a signal within this file)
    """The file is no longer what was opened."""


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
        self._store, self._embedder, self._generation = store, embedder, generation
        self._options, self._watcher, self._halt = options, watcher, halt
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._opener = Opener(
            store=store,
            archive=options.archive,
            generation_id=generation.id,
            remote=options.remote,
            retry=options.retry,
            reader=options.reader,
        )
        self._subtitling = Subtitling(store)
        self._reports: list[FileReport] = []
        self._not_videos = 0
        self._progress = IngestProgress(files=0, size=0)
        self._began_s = time.monotonic()

    def ingest(self, targets: Iterable[str | os.PathLike[str]]) -> IngestReport:
        """See :func:`ingest`."""
        discovery = Discovery(self._options.remote)
        places = []
        for found in discovery.places(targets):
            if isinstance(found, Place):
                places.append(found)
            else:
                self._tell(_unreachable(found))
        self._progress.files = len(places)
        self._progress.size = sum(place.location.size for place in places)
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
            seconds=time.monotonic() - self._began_s,
            video_s=self._progress.video_s,
            serving=serving is not None and serving.id == self._generation.id,
            interrupted=interrupted,
        )

    def _all(self, opened: Iterator[Opened]) -> list[Opened]:
        """Deal with all files; those that others work on are left, to be asked about at the end."""
        held = []
        for each in opened:
            self._check_halt()
            self._progress.current = each.place.location.url
            self._progress.current_size = each.place.location.size
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
                report = self._dealt(opened)
            except _Changed:
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

    def _dealt(self, opened: Opened) -> FileReport | None:
        url = opened.place.location.url
        if opened.known is not None and (opened.untouched or opened.complete):
            # It was opened ahead: files dealt with since, or other processes, may have moved it.
            known = self._store.by_digest(self._options.archive, opened.known.digest)
            if known is None:
                raise _Changed
            return (
                self._untouched(opened, known)
                if opened.untouched
                else self._elsewhere(opened, known)
            )
        if not opened.digest:
            return _failed(url, opened.error)
        if opened.error is None and not opened.unchanged:
            raise _Changed
        return self._index(opened)

    def _untouched(self, opened: Opened, known: Video) -> FileReport:
        """Nothing to do but for tags and subtitles."""
        url = opened.place.location.url
        self._tag(known)
        if known.state == "failed":
            return FileReport(
                url=url, outcome="failed", video_id=known.id, reason=known.reason, known=True
            )
        notes = self._follow_subtitles(known, url)
        return FileReport(url=url, outcome="unchanged", video_id=known.id, notes=notes)

    def _elsewhere(self, opened: Opened, known: Video) -> FileReport:
        """Bytes that are indexed already, at a new place or with a new time of change."""
        url = opened.place.location.url
        self._store.place(known.id, opened.place.location)
        self._tag(known)
        others = [each for each in known.locations if each.url != url]
        left = [each for each in others if not exists(each)]
        for each in left:
            self._store.unplace(self._options.archive, each.url)
        notes = self._follow_subtitles(known, url)
        outcome: Outcome = "moved" if left else "copied"
        if len(others) < len(known.locations):  # it lay here before; only its times changed
            outcome = "unchanged"
        return FileReport(url=url, outcome=outcome, video_id=known.id, notes=notes)

    def _index(self, opened: Opened) -> FileReport | None:
        """Enter and claim the video, and film it; None where another process has the claim."""
        location = opened.place.location
        video = self._store.enter(
            self._options.archive, opened.digest, location, opened.facts, self._options.tags
        )
        opened.known = video
        claim = self._store.claim(video.id, self._holder, self._options.lease_s)
        if isinstance(claim, Held):
            return None
        if self._store.embedded(video.id, self._generation.id) and video.state == "ready":
            self._store.release(claim)  # a copy, or another process, was quicker
            outcome: Outcome = "copied" if len(video.locations) > 1 else "unchanged"
            return FileReport(url=location.url, outcome=outcome, video_id=video.id)
        try:
            with renewed(self._store, claim, self._options.lease_s):
                return self._film(opened, video, claim)
        except ClaimLost:
            return FileReport(url=location.url, outcome="held", video_id=video.id)
        except VideoError as err:
            return self._fail(opened, claim, err)
        except BaseException:
            with suppress(ArchiveError):
                self._store.release(claim)
            raise

    def _film(self, opened: Opened, video: Video, claim: Claim) -> FileReport:
        film, generation, url = _film_of(opened), self._generation.id, opened.place.location.url
        filming = Filming(film, self._embedder, self._options.threads, self._options.reader)
        advance, added = self._meter(film), 0
        for group in filming.groups(self._store.clips_done(video.id, generation)):
            if not opened.unchanged:
                raise _Changed
            added += self._store.add_clips(claim, generation, group)
            advance(group)
            self._check_halt()
        notes: tuple[str, ...] = ()
        if not is_url(url):
            beside = self._subtitling.of(Path(url), film.clock.duration_s)
            self._subtitling.keep(claim, beside)
            notes = beside.notes
        if not opened.unchanged:
            raise _Changed
        self._store.finish(claim, generation)
        if filming.unreadable_from_s is not None:
            notes = (f"does not decode from {filming.unreadable_from_s:.3f} s on", *notes)
        return FileReport(
            url=url,
            outcome="indexed",
            video_id=video.id,
            duration_s=film.clock.duration_s,
            clips=added,
            notes=notes,
        )

    def _meter(self, film: Film) -> Callable[[Sequence[NewClip]], None]:
        """Counts the groups of one film into the progress."""
        progress, began_s, length_s = self._progress, time.monotonic(), film.clock.duration_s
        spent_s, video_s = progress.spent_s, progress.video_s
        started_s: list[float] = []

        def advance(group: Sequence[NewClip]) -> None:
            started_s.append(group[0].span.start_s)
            end_s = group[-1].span.end_s
            progress.spent_s = spent_s + time.monotonic() - began_s
            progress.video_s = video_s + end_s - started_s[0]
            progress.current_fraction = end_s / length_s
            self._step()

        return advance

    def _fail(self, opened: Opened, claim: Claim, err: VideoError) -> FileReport:
        """Keep the reason, unless it is not the bytes' fault."""
        with suppress(ClaimLost):
            if err.code in _PASSING or not opened.unchanged:
                self._store.release(claim)
            else:
                self._store.fail(claim, str(err))
        return replace(_failed(opened.place.location.url, err), video_id=claim.video_id)

    def _wait_for(self, opened: Opened) -> None:
        """A file that another process works on: take it over where that process is dead."""
        url, known = opened.place.location.url, opened.known
        left_s = float("inf")
        while known is not None:
            self._check_halt()
            opened.complete = self._store.embedded(known.id, self._generation.id)
            held = None if opened.complete else self._held(known)
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

    def _held(self, video: Video) -> Held | None:
        """Who holds the video, if somebody does; a claim we get by asking is given back."""
        claim = self._store.claim(video.id, self._holder, self._options.lease_s)
        if isinstance(claim, Held):
            return claim
        self._store.release(claim)
        return None

    def _follow_subtitles(self, video: Video, url: str) -> tuple[str, ...]:
        if is_url(url):
            return ()
        return self._subtitling.update(video, Path(url), self._holder, self._options.lease_s)

    def _tag(self, video: Video) -> None:
        if new := [tag for tag in self._options.tags if tag not in video.tags]:
            self._store.add_tags(video.id, *new)

    def _centre(self) -> None:
        """Move the mean that vectors are compared about, once a tenth of them is new to it."""
        added = sum(each.clips for each in self._reports)
        if not self._generation.centred or not added:
            return
        total = self._store.progress(self._generation.id).clips
        if added * _RENEW_MEAN >= total or self._store.mean(self._generation.id) is None:
            self._store.set_mean(self._generation.id, self._store.measure_mean(self._generation.id))

    def _tell(self, report: FileReport) -> None:
        self._reports.append(report)
        self._watcher.file(report)

    def _done(self, place: Place) -> None:
        progress = self._progress
        progress.files_done += 1
        progress.size_done += place.location.size
        if self._reports and self._reports[-1].outcome == "indexed":
            progress.read += place.location.size
        progress.current_fraction, progress.current_size = 0.0, 0
        self._step()

    def _step(self) -> None:
        self._progress.elapsed_s = time.monotonic() - self._began_s
        self._watcher.progress(self._progress)

    def _check_halt(self) -> None:
        if self._halt.asked:
            raise _Halted


def _film_of(opened: Opened) -> Film:
    """The film, or the reason why there is none."""
    if opened.error is not None:
        raise opened.error
    if opened.film is None:
        raise VideoError(
            f"{opened.place.location.url}: it was not measured",
            code="video_unmeasured",
            next_step="Run the same command again.",
        )
    return opened.film


def _failed(url: str, err: VideoError | ArchiveError | None) -> FileReport:
    code = None if err is None else err.code
    return FileReport(url=url, outcome="failed", code=code, reason=str(err))


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
