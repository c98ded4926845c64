"""A result as JSON, whole or on one line, and its spans as a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from vidqa.export.cues import one_line, told_of
from vidqa.results import AskResult, Mark, Result, Segment
from vidqa.timeline import format_timecode

COLUMNS = ("start", "end", "start_tc", "end_tc", "score", "precision_s", "text")
MARK_COLUMNS = ("mark", "x1", "y1", "x2", "y2", "label")
"""Further columns, only where an answer has marks; a point has no ``x2`` and ``y2``."""


def to_json(result: Result) -> str:
    """The whole result, indented."""
    return json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def to_json_list(results: Sequence[Result]) -> str:
    """Whole results as one list, indented."""
    told = [result.to_dict() for result in results]
    return json.dumps(told, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def to_jsonl(result: Result) -> str:
    """The whole result on one line."""
    return json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(result: Result) -> str:
    """One line for each span under a line of names; the words last, quoted where they need it.

    Marks follow, a line each: the time of their frame as start and end, their pixels and label.
    """
    marks = result.marks if isinstance(result, AskResult) else ()
    blank = [""] * len(MARK_COLUMNS) if marks else []
    sheet = io.StringIO()
    table = csv.writer(sheet, lineterminator="\n")
    table.writerow(COLUMNS + MARK_COLUMNS if marks else COLUMNS)
    told = told_of(result)
    table.writerows([*_span_cells(s, not_a_formula(words)), *blank] for s, words in told)
    if isinstance(result, AskResult):
        answer = not_a_formula(one_line(result.answer))
        table.writerows(_mark_cells(mark, answer) for mark in marks)
    return sheet.getvalue()


def _span_cells(segment: Segment, words: str) -> list[str]:
    start_s, end_s = segment.span.start_s, segment.span.end_s
    times = (f"{start_s:.3f}", f"{end_s:.3f}", format_timecode(start_s), format_timecode(end_s))
    return [*times, f"{segment.score:.4f}", f"{segment.precision_s:.3f}", words]


def _mark_cells(mark: Mark, words: str) -> list[str]:
    times = [""] * 4
    if mark.pts_s is not None:
        times = [f"{mark.pts_s:.3f}"] * 2 + [format_timecode(mark.pts_s)] * 2
    xy = [f"{x:.2f}" for x in mark.xy] + [""] * (4 - len(mark.xy))
    return [*times, "", "", words, mark.kind, *xy, not_a_formula(mark.label)]


def not_a_formula(text: str) -> str:
    """Spreadsheets run a cell that begins with one of these; an apostrophe makes it words."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
