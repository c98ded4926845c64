"""Bytes to a file that nobody sees before it is whole: counted, hashed, forced to the disk."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vidqa.api.threads import aside
from vidqa.errors import RequestError, ServiceError

BUFFER_BYTES = 1_048_576
"""Held in memory of one upload, at most this and one chunk more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A file that is whole and on the disk."""

    path: Path
    bytes: int
    sha256: str


class Arrival:
    """One body on its way into ``path``, which must not exist; ``limit`` is its most bytes."""

    def __init__(self, path: Path, *, limit: int) -> None:
        self.path = path
        self._limit = limit
        self._digest = hashlib.sha256()
        self._waiting = bytearray()
        self._file: BinaryIO | None = None
        self.bytes = 0
        self.written = 0
        """Of them in the file; the others wait in memory."""

    async def take(self, chunk: bytes) -> None:
        """One more chunk; raises :class:`RequestError` ``file_too_large`` at one byte too many.

        Raises what :func:`disk_errors` raises where the disk refuses it.
        """
        self.bytes += len(chunk)
        if self.bytes > self._limit:
            raise file_too_large(self._limit)
        self._waiting += chunk
        if len(self._waiting) >= BUFFER_BYTES:
            await aside(self._write)

    async def finish(self) -> Arrived:
        """The whole file, forced to the disk; raises ``file_empty`` where nothing came."""
        if not self.bytes:
            raise RequestError(
                "the body has no bytes", code="file_empty", next_step="Send a video file."
            )
        await aside(self._end)
        return Arrived(path=self.path, bytes=self.bytes, sha256=self._digest.hexdigest())

    def discard(self) -> None:
        """Leave nothing behind; what was moved elsewhere stays there. Waits for the disk."""
        if self._file is not None:
            with suppress(OSError):  # what could not be written cannot be flushed either
                self._file.close()
        self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        with disk_errors(self.path):
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
                self._file = os.fdopen(os.open(self.path, flags, 0o600), "wb", buffering=0)
            write_all(self._file, self._waiting)
        self._digest.update(self._waiting)
        self.written += len(self._waiting)
        self._waiting.clear()

    def _end(self) -> None:
        self._write()
        assert self._file is not None  # noqa: S101  (_write opens it)
        with disk_errors(self.path):
            os.fsync(self._file.fileno())
            self._file.close()


def write_all(file: BinaryIO, data: bytes | bytearray) -> None:
    """All of it: a raw file may take less at a time."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """A full or refusing disk as :class:`ServiceError`: ``disk_full`` or ``folder_unwritable``."""
    try:
        yield
    except OSError as err:
        why = os.strerror(err.errno) if err.errno else str(err)
        if err.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ServiceError(
                f"the disk of {path.parent} is full",
                code="disk_full",
                next_step="Make room there, or name another data_dir.",
            ) from err
        raise ServiceError(
            f"{path.parent} cannot be written: {why}",
            code="folder_unwritable",
            next_step="Correct its permissions, or name another data_dir.",
        ) from err


def file_too_large(limit: int) -> RequestError:
    """A file of more than ``limit`` bytes."""
    return RequestError(
        f"the file is larger than {limit:,} bytes",
        code="file_too_large",
        next_step="Send a smaller file; max_upload_bytes sets the limit.",
        headers={"connection": "close"},  # what is still to come is not read
    )
