"""Hours of video, to the second: needles in films drawn by nano's world, searched and in one pass.

``python -m benchmarks.long_video [--quick] [--json] [--model NAME] [--lengths 10m,1h,2h,8h]
[--needles 20] [--folder FOLDER] [--plot FILE.svg] [--passes N]``

For each length films are drawn in which so many things happen once and as many never do; a ten
minute film has room for five. Every film is searched in a process of its own, whose peak resident
memory is told, all questions sharing one skim; then the same questions are put to one pass over
the whole film within the largest budget there is (768 frames, 24,576 tokens). What counts of a
search is its first segment; ``looked there`` is the share of needles whose place a close look was
spent on, right or wrong. Absent ones that are "found" are false alarms. Times are wall seconds
of this machine: the skim with everything before it, and each question after it. ``--quick`` takes
about a minute: ten minutes and an hour, five needles each. ``--folder`` keeps the films for the
next run.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.curve import draw_curve
from vidqa_nano import needle

LENGTHS = {"10m": 600.0, "1h": 3600.0, "2h": 7200.0, "8h": 28_800.0}
_SECONDS_PER_NEEDLE = 120.0
"""Room that a film needs for each."""
GOALS = {
    "hit_1s": (">=", 0.80),
    "hit_5s": (">=", 0.90),
    "false_alarms": ("<=", 0.15),
    "precision_holds": (">=", 0.90),
    "passes_most": ("<=", 6),
    "tokens_most": ("<=", 24_576),
    "peak_mb": ("<=", 1500),
}


@dataclass(slots=True)
class Clock:
    """When the stages of a call began and stepped, as its progress tells."""

    began_s: float = field(default_factory=time.perf_counter)
    search_s: list[float] = field(default_factory=list)

    def step(self, stage: str, done: int, total: int) -> None:
        """A progress callback."""
        if stage == "search":
            self.search_s.append(time.perf_counter())

    @property
    def skim_s(self) -> float:
        """From the call to the first question."""
        return self.search_s[0] - self.began_s

    @property
    def questions_s(self) -> list[float]:
        """Of each question after the skim."""
        return [b - a for a, b in zip(self.search_s, self.search_s[1:], strict=False)]


def main(argv: list[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    args = _arguments(argv)
    if args.film:
        print(json.dumps(measure(args.film, args.model, args.passes, args.threads)))
        return 0
    lengths = ["10m", "1h"] if args.quick else args.lengths.split(",")
    needles = 5 if args.quick else args.needles
    with _folder(args.folder) as folder:
        rows = []
        for length in lengths:
            rows.append(_row(length, needles, folder, args))
            told = {name: value for name, value in rows[-1].items() if name != "answers"}
            print(json.dumps(told), file=sys.stderr, flush=True)  # hours may follow
    if args.plot:
        _plot(rows, args.plot)
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        Console(width=150).print(_table(rows))
    return 0


def films(length: str, needles: int, folder: Path) -> list[Path]:
    """Films of one length with ``needles`` in all, drawn where they are not there yet."""
    seconds = LENGTHS[length]
    each = min(needles, int(seconds // _SECONDS_PER_NEEDLE), needle.MOST)
    drawn = []
    for seed in range(1, math.ceil(needles / each) + 1):
        film = folder / f"{length}-{each}-{seed}.mp4"
        if not film.with_suffix(".json").exists():
            hours, count = ["--hours", str(seconds / 3600)], ["--needles", str(each)]
            run = [sys.executable, "-m", "vidqa_nano.needle", str(film), *hours, *count]
            subprocess.run([*run, "--seed", str(seed)], check=True, stdout=subprocess.DEVNULL)
        drawn.append(film)
    return drawn


def measure(film: Path, model: str, passes: int | None, threads: int) -> dict[str, Any]:
    """One film searched for all its questions, then asked them in one pass."""
    import torch

    import vidqa
    from benchmarks.readers import peak_mb
    from vidqa.budget import FRAMES_MAX, VIDEO_TOKENS_MAX

    torch.set_num_threads(threads)
    told = json.loads(film.with_suffix(".json").read_text(encoding="utf-8"))
    asked: list[tuple[str, tuple[float, float] | None]]
    asked = [(n["phrase"], (n["start"], n["end"])) for n in told["needles"]]
    asked += [(phrase, None) for phrase in told["absent"]]
    queries = [query for query, _ in asked]
    session = vidqa.open(model=model, threads=threads)
    ctx = session.context
    clock = Clock()
    session.context = replace(ctx, progress=clock.step)
    searched = session.ground_many(film, queries, effort=vidqa.Effort(passes=passes))
    peak = peak_mb()
    engine = ctx.engine
    engine.profile = replace(
        engine.profile, reach=replace(engine.profile.reach, one_pass_s=2 * told["duration"])
    )
    budget = replace(ctx.sampling.budget, frames=FRAMES_MAX, video_tokens=VIDEO_TOKENS_MAX)
    session.context = replace(ctx, sampling=replace(ctx.sampling, budget=budget))
    began_s = time.perf_counter()
    single = session.ground_many(film, queries)
    single_s = time.perf_counter() - began_s
    times = clock.questions_s
    return {
        "duration_s": told["duration"],
        "skim_s": clock.skim_s,
        "peak_mb": peak,
        "single_s": single_s / len(queries),
        "model": engine.identity,
        "search": [_told(r, t, s) for r, (_, t), s in zip(searched, asked, times, strict=True)],
        "single": [_told(r, t, 0.0) for r, (_, t) in zip(single, asked, strict=True)],
    }


def _told(result: Any, true: tuple[float, float] | None, seconds: float) -> dict[str, Any]:
    """One answer beside the truth."""
    own = [each for each in result.provenance.passes if each.stage != "skim"]
    first = result.segments[0] if result.segments else None
    off_s = None
    if first is not None and true is not None:
        off_s = max(abs(first.span.start_s - true[0]), abs(first.span.end_s - true[1]))
    return {
        "query": result.query,
        "present": true is not None,
        "outcome": result.outcome,
        "off_s": off_s,
        "right_place": first is not None and true is not None
        and first.span.start_s < true[1] and true[0] < first.span.end_s,
        "looked_there": true is not None and any(
            each.confirmed is not None
            and each.span.start_s <= true[0] and true[1] <= each.span.end_s
            for each in result.considered
        ),
        "precision_s": first.precision_s if first else None,
        "confidence": first.confidence if first else None,
        "passes": sum(each.count for each in own),
        "tokens_most": max((each.video_tokens for each in own), default=0),
        "seconds": seconds,
    }  # fmt: skip


def _row(length: str, needles: int, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """The figures of one length, all its films together."""
    found = []
    for film in films(length, needles, folder):
        run = [sys.executable, "-m", "benchmarks.long_video", "--film", str(film)]
        run += ["--model", args.model, "--threads", str(args.threads)]
        run += ["--passes", str(args.passes)] if args.passes else []
        done = subprocess.run(run, check=True, stdout=subprocess.PIPE, text=True)
        found.append(json.loads(done.stdout))
    answers = [each for film in found for each in film["search"]]
    single = [each for film in found for each in film["single"]]
    times = sorted(each["seconds"] for each in answers)
    placed = [each for each in answers if each["right_place"]]
    holds = [each["off_s"] <= each["precision_s"] + 0.05 for each in placed]
    return {
        "length": length,
        "duration_s": LENGTHS[length],
        "needles": sum(each["present"] for each in answers),
        "absent": sum(not each["present"] for each in answers),
        "hit_1s": _share(answers, 1.0),
        "hit_5s": _share(answers, 5.0),
        "false_alarms": _alarms(answers),
        "looked_there": _mean([each["looked_there"] for each in answers if each["present"]]),
        "single_hit_1s": _share(single, 1.0),
        "single_hit_5s": _share(single, 5.0),
        "single_false_alarms": _alarms(single),
        "precision_holds": sum(holds) / len(holds) if holds else None,
        "placed": len(placed),
        "passes_mean": sum(each["passes"] for each in answers) / len(answers),
        "passes_most": max(each["passes"] for each in answers),
        "tokens_most": max(each["tokens_most"] for each in answers),
        "peak_mb": max(film["peak_mb"] for film in found),
        "skim_s": sum(film["skim_s"] for film in found) / len(found),
        "question_s": times[len(times) // 2],
        "single_s": sum(film["single_s"] for film in found) / len(found),
        "model": found[0]["model"],
        "answers": answers,
    }


def _share(answers: Sequence[dict[str, Any]], within_s: float) -> float:
    """Of the needles, those whose start and end both lie within so many seconds; a tenth is the
    rounding of the truth itself and half of one is forgiven."""
    present = [each for each in answers if each["present"]]
    hits = [each["off_s"] is not None and each["off_s"] <= within_s + 0.05 for each in present]
    return float(sum(hits) / len(hits))


def _mean(values: Sequence[bool]) -> float:
    return sum(values) / len(values)


def _alarms(answers: Sequence[dict[str, Any]]) -> float:
    absent = [each for each in answers if not each["present"]]
    return float(sum(each["outcome"] == "found" for each in absent) / len(absent))


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    """Figures by length, one line each, with what is to be reached."""
    table = Table(title=f"Needles in hours of video, {rows[0]['model'][:20]}")
    table.add_column("figure")
    for row in rows:
        table.add_column(row["length"], justify="right")
    table.add_column("to reach", justify="right")
    for name in rows[0]:
        if name in ("length", "duration_s", "model", "answers"):
            continue
        sign, goal = GOALS.get(name, ("", None))
        cells = [_cell(row[name]) for row in rows]
        table.add_row(name.replace("_", " "), *cells, f"{sign} {goal:g}" if goal else "")
    return table


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


def _plot(rows: Sequence[dict[str, Any]], out: Path) -> None:
    hours = [row["duration_s"] / 3600 for row in rows]
    lines = {
        "skim (once for all questions)": [row["skim_s"] for row in rows],
        "each question after it (median)": [row["question_s"] for row in rows],
    }
    draw_curve(hours, lines, out, title="Seconds against hours of video", x_name="hours of video")


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_video", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--lengths", default=",".join(LENGTHS), help="of 10m, 1h, 2h, 8h")
    parser.add_argument("--needles", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="keep the films here")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw time against length")
    parser.add_argument("--passes", type=int, help="most passes of a question; the profile's own")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--film", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
