"""Progress on stderr: a bar on a terminal, a line a stage elsewhere, JSON lines for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vidqa.errors import SettingsError

Progress = Callable[[str, int, int], None]
STYLES = ("auto", "bar", "plain", "jsonl", "none")


@contextmanager
def show_progress(style: str) -> Iterator[Progress]:
    """A progress function in one of :data:`STYLES`; ``auto``: a bar on a terminal, else lines."""
    if style not in STYLES:
        raise SettingsError(
            f"there is no progress style {style!r}",
            code="progress_unknown",
            next_step=f"Choose one of {', '.join(STYLES)}.",
        )
    if style == "auto":
        style = "bar" if sys.stderr.isatty() else "plain"
    if style == "bar":
        with _bar() as progress:
            yield progress
    else:
        yield {"plain": _plain, "jsonl": _jsonl, "none": _silent}[style]


def _silent(stage: str, done: int, total: int) -> None:
    pass


def _plain(stage: str, done: int, total: int) -> None:
    if done == total:
        print(f"vidqa: {stage} done", file=sys.stderr, flush=True)


def _jsonl(stage: str, done: int, total: int) -> None:
    line = json.dumps({"stage": stage, "done": done, "total": total})
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _bar() -> Iterator[Progress]:
    # Imported here: a terminal is there, so a person is, and rich is worth its start-up time.
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description:>8}"), BarColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def advance(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=None)
            # A stage that cannot count its steps pulses until it is done.
            bars.update(tasks[stage], completed=done, total=total if done else None)

        yield advance
