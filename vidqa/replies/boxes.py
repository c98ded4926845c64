"""Boxes and points in a reply, in pixels of the picture the model saw. Never a guess.

Read are JSON objects with ``bbox_2d`` or ``point_2d`` (fenced, nested, cut off at the token limit),
``<points x1=".." y1="..">name</points>`` with any number of points, ``<point x=".." y="..">``, and
a reply that is nothing but lines of ``x1,y1,x2,y2 label``: the forms of Qwen's spatial cookbook.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vidqa.replies.tags import without_tags, without_thinking
from vidqa.replies.times import find_times
from vidqa.results import MarkKind

_NUMBER = r"-?[0-9]{1,7}(?:\.[0-9]{1,9})?"
_LINE = re.compile(rf"\s*({_NUMBER})\s*," * 3 + rf"\s*({_NUMBER})[\s,]\s*(\S.*)")
_ATTRIBUTE = re.compile(r"""([a-z_]+[0-9]*)\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_POINTS = re.compile(
    r"""<points?((?:\s+[a-z_]+[0-9]*\s*=\s*(?:"[^"]*"|'[^']*'))+)\s*/?>"""
    r"""(?:([^<]*)</points?>)?""",
    re.IGNORECASE,
)
_SHAPES: tuple[tuple[str, MarkKind, int], ...] = (("bbox_2d", "box", 4), ("point_2d", "point", 2))
_LABELS = ("label", "text_content")
_TIMES = ("time", "timestamp", "seconds", "start_time")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class SaidMark:
    """A box or a point as the model said it."""

    kind: MarkKind
    xy: tuple[float, ...]
    """``(left, top, right, bottom)`` or ``(x, y)`` in pixels of the picture the model saw."""
    label: str
    time_s: float | None = None
    """On the model's timeline, when it said one."""


def parse_marks(reply: str) -> tuple[SaidMark, ...]:
    """Every complete mark in order, repeats dropped; none where the reply holds none.

    Swapped corners are put in order. A mark whose numbers are not finite, not four or not two is
    left out. Nothing is known of the picture here: a mark may lie outside it.
    """
    said = without_thinking(reply)
    found = list(_in_json(said)) or list(_in_xml(said)) or list(_in_lines(said))
    return tuple(dict.fromkeys(found))


def _in_json(text: str) -> Iterator[SaidMark]:
    """Of every object that can be read; an outer one cut off does not hide the inner ones."""
    at = text.find("{")
    while at >= 0:
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield from _in_value(value)
        at = text.find("{", end)


def _in_value(value: object) -> Iterator[SaidMark]:
    """Depth first, without recursion: a reply may nest as deep as the decoder goes."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from _of_object(value)
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


def _of_object(fields: Mapping[str, object]) -> Iterator[SaidMark]:
    label = next((v for name in _LABELS if isinstance(v := fields.get(name), str)), "")
    for name, kind, count in _SHAPES:
        numbers = fields.get(name)
        if isinstance(numbers, list) and len(numbers) == count:
            yield from _mark(kind, numbers, label, _time_in(fields))


def _in_xml(text: str) -> Iterator[SaidMark]:
    for tag in _POINTS.finditer(text):
        said = _ATTRIBUTE.finditer(tag[1])
        fields = {m[1].lower(): html.unescape(m[2] or m[3] or "") for m in said}
        label = html.unescape(tag[2] or "").strip() or fields.get("alt", "")
        for number in (name[1:] for name in fields if name[0] == "x" and f"y{name[1:]}" in fields):
            pair = [_float(fields[f"{axis}{number}"]) for axis in "xy"]
            yield from _mark("point", pair, label, _time_in(fields))


def _in_lines(text: str) -> Iterator[SaidMark]:
    lines = [line for line in without_tags(text).splitlines() if line.strip()]
    matches = [_LINE.fullmatch(line) for line in lines]
    for match in matches:
        if match is None or not all(matches):
            return
        yield from _mark("box", [float(x) for x in match.groups()[:4]], match[5], None)


def _mark(
    kind: MarkKind, numbers: Sequence[object], label: str, time_s: float | None
) -> Iterator[SaidMark]:
    xy = [x for number in numbers if (x := _float(number)) is not None and math.isfinite(x)]
    if len(xy) < len(numbers):
        return
    if kind == "box":
        xy = [*map(min, xy[:2], xy[2:]), *map(max, xy[:2], xy[2:])]
    yield SaidMark(kind, tuple(xy), " ".join(label.split()), time_s)


def _float(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not re.fullmatch(_NUMBER, value.strip()):
        return None  # Python would read "1_0" as ten
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _time_in(fields: Mapping[str, object]) -> float | None:
    return next((t for name in _TIMES if (t := _seconds(fields.get(name))) is not None), None)


def _seconds(value: object) -> float | None:
    """A number, or text that is one time."""
    if isinstance(value, str):
        times = find_times(value)
        return times[0].seconds if len(times) == 1 else None
    number = _float(value)
    return number if number is not None and math.isfinite(number) else None
