"""Spans of time and their spelling: seconds, float, on the presentation timeline whose 0 is the
first displayed frame; every interval is half-open, ``[start, end)``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from vidqa.errors import TimeError

_CLOCK = re.compile(r"(?:(?P<h>[0-9]+):)?(?P<m>[0-9]+):(?P<s>[0-9]+(?:\.[0-9]*)?)")
_PLAIN = re.compile(r"(?P<value>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?P<unit>us|ms|s)?")
_UNIT_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, None: 1.0}


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """``[start_s, end_s)`` in seconds; raises :class:`TimeError` unless finite and start <= end."""

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s)):
            raise _impossible(self.start_s, self.end_s, "both ends must be finite")
        if self.start_s > self.end_s:
            raise _impossible(self.start_s, self.end_s, "it ends before it starts")

    @property
    def length_s(self) -> float:
        """End minus start; 0 for an empty span."""
        return self.end_s - self.start_s

    @property
    def middle_s(self) -> float:
        """The moment half way between the two ends."""
        return (self.start_s + self.end_s) / 2

    def contains(self, t_s: float) -> bool:
        """Whether ``t_s`` lies in ``[start, end)``."""
        return self.start_s <= t_s < self.end_s

    def overlaps(self, other: Span) -> bool:
        """Whether the two share more than a point."""
        return self.start_s < other.end_s and other.start_s < self.end_s

    def clamp(self, within: Span) -> Span:
        """The nearest span inside ``within``; one wholly outside is empty at the nearer end."""
        start_s = min(max(self.start_s, within.start_s), within.end_s)
        end_s = min(max(self.end_s, within.start_s), within.end_s)
        return Span(start_s, end_s)

    def shift(self, by_s: float) -> Span:
        """The same length, ``by_s`` later."""
        return Span(self.start_s + by_s, self.end_s + by_s)

    def iou(self, other: Span) -> float:
        """Length shared over length covered by either, 0 to 1; 0 when both are empty."""
        shared_s = max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))
        either_s = self.length_s + other.length_s - shared_s
        return shared_s / either_s if either_s > 0 else 0.0


def merge_overlapping(spans: Iterable[Span], gap_s: float = 0.0) -> list[Span]:
    """Sorted spans with those that touch, or lie within ``gap_s`` of each other, made one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start_s <= merged[-1].end_s + gap_s:
            merged[-1] = Span(merged[-1].start_s, max(merged[-1].end_s, span.end_s))
        else:
            merged.append(span)
    return merged


def parse_time(text: str) -> float:
    """Seconds from ffmpeg's time syntax: ``[-][HH:]MM:SS[.m]`` or ``[-]S[.m][s|ms|us]``.

    Raises :class:`TimeError` on anything else, on minutes or seconds of 60 and more after an
    hours field, and on a value too large to be finite.
    """
    bare = text.strip().removeprefix("-")
    clock, plain = _CLOCK.fullmatch(bare), _PLAIN.fullmatch(bare)
    if clock:
        seconds_s = _clock_seconds(text, clock)
    elif plain:
        seconds_s = float(plain["value"]) * _UNIT_S[plain["unit"]]
    else:
        raise _unreadable(text)
    if not math.isfinite(seconds_s):
        raise _unreadable(text)
    return -seconds_s if text.strip().startswith("-") else seconds_s


def format_timecode(t_s: float) -> str:
    """``HH:MM:SS.mmm``, rounded to the nearest millisecond; hours grow past 99, never wrap."""
    if not math.isfinite(t_s):
        raise _unreadable(str(t_s))
    total_ms = round(abs(t_s) * 1000)
    minus = "-" if t_s < 0 and total_ms else ""
    seconds, ms = divmod(total_ms, 1000)
    minutes, s = divmod(seconds, 60)
    h, m = divmod(minutes, 60)
    return f"{minus}{h:02d}:{m:02d}:{s:02d}.{ms:03d}"


def _clock_seconds(text: str, match: re.Match[str]) -> float:
    hours, minutes, seconds_s = float(match["h"] or 0), float(match["m"]), float(match["s"])
    if seconds_s >= 60 or (match["h"] is not None and minutes >= 60):
        raise _unreadable(text)
    return hours * 3600 + minutes * 60 + seconds_s


def _unreadable(text: str) -> TimeError:
    return TimeError(
        f"{text!r} is not a time",
        code="time_unreadable",
        next_step="Write seconds (83.5), 1500ms, MM:SS (1:23.5) or HH:MM:SS (0:01:23.5).",
    )


def _impossible(start_s: float, end_s: float, why: str) -> TimeError:
    return TimeError(
        f"no span goes from {start_s} s to {end_s} s: {why}",
        code="span_impossible",
        next_step="Give a start that is not after the end.",
    )
