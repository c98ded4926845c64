"""Labelled questions from a file of JSON lines.

``{"video": "door.mp4", "query": "person opens door", "spans": [[7.1, 10.5]]}`` on every line:
``video`` is a path from the file's own folder, ``spans`` are seconds from the first displayed
frame, ``[]`` where the query does not happen; ``start`` and ``end``, which may be left out, bound
the part of the video that is asked about. Blank lines are passed over; unknown names are refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vidqa.errors import QueryError
from vidqa.timeline import Span

_NAMES = frozenset({"video", "query", "spans", "start", "end"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A query about a video, and when it happens there."""

    video: Path
    query: str
    spans: tuple[Span, ...]
    start_s: float | None = None
    end_s: float | None = None


def read_labelled(path: Path) -> list[Labelled]:
    """The questions of a file, in order. Raises :class:`QueryError` with the line's number."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        raise QueryError(
            f"{path}: cannot be read ({err})",
            code="labels_unreadable",
            next_step="Give a file of JSON lines in UTF-8.",
        ) from err
    asked = [_read(path, n, line) for n, line in enumerate(lines, start=1) if line.strip()]
    if not asked:
        raise _wrong(path, len(lines), "there is no labelled question in it")
    return asked


def _read(path: Path, number: int, line: str) -> Labelled:
    try:
        return _labelled(path.parent, json.loads(line))
    except (ValueError, TypeError) as err:
        raise _wrong(path, number, str(err)) from err


def _labelled(folder: Path, given: object) -> Labelled:
    """What a line says; raises :class:`ValueError` or :class:`TypeError` where it does not."""
    if not isinstance(given, Mapping) or not {"video", "query", "spans"} <= given.keys():
        raise ValueError("it needs video, query and spans")
    if unknown := given.keys() - _NAMES:
        raise ValueError(f"it has an unknown name {sorted(unknown)[0]!r}")
    edges = {f"{n}_s": float(given[n]) for n in ("start", "end") if given.get(n) is not None}
    return Labelled(
        video=folder / str(given["video"]),
        query=str(given["query"]),
        spans=tuple(Span(float(start), float(end)) for start, end in given["spans"]),
        **edges,
    )


def _wrong(path: Path, number: int, why: str) -> QueryError:
    return QueryError(
        f"{path}, line {number}: {why}",
        code="labels_unreadable",
        next_step='Write {"video": "a.mp4", "query": "...", "spans": [[start, end]]} on each line.',
    )
