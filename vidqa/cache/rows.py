"""Vision tokens by row of frames: which of a window's rows are known, and the adding of others.

Axes: R rows, F frames in a row, B bytes of a row's tokens.
"""

from __future__ import annotations

import os
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from vidqa.cache.folder import SUFFIX, CacheFolder, Entry
from vidqa.cache.pack import Bytes, Pack, digest_of, encode, read_pack, table_type
from vidqa.cache.space import Space
from vidqa.errors import CacheError

VERSION = "rows-v1"
"""Folder of this layout: other versions keep to their own, and share the budget."""
_SPACES = 16
"""Spaces whose tables stay in memory: about 130 bytes a row."""
Places = dict[bytes, tuple[Pack, int]]
"""Where a row lies, by the times of its frames."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one space, all that an answer needs of them."""

    shown_RF: NDArray[np.float64]
    """Which frames: presentation times by the file's own clock."""
    pts_RF: NDArray[np.float64]
    """The pictures that came out for them: the same times, unless the file is damaged there."""
    frames_RF: NDArray[np.uint8]
    """SHA-256 of each picture's RGB bytes, (R, F, 32)."""
    tokens_RB: Bytes
    checks_R: NDArray[np.uint8]
    """SHA-256 of each row's tokens, (R, 32)."""

    def only(self, rows: Sequence[int]) -> Rows:
        """Some of the rows; all of them are not copied."""
        if len(rows) == len(self.shown_RF):
            return self
        at = list(rows)
        return Rows(
            shown_RF=self.shown_RF[at],
            pts_RF=self.pts_RF[at],
            frames_RF=self.frames_RF[at],
            tokens_RB=self.tokens_RB[at],
            checks_R=self.checks_R[at],
        )

    def key(self, row: int) -> bytes:
        """The name of a row within its space."""
        return bytes(self.shown_RF[row].tobytes())


@dataclass(frozen=True, slots=True)
class Recalled:
    """A window's rows as far as they are known: what belongs to the others is yet to be filled."""

    rows: Rows
    known_R: NDArray[np.bool_]

    @property
    def missing(self) -> list[int]:
        """The rows that are not known."""
        return [int(k) for k in np.flatnonzero(~self.known_R)]


def blank_rows(space: Space, shown_RF: NDArray[np.float64]) -> Recalled:
    """Room for these rows, of which nothing is known."""
    count, frames = shown_RF.shape
    return Recalled(
        rows=Rows(
            shown_RF=shown_RF,
            pts_RF=np.zeros((count, frames)),
            frames_RF=np.zeros((count, frames, 32), dtype=np.uint8),
            tokens_RB=np.empty((count, space.row_bytes), dtype=np.uint8),
            checks_R=np.zeros((count, 32), dtype=np.uint8),
        ),
        known_R=np.zeros(count, dtype=bool),
    )


@dataclass(slots=True)
class _Known:
    """The tables of one space, as far as they were read."""

    packs: dict[str, Pack] = field(default_factory=dict)
    places: Places = field(default_factory=dict)

    def add(self, pack: Pack) -> None:
        self.packs[pack.path.name] = pack
        for row, shown_F in enumerate(pack.table_R["shown"]):
            self.places[shown_F.tobytes()] = (pack, row)

    def forget(self, names: Sequence[str]) -> None:
        """Leave packs out; a row that lies in another one too is found there again."""
        for name in names:
            del self.packs[name]
        kept = list(self.packs.values())
        self.packs, self.places = {}, {}
        for pack in kept:
            self.add(pack)


class RowStore:
    """Rows on disk. Threads may share it, and processes its folder."""

    def __init__(self, folder: CacheFolder) -> None:
        self.folder = folder
        self._spaces: OrderedDict[str, _Known] = OrderedDict()
        self._lock = Lock()

    def recall(self, space: Space, shown_RF: NDArray[np.float64]) -> Recalled:
        """The known ones among the rows of those frames, each found to be what was once written.

        A file with anything damaged in what is read is removed, and no row taken from it. Raises
        :class:`CacheError` when the folder may not be read.
        """
        found = blank_rows(space, shown_RF)
        with self._lock:
            known = self._known(space)
            while bad := [
                pack.path.name
                for pack, rows in _wanted(known, found).items()
                if not self._copy(pack, rows, found)
            ]:
                known.forget(bad)  # and look again: a row may lie in another file as well
        return found

    def add(self, space: Space, rows: Rows) -> None:
        """Keep rows, and drop what was used longest ago where the budget is passed.

        Raises :class:`CacheError` when they cannot be kept; nothing else is lost then.
        """
        table_R = np.zeros(len(rows.shown_RF), dtype=table_type(space.frames))
        table_R["shown"], table_R["pts"] = rows.shown_RF, rows.pts_RF
        table_R["frame"] = rows.frames_RF
        table_R["check"] = rows.checks_R
        name, parts = encode(space, table_R, rows.tokens_RB)
        self.folder.write(f"{_place(space)}/{name}", parts)

    def verify(self) -> Iterator[tuple[Entry, str]]:
        """Read everything and remove what is damaged; each file with what is wrong, or "".

        Raises :class:`CacheError` on a file that cannot be read, which tells nothing of what is in
        it, so it stays; and on a damaged one that cannot be removed.
        """
        for entry in self.folder.entries():
            if not of_this_version(self.folder, entry):
                continue
            try:
                wrong = _fault(entry.path)
            except FileNotFoundError:  # another process was quicker
                continue
            except OSError as err:
                raise _unreadable(entry.path, err) from err
            if wrong:
                self.folder.remove_for_certain(entry.path)
            yield entry, wrong

    def forget(self, video: str) -> int:
        """Remove everything that is kept of a video, ``sha256:...``; how many files.

        Raises :class:`CacheError` where a file cannot be read or removed.
        """
        homes: dict[Path, list[Path]] = defaultdict(list)
        for entry in self.folder.entries():
            if of_this_version(self.folder, entry):
                homes[entry.path.parent].append(entry.path)
        gone = [path for paths in homes.values() if _is_of(paths, video) for path in paths]
        for path in gone:
            self.folder.remove_for_certain(path)
        with self._lock:
            self._spaces.clear()
        return len(gone)

    def _known(self, space: Space) -> _Known:
        """The space's tables, brought up to what lies on disk now."""
        known = self._spaces.setdefault(space.digest, _Known())
        self._spaces.move_to_end(space.digest)
        while len(self._spaces) > _SPACES:
            self._spaces.popitem(last=False)
        home = self.folder.root / _place(space)
        there = _names(home)
        if gone := [name for name in known.packs if name not in there]:
            known.forget(gone)
        for name in sorted(there - known.packs.keys()):
            pack = self._sound(home / name)
            if pack is not None and pack.space == space:
                known.add(pack)
        return known

    def _sound(self, path: Path) -> Pack | None:
        """A file's head; None for one that is gone or, being damaged, is removed."""
        try:
            return read_pack(path)
        except CacheError:
            self.folder.remove(path)
        except FileNotFoundError:
            pass
        except OSError as err:
            raise _unreadable(path, err) from err
        return None

    def _copy(self, pack: Pack, rows: dict[int, int], found: Recalled) -> bool:
        """Copy rows of one file (numbers in ``found`` to numbers in the file); False: forget it."""
        try:
            with pack.path.open("rb") as file:
                for at, row in rows.items():
                    pack.read(row, file, found.rows.tokens_RB[at])
                    found.rows.pts_RF[at] = pack.table_R["pts"][row]
                    found.rows.frames_RF[at] = pack.table_R["frame"][row]
                    found.rows.checks_R[at] = pack.table_R["check"][row]
                    found.known_R[at] = True
        except CacheError:
            found.known_R[list(rows)] = False  # of a bad file nothing is trusted
            self.folder.remove(pack.path)
            return False
        except FileNotFoundError:
            return False
        except OSError as err:
            raise _unreadable(pack.path, err) from err
        self.folder.touch(pack.path)
        return True


def of_this_version(folder: CacheFolder, entry: Entry) -> bool:
    """Whether a file of the folder is of the layout that is written now."""
    return entry.path.relative_to(folder.root).parts[0] == VERSION


def _is_of(paths: Sequence[Path], video: str) -> bool:
    """Whether files of one space are of a video; a damaged one says nothing of the others."""
    for path in paths:
        with suppress(CacheError, FileNotFoundError):
            return read_pack(path).space.video == video
    return False


def checks_of(tokens_RB: Bytes) -> NDArray[np.uint8]:
    """SHA-256 of each row, (R, 32)."""
    digests = b"".join(digest_of(np.ascontiguousarray(row_B)) for row_B in tokens_RB)
    return np.frombuffer(digests, dtype=np.uint8).reshape(-1, 32)


def _wanted(known: _Known, found: Recalled) -> dict[Pack, dict[int, int]]:
    """For every file with rows that are still to be found: their numbers, here and there."""
    wanted: dict[str, dict[int, int]] = defaultdict(dict)
    for at in found.missing:
        if place := known.places.get(found.rows.key(at)):
            wanted[place[0].path.name][at] = place[1]
    return {known.packs[name]: rows for name, rows in wanted.items()}


def _place(space: Space) -> str:
    return f"{VERSION}/{space.digest[:2]}/{space.digest}"


def _names(home: Path) -> set[str]:
    try:
        # Not iterdir(): a path for each of hundreds of files would cost more than the answer.
        return {name for name in os.listdir(home) if name.endswith(SUFFIX)}  # noqa: PTH208
    except FileNotFoundError:
        return set()
    except OSError as err:
        raise _unreadable(home, err) from err


def _fault(path: Path) -> str:
    """What is wrong with a file, or nothing."""
    try:
        pack = read_pack(path)
        row_B = np.empty(pack.space.row_bytes, dtype=np.uint8)
        with path.open("rb") as file:
            for row in range(len(pack.table_R)):
                pack.read(row, file, row_B)
    except CacheError as err:
        return str(err)
    return ""


def _unreadable(path: Path, err: OSError) -> CacheError:
    return CacheError(
        f"the cache cannot be read: {path}: {err.strerror}",
        code="cache_unreadable",
        next_step="Correct its permissions, or name another VIDQA_CACHE_DIR.",
    )
