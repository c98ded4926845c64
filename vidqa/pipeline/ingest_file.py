"""What becomes of one file: known already, at a new place, or filmed into the archive.

A video is claimed before it is written, and nothing is written of a file that changed since it was
opened: each group of clips is one transaction, made after the file was looked at once more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from vidqa.archive.discover import exists
from vidqa.archive.records import Claim, Generation, Held, NewClip, Video
from vidqa.archive.remote import is_url
from vidqa.archive.store import Store
from vidqa.errors import ArchiveError, ClaimLost, VideoError
from vidqa.pipeline.beside import Subtitling
from vidqa.pipeline.embedder import Embedder
from vidqa.pipeline.filming import Filming
from vidqa.pipeline.ingest_report import FileReport, Outcome
from vidqa.pipeline.lease import renewed
from vidqa.pipeline.opening import Opened
from vidqa.video import Film

_PASSING = frozenset({"file_missing", "file_unreadable"})
"""Errors that say nothing about the bytes: such a file is tried again the next time."""


class Changed(Exception):  # noqa: N818  (a signal, no error)
    """The file is no longer what was opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileIngest:
    """How one run deals with its files."""

    store: Store
    embedder: Embedder
    generation: Generation
    archive: str
    tags: Sequence[str]
    threads: int
    reader: str
    lease_s: float
    holder: str
    """Tells this run from all others."""
    subtitling: Subtitling
    meter: Callable[[Film], Callable[[Sequence[NewClip]], None]]
    """Given a film, what is told of each group of its clips."""
    check_halt: Callable[[], None]
    """Called after each group; raises to end the run there."""

    def dealt(self, opened: Opened) -> FileReport | None:
        """What became of it; None where another process works on it. Raises :class:`Changed`."""
        url = opened.place.location.url
        if opened.known is not None and (opened.untouched or opened.complete):
            # It was opened ahead: files dealt with since, or other processes, may have moved it.
            known = self.store.by_digest(self.archive, opened.known.digest)
            if known is None:
                raise Changed
            return (
                self._untouched(opened, known)
                if opened.untouched
                else self._elsewhere(opened, known)
            )
        if not opened.digest:
            return _failed(url, opened.error)
        if opened.error is None and not opened.unchanged:
            raise Changed
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
        self.store.place(known.id, opened.place.location)
        self._tag(known)
        others = [each for each in known.locations if each.url != url]
        left = [each for each in others if not exists(each)]
        for each in left:
            self.store.unplace(self.archive, each.url)
        notes = self._follow_subtitles(known, url)
        outcome: Outcome = "moved" if left else "copied"
        if len(others) < len(known.locations):  # it lay here before; only its times changed
            outcome = "unchanged"
        return FileReport(url=url, outcome=outcome, video_id=known.id, notes=notes)

    def _index(self, opened: Opened) -> FileReport | None:
        """Enter and claim the video, and film it; None where another process has the claim."""
        location = opened.place.location
        video = self.store.enter(self.archive, opened.digest, location, opened.facts, self.tags)
        opened.known = video
        claim = self.store.claim(video.id, self.holder, self.lease_s)
        if isinstance(claim, Held):
            return None
        if self.store.embedded(video.id, self.generation.id) and video.state == "ready":
            self.store.release(claim)  # a copy, or another process, was quicker
            outcome: Outcome = "copied" if len(video.locations) > 1 else "unchanged"
            return FileReport(url=location.url, outcome=outcome, video_id=video.id)
        try:
            with renewed(self.store, claim, self.lease_s):
                return self._film(opened, video, claim)
        except ClaimLost:
            return FileReport(url=location.url, outcome="held", video_id=video.id)
        except VideoError as err:
            return self._fail(opened, claim, err)
        except BaseException:
            with suppress(ArchiveError):
                self.store.release(claim)
            raise

    def _film(self, opened: Opened, video: Video, claim: Claim) -> FileReport:
        film, generation, url = _film_of(opened), self.generation.id, opened.place.location.url
        filming = Filming(film, self.embedder, self.threads, self.reader)
        advance, added = self.meter(film), 0
        for group in filming.groups(self.store.clips_done(video.id, generation)):
            if not opened.unchanged:
                raise Changed
            added += self.store.add_clips(claim, generation, group)
            advance(group)
            self.check_halt()
        notes: tuple[str, ...] = ()
        if not is_url(url):
            beside = self.subtitling.of(Path(url), film.clock.duration_s)
            self.subtitling.keep(claim, beside)
            notes = beside.notes
        if not opened.unchanged:
            raise Changed
        self.store.finish(claim, generation)
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

    def _fail(self, opened: Opened, claim: Claim, err: VideoError) -> FileReport:
        """Keep the reason, unless it is not the bytes' fault."""
        with suppress(ClaimLost):
            if err.code in _PASSING or not opened.unchanged:
                self.store.release(claim)
            else:
                self.store.fail(claim, str(err))
        return replace(_failed(opened.place.location.url, err), video_id=claim.video_id)

    def held(self, video: Video) -> Held | None:
        """Who holds the video, if somebody does; a claim we get by asking is given back."""
        claim = self.store.claim(video.id, self.holder, self.lease_s)
        if isinstance(claim, Held):
            return claim
        self.store.release(claim)
        return None

    def _follow_subtitles(self, video: Video, url: str) -> tuple[str, ...]:
        if is_url(url):
            return ()
        return self.subtitling.update(video, Path(url), self.holder, self.lease_s)

    def _tag(self, video: Video) -> None:
        if new := [tag for tag in self.tags if tag not in video.tags]:
            self.store.add_tags(video.id, *new)


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
