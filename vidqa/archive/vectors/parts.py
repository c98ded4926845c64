"""The bytes of an index in parts, each with its digest: handed on only once they are seen to be
right, and read once.

A part is read and added up by one of a few threads, a little ahead of who asks for it; so a file of
a gigabyte is read, checked and loaded at the same time, and no byte is believed unchecked.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import BinaryIO

PART = 1 << 18
"""Bytes of a part, the last one excepted; part of the file's layout. Small, since a deletion forms
the digests of all parts anew in which it makes zeros."""
DIGEST = hashlib.sha256().digest_size
"""Bytes of a part's digest."""
_THREADS = 2
_RUN = 16
"""Parts that are read at once."""
_AHEAD = 4
"""Runs of parts in memory beside the one in hand."""


class DamagedError(Exception):
    """A part is not as it was written."""


class PartWriter:
    """Passes bytes on and adds them up, part by part."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digests = bytearray()
        self._current, self._left = hashlib.sha256(), PART
        self.failure: OSError | None = None
        """Why a write failed, which FAISS would hide."""

    def write(self, data: bytes) -> int:
        """For FAISS; raises as the file does."""
        rest = memoryview(data)
        while len(rest):
            taken = rest[: self._left]
            self._current.update(taken)
            rest = rest[len(taken) :]
            self._left -= len(taken)
            if not self._left:
                self._end_part()
        try:
            return self._file.write(data)
        except OSError as err:
            self.failure = err
            raise

    def digests(self) -> bytes:
        """Of all parts, one behind the other; nothing may be written after that."""
        if self._left < PART:
            self._end_part()
        return bytes(self._digests)

    def _end_part(self) -> None:
        self._digests += self._current.digest()
        self._current, self._left = hashlib.sha256(), PART


class PartReader:
    """The first ``size`` bytes of a file, in order, as they were written."""

    def __init__(self, parts: Iterator[memoryview]) -> None:
        self._parts = parts
        self._rest = memoryview(b"")

    def read(self, most: int) -> bytes:
        """Up to ``most`` bytes, none at the end; raises :class:`DamagedError`."""
        if not len(self._rest):
            self._rest = next(self._parts, memoryview(b""))
        taken, self._rest = self._rest[:most], self._rest[most:]
        return bytes(taken)

    def drain(self) -> None:
        """See that what nobody asked for is right as well; raises :class:`DamagedError`."""
        for _ in self._parts:
            pass


@contextmanager
def checked_parts(file: BinaryIO, size: int, digests: bytes) -> Iterator[PartReader]:
    """A reader of the file's first ``size`` bytes, of which ``digests`` are told.

    Use it in a ``with`` block, which ends the threads; nobody else may use the file meanwhile.
    """
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="index-part")
    try:
        yield PartReader(_parts(pool, _Source(file), size, digests))
    finally:
        pool.shutdown(cancel_futures=True)


def _parts(
    pool: ThreadPoolExecutor, source: _Source, size: int, digests: bytes
) -> Iterator[memoryview]:
    """The parts in order, some at a time, each checked; :data:`_AHEAD` runs are read ahead."""
    if len(digests) != DIGEST * -(-size // PART):
        raise DamagedError
    waiting: deque[Future[memoryview]] = deque()
    for start in range(0, size, _RUN * PART):
        first = start // PART
        wanted = digests[DIGEST * first : DIGEST * (first + _RUN)]
        waiting.append(pool.submit(source.run, start, min(_RUN * PART, size - start), wanted))
        if len(waiting) > _AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class _Source:
    """The file, read by one thread at a time and added up by all."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._lock = file, Lock()

    def run(self, start: int, length: int, wanted: bytes) -> memoryview:
        """Some parts; raises :class:`DamagedError` where one is not as it was written."""
        with self._lock:  # pread would need none, and Windows has no pread
            self._file.seek(start)
            run = memoryview(self._file.read(length))
        found = (hashlib.sha256(run[at : at + PART]).digest() for at in range(0, length, PART))
        if len(run) != length or b"".join(found) != wanted:
            raise DamagedError
        return run
