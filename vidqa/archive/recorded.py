"""When a video was recorded: read from its container's metadata, else from its file's name.

Containers tell the moment in UTC (``creation_time``; many cameras write their local time there all
the same, which nobody can tell), QuickTime's own key with a zone. Names tell what the camera's
clock showed, without a zone; only the Pixel's (``PXL_``) are known to be UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import PurePath
from typing import NamedTuple

from vidqa.archive.records import RecordedFrom

APPLE = "com.apple.quicktime.creationdate"
_KEYS = (APPLE, "creation_time", "date_utc", "date")
"""The first is the moment of recording even in an edited copy, where the second is the export's."""
_YEARS = range(1985, 2100)
"""Outside are clocks that were never set: QuickTime counts from 1904, Unix from 1970."""
_DAY = r"(?P<y>(?:19|20)\d\d)(?P<s>[-_. ]?)(?P<m>\d\d)(?P=s)?(?P<d>\d\d)"
_BETWEEN = r"(?:[-_. T]|\s+at\s+|_at_)"
_TIME = r"(?P<H>\d\d?)(?P<u>[-_.:h]?)(?P<M>\d\d)(?:(?:(?P=u)|m)(?P<S>\d\d)(?:[.,]?\d{1,3})?)?"
_HALF = r"(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?"
_DAY_AND_TIME = re.compile(rf"(?<!\d){_DAY}{_BETWEEN}{_TIME}(?!\d){_HALF}")
_RUN = re.compile(
    r"(?<!\d)(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?P<H>\d\d)(?P<M>\d\d)(?P<S>\d\d)(?!\d)"
)
_SHORT_YEAR = re.compile(
    r"(?<!\d)(?P<y>\d\d)(?P<m>\d\d)(?P<d>\d\d)[-_](?P<H>\d\d)(?P<M>\d\d)(?P<S>\d\d)(?!\d)"
)
_ONLY_DAY = re.compile(rf"(?<!\d){_DAY}(?!\d)")
_NAMES = (_DAY_AND_TIME, _RUN, _SHORT_YEAR, _ONLY_DAY)


class Recorded(NamedTuple):
    """A moment, with a zone where one is known, and where it was read."""

    at: datetime | None
    source: RecordedFrom


def recorded_at(name: str, tags: Mapping[str, str]) -> Recorded:
    """When the video of this file name and container metadata (keys in lower case) was recorded.

    A name with a day alone gives its midnight. Names like GoPro's ``GX010042`` tell nothing.
    """
    for key in _KEYS:
        if (at := _from_metadata(tags.get(key, ""))) is not None:
            return Recorded(at, "metadata")
    at = time_in_name(name)
    return Recorded(at, "unknown" if at is None else "name")


def time_in_name(name: str) -> datetime | None:
    """The first moment that a file's name spells out, as cameras, phones, dashcams and screen
    recorders do; None where it spells none."""
    stem = PurePath(name).stem
    found = next(_moments(stem), None)
    if found is not None and stem.upper().startswith("PXL_"):
        return found.replace(tzinfo=timezone.utc)
    return found


def _moments(stem: str) -> Iterator[datetime]:
    for pattern in _NAMES:
        for match in pattern.finditer(stem):
            if (at := _moment(match.groupdict())) is not None:
                yield at


def _moment(part: Mapping[str, str | None]) -> datetime | None:
    year = int(part["y"] or 0)
    hour = int(part.get("H") or 0)
    if half := part.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (half in "Pp")
    day = (year + 2000 if year < 100 else year, int(part["m"] or 0), int(part["d"] or 0))
    clock = (hour, int(part.get("M") or 0), int(part.get("S") or 0))
    try:
        at = datetime(*day, *clock)  # noqa: DTZ001  (the camera's own clock has no zone)
    except ValueError:
        return None
    return at if at.year in _YEARS else None


def _from_metadata(text: str) -> datetime | None:
    """A date and a time of day in ISO 8601, in UTC where a zone is given; None for all else."""
    text = text.strip()
    if len(text) < len("2026-11-25T14:22"):
        return None
    try:
        at = datetime.fromisoformat(_as_python_310_reads_it(text))
        at = at if at.tzinfo is None else at.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
    return at if at.year in _YEARS else None


_FRACTION = re.compile(r"[.,](\d+)")
_ZONE = re.compile(r"([+-]\d\d):?(\d\d)$")


def _as_python_310_reads_it(text: str) -> str:
    text = re.sub(r"[zZ]$", "+00:00", text)
    text = _FRACTION.sub(lambda found: "." + found[1][:6].ljust(6, "0"), text, count=1)
    return _ZONE.sub(r"\1:\2", text)
