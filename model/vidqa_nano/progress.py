"""What a person sees of a run: a bar with the losses on a terminal, plain lines elsewhere.

In: the losses of every step, figures now and then. Out: standard error, and every line in a file.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


class Report:
    """Means of the losses since the last line, and the lines; ``quiet`` for all but one worker."""

    def __init__(self, path: Path, *, quiet: bool) -> None:
        self.path, self.quiet = path, quiet
        self.sums: dict[str, list[float]] = {}
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        columns = (TaskProgressColumn(), BarColumn(), TimeRemainingColumn())
        text = TextColumn("{task.description}")
        self.bar = Progress(
            *columns, text, console=self.console, disable=not self.console.is_terminal
        )
        self.task = self.bar.add_task("drawing", total=1.0)

    def __enter__(self) -> Report:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def add(self, losses: dict[str, float]) -> None:
        """Keep a step's losses for the next line."""
        for name, value in losses.items():
            self.sums.setdefault(name, []).append(value)

    def losses(self, step: int, elapsed_s: float, progress: float) -> None:
        """A line of mean losses."""
        means = {name: sum(values) / len(values) for name, values in self.sums.items()}
        self.sums = {}
        shown = " ".join(f"{k}={v:.3g}" for k, v in means.items())
        self.bar.update(self.task, completed=progress, description=f"step {step} {shown}")
        line = {"step": step, "s": elapsed_s, "done": progress} | means
        self._write(line, say=not self.console.is_terminal)

    def figures(self, step: int, elapsed_s: float, figures: dict[str, float]) -> None:
        """A line of figures, which stays on the screen."""
        self._write({"step": step, "s": elapsed_s} | figures, say=True)

    def _write(self, line: dict[str, float], *, say: bool) -> None:
        if self.quiet:
            return
        with self.path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        if say:
            self.bar.console.print(" ".join(f"{k}={v:.4g}" for k, v in line.items()))
