"""Files that may go at any time, under one folder and one byte budget; least recently used first.

Several processes may use one folder at once, without locks: a file appears whole, under its final
name, or not at all; it never changes afterwards; and who finds it gone computes again. Nothing is
forced to the disk (no fsync): after a power cut a file may be there with the wrong bytes, and every
reader of these files checks what it reads.
"""

from __future__ import annotations

import os
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from vidqa.errors import CacheError

SUFFIX, UNFINISHED = ".vq", ".vq-unfinished"
"""Endings of the files that are ours: nothing else in the folder is ever removed. No ending that
others use: the folder may hold files of theirs, as a home or /tmp does."""
_STALE_S = 3600.0
"""Age at which an unfinished file was left behind by a process that died."""
_TRIES = 10
"""How often a folder is made that another process takes away again."""
_SLACK = 0.05
"""Share of the budget that is freed beyond need, so that not every write has to look around."""


class Entry(NamedTuple):
    """One file of the cache."""

    path: Path
    size: int
    used_s: float
    """When it was last used, seconds since the epoch."""


class Cleared(NamedTuple):
    """What was removed."""

    files: int
    size: int


@dataclass(slots=True)
class CacheFolder:
    """Files below ``root``; those used longest ago go when they weigh more than ``budget_bytes``.

    The budget may be passed by what other processes write between two looks around: at most an
    eighth of what was free, for each of them.
    """

    root: Path
    budget_bytes: int
    _free_until_look: int = 0

    def write(self, place: str, parts: Sequence[bytes | memoryview]) -> Path:
        """Put a file at ``place``, a path below the root without its ending; then keep the budget.

        Raises :class:`CacheError` when it does not fit the budget or cannot be written, and leaves
        nothing of it behind.
        """
        size = sum(len(part) for part in parts)
        if size > self.budget_bytes:
            raise CacheError(
                f"{size} bytes do not fit a cache of {self.budget_bytes}",
                code="cache_too_small",
                next_step="Raise VIDQA_CACHE_BYTES.",
            )
        path = self.root / f"{place}{SUFFIX}"
        try:
            self._write_whole(path, parts)
        except OSError as err:
            raise CacheError(
                f"the cache in {self.root} cannot be written: {err.strerror}",
                code="cache_unwritable",
                next_step="Make room or correct its permissions, or name another VIDQA_CACHE_DIR.",
            ) from err
        self._free_until_look -= size
        if self._free_until_look < 0:
            self.trim()
        return path

    def _write_whole(self, path: Path, parts: Sequence[bytes | memoryview]) -> None:
        unfinished = path.with_name(f".{path.stem}.{secrets.token_hex(8)}{UNFINISHED}")
        try:
            with _created(unfinished) as descriptor:
                for part in parts:
                    _write_all(descriptor, part)
            with suppress(FileNotFoundError):  # somebody cleared the cache: this is part of it
                unfinished.replace(path)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink()
            raise

    def touch(self, path: Path) -> None:
        """Note that a file was just used."""
        with suppress(OSError):  # gone meanwhile, or not ours to write: then only the order suffers
            os.utime(path)

    def remove(self, path: Path) -> None:
        """Take one file away; one that cannot go will be found bad again."""
        with suppress(OSError):
            path.unlink()

    def remove_for_certain(self, path: Path) -> None:
        """Take one file away, unless it is gone; raises :class:`CacheError` where it cannot go."""
        try:
            path.unlink(missing_ok=True)
        except OSError as err:
            raise CacheError(
                f"{path} cannot be removed: {err.strerror}",
                code="cache_unwritable",
                next_step="Correct its permissions, or remove the folder by hand.",
            ) from err

    def entries(self) -> list[Entry]:
        """All files, those used longest ago first. Raises :class:`CacheError` if unreadable."""
        found = [
            Entry(path, status.st_size, status.st_mtime)
            for path, status in self._files()
            if path.suffix == SUFFIX
        ]
        return sorted(found, key=lambda entry: (entry.used_s, entry.path))

    def trim(self) -> Cleared:
        """Keep the budget, and sweep away what processes that died left unfinished."""
        now_s = time.time()
        for path, status in self._files():
            if path.suffix == UNFINISHED and now_s - status.st_mtime > _STALE_S:
                self.remove(path)
        entries = self.entries()
        size = sum(entry.size for entry in entries)
        target = self.budget_bytes
        if size > target:
            target = int(target * (1 - _SLACK))
        gone = []
        for entry in entries:
            if size <= target:
                break
            self.remove(entry.path)
            size -= entry.size
            gone.append(entry)
        self._free_until_look = max(0, self.budget_bytes - size) // 8
        return self._cleared(gone)

    def clear(self) -> Cleared:
        """Remove every file of ours, of any version, finished or not.

        Raises :class:`CacheError` at the first that cannot be read or removed.
        """
        gone = [Entry(path, status.st_size, status.st_mtime) for path, status in self._files()]
        for entry in gone:
            self.remove_for_certain(entry.path)
        return self._cleared(gone)

    def _cleared(self, gone: Sequence[Entry]) -> Cleared:
        """What went, once the folders that this left empty are gone too."""
        for folder in {entry.path.parent for entry in gone}:
            while folder != self.root:
                try:
                    folder.rmdir()
                except OSError:  # somebody is at home
                    break
                folder = folder.parent
        return Cleared(len(gone), sum(entry.size for entry in gone))

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Everything that is ours, below the folders of any version."""
        for folder, _, names in os.walk(self.root, onerror=_raise_unless_gone):
            for name in names:
                path = Path(folder, name)
                if path.suffix not in (SUFFIX, UNFINISHED):
                    continue
                try:
                    status = path.stat(follow_symlinks=False)
                except OSError as err:
                    _raise_unless_gone(err)  # else another process was quicker
                    continue
                if stat.S_ISREG(status.st_mode):
                    yield path, status


class _created:  # noqa: N801  (reads as a verb)
    """A new file for nobody else to read, and its folders; closed at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        for tries_left in reversed(range(_TRIES)):
            try:
                # What a cache holds tells what a video shows: for its owner alone.
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._descriptor = os.open(self._path, flags, 0o600)
                break
            except (FileNotFoundError, FileExistsError):
                # Somebody cleared the empty folder in between: mkdir sees it there, then gone.
                if not tries_left:
                    raise
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _write_all(descriptor: int, part: bytes | memoryview) -> None:
    left = memoryview(part).cast("B")
    while left:
        left = left[os.write(descriptor, left) :]


def _raise_unless_gone(err: OSError) -> None:
    if isinstance(err, FileNotFoundError):
        return
    raise CacheError(
        f"the cache cannot be read: {err.filename}: {err.strerror}",
        code="cache_unreadable",
        next_step="Correct its permissions, or name another VIDQA_CACHE_DIR.",
    ) from err
