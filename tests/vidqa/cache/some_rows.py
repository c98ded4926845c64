"""Rows made of numbers that tell which they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from vidqa.cache import CacheFolder, Rows, RowStore, Space, checks_of

SPACE = Space(
    video="sha256:video",
    height=56,
    width=56,
    tower="tower float32 on cpu",
    times="mrope",
    decoder="pyav 1",
    frames=2,
    row_bytes=64,
)


def rows(*numbers: int, space: Space = SPACE) -> Rows:
    """Row n shows the frames at n and n + 0.5 s and has the bytes n, n, n, ..."""
    shown_RF = np.array([[n, n + 0.5] for n in numbers], dtype=np.float64)
    tokens_RB = np.repeat(np.array(numbers, dtype=np.uint8)[:, None], space.row_bytes, axis=1)
    frames_RF = np.repeat(tokens_RB[:, :1], 2 * 32, axis=1).reshape(-1, 2, 32)
    return Rows(shown_RF, shown_RF + 0.25, frames_RF, tokens_RB, checks_of(tokens_RB))


def store_in(folder: Path, budget_bytes: int = 1 << 30) -> RowStore:
    return RowStore(CacheFolder(folder, budget_bytes))


def known(store: RowStore, *numbers: int, space: Space = SPACE) -> list[int]:
    """Which of the rows are known; every one that is must be whole."""
    wanted = rows(*numbers, space=space)
    found = store.recall(space, wanted.shown_RF)
    there = [k for k in range(len(numbers)) if found.known_R[k]]
    for mine, theirs in (
        (found.rows.tokens_RB, wanted.tokens_RB),
        (found.rows.pts_RF, wanted.pts_RF),
        (found.rows.frames_RF, wanted.frames_RF),
        (found.rows.checks_R, wanted.checks_R),
    ):
        assert np.array_equal(mine[there], theirs[there])
    return [numbers[k] for k in there]


def other(**facts: object) -> Space:
    """The space with one fact changed."""
    return replace(SPACE, **facts)  # type: ignore[arg-type]


def files(folder: Path) -> list[Path]:
    """Everything below the folder that is a file."""
    return sorted(path for path in folder.rglob("*") if path.is_file())
