"""How an ingest goes, told on stderr: a bar on a terminal, a line a file elsewhere, or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vidqa.cli.progress import Report

if TYPE_CHECKING:  # they import numpy and the database's library
    from vidqa.pipeline.ingest_report import FileReport, IngestProgress, Watcher


@contextmanager
def watching(style: str, report: Report) -> Iterator[Watcher]:
    """Tells how it goes on stderr: a bar on a terminal, a line a file elsewhere."""
    from vidqa.pipeline.ingest_report import Watcher  # late: the decoder

    if style == "jsonl":
        yield Watcher(progress=_jsonl_step, file=_jsonl_file)
    elif style == "bar" or (style == "auto" and sys.stderr.isatty()):
        with _bar(report) as watcher:
            yield watcher
    else:
        teller = _Teller(report, every=style != "none")
        yield Watcher(progress=teller.step, file=teller.file)


class _Teller:
    """Lines: one for each file that is not simply there already."""

    def __init__(self, report: Report, *, every: bool) -> None:
        self._say, self._every = report.say, every
        self._last: IngestProgress | None = None

    def step(self, progress: IngestProgress) -> None:
        self._last = progress

    def file(self, told: FileReport) -> None:
        if told.outcome == "failed":
            self._say(_of_failed(told))
        elif self._every and told.outcome != "unchanged":
            after = f"; {_of_progress(self._last)}" if self._last else ""
            self._say(f"{told.outcome}: {told.url}{after}")
        for note in told.notes:
            self._say(f"{told.url}: {note}")


@contextmanager
def _bar(report: Report) -> Iterator[Watcher]:
    # Imported here: a terminal is there, so a person is, and rich is worth its start-up time.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from vidqa.pipeline.ingest_report import Watcher

    columns = (BarColumn(), TextColumn("{task.percentage:3.0f}% {task.description}"))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as bars:
        task = bars.add_task("", total=1.0)
        teller = _Teller(report, every=False)

        def step(progress: IngestProgress) -> None:
            bars.update(task, completed=progress.fraction, description=_of_progress(progress))

        yield Watcher(progress=step, file=teller.file)


def _of_progress(progress: IngestProgress) -> str:
    parts = [f"{progress.files_done} of {progress.files} files"]
    if progress.video_s:
        parts.append(
            f"{clock_text(progress.video_s)} of video, {progress.rate:.3g} times real time"
        )
    if progress.eta_s is not None and progress.files_done < progress.files:
        parts.append(f"{clock_text(progress.eta_s)} left")
    return ", ".join(parts)


def _of_failed(told: FileReport) -> str:
    known = " (as before; --retry tries again)" if told.known else ""
    return f"not indexed{known}: {told.reason}"


def _jsonl_step(progress: IngestProgress) -> None:
    _print(
        {
            "stage": "index",
            "files_done": progress.files_done,
            "files": progress.files,
            "fraction": progress.fraction,
            "video_seconds": progress.video_s,
            "rate": progress.rate,
            "eta_s": progress.eta_s,
        }
    )


def _jsonl_file(told: FileReport) -> None:
    _print({"file": told.to_dict()})


def _print(told: dict[str, object]) -> None:
    print(json.dumps(told), file=sys.stderr, flush=True)


def clock_text(seconds: float) -> str:
    """Seconds as hours, minutes and seconds: ``1:02:03``."""
    minutes, s = divmod(round(seconds), 60)
    h, m = divmod(minutes, 60)
    return f"{h}:{m:02d}:{s:02d}"
