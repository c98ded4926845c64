"""What the service adds to a question: the same one as a job and by calling Python, in turns.

Both have nano loaded and the video's tokens and keys at hand after a first question that is not
counted; every further question has other words, so that none is answered from a kept product.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import vidqa
from benchmarks.service_rows import Journal, Row
from tests.chaos.asking import TENANT
from tests.chaos.stage import Mode, Stage, stage

VIDEO = Path(__file__).resolve().parents[1] / "examples" / "door.mp4"
WANTED_MS = 150.0


def overhead(journal: Journal, modes: tuple[Mode, ...], *, rounds: int) -> list[Row]:
    """Medians of so many questions, each way."""
    rows = []
    for mode in modes:
        key = {"part": "overhead", "mode": mode, "rounds": rounds}
        done = journal.done(**key)
        found = done[0] if done else journal.add(_measured(mode, rounds), **key)
        rows.append(_row(mode, found))
    return rows


def _measured(mode: Mode, rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="vidqa-overhead-") as name:
        video = Path(shutil.copy(VIDEO, name))
        settings = {"media_roots": name, "cache_dir": f"{name}/cache"}
        with stage(mode, Path(name), workers=1, settings=settings, stubbed=False) as held:
            session = vidqa.open(cache_dir=Path(name) / "cache-direct")
            jobs_ms, direct_ms = [], []
            for k in range(rounds + 1):
                direct_ms.append(_timed(partial(session.ground, video, _query(2 * k))))
                jobs_ms.append(_timed(partial(_job, held, video, _query(2 * k + 1))))
                print(f"overhead, {mode}: {k} of {rounds}", file=sys.stderr, flush=True)
    return {
        "job_ms": statistics.median(jobs_ms[1:]),
        "direct_ms": statistics.median(direct_ms[1:]),
        "first_job_ms": jobs_ms[0],
    }


def _query(number: int) -> str:
    return f"person number {number} opens a door"


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _job(held: Stage, video: Path, query: str) -> None:
    request = {"video": {"path": str(video)}, "query": query}
    job = held.store.submit(TENANT, "ground", request).job
    for part in held.workers:
        part.keep()
    job = held.store.wait(TENANT, job.id, 120)
    if job.state != "completed":
        raise SystemExit(f"a job ended {job.state}: {job.error}")


def _row(mode: str, found: dict[str, float]) -> Row:
    added = found["job_ms"] - found["direct_ms"]
    return Row(
        what=f"a ground job over calling Python, {mode}, ms",
        measured=f"{added:.0f} ({found['job_ms']:.0f} over {found['direct_ms']:.0f})",
        wanted=f"<= {WANTED_MS:.0f}",
        reached=added <= WANTED_MS,
        facts={"part": "overhead", "mode": mode, "added_ms": added, **found},
    )
