"""Files measured lately: their digest and their reader, for as long as the file is the same.

Measuring reads a whole file twice, once for its digest and once for its packets: of hours of video
that takes longer than an answer. A file is the same while its place, size and times of change are.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from vidqa.errors import VideoError
from vidqa.video.digest import file_sha256
from vidqa.video.reader import Reader, open_reader

SETTLED_S = 2.0
"""A file changed more recently is not remembered: clocks of file systems are as coarse as this, so
another change might leave it looking the same."""
_MOST = 4
"""Files remembered: each weighs 50 bytes a frame, 40 MB for 8 hours."""
Stamp = tuple[int, int, int, int, int]


class KnownFile(NamedTuple):
    """A video ready to be read, and who it is."""

    reader: Reader
    sha256: str
    """Lower-case hexadecimal digest of the file's bytes."""


@dataclass(slots=True)
class KnownFiles:
    """The files measured last. Threads may share it."""

    clock: Callable[[], float] = time.time
    """Seconds since the epoch; another one in tests."""
    _known: OrderedDict[tuple[str, str, int | None], tuple[Stamp, KnownFile]] = field(
        default_factory=OrderedDict
    )
    _lock: Lock = field(default_factory=Lock)

    def open(self, path: Path, *, reader: str = "pyav", threads: int | None = None) -> KnownFile:
        """As :func:`vidqa.video.open_reader`, which see for errors; measures only what is new."""
        name = (str(path.absolute()), reader, threads)
        stamp = _stamp(path)
        with self._lock:
            if name in self._known and self._known[name][0] == stamp:
                self._known.move_to_end(name)
                return self._known[name][1]
        made = KnownFile(open_reader(path, reader=reader, threads=threads), file_sha256(path))
        with self._lock:
            self._known.pop(name, None)
            if stamp == _stamp(path) and self._settled(stamp):
                self._known[name] = (stamp, made)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return made

    def _settled(self, stamp: Stamp) -> bool:
        return max(stamp[-2:]) < (self.clock() - SETTLED_S) * 1e9


def _stamp(path: Path) -> Stamp:
    """What changes with a file: device, number, size, times of change of content and of the rest."""
    try:
        status = path.stat()
    except OSError as err:
        raise VideoError(
            f"{path}: cannot be read ({err.strerror})",
            code="file_unreadable",
            next_step="Check the path and its permissions.",
        ) from err
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return (status.st_dev, status.st_ino, status.st_size, *times)
