"""Subtitles that lie beside videos, kept in step with their files at every ingest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from vidqa.archive.records import Claim, Line, Video
from vidqa.archive.store import Store
from vidqa.archive.subtitles import Sidecars, read_lines
from vidqa.errors import ArchiveError

TRACK = "sidecar"
"""Name of these lines in the archive, all files of a video together."""


class Beside(NamedTuple):
    """What lies beside one video."""

    lines: list[Line]
    notes: tuple[str, ...]
    """What is wrong with some of the files."""


class Subtitling:
    """Reads subtitles for one run."""

    def __init__(self, store: Store) -> None:
        self._store, self._sidecars = store, Sidecars()

    def of(self, video: Path, duration_s: float) -> Beside:
        """Lines of all subtitles that lie beside a file."""
        read = [_read(path, duration_s) for path in self._sidecars.of(video)]
        lines = [line for each in read for line in each.lines]
        return Beside(lines, tuple(note for each in read for note in each.notes))

    def keep(self, claim: Claim, beside: Beside) -> None:
        """Have the archive hold these lines; raises :class:`vidqa.errors.ClaimLost`."""
        if _told(beside.lines) != _told(self._store.lines_of(claim.video_id)):
            self._store.add_lines(claim, beside.lines, TRACK)

    def update(self, video: Video, path: Path, holder: str, lease_s: float) -> tuple[str, ...]:
        """Follow subtitles that came, changed or went since; what is wrong with some."""
        if video.facts is None:
            return ()
        beside = self.of(path, video.facts.duration_s)
        if _told(beside.lines) != _told(self._store.lines_of(video.id)):
            claim = self._store.claim(video.id, holder, lease_s)
            if isinstance(claim, Claim):  # else whoever holds it reads them
                self.keep(claim, beside)
                self._store.release(claim)
        return beside.notes


def _read(sidecar: Path, duration_s: float) -> Beside:
    try:
        return Beside(read_lines(sidecar, duration_s), ())
    except ArchiveError as err:  # the video is worth having without them
        return Beside([], (str(err),))


def _told(lines: Iterable[Line]) -> list[tuple[float, float, str]]:
    return sorted((line.span.start_s, line.span.end_s, line.text) for line in lines)
