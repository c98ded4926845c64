"""Cuts of every odd file whose pictures are numbered hold exactly the numbers of their span.

Skipped where the shared inputs or the ffmpeg program are missing.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import av
import numpy as np

from vidqa.timeline import Span
from vidqa.video import cut_clip, frame_times, probe

Row = dict[str, Any]
STRIP_ROW, BITS = 16, 16


def number_of(gray_HW: np.ndarray, width: int) -> int:
    """The number in a picture's top rows: 16 blocks, lowest bit first; padding is not counted."""
    block = width // BITS
    return sum(1 << k for k in range(BITS) if gray_HW[STRIP_ROW, k * block + block // 2] > 127)


def numbers_of(clip: Path, width: int) -> list[int]:
    with av.open(str(clip)) as container:
        frames = container.decode(video=0)
        return [number_of(frame.to_ndarray(format="gray"), width) for frame in frames]


def wrong_cut(folder: Path, row: Row, out: Path) -> str | None:
    """What is wrong with a cut of the middle of one file; None when nothing is."""
    file = folder / row["name"]
    info, times = probe(file), frame_times(file)
    span = Span(info.duration_s * 0.3 + 0.001, info.duration_s * 0.7 + 0.001)
    first = max(0, int(np.searchsorted(times, span.start_s, side="right")) - 1)
    after = int(np.searchsorted(times, span.end_s - 1e-6, side="left"))
    wanted = row["codes"][first:after]
    shown = numbers_of(cut_clip(file, span, out, overwrite=True), info.width)
    once = [number for number, _ in groupby(shown)]  # a still picture is shown once more at the end
    return None if once == [n for n, _ in groupby(wanted)] else f"{file.name}: {shown}"


def test_every_numbered_film_is_cut_at_the_right_pictures(
    corpus: tuple[Path, list[Row]], tmp_path: Path
) -> None:
    folder, rows = corpus
    known = [
        row
        for row in rows
        if row["codes"] and row["want"] == "decode" and not row["name"].startswith("rotate_")
    ]
    assert len(known) > 40
    problems = (wrong_cut(folder, row, tmp_path / "clip.mp4") for row in known)
    assert [problem for problem in problems if problem] == []
