"""A skim of hours against the usual sampler: three hours of H.264, key frames 2 to 10 s apart.

``python -m benchmarks.skim [--quick] [--hours 3] [--json] [--folder FOLDER]``

The film is two minutes of a test picture, 640 x 360 at 25 frames a second, repeated without another
encoding. Each contender reads up to 768 frames from all over it at one size, from the path on, in a
process of its own: vidqa as a skim does (measure the film, choose key frames, decode those), and
qwen-vl-utils with decord as its users call it. Then a window of 64 s in the middle is opened at two
frames a second, once the film is measured: what a zoom waits for. Wall and CPU seconds, memory.
``--quick`` takes about a minute: a quarter of an hour of film.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.readers import Job, peak_mb, qwen

FRAMES, HEIGHT, WIDTH, RATE, PIECE_S = 768, 112, 196, 25, 120
QWEN, OURS = "qwen-vl-utils (decord)", "vidqa skim"
ZOOM_S = 64.0
QUICK_HOURS = 0.25


def main() -> int:
    """Print the table; returns the exit code."""
    args = _arguments()
    if args.contender:
        print(json.dumps(CONTENDERS[args.contender](args.film)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        film = make_film(args.folder or Path(folder), QUICK_HOURS if args.quick else args.hours)
        found = {name: _measured(name, film) for name in CONTENDERS}
    found["ratio"] = {
        name: found[QWEN][name] / found[OURS][name] for name in ("wall_s", "cpu_s", "peak_mb")
    }
    if args.json:
        print(json.dumps(found, indent=2))
        return 0
    table = Table("contender", "frames", "wall s", "CPU s", "peak MB", "zoom window opens, wall s")
    for name, row in found.items():
        cells = [row.get(key) for key in ("frames", "wall_s", "cpu_s", "peak_mb", "zoom_s")]
        table.add_row(name, *("-" if cell is None else f"{cell:.4g}" for cell in cells))
    Console(width=110).print(table)
    return 0


def make_film(folder: Path, hours: float) -> Path:
    """The film, made unless it is there."""
    film, piece = folder / f"skim-{hours:g}h.mp4", folder / "piece.mp4"
    if film.exists():
        return film
    rng = np.random.default_rng(0)
    keys = np.cumsum(rng.uniform(2.0, 10.0, PIECE_S))
    forced = ",".join(f"{t:.2f}" for t in keys[keys < PIECE_S - 2])
    source = f"testsrc2=size=640x360:rate={RATE}:duration={PIECE_S}"
    quiet = ["ffmpeg", "-v", "error", "-y"]
    coded = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "9999"]
    forced_keys = ["-sc_threshold", "0", "-force_key_frames", forced]
    subprocess.run(
        [*quiet, "-f", "lavfi", "-i", source, *coded, *forced_keys, str(piece)], check=True
    )
    loops = str(round(hours * 3600 / PIECE_S) - 1)
    subprocess.run(
        [*quiet, "-stream_loop", loops, "-i", str(piece), "-c", "copy", str(film)], check=True
    )
    piece.unlink()
    return film


def skim(film: Path) -> dict[str, Any]:
    """As the pipeline skims, without the model; then one close window."""
    from vidqa.pipeline.planning import Sampling
    from vidqa.pipeline.skimming import plan_skim
    from vidqa.reach import Reach
    from vidqa.sampling import Budget, PatchGrid
    from vidqa.video import open_reader

    wall_s, cpu_s = time.perf_counter(), time.process_time()
    reader = open_reader(film, threads=2)
    how = Sampling(budget=Budget(frames=FRAMES, fixed_size=(HEIGHT, WIDTH)), grid=PatchGrid())
    plan = plan_skim(reader.info, reader.key_times_T, reader.info.span, how, Reach())
    frames = reader.read_frames(plan.stretches[0].plan.seconds, (HEIGHT, WIDTH))
    figures = {
        "frames": len(frames),
        "how": plan.how,
        "wall_s": time.perf_counter() - wall_s,
        "cpu_s": time.process_time() - cpu_s,
        "peak_mb": peak_mb(),
    }
    start_s = reader.info.duration_s / 2 + 1.3
    close = [start_s + k / 2 for k in range(int(2 * ZOOM_S))]
    began_s = time.perf_counter()
    reader.read_frames(close, (HEIGHT, WIDTH))
    return {**figures, "zoom_s": time.perf_counter() - began_s}


def usual(film: Path) -> dict[str, Any]:
    """``fetch_video`` of qwen-vl-utils, which takes as many frames evenly."""
    import decord

    from vidqa.sampling.qwen import linspace_indices

    total = len(decord.VideoReader(str(film)))
    indices = linspace_indices(0, total - 1, FRAMES).tolist()
    job = Job(path=str(film), indices=indices, seconds=[], height=HEIGHT, width=WIDTH)
    read = qwen("decord")(job)
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    read()
    return {
        "frames": FRAMES,
        "wall_s": time.perf_counter() - wall_s,
        "cpu_s": time.process_time() - cpu_s,
        "peak_mb": peak_mb(),
    }


CONTENDERS = {OURS: skim, QWEN: usual}


def _measured(name: str, film: Path) -> dict[str, Any]:
    run = [sys.executable, "-m", "benchmarks.skim", "--film", str(film), "--contender", name]
    done = subprocess.run(run, check=True, stdout=subprocess.PIPE, text=True)
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.skim", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute: 15 minutes of film")
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", type=Path, help="keep the film here")
    parser.add_argument("--film", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--contender", choices=[OURS, QWEN], help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
