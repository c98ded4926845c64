"""``python -m benchmarks.archive [--quick] [--json] [--videos N] [--queries N] [--folder FOLDER]
[--model NAME] [--verify] [--readers N]``

Search over an archive of short drawn videos. Finding: each query is true of exactly one video
(``benchmarks/archive_films.py`` says how they are drawn), and right is a hit in that video whose
span overlaps the event; told are the shares of queries that are right in the first hit and among
the first five, and, with ``--verify``, the same after the hits of a page of ten were looked at
(confirmed ones first). A copy that was folded counts as its own video's hit. Reading while
writing: N processes search the archive while it is idle, then while another process ingests the
same videos again into a second collection of the same database; told are the times of a search and
any error. Times are wall seconds of this machine, embedding the query included. ``--quick``: 24
videos and 16 queries, two readers, under two minutes. ``--folder`` keeps films and archive.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.archive_films import Sought, draw_archive

GOALS = {
    "first": (">=", 0.75),
    "first_five": (">=", 0.95),
    "errors": ("<=", 0),
    "p95_ratio": ("<=", 2.0),
}
_PAGE = 10
_READ_S = 20.0


def main(argv: list[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    args = _arguments(argv)
    if args.quick:
        args.videos, args.queries, args.readers = 24, 16, 2
    with _folder(args.folder) as folder:
        films = folder / f"films-{args.videos}-{args.queries}"
        began_s = time.perf_counter()
        queries = draw_archive(films, args.videos, args.queries, args.seed, args.jobs)
        row: dict[str, Any] = {"videos": args.videos, "queries": len(queries)}
        row["draw_s"] = time.perf_counter() - began_s
        place = folder / f"archive-{args.videos}-{args.queries}.db"
        row |= _finding(films, place, queries, args)
        if args.readers:
            row |= _reading(films, place, queries, args)
    if args.json:
        print(json.dumps(row, indent=2))
    else:
        Console(width=100).print(_table(row))
    return 0


def _finding(
    films: Path, place: Path, queries: Sequence[Sought], args: argparse.Namespace
) -> dict[str, Any]:
    """Right places among the first hits."""
    import torch

    import vidqa

    torch.set_num_threads(1)
    session = vidqa.open(model=args.model, archive_url=str(place), threads=args.jobs)
    began_s = time.perf_counter()
    report = session.index(films)
    told: dict[str, Any] = {
        "index_s": time.perf_counter() - began_s,
        "video_s": report.video_s,
        "model": session.context.engine.identity,
    }
    plain = [_ranks(session, sought, verify=False) for sought in queries]
    told |= _shares("", plain)
    told["clips"] = session.archive.stats().clips
    if args.verify:
        told |= _shares("verified_", [_ranks(session, q, verify=True) for q in queries])
    told["missed"] = [
        {"query": sought.query, "video": sought.video, "rank": found["rank"]}
        for sought, found in zip(queries, plain, strict=True)
        if found["rank"] != 1
    ]
    session.close()
    return told


def _ranks(session: Any, sought: Sought, *, verify: bool) -> dict[str, Any]:
    """The place of the first right hit on a page, None where there is none."""
    began_s = time.perf_counter()
    found = session.search(sought.query, limit=_PAGE, verify=verify)
    took_s = time.perf_counter() - began_s
    right = [_is_right(hit, sought) for hit in found.hits]
    return {"rank": right.index(True) + 1 if True in right else None, "seconds": took_s}


def _is_right(hit: Any, sought: Sought) -> bool:
    places = [(hit.video, hit.span), *((each.video, each.span) for each in hit.also_in)]
    return any(
        video.name == sought.video and span.start_s < sought.end_s and sought.start_s < span.end_s
        for video, span in places
    )


def _shares(prefix: str, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    ranks = [each["rank"] for each in found]
    times = np.array([each["seconds"] for each in found])
    return {
        f"{prefix}first": sum(rank == 1 for rank in ranks) / len(ranks),
        f"{prefix}first_five": sum(rank is not None and rank <= 5 for rank in ranks) / len(ranks),
        f"{prefix}p50_ms": 1e3 * float(np.percentile(times, 50)),
        f"{prefix}p95_ms": 1e3 * float(np.percentile(times, 95)),
    }


def _reading(
    films: Path, place: Path, queries: Sequence[Sought], args: argparse.Namespace
) -> dict[str, Any]:
    """Readers beside nothing, then beside a writer."""
    words = [sought.query for sought in queries]
    alone = _readers(place, words, args)
    spawn = multiprocessing.get_context("spawn")
    name = f"again-{time.time_ns()}"
    writer = spawn.Process(target=_write, args=(films, place, args.model, name))
    writer.start()
    try:
        time.sleep(2.0)  # until it has loaded its model
        beside = _readers(place, words, args)
        wrote = writer.is_alive()
    finally:
        writer.terminate()
        writer.join()
    return {
        "readers": args.readers,
        "errors": alone["errors"] + beside["errors"],
        "writer_wrote_all_along": wrote,
        "searches_beside": beside["searches"],
        "alone_p95_ms": alone["p95_ms"],
        "beside_p95_ms": beside["p95_ms"],
        "p95_ratio": beside["p95_ms"] / alone["p95_ms"],
    }


def _readers(place: Path, words: Sequence[str], args: argparse.Namespace) -> dict[str, Any]:
    """The searches of all readers together."""
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(args.readers) as pool:
        jobs = [(place, words, args.model, args.read_s, k) for k in range(args.readers)]
        told = pool.starmap(_read, jobs, chunksize=1)
    times = [seconds for each, _ in told for seconds in each]
    return {
        "errors": sum(errors for _, errors in told),
        "searches": len(times),
        "p95_ms": 1e3 * float(np.percentile(times, 95)),
    }


def _read(
    place: Path, words: Sequence[str], model: str, seconds: float, seed: int
) -> tuple[list[float], int]:
    """One reader: seconds of each search, and how many failed."""
    import torch

    import vidqa
    from vidqa import VidqaError

    torch.set_num_threads(1)
    session = vidqa.open(model=model, archive_url=str(place))
    rng = np.random.default_rng(seed)
    session.search(words[0])  # opens the index
    times: list[float] = []
    errors = 0
    until_s = time.perf_counter() + seconds
    while time.perf_counter() < until_s:
        began_s = time.perf_counter()
        try:
            session.search(words[int(rng.integers(len(words)))])
        except VidqaError as err:
            print(f"a search failed: {err}", file=sys.stderr)
            errors += 1
        times.append(time.perf_counter() - began_s)
    session.close()
    return times, errors


def _write(films: Path, place: Path, model: str, name: str) -> None:
    """A writer: everything once more, into another collection."""
    import torch

    import vidqa
    from vidqa.pipeline.ingest_options import IngestOptions

    torch.set_num_threads(1)
    session = vidqa.open(model=model, archive_url=str(place), threads=1)
    session.index(films, options=IngestOptions(archive=name, threads=1))


def _table(row: dict[str, Any]) -> Table:
    table = Table(title=f"Searching drawn videos, {row['model'][:20]}")
    table.add_column("figure")
    table.add_column("measured", justify="right")
    table.add_column("to reach", justify="right")
    for name, value in row.items():
        if name in ("model", "missed"):
            continue
        sign, goal = GOALS.get(name, ("", None))
        cell = f"{value:.3g}" if isinstance(value, float) else str(value)
        table.add_row(name.replace("_", " "), cell, "" if goal is None else f"{sign} {goal:g}")
    return table


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under two minutes")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--videos", type=int, default=200)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--verify", action="store_true", help="look at the hits as well")
    parser.add_argument("--readers", type=int, default=4, help="0: none")
    parser.add_argument("--read-s", type=float, default=_READ_S, help="seconds of reading")
    parser.add_argument("--jobs", type=int, default=2, help="processes that draw, and decode")
    parser.add_argument("--folder", type=Path, help="keep films and archive here")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
