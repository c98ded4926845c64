"""How fast, how lean, how alike: our reader against its peers, same frames of the same files.

``python -m benchmarks.sampler [--quick] [--json] [--rounds N] [--folder DIR]``

Every reading happens in a fresh process; contenders take turns, and the median over the rounds
counts. One core is enough for all figures but the wall time of two threads.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.clips import FULL, QUICK, Clip
from benchmarks.readers import CONTENDERS, Job
from vidqa.sampling.qwen import linspace_indices
from vidqa.video import frame_times

ROOT = Path(__file__).resolve().parents[1]
OURS, OURS_LEAN, KEYS = "vidqa, 2 threads", "vidqa, 1 thread", "vidqa key frames"
ISOLATED = "vidqa isolated, 2 threads"
QWEN, LIMIT = "qwen-vl-utils (decord)", "libavcodec, decode only"
FIGURES = ("cpu_s", "wall_s", "peak_mb")
Medians = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Target:
    """A ratio of two contenders' figures, and the bound it is held against."""

    text: str
    figure: str
    above: str
    below: str
    at_least: float

    def ratio(self, medians: Medians) -> float | None:
        """``above`` over ``below``; None where one of them did not run."""
        if self.above not in medians or self.below not in medians:
            return None
        return medians[self.above][self.figure] / medians[self.below][self.figure]


TARGETS = (
    Target("CPU time: qwen-vl-utils / vidqa", "cpu_s", QWEN, OURS_LEAN, 1.6),
    Target("wall time: qwen-vl-utils / vidqa, 2 threads", "wall_s", QWEN, OURS, 2.0),
    Target("peak memory: qwen-vl-utils / vidqa", "peak_mb", QWEN, OURS, 10.0),
    Target("CPU time: decode every frame / vidqa", "cpu_s", LIMIT, OURS_LEAN, 1.0),
    Target("CPU time: exact / key frames", "cpu_s", OURS_LEAN, KEYS, 10.0),
    Target("wall time: vidqa / isolated, 2 threads", "wall_s", OURS, ISOLATED, 0.9),
)


def main() -> None:
    """Run, then print tables or one JSON document."""
    options = _options()
    clips = QUICK if options.quick else FULL
    rounds = options.rounds or (1 if options.quick else 5)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(options.folder or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        absent: dict[str, str] = {}
        results = [run_clip(clip, folder, Path(scratch), rounds, absent) for clip in clips]
    if options.json:
        print(json.dumps({"rounds": rounds, "absent": absent, "clips": results}, indent=1))
    else:
        for result in results:
            show(result)
        for name, why in absent.items():
            print(f"{name} does not run here: {why}")


def run_clip(
    clip: Clip, folder: Path, scratch: Path, rounds: int, absent: dict[str, str]
) -> dict[str, Any]:
    """All contenders on one clip: medians, ratios against the targets, differences of pixels.

    Who does not run is noted in ``absent`` and not tried again.
    """
    _say(f"{clip.name}: {clip.seconds} s, {clip.frames} frames of {clip.size}")
    job = job_of(clip, clip.make(folder))
    job.write(scratch / "job.json")
    readings: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for number, name in enumerate(CONTENDERS):
            if name not in absent:
                _read_once(name, scratch, number, readings, absent)
    medians = {name: _median(figures) for name, figures in readings.items()}
    return {
        "clip": clip.name,
        "seconds": clip.seconds,
        "frames": clip.frames,
        "size": clip.size,
        "medians": medians,
        "targets": list(_judged(medians)),
        "pixels_unlike_vidqa": dict(_differences(scratch)),
    }


def job_of(clip: Clip, path: Path) -> Job:
    """The frames that qwen-vl-utils would take, by number and by time."""
    times = frame_times(path)
    indices = [int(i) for i in linspace_indices(0, len(times) - 1, clip.frames)]
    seconds = [float(times[i]) for i in indices]
    height, width = clip.size
    return Job(path=str(path), indices=indices, seconds=seconds, height=height, width=width)


def _read_once(
    name: str,
    scratch: Path,
    number: int,
    readings: dict[str, list[dict[str, float]]],
    absent: dict[str, str],
) -> None:
    kept = scratch / f"pixels-{number}.npy"
    line = [sys.executable, "-W", "ignore", "-m", "benchmarks.readers", name]
    done = subprocess.run(
        [*line, str(scratch / "job.json"), str(kept)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        absent[name] = (done.stderr.strip().splitlines() or ["no reason given"])[-1][:160]
        _say(f"  {name}: does not run here ({absent[name]})")
        return
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    readings.setdefault(name, []).append(figures)
    _say(f"  {name}: {figures['cpu_s']:.2f} s CPU, {figures['wall_s']:.2f} s wall")


def _median(readings: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(r[name] for r in readings) for name in FIGURES}


def _judged(medians: Medians) -> Iterator[dict[str, object]]:
    for target in TARGETS:
        ratio = target.ratio(medians)
        if ratio is not None:
            met = ratio >= target.at_least
            wanted = {"target": target.text, "at_least": target.at_least}
            yield {**wanted, "measured": round(ratio, 2), "met": met}


def _differences(scratch: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Against our own pixels: largest and mean difference of one colour value, 0 to 255."""
    names = list(CONTENDERS)
    ours = np.load(scratch / f"pixels-{names.index(OURS)}.npy").astype(np.int16)
    for number, name in enumerate(names):
        file = scratch / f"pixels-{number}.npy"
        if file.exists() and name not in (OURS, KEYS):
            unlike = np.abs(np.load(file).astype(np.int16) - ours)
            yield name, {"largest": int(unlike.max()), "mean": round(float(unlike.mean()), 4)}


def show(result: dict[str, Any]) -> None:
    """Two tables for one clip: the contenders, then the targets."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    height, width = result["size"]
    title = (
        f"{result['clip']}, {result['seconds']} s: {result['frames']} frames of {height}x{width}"
    )
    table = Table("times vidqa:", "CPU s", "x", "wall s", "x", "MB", "x", "pixels off", title=title)
    base = result["medians"][OURS]
    for name, figures in result["medians"].items():
        cells = (f"{figures[f]:.2f} {figures[f] / base[f]:.2f}".split() for f in FIGURES)
        unlike = result["pixels_unlike_vidqa"].get(name)
        off = f"{unlike['mean']:.3f} (max {unlike['largest']})" if unlike else ""
        table.add_row(name, *(cell for pair in cells for cell in pair), off)
    console.print(table)
    goals = Table("ratio", "at least", "measured", "")
    for goal in result["targets"]:
        goals.add_row(
            goal["target"],
            f"{goal['at_least']:g}",
            f"{goal['measured']:.2f}",
            "met" if goal["met"] else "missed",
        )
    console.print(goals)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one clip, one round: about a minute")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--rounds", type=int, help="readings per contender (default 5, quick 1)")
    parser.add_argument("--folder", help="keep the generated clips here, to use them again")
    return parser.parse_args()


if __name__ == "__main__":
    main()
