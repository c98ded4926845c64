"""Everything that decodes a file, by one name: in this process, or in a confined child for each.

``media("isolated")`` is for files of strangers: FFmpeg and Pillow never touch them in the process
that asks. The other names decode here, and differ in the reader of frames only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vidqa.video.film import Film, study_film
from vidqa.video.limits import DEFAULT_LIMITS, Limits
from vidqa.video.reader import Reader, checked_name, open_reader
from vidqa.video.stills import Still, StillInfo, probe_still, read_still
from vidqa.video.stream import Picture, PictureStream, Wish
from vidqa.video.tags import read_tags


class Pictures(Protocol):
    """As :class:`vidqa.video.PictureStream`."""

    unreadable_from_s: float | None

    def __enter__(self) -> Pictures: ...

    def __exit__(self, *_: object) -> None: ...

    def __iter__(self) -> Iterator[Picture]: ...

    def close(self) -> None: ...


class Media(Protocol):
    """What can be had from a file; errors are those of the functions named."""

    def study(self, path: Path) -> Film:
        """As :func:`vidqa.video.study_film`."""
        ...

    def tags(self, path: Path) -> Mapping[str, str]:
        """As :func:`vidqa.video.read_tags`."""
        ...

    def open(self, path: Path, *, threads: int | None = None) -> Reader:
        """As :func:`vidqa.video.open_reader`."""
        ...

    def stream(self, film: Film, wish: Wish, *, threads: int = 1) -> Pictures:
        """As :class:`vidqa.video.PictureStream`."""
        ...

    def probe_still(self, path: Path) -> StillInfo:
        """As :func:`vidqa.video.probe_still`."""
        ...

    def read_still(self, path: Path) -> Still:
        """As :func:`vidqa.video.read_still`."""
        ...


def media(reader: str = "pyav", *, limits: Limits = DEFAULT_LIMITS) -> Media:
    """Everything, by the reader of this name; raises ``reader_unknown``."""
    if checked_name(reader) == "isolated":
        from vidqa.video.isolated.media import IsolatedMedia  # not on every system

        return IsolatedMedia(limits)
    return _Here(reader, limits)


@dataclass(frozen=True, slots=True)
class _Here:
    """In this process."""

    reader: str
    limits: Limits

    def study(self, path: Path) -> Film:
        return study_film(path, self.limits)

    def tags(self, path: Path) -> Mapping[str, str]:
        return read_tags(path, limits=self.limits)

    def open(self, path: Path, *, threads: int | None = None) -> Reader:
        return open_reader(path, reader=self.reader, threads=threads, limits=self.limits)

    def stream(self, film: Film, wish: Wish, *, threads: int = 1) -> Pictures:
        return PictureStream(film, wish, threads=threads)

    def probe_still(self, path: Path) -> StillInfo:
        return probe_still(path, limits=self.limits)

    def read_still(self, path: Path) -> Still:
        return read_still(path, limits=self.limits)
