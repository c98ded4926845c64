"""Indexes whose writers were killed and whose files were damaged: is an answer ever wrong?"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from benchmarks.vector_data import Data
from tests.vidqa.archive.vectors.killing import kill_a_writer
from vidqa.archive.vectors.kinds import Sizes
from vidqa.archive.vectors.local import FaissIndex
from vidqa.archive.vectors.snapshot import NAME

_PAGE = 4_096


def kills(data: Data, folder: Path, times: int) -> dict[str, int]:
    """Kill a writer again and again, somewhere in its writes; the index is opened after each."""
    rng = random.Random(0)  # noqa: S311  (which damage, not a secret)
    FaissIndex(folder, data.source)
    counts = {"kills": times, "died with a file half written": 0, "rebuilt": 0, "wrong": 0}
    for _ in range(times):
        counts["died with a file half written"] += kill_a_writer(data.source, folder, rng, 0.5)
        index = FaissIndex(folder, data.source)
        counts["rebuilt"] += bool(index.notes)
        counts["wrong"] += _wrong(index, data)
    return counts


def damages(data: Data, folder: Path, times: int) -> dict[str, int]:
    """Damage the file in four ways in turn, of both kinds; the index is opened after each."""
    rng = random.Random(0)  # noqa: S311  (which damage, not a secret)
    counts = {"files": times, "noticed": 0, "wrong": 0}
    sizes = [Sizes(flat_bytes=10**12), Sizes(flat_bytes=0)]
    whole = []
    for kind in sizes:
        FaissIndex(folder / str(kind.flat_bytes), data.source, kind)
        whole.append((folder / str(kind.flat_bytes) / NAME).read_bytes())
    for number in range(times):
        at = number % 2
        file = folder / str(sizes[at].flat_bytes) / NAME
        file.write_bytes(_WAYS[number // 2 % len(_WAYS)](whole[at], whole[1 - at], rng))
        index = FaissIndex(file.parent, data.source, sizes[at])
        counts["noticed"] += bool(index.notes)
        counts["wrong"] += _wrong(index, data)
    return counts


def _wrong(index: FaissIndex, data: Data) -> bool:
    found = index.search(data.queries_QD[:10], 10)
    return data.recall(found.ids_QK) < 0.99 or bool((found.ids_QK < 0).any())


def _cut(whole: bytes, _: bytes, rng: random.Random) -> bytes:
    return whole[: rng.randrange(len(whole))]


def _flipped_head(whole: bytes, _: bytes, rng: random.Random) -> bytes:
    return _flipped(whole, rng, 0, 200)


def _flipped_body(whole: bytes, _: bytes, rng: random.Random) -> bytes:
    return _flipped(whole, rng, 200, len(whole) - _PAGE)


def _flipped_page(whole: bytes, _: bytes, rng: random.Random) -> bytes:
    return _flipped(whole, rng, len(whole) - _PAGE, len(whole))


def _mixed(whole: bytes, other: bytes, _: random.Random) -> bytes:
    return whole[:-_PAGE] + other[-_PAGE:]


def _flipped(whole: bytes, rng: random.Random, start: int, end: int) -> bytes:
    changed = bytearray(whole)
    for _ in range(3):
        changed[rng.randrange(start, end)] ^= 1 << rng.randrange(8)
    return bytes(changed)


_WAYS: list[Callable[[bytes, bytes, random.Random], bytes]] = [
    _cut,
    _flipped_head,
    _flipped_body,
    _flipped_page,
    _mixed,
]
