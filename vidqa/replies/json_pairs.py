"""Spans in JSON or near it: arrays of two, tuples, objects with a start and an end; fenced, cut off
at the token limit, or inside a sentence. Only what is complete counts.
"""

from __future__ import annotations

import re

from vidqa.replies.pairs import Pair
from vidqa.replies.times import find_times

_VALUE = r"""["']?\s*([-−]?[0-9.:]+\s*(?:s|secs?|seconds?)?)\s*["']?"""
_COUPLE = re.compile(rf"[\[(]\s*{_VALUE}\s*,\s*{_VALUE}\s*[\])]", re.IGNORECASE)
_OBJECT = re.compile(r"\{[^{}]*\}")
_KEY = r"""["']?(?:{names})(?:[_ ]?(?:time|timestamp|s|sec|secs|seconds))?["']?\s*[:=]\s*"""
_START = re.compile(_KEY.format(names="start|begin|from") + _VALUE + r"\s*[,}]", re.IGNORECASE)
_END = re.compile(_KEY.format(names="end|stop|to") + _VALUE + r"\s*[,}]", re.IGNORECASE)
_NOTHING = re.compile(
    r"""(?:\{\s*["'][a-z_ ]+["']\s*:\s*)?(?:\[[\s\[\]]*\]|null|none)\s*\}?""", re.IGNORECASE
)


def json_pairs(text: str) -> list[Pair]:
    """Start and end in seconds of every complete span, in order."""
    objects = [_object_pair(match[0]) for match in _OBJECT.finditer(text)]
    found = [pair for pair in objects if pair]
    return found or [
        pair for match in _COUPLE.finditer(text) if (pair := _values(match[1], match[2]))
    ]


def is_empty_list(text: str) -> bool:
    """Whether the text is a JSON value that holds no span: ``[]``, ``{"spans": []}``, ``null``."""
    return bool(_NOTHING.fullmatch(text.strip()))


def _object_pair(text: str) -> Pair | None:
    start, end = _START.search(text), _END.search(text)
    return _values(start[1], end[1]) if start and end else None


def _values(start: str, end: str) -> Pair | None:
    starts, ends = find_times(start), find_times(end)
    if len(starts) == len(ends) == 1:
        return starts[0].seconds, ends[0].seconds
    return None
