"""The archive's index: the nearest of a million vectors, against what users would take instead.

``python -m benchmarks.vectors`` makes clustered unit vectors of 1,024 numbers in an SQLite file,
builds the index from it, opens, searches, adds and deletes, then builds the peers over fewer of the
same vectors; last it kills writers and damages files. ``--folder`` keeps what was made for the next
run; ``--only`` runs one part; ``--peers`` names a folder of packages with lancedb and
qdrant-client. Seconds are wall / CPU of this process: where they differ, the machine was busy.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.vector_data import Data, clustered
from benchmarks.vector_faults import damages, kills
from benchmarks.vector_peers import contenders
from vidqa.archive.vectors.local import FaissIndex
from vidqa.archive.vectors.snapshot import NAME

PARTS = ("search", "rebuild", "peers", "kills", "damages")
CLIPS_OF_A_VIDEO = 900
"""An hour of video."""
WANTED = {
    "search p50, ms": 15,
    "search p95, ms": 40,
    "recall@10": 0.99,
    "bytes per vector": 1_200,
    "opening, s": 3,
    "adding 1,000, s": 2,
    "deleting a video, s": 1,
    "rebuilding 100,000, s": 5,
    "wrong": 0,
}
_CPU = " of CPU"
_PEERS_QUERIES = 50
Row = dict[str, Any]


def main() -> None:
    options = _options()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="vectors-"))
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    try:
        for part in options.only or PARTS:
            made = _PARTS[part](folder, options)
            rows += made
            if not options.json:
                _show(made, part)
    finally:
        if options.folder is None:
            shutil.rmtree(folder)
    if options.json:
        json.dump({"load": os.getloadavg(), "rows": rows}, sys.stdout, indent=1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer vectors, about a minute")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", type=Path, help="where vectors are kept for the next run")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--count", type=int, help="vectors to search (1,000,000)")
    parser.add_argument("--peers-count", type=int, help="vectors for the peers (100,000)")
    parser.add_argument("--peers", type=Path, help="packages with lancedb and qdrant-client")
    options = parser.parse_args()
    options.count = options.count or (50_000 if options.quick else 1_000_000)
    options.peers_count = options.peers_count or (10_000 if options.quick else 100_000)
    options.faults = (10, 30) if options.quick else (200, 300)
    options.queries = 100 if options.quick else 500
    return options


def _search(folder: Path, options: argparse.Namespace) -> list[Row]:
    """One archive: everything that is done to its index."""
    data = clustered(folder, options.count, 1_024, options.queries)
    place = folder / f"index-{options.count}"
    row: Row = {"what": f"vidqa, {options.count:,} vectors"}
    if not (place / NAME).exists():
        with _timed(row, "building, s"):
            FaissIndex(place, data.source)
    with _timed(row, "opening, s"):
        index = FaissIndex(place, data.source)
    row["kind"] = index.kind
    row["bytes per vector"] = round((place / NAME).stat().st_size / index.count)
    found, times_ms = _ask(lambda query: index.search(query, 10).ids_QK[0], data)
    row |= _spread(times_ms) | {"recall@10": data.recall(found)}
    fresh = range(options.count, options.count + 1_000)
    with _timed(row, "adding 1,000, s"):
        data.source.put(fresh, np.asarray(data.vectors_ND[:1_000]))
        index.refresh()
    with _timed(row, "deleting a video, s"):
        data.source.delete(range(options.count, options.count + CLIPS_OF_A_VIDEO))
        index.refresh()
    data.source.delete(fresh)
    data.source.close()
    return [row]


def _rebuild(folder: Path, options: argparse.Namespace) -> list[Row]:
    """From the database to an index on disk, with nothing there."""
    count = 20_000 if options.quick else 100_000
    data = clustered(folder, count, 1_024, options.queries)
    row: Row = {"what": f"vidqa, {count:,} vectors"}
    with _timed(row, f"rebuilding {count:,}, s"):
        index = FaissIndex(folder / "rebuilt", data.source)
    row["kind"] = index.kind
    shutil.rmtree(folder / "rebuilt")
    data.source.close()
    return [row]


def _peers(folder: Path, options: argparse.Namespace) -> list[Row]:
    """The same vectors in everybody's index."""
    data = clustered(folder, options.peers_count, 1_024, _PEERS_QUERIES)
    rows = [_ours(folder, data)]
    for contender in contenders(options.peers):
        place = Path(tempfile.mkdtemp(dir=folder))
        row: Row = {"what": contender.name}
        with _timed(row, "building, s"):
            search, size = contender.build(data.vectors_ND, place)
        found, times_ms = _ask(search, data)
        row |= _spread(times_ms) | {"recall@10": data.recall(found)}
        row["bytes per vector"] = round(size / len(data.vectors_ND))
        rows.append(row)
        print(row, file=sys.stderr, flush=True)  # some take many minutes
        shutil.rmtree(place)
    data.source.close()
    return rows


def _ours(folder: Path, data: Data) -> Row:
    row: Row = {"what": f"vidqa ({len(data.vectors_ND):,} vectors)"}
    with _timed(row, "building, s"):
        index = FaissIndex(folder / "ours", data.source)
    found, times_ms = _ask(lambda query: index.search(query, 10).ids_QK[0], data)
    row |= _spread(times_ms) | {"recall@10": data.recall(found)}
    row["bytes per vector"] = round((folder / "ours" / NAME).stat().st_size / index.count)
    shutil.rmtree(folder / "ours")
    return row


def _kills(folder: Path, options: argparse.Namespace) -> list[Row]:
    data = clustered(folder, 10_000, 64, 10)
    return [_faults(lambda place: kills(data, place, options.faults[0]), folder)]


def _damages(folder: Path, options: argparse.Namespace) -> list[Row]:
    data = clustered(folder, 10_000, 64, 10)
    return [_faults(lambda place: damages(data, place, options.faults[1]), folder)]


def _faults(run: Callable[[Path], dict[str, int]], folder: Path) -> Row:
    place = Path(tempfile.mkdtemp(dir=folder))
    try:
        return run(place)
    finally:
        shutil.rmtree(place)


_PARTS = dict(zip(PARTS, (_search, _rebuild, _peers, _kills, _damages), strict=True))


def _ask(
    search: Callable[[NDArray[np.float32]], NDArray[np.int64]], data: Data
) -> tuple[NDArray[np.int64], list[float]]:
    """The ids for every query, one after the other, and how long each took."""
    found, times_ms = [], []
    for row in range(len(data.queries_QD)):
        start = time.perf_counter()
        ids = search(data.queries_QD[row : row + 1])
        times_ms.append((time.perf_counter() - start) * 1e3)
        found.append(ids[:10])
    return np.array(found), times_ms


def _spread(times_ms: list[float]) -> Row:
    return {
        f"search p{part}, ms": round(float(np.percentile(times_ms, part)), 2) for part in (50, 95)
    }


@contextmanager
def _timed(row: Row, what: str) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    row[what] = round(time.perf_counter() - wall, 2)
    row[f"{what}{_CPU}"] = round(time.process_time() - cpu, 2)


def _show(rows: list[Row], part: str) -> None:
    """A column for each figure; seconds as wall / CPU."""
    names = dict.fromkeys(name for row in rows for name in row if not name.endswith(_CPU))
    wanted = [f"{WANTED[name]:,}" if name in WANTED else "" for name in names]
    table = Table(*names, title=part, caption=f"load {os.getloadavg()[0]:.1f}")
    for row in rows:
        table.add_row(*(_cell(row, name) for name in names))
    table.add_section()
    table.add_row("wanted", *wanted[1:])
    Console().print(table)


def _cell(row: Row, name: str) -> str:
    value = row.get(name, "")
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    cpu = row.get(f"{name}{_CPU}")
    return text if cpu is None else f"{text} / {cpu:.3g}"


if __name__ == "__main__":
    main()
