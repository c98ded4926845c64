"""A model's words in; spans of time, an answer, a plain no, or "unreadable" out. Never a guess."""

from __future__ import annotations

from vidqa.replies.answers import ParsedAnswer, parse_answer
from vidqa.replies.boxes import SaidMark, parse_marks
from vidqa.replies.events import ParsedEvents, SaidEvent, parse_events
from vidqa.replies.spans import ParsedSpans, ParseKind, format_spans, parse_spans

__all__ = [
    "ParseKind",
    "ParsedAnswer",
    "ParsedEvents",
    "ParsedSpans",
    "SaidEvent",
    "SaidMark",
    "format_spans",
    "parse_answer",
    "parse_events",
    "parse_marks",
    "parse_spans",
]
