"""A result as JSON, whole or on one line, and its spans as a table."""

from __future__ import annotations

import csv
import io
import json

from vidqa.export.cues import segments_of, words_of
from vidqa.results import Result
from vidqa.timeline import format_timecode

COLUMNS = ("start", "end", "start_tc", "end_tc", "score", "precision_s", "text")


def to_json(result: Result) -> str:
    """The whole result, indented."""
    return json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def to_jsonl(result: Result) -> str:
    """The whole result on one line."""
    return json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(result: Result) -> str:
    """One line for each span under a line of names; the words last, quoted where they need it."""
    sheet = io.StringIO()
    table = csv.writer(sheet, lineterminator="\n")
    table.writerow(COLUMNS)
    words = _not_a_formula(words_of(result))
    for segment in segments_of(result):
        start_s, end_s = segment.span.start_s, segment.span.end_s
        times = (f"{start_s:.3f}", f"{end_s:.3f}", format_timecode(start_s), format_timecode(end_s))
        table.writerow((*times, f"{segment.score:.4f}", f"{segment.precision_s:.3f}", words))
    return sheet.getvalue()


def _not_a_formula(text: str) -> str:
    """Spreadsheets run a cell that begins with one of these; an apostrophe makes it words."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
