"""How far an ingest is, counted while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from vidqa.archive.discover import Place
from vidqa.archive.records import NewClip
from vidqa.pipeline.ingest_report import IngestProgress, Watcher
from vidqa.video import Film


class Meter:
    """Counts files, bytes and seconds, and tells the watcher."""

    def __init__(self, watcher: Watcher) -> None:
        self.progress = IngestProgress(files=0, size=0)
        self._watcher = watcher
        self._began_s = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Wall time since the beginning."""
        return time.monotonic() - self._began_s

    def expect(self, places: Sequence[Place]) -> None:
        """So many files, and bytes, are to come."""
        self.progress.files = len(places)
        self.progress.size = sum(place.location.size for place in places)

    def begin(self, place: Place) -> None:
        """This file is the one in hand."""
        self.progress.current = place.location.url
        self.progress.current_size = place.location.size

    def film(self, film: Film) -> Callable[[Sequence[NewClip]], None]:
        """What counts the groups of one film."""
        progress, began_s, length_s = self.progress, time.monotonic(), film.clock.duration_s
        spent_s, video_s = progress.spent_s, progress.video_s
        started_s: list[float] = []

        def advance(group: Sequence[NewClip]) -> None:
            started_s.append(group[0].span.start_s)
            end_s = group[-1].span.end_s
            progress.spent_s = spent_s + time.monotonic() - began_s
            progress.video_s = video_s + end_s - started_s[0]
            progress.current_fraction = end_s / length_s
            self._tell()

        return advance

    def done(self, place: Place, *, indexed: bool) -> None:
        """The file is dealt with."""
        progress = self.progress
        progress.files_done += 1
        progress.size_done += place.location.size
        if indexed:
            progress.read += place.location.size
        progress.current_fraction, progress.current_size = 0.0, 0
        self._tell()

    def _tell(self) -> None:
        self.progress.elapsed_s = self.elapsed_s
        self._watcher.progress(self.progress)
