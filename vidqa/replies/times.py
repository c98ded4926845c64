"""Times as models write them: ``12:34.56``, ``1:02:03``, ``75:10``, ``3.2``, ``3.2s``,
``1 min 5 s``, ``1h30m``, ``00:00:03,200``. A text in, its times in order out, in unclamped seconds.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_NOT_INSIDE = r"(?:(?<![0-9.:_A-Za-z])|(?<=[0-9][hm]))"
_NOT_CUT = r"(?![0-9:_A-Za-z]|[.,][0-9]|\s?%)"
_CLOCK = r"(?:(?P<h>[0-9]+):)?(?P<m>[0-9]+):(?P<s>[0-9]{1,2}(?:[.,][0-9]+)?)(?:\s?s(?:ec)?\b)?"
_NUMBER = r"(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_UNIT = r"\s?(?P<unit>h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)(?![A-Za-z_])"
_TIME = re.compile(
    rf"{_NOT_INSIDE}(?:{_CLOCK}{_NOT_CUT}|{_NUMBER}(?:{_UNIT}|{_NOT_CUT}))", re.IGNORECASE
)
_SAME_TIME = re.compile(r"\s*(?:,|and)?\s*", re.IGNORECASE)
_SCALES = {"h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class Time:
    """One time and where it stands in the text."""

    seconds: float
    start: int
    end: int
    scale: int
    """Seconds in the smallest unit it is written with, 1 for a clock, 0 for a bare number."""


def find_times(text: str) -> list[Time]:
    """Every number that may be a time. Numbers inside words, percentages and numbers with two
    points are none. A minus is a sign unless a time stands right before it."""
    times: list[Time] = []
    for match in _TIME.finditer(text):
        time = _read(match)
        gap = text[times[-1].end if times else 0 : time.start]
        if times and 0 < time.scale < times[-1].scale and _SAME_TIME.fullmatch(gap):
            larger = times.pop()
            time = Time(larger.seconds + time.seconds, larger.start, time.end, time.scale)
        elif gap[-1:] in ("-", "−") and (not times or gap[:-1].strip()):
            time = Time(-time.seconds, time.start - 1, time.end, time.scale)
        times.append(time)
    return [time for time in times if math.isfinite(time.seconds)]


def _read(match: re.Match[str]) -> Time:
    if match["number"] is None:
        seconds = float(match["s"].replace(",", "."))
        seconds += float(match["m"]) * 60 + float(match["h"] or 0) * 3600
        return Time(seconds, match.start(), match.end(), 1)
    scale = _SCALES[match["unit"][0].lower()] if match["unit"] else 0
    return Time(float(match["number"]) * (scale or 1), match.start(), match.end(), scale)
