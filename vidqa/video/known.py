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

_TICK_S, _COARSE_TICK_S = 0.1, 2.0
"""Steps of a file system's clock at most; the second where its times are whole seconds (FAT). A
file measured within a step of its last change might change once more and look the same: such a
measurement is used, but not relied on later."""
_MOST = 4
"""Files remembered: each weighs 50 bytes a frame, 40 MB for 8 hours."""
Stamp = tuple[int, int, int, int, int]


class KnownFile(NamedTuple):
    """A video ready to be read, and who it is."""

    reader: Reader
    sha256: str
    """Lower-case hexadecimal digest of the file's bytes."""
    path: Path
    stamp: Stamp | None
    """How the file looked when it was measured; ``None`` when it cannot be relied on."""

    def unchanged(self) -> bool:
        """Whether the file certainly still is what was measured."""
        return self.stamp is not None and self.stamp == stamp_of(self.path)


@dataclass(slots=True)
class KnownFiles:
    """The files measured last. Threads may share it."""

    clock: Callable[[], float] = time.time
    """Seconds since the epoch; another one in tests."""
    _known: OrderedDict[tuple[str, str, int | None], KnownFile] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def open(self, path: Path, *, reader: str = "pyav", threads: int | None = None) -> KnownFile:
        """As :func:`vidqa.video.open_reader`, which see for errors; measures only what is new."""
        name = (str(path.absolute()), reader, threads)
        stamp, now_s = stamp_of(path), self.clock()
        with self._lock:
            if name in self._known and self._known[name].stamp == stamp:
                self._known.move_to_end(name)
                return self._known[name]
        made = open_reader(path, reader=reader, threads=threads)
        known = KnownFile(made, file_sha256(path), path, stamp if _settled(stamp, now_s) else None)
        with self._lock:
            self._known.pop(name, None)
            if known.unchanged():
                self._known[name] = known
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return known


def _settled(stamp: Stamp, now_s: float) -> bool:
    newest_ns = max(stamp[-2:])
    tick_s = _TICK_S if newest_ns % 1_000_000_000 else _COARSE_TICK_S
    return now_s - newest_ns / 1e9 > tick_s


def stamp_of(path: Path) -> Stamp:
    """What changes with a file: device, number, size, times of change of content and of rest."""
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
