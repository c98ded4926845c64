"""All that can be had from a file, each thing by a confined child: :class:`vidqa.video.Media`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vidqa.video.film import Film
from vidqa.video.isolated import reader, stills
from vidqa.video.isolated.stream import IsolatedStream
from vidqa.video.limits import Limits
from vidqa.video.stills import Still, StillInfo
from vidqa.video.stream import Wish


@dataclass(frozen=True, slots=True)
class IsolatedMedia:
    """For files of strangers."""

    limits: Limits

    def study(self, path: Path) -> Film:
        """See :meth:`vidqa.video.Media.study`."""
        return reader.study(path, self.limits)

    def tags(self, path: Path) -> Mapping[str, str]:
        """See :meth:`vidqa.video.Media.tags`."""
        return reader.tags(path, self.limits)

    def open(self, path: Path, *, threads: int | None = None) -> reader.IsolatedReader:
        """See :meth:`vidqa.video.Media.open`."""
        return reader.IsolatedReader(path, threads, limits=self.limits)

    def stream(self, film: Film, wish: Wish, *, threads: int = 1) -> IsolatedStream:
        """See :meth:`vidqa.video.Media.stream`."""
        return IsolatedStream(film, wish, threads=threads)

    def probe_still(self, path: Path) -> StillInfo:
        """See :meth:`vidqa.video.Media.probe_still`."""
        return stills.probe(path, self.limits)

    def read_still(self, path: Path) -> Still:
        """See :meth:`vidqa.video.Media.read_still`."""
        return stills.read(path, self.limits)
