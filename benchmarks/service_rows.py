"""What a part of the service's benchmark found, and a journal that a long run goes on from."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure, beside what is wanted."""

    what: str
    measured: str
    wanted: str = ""
    reached: bool | None = None
    """None: nothing is wanted of it."""
    facts: dict[str, Any] = field(default_factory=dict)
    """The numbers behind it, for ``--json``."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "what": self.what,
            "measured": self.measured,
            "wanted": self.wanted,
            "reached": self.reached,
            **self.facts,
        }


def table_of(rows: Sequence[Row]) -> Table:
    """For a terminal."""
    table = Table("what", "measured", "wanted", "")
    for row in rows:
        verdict = {True: "yes", False: "NO", None: ""}[row.reached]
        table.add_row(row.what, row.measured, row.wanted, verdict)
    return table


class Journal:
    """Trials that were done, one line of JSON each; without a path, in memory alone."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lines: list[dict[str, Any]] = []
        if path is not None and path.exists():
            whole, _, _ = path.read_text().rpartition("\n")  # a torn last line is none
            self._lines = [json.loads(line) for line in whole.splitlines()]

    def done(self, **key: Any) -> list[dict[str, Any]]:
        """Trials that were of this kind."""
        return [each for each in self._lines if key.items() <= each.items()]

    def add(self, found: dict[str, Any], **key: Any) -> dict[str, Any]:
        """Write a trial down before anything else is done; returns it."""
        line = found | key
        self._lines.append(line)
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps(line) + "\n")
        return line


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that so many of them are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def spread(values: Sequence[float]) -> str:
    """Median and worst."""
    return f"median {statistics.median(values):.1f}, worst {max(values):.1f}"
