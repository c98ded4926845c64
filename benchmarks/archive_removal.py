"""``python -m benchmarks.archive_removal [--count N] [--folder FOLDER] [--json]``

One video deleted from an archive of a million clips, as ``vidqa archive rm`` does it: rows, clips,
thumbnails and vectors from the database, kept vision tokens from the cache, then every index
written anew or removed. Clips are made up (vectors of 1,024 numbers as in ``benchmarks.vectors``,
thumbnails of 4 KB), 900 to a video. Told are wall seconds and CPU seconds of each part.
``--folder`` keeps the archive for the next run; each run deletes one of its videos.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.vector_data import clustered
from vidqa.archive.records import Claim, Facts, Location, NewClip
from vidqa.archive.store import Store, open_store
from vidqa.cache import CacheFolder, RowStore
from vidqa.pipeline.retrieval.archive import Archive
from vidqa.pipeline.retrieval.removing import remove
from vidqa.timeline import Span

DIMENSION, CLIPS_OF_A_VIDEO = 1_024, 900
WANTED_S = 1.0
_THUMBNAIL = np.random.default_rng(0).bytes(4_096)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="clips")
    parser.add_argument("--folder", type=Path, help="keep the archive here")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    with _folder(args.folder) as folder:
        row = _removal(folder, args.count)
    if args.json:
        print(json.dumps(row, indent=1))
        return 0
    table = Table("part", "wall s", "CPU s", title=f"one video of {args.count:,} clips' archive")
    for part, (wall_s, cpu_s) in row.items():
        table.add_row(part, f"{wall_s:.2f}", f"{cpu_s:.2f}")
    table.add_row("wanted, whole", f"<= {WANTED_S:g}", "")
    Console().print(table)
    return 0


def _removal(folder: Path, count: int) -> dict[str, tuple[float, float]]:
    place = folder / f"archive-{count}.db"
    with open_store(place) as store:
        _fill(store, folder, count)
    row: dict[str, tuple[float, float]] = {}
    if not place.with_name(f"{place.name}.index").exists():
        with _timed(row, "building the index, once"), Archive(place) as archive:
            archive.serving.settle()
    with _timed(row, "whole"):
        with _timed(row, "opening the archive"):
            archive = Archive(place)
        video = next(archive.videos())
        with _timed(row, "rows, thumbnails, vectors, tokens"):
            gone = remove(archive, [video], RowStore(CacheFolder(folder / "cache", 1 << 30)))
            removed = next(gone)
        with _timed(row, "indexes"):
            list(gone)
        archive.close()
    if removed.left or removed.deleted.clips != CLIPS_OF_A_VIDEO:
        print(f"not all of it went: {removed}", file=sys.stderr)
    return row


def _fill(store: Store, folder: Path, count: int) -> None:
    """Enter the videos that are not there yet."""
    generation = store.generation("drawn@sha256:0", "made up", DIMENSION)
    have = store.stats().clips
    if have:
        return
    vectors_ND = clustered(folder, count, DIMENSION, 500).vectors_ND
    for first in range(0, count - CLIPS_OF_A_VIDEO + 1, CLIPS_OF_A_VIDEO):
        rows_ND = np.asarray(vectors_ND[first : first + CLIPS_OF_A_VIDEO], dtype=np.float32)
        _enter(store, generation.id, first, rows_ND)


def _enter(store: Store, generation_id: int, number: int, rows_ND: NDArray[np.float32]) -> None:
    place = Location(url=f"/made-up/{number}.mp4", size=1, modified_ns=1)
    facts = Facts(
        duration_s=4.0 * len(rows_ND) + 4,
        start_time_s=0.0,
        width=1280,
        height=720,
        variable_rate=False,
        container="mp4",
        codec="h264",
        recorded_at=None,
        recorded_from="unknown",
    )
    video = store.enter("default", f"sha256:{number:064d}", place, facts)
    claim = store.claim(video.id, "benchmark", 600.0)
    if not isinstance(claim, Claim):
        raise SystemExit(f"another process writes {place.url}")
    clips = [
        NewClip(
            number=n,
            span=Span(4.0 * n, 4.0 * n + 8),
            vector_D=vector_D / np.linalg.norm(vector_D),
            key_s=4.0 * n + 4,
            thumbnail=_THUMBNAIL,
        )
        for n, vector_D in enumerate(rows_ND)
    ]
    store.add_clips(claim, generation_id, clips)
    store.finish(claim, generation_id)


@contextmanager
def _timed(row: dict[str, Any], part: str) -> Iterator[None]:
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    yield
    row[part] = (time.perf_counter() - wall_s, time.process_time() - cpu_s)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


if __name__ == "__main__":
    raise SystemExit(main())
