"""Progress on stderr: a bar on a terminal, a line a stage elsewhere, JSON lines for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vidqa.errors import SettingsError

Progress = Callable[[str, int, int], None]
Say = Callable[[str], None]
STYLES = ("auto", "bar", "plain", "jsonl", "none")


@dataclass(frozen=True, slots=True)
class Report:
    """What a command tells on stderr while it works."""

    step: Progress
    """Stage, steps done, steps in all."""
    say: Say
    """A sentence for whoever started it."""
    clear: Callable[[], None] = lambda: None
    """Take bars off the screen for good: something else is to be printed there."""


@contextmanager
def show_progress(style: str) -> Iterator[Report]:
    """Progress in one of :data:`STYLES`; ``auto``: a bar on a terminal, else lines."""
    if style not in STYLES:
        raise SettingsError(
            f"there is no progress style {style!r}",
            code="progress_unknown",
            next_step=f"Choose one of {', '.join(STYLES)}.",
        )
    if style == "auto":
        style = "bar" if sys.stderr.isatty() else "plain"
    if style == "bar":
        with _bar() as (step, clear):
            yield Report(step, _say, clear)
    elif style == "jsonl":
        yield Report(_jsonl, _say_jsonl)
    else:
        yield Report(_plain if style == "plain" else _silent, _say)


def _say(text: str) -> None:
    # Looked up at each call: while bars are shown, rich stands in for it and prints above them.
    print(f"vidqa: {text}", file=sys.stderr, flush=True)


def _say_jsonl(text: str) -> None:
    print(json.dumps({"note": text}), file=sys.stderr, flush=True)


def _silent(stage: str, done: int, total: int) -> None:
    pass


def _plain(stage: str, done: int, total: int) -> None:
    if done == total:
        print(f"vidqa: {stage} done", file=sys.stderr, flush=True)


def _jsonl(stage: str, done: int, total: int) -> None:
    line = json.dumps({"stage": stage, "done": done, "total": total})
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _bar() -> Iterator[tuple[Progress, Callable[[], None]]]:
    # Imported here: a terminal is there, so a person is, and rich is worth its start-up time.
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description:>8}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Bars(*columns, console=console, transient=True, redirect_stdout=False) as bars:
        tasks = {}

        def advance(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=None)
            # A stage that cannot count its steps pulses until it is done.
            bars.update(tasks[stage], completed=done, total=total if done else None)

        yield advance, bars.stop
