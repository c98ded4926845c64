"""Paths that somebody else chose: below a configured folder, through no link, a regular file.

A path is resolved once, must then lie in a root, and is opened from that root component by
component without following links: a link put in its way after it was resolved is an error, not a
way out. What is handed out is the open file and the path without links.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from vidqa.errors import FetchError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: opening a pipe would wait for a writer before it could be seen to be one.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Rooted(NamedTuple):
    """A regular file below a root, open for reading."""

    path: Path
    """Absolute, without links when it was opened."""
    handle: int
    """Its descriptor; closed with the ``with`` block that gave it."""
    bytes: int


@dataclass(frozen=True, slots=True)
class Roots:
    """The folders from which paths may be given; with none, no path may."""

    folders: Sequence[Path] = ()
    _real: tuple[Path, ...] = field(init=False)

    def __post_init__(self) -> None:
        real = tuple(Path(os.path.realpath(folder)) for folder in self.folders)
        object.__setattr__(self, "_real", real)

    @contextmanager
    def opened(self, given: str | Path) -> Iterator[Rooted]:
        """The file at an absolute path, open.

        Raises :class:`FetchError`: ``path_refused`` for what lies in no root (whether it exists is
        not told), is reached through a link out of it, or is no regular file; ``path_missing``;
        ``path_unreadable``.
        """
        path, root = self._resolved(given)
        handle = _open_below(given, root, path)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise _refused(given, "no regular file")
            yield Rooted(path, handle, status.st_size)
        finally:
            with suppress(OSError):
                os.close(handle)

    def locate(self, given: str | Path) -> Path:
        """The path without links of a regular file below a root; raises as :meth:`opened`."""
        with self.opened(given) as rooted:
            return rooted.path

    def _resolved(self, given: str | Path) -> tuple[Path, Path]:
        """The path without links, and its root; nothing outside of the roots is looked at."""
        text = os.fspath(given)
        if "\0" in text or not os.path.isabs(text):  # noqa: PTH117
            raise _refused(given, "no absolute path")
        plain = Path(os.path.normpath(text))
        if any(_below(plain, root) for root in (*self.folders, *self._real)):
            path = Path(os.path.realpath(text))
            for root in self._real:
                if _below(path, root):
                    return path, root
        raise _refused(given, "in none of the folders that may be read")


def _below(path: Path, root: Path) -> bool:
    return path != root and path.is_relative_to(root)


def _open_below(given: str | Path, root: Path, path: Path) -> int:
    *folders, name = path.relative_to(root).parts
    try:
        here = os.open(root, _FOLDER)
        try:
            for folder in folders:
                below = os.open(folder, _FOLDER, dir_fd=here)
                os.close(here)
                here = below
            return os.open(name, _FILE, dir_fd=here)
        finally:
            os.close(here)
    except OSError as err:
        raise _os_error(given, err) from err


def _os_error(given: str | Path, err: OSError) -> FetchError:
    if err.errno in (errno.ENOENT, errno.ENOTDIR):
        return FetchError(
            f"{given}: no such file", code="path_missing", next_step="Check the spelling."
        )
    if err.errno in (errno.ELOOP, errno.ENXIO, errno.EMLINK):  # a link, a socket
        return _refused(given, "a link or no regular file")
    return FetchError(
        f"{given}: cannot be read ({err.strerror})",
        code="path_unreadable",
        next_step="Check the permissions of the file and its folders.",
    )


def _refused(given: str | Path, why: str) -> FetchError:
    return FetchError(
        f"{given}: not read: {why}",
        code="path_refused",
        next_step="Give the absolute path of a file below a folder of media_roots, or upload it.",
    )
