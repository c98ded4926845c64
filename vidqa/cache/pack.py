"""One file of rows: what they are of, a table with a line for each, and their tokens.

``magic, digest of the head, length of the facts, number of rows | facts, table | tokens``

The head's digest covers everything before the tokens; the table has a digest of each row's tokens.
A file's name is the head's digest, so a name always means the same rows to the bit.
Axes: R rows, F frames in a row, B bytes of a row's tokens.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from vidqa.cache.space import Space
from vidqa.errors import CacheError

MAGIC = b"vidqa rows 1\r\n\x1a\n"
_HEAD = struct.Struct(f"<{len(MAGIC)}s32sII")
_MOST_FACTS, _MOST_ROWS, _MOST_FRAMES = 1 << 16, 1 << 20, 16
_DIGEST = 32
Bytes = NDArray[np.uint8]


def table_type(frames: int) -> np.dtype[np.void]:
    """A line of the table."""
    return np.dtype(
        [
            ("shown", "<f8", (frames,)),  # which frames: their times by the file's own clock
            ("pts", "<f8", (frames,)),  # the pictures that came out for them
            ("frame", "u1", (frames, _DIGEST)),  # SHA-256 of those pictures' RGB bytes
            ("check", "u1", (_DIGEST,)),  # SHA-256 of the row's tokens
        ]
    )


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """The head of one file, read and found sound."""

    path: Path
    space: Space
    table_R: NDArray[np.void]
    start: int
    """Where the first row's tokens begin."""

    def read(self, row: int, file: BinaryIO, into_B: Bytes) -> None:
        """Copy a row's tokens; raises :class:`CacheError` when they are not those once written."""
        file.seek(self.start + row * self.space.row_bytes)
        got = file.readinto(into_B.data)  # type: ignore[attr-defined]
        if got != len(into_B) or digest_of(into_B) != self.table_R["check"][row].tobytes():
            raise damaged(self.path, f"the tokens of row {row}")


def encode(
    space: Space, table_R: NDArray[np.void], tokens_RB: Bytes
) -> tuple[str, list[memoryview]]:
    """The name of the file, and its bytes in parts."""
    facts = space.to_json()
    table = table_R.tobytes()
    digest = _head_digest(facts, len(table_R), table)
    head = _HEAD.pack(MAGIC, digest, len(facts), len(table_R))
    tokens = np.ascontiguousarray(tokens_RB).data.cast("B")
    return digest.hex(), [memoryview(head), memoryview(facts + table), tokens]


def read_pack(path: Path) -> Pack:
    """The head of a file. Raises :class:`CacheError` when not sound, ``OSError`` when gone."""
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise damaged(path, "the first bytes")
        magic, digest, facts_size, rows = _HEAD.unpack(head)
        if magic != MAGIC or facts_size > _MOST_FACTS or not 0 < rows <= _MOST_ROWS:
            raise damaged(path, "the first bytes")
        facts = file.read(facts_size)
        space = _space(facts, path)
        line = table_type(space.frames)
        table = file.read(rows * line.itemsize)
        size = file.seek(0, 2)
    start = _HEAD.size + facts_size + rows * line.itemsize
    if _head_digest(facts, rows, table) != digest or size != start + rows * space.row_bytes:
        raise damaged(path, "the table, or the length,")
    return Pack(path, space, np.frombuffer(table, dtype=line), start)


def _space(facts: bytes, path: Path) -> Space:
    space = Space.from_json(facts) if facts[:1] == b"{" else None
    # The digest that covers these numbers can be formed only once they are believed.
    if space is None or not (0 < space.frames <= _MOST_FRAMES and space.row_bytes > 0):
        raise damaged(path, "the facts")
    return space


def _head_digest(facts: bytes, rows: int, table: bytes) -> bytes:
    return hashlib.sha256(struct.pack("<II", len(facts), rows) + facts + table).digest()


def digest_of(data_B: Bytes) -> bytes:
    """SHA-256 of contiguous bytes."""
    return hashlib.sha256(data_B.data).digest()


def damaged(path: Path, what: str) -> CacheError:
    """What is said of a file that does not hold what was written."""
    return CacheError(
        f"{path}: {what} of this cache file are damaged",
        code="cache_damaged",
        next_step="Nothing to do: it is removed and its rows are computed again.",
    )
