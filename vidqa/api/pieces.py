"""Clips and frames of videos, made once: files named by what they are of, under a budget of bytes.

A piece is known by its video's bytes, where it begins and ends to the millisecond, and
:data:`EDITION`. It is written aside and renamed, so whoever finds it finds it whole; processes that
want the same one wait for the first (a lock on its name). The least lately used go when there are
too many bytes. Nothing is forced to the disk: what a power cut takes is made again.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore

from filelock import FileLock, Timeout

from vidqa.errors import ExportError, NotNow, ServiceError, VideoError
from vidqa.service.measuring import NAME
from vidqa.video.known import stamp_of
from vidqa.video.piece import Piece, PieceMaker

EDITION = 1
"""Goes up with every change to what a piece looks like."""
BUDGET_BYTES = 4 * 10**9
AT_ONCE = 2
"""Pieces that one process makes at the same time: each takes a processor and more."""
_QUEUE_S = 60.0


class Pieces:
    """The pieces below one folder. Not for the event loop: every method may take minutes."""

    def __init__(
        self, folder: Path, maker: PieceMaker, *, budget_bytes: int = BUDGET_BYTES
    ) -> None:
        self._folder, self._maker, self._budget = folder, maker, budget_bytes
        self._turn = BoundedSemaphore(AT_ONCE)

    def piece(self, video: Path, piece: Piece, *, sha256: str | None) -> Path:
        """The file of a piece of ``video``, made unless it is there.

        ``sha256`` is the digest of the video's bytes where it is known; else the file is known by
        its place, size and times. Raises as
        :meth:`vidqa.video.piece.PieceMaker.make`, and :class:`NotNow` ``pieces_busy``.
        """
        path = self.path_of(video, piece, sha256=sha256)
        if self._found(path):
            return path
        with _writable(path.parent), self._alone(path):
            if not self._found(path):
                self._make(video, piece, path)
        return path

    def path_of(self, video: Path, piece: Piece, *, sha256: str | None) -> Path:
        """Where it lies, or would."""
        who = sha256 or repr((str(video), stamp_of(video)))
        ends = tuple(None if t is None else round(1000 * t) for t in (piece.start_s, piece.end_s))
        name = hashlib.sha256(repr((EDITION, who, *ends)).encode()).hexdigest()
        return self._folder / name[:2] / f"{name}{piece.suffix}"

    def close(self) -> None:
        """End the processes that wait to decode more."""
        self._maker.close()

    def _found(self, path: Path) -> bool:
        try:
            os.utime(path)  # lately used
        except FileNotFoundError:
            return False
        return True

    def _make(self, video: Path, piece: Piece, path: Path) -> None:
        aside = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
        try:
            self._maker.make(video, piece, aside)
            aside.replace(path)
        except (VideoError, ExportError) as err:
            told = str(err).replace(str(video), NAME)  # where it lies is nobody's business
            raise type(err)(told, code=err.code, next_step=err.next_step) from err
        finally:
            aside.unlink(missing_ok=True)
        self._make_room(path)

    @contextmanager
    def _alone(self, path: Path) -> Iterator[None]:
        """One maker of a piece on this machine, and a few pieces at a time in this process."""
        lock = FileLock(path.with_name(f".{path.stem}.lock"), timeout=_QUEUE_S, thread_local=False)
        if not self._turn.acquire(timeout=_QUEUE_S):
            raise _busy()
        try:
            with lock:
                yield
        except Timeout as err:
            raise _busy() from err
        finally:
            self._turn.release()

    def _make_room(self, newest: Path) -> None:
        """Remove the least lately used, but never the newest."""
        kept = []
        for path in self._folder.glob("??/[0-9a-f]*.*"):
            try:
                state = path.stat()
            except FileNotFoundError:
                continue  # another process makes room as well
            kept.append((state.st_mtime, state.st_size, path))
        spare = self._budget - sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if spare >= 0:
                return
            if path != newest:
                path.unlink(missing_ok=True)
                path.with_name(f".{path.stem}.lock").unlink(missing_ok=True)
                spare += size


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        yield
    except OSError as err:
        if isinstance(err, Timeout):
            raise
        raise ServiceError(
            f"{folder} cannot be written: {err.strerror}",
            code="folder_unwritable",
            next_step="Correct its permissions, or name another data_dir.",
        ) from err


def _busy() -> NotNow:
    return NotNow(
        "too many clips and frames are being made",
        code="pieces_busy",
        next_step="Ask for it again in a moment.",
        retry_after_s=2.0,
    )
