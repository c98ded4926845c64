"""Vectors of deleted clips made zeros where they lie in an index file.

A file of a gigabyte is not written anew for one video. Ids stay: whoever loads the file learns from
the log that they are gone, and never searches before that. Axes: N vectors, L lists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from vidqa.archive.vectors import parts
from vidqa.archive.vectors.parts import DIGEST

_ID = 8
"""Bytes of an id."""


class NotInListsError(Exception):
    """The vectors do not lie in the file as FAISS writes lists."""


def zero_codes(
    file: BinaryIO, body_bytes: int, count: int, lists: int, width: int, gone_N: NDArray[np.int64]
) -> set[int]:
    """Write zeros over the codes, of ``width`` bytes each, of the clips in ``gone_N``; the numbers
    of the parts that changed.

    The body ends with the lists: the codes of one, its ids, the next one's. How long they are
    stands right before them. Raises :class:`NotInListsError` where that is not so.
    """
    start = body_bytes - count * (width + _ID)
    gone_N = np.sort(gone_N)
    changed: set[int] = set()
    zeros = bytes(width)
    for size in _sizes(file, start, lists, count):
        file.seek(start + size * width)
        ids_N = np.frombuffer(file.read(size * _ID), dtype="<i8")
        for row in np.flatnonzero(_among(ids_N, gone_N)).tolist():
            at = start + row * width
            file.seek(at)
            if file.read(width) == zeros:  # by an earlier scrub of the same file
                continue
            file.seek(at)
            file.write(zeros)
            changed.update(range(at // parts.PART, (at + width - 1) // parts.PART + 1))
        start += size * (width + _ID)
    return changed


def digests_after(
    file: BinaryIO, body_bytes: int, digests: bytes, changed: Iterable[int]
) -> bytearray:
    """The digests of all parts, those of the changed ones formed anew."""
    after = bytearray(digests)
    for number in changed:
        first = number * parts.PART
        file.seek(first)
        part = file.read(min(parts.PART, body_bytes - first))
        after[number * DIGEST : (number + 1) * DIGEST] = hashlib.sha256(part).digest()
    return after


def _sizes(file: BinaryIO, start: int, lists: int, count: int) -> Iterator[int]:
    """How many vectors each list has."""
    told = _ID * (1 + lists)
    if start < told:
        raise NotInListsError
    file.seek(start - told)
    sizes_L = np.frombuffer(file.read(told), dtype="<u8").astype(np.int64)
    if sizes_L[0] != lists or (sizes_L[1:] < 0).any() or sizes_L[1:].sum() != count:
        raise NotInListsError
    return iter(sizes_L[1:].tolist())


def _among(ids_N: NDArray[np.int64], sorted_N: NDArray[np.int64]) -> NDArray[np.bool_]:
    if not len(sorted_N):
        return np.zeros(len(ids_N), dtype=np.bool_)
    at_N = np.minimum(np.searchsorted(sorted_N, ids_N), len(sorted_N) - 1)
    found_N: NDArray[np.bool_] = sorted_N[at_N] == ids_N
    return found_N
