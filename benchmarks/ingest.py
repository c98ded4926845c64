"""How fast videos get into an archive: nano, 720p H.264, against the decoder alone.

``python -m benchmarks.ingest [--quick] [--json] [--rounds 3] [--film FILE]``
``python -m benchmarks.ingest --kills 50 [--json]``

The film is a moving test picture with noise, 1280 x 720 at 25 frames a second, x264's own defaults.
Contenders take turns, each from a measured film on: ``decoder`` decodes what an ingest looks at (2
frames a second) and sizes it for the model; ``everything`` decodes all frames with libavcodec on as
many threads and does nothing with them; ``ingest`` does the whole: digest, facts, frames, clips'
vectors, thumbnails, database. Rates are seconds of video in a second.

With ``--kills`` a process that ingests a folder is killed (SIGKILL) at random moments and begun
anew, until it has been killed that often; whenever it gets through, the archive must be the one
that an undisturbed run makes: every clip, vector, thumbnail and line, to the bit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
from rich.console import Console
from rich.table import Table

import vidqa
from benchmarks.ingest_kills import killed
from vidqa.pipeline.clips import ClipGrid
from vidqa.video import PictureStream, Wish, study_film

WANTED_RATE, WANTED_SHARE = 20.0, 0.7
SECONDS, QUICK_SECONDS = 180, 60
_PICTURE = "testsrc2=size=1280x720:rate=25,noise=alls=6:allf=t"


def main() -> int:
    """Print the table; returns the exit code."""
    args = _arguments()
    if args.kills:
        found = killed(args.kills, seed=args.seed)
        print(json.dumps(found, indent=2) if args.json else found)
        return int(found["different"] > 0)
    with tempfile.TemporaryDirectory() as folder:
        length_s = QUICK_SECONDS if args.quick else SECONDS
        film = args.film or make_film(Path(folder), length_s)
        found = measure(film, Path(folder), 1 if args.quick else args.rounds)
    if args.json:
        print(json.dumps(found, indent=2))
        return 0
    table = Table("contender", "x real time", "CPU s per minute of video")
    for name, row in found["contenders"].items():
        table.add_row(name, f"{row['rate']:.1f}", f"{row['cpu_s']:.2f}")
    console = Console(width=100)
    console.print(table)
    console.print(
        f"ingest: {found['rate']:.1f} times real time (wanted {WANTED_RATE:g}), "
        f"{found['share']:.0%} of the decoder's speed (wanted {WANTED_SHARE:.0%})"
    )
    return 0


def make_film(folder: Path, length_s: int) -> Path:
    """The film, encoded unless it is there."""
    film = folder / f"film-{length_s}.mp4"
    if not film.exists():
        made = ["-f", "lavfi", "-i", _PICTURE, "-t", str(min(length_s, 30))]
        piece = folder / "piece.mp4"
        _ffmpeg(*made, "-c:v", "libx264", "-pix_fmt", "yuv420p", str(piece))
        loops = ["-stream_loop", str(length_s // 30 - 1), "-i", str(piece)]
        _ffmpeg(*loops, "-c", "copy", str(film))
    return film


def measure(film: Path, folder: Path, rounds: int) -> dict[str, Any]:
    """Medians of the rounds."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as vidqa index does; before torch
    session = vidqa.open(model="nano", device="cpu")
    threads = session.context.sampling.threads
    studied = study_film(film)
    length_s = studied.clock.duration_s
    wish = Wish(seconds_T=ClipGrid(length_s).seconds(0), size=(56, 56))

    def decoder() -> None:
        with PictureStream(studied, wish, threads=threads) as stream:
            _require(sum(1 for _ in stream) == len(wish.seconds_T), "frames are missing")

    def everything() -> None:
        with av.open(str(film)) as container:
            container.streams.video[0].thread_type = "AUTO"
            container.streams.video[0].codec_context.thread_count = threads
            for _ in container.decode(video=0):
                pass

    def ingest() -> None:
        place = folder / f"{time.monotonic_ns()}.db"
        report = session.index(film, db=place)
        _require(report.counts() == {"indexed": 1}, str(report.files))

    contenders = {"decoder": decoder, "everything": everything, "ingest": ingest}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, work in contenders.items():
            taken[name].append(_timed(work))
    rows = {
        name: {
            "rate": length_s / statistics.median(wall for wall, _ in times),
            "cpu_s": statistics.median(cpu for _, cpu in times) / (length_s / 60),
        }
        for name, times in taken.items()
    }
    rate = rows["ingest"]["rate"]
    return {
        "film": {"seconds": length_s, "size": studied.size, "bytes": film.stat().st_size},
        "cores": len(os.sched_getaffinity(0)),
        "contenders": rows,
        "rate": rate,
        "share": rate / rows["decoder"]["rate"],
    }


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall_s, time.process_time() - cpu_s


def _require(sound: bool, what: str) -> None:
    if not sound:
        raise SystemExit(what)


def _ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute of film, one round")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--film", type=Path, help="measure with this one")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
