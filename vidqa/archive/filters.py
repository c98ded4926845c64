"""A filter in, conditions on ``videos`` out."""

from __future__ import annotations

import re

from sqlalchemy import ColumnElement, exists

from vidqa.archive.records import Filter
from vidqa.archive.rows import microseconds
from vidqa.archive.tables import locations, tags, videos
from vidqa.database import Database

_CLASS = re.compile(r"\[(!?)(\]?[^\]]*)\]")
"""A set of characters in a shell's pattern: ``[a-z]``, ``[!a-z]``, ``[]a]``."""


def matching(where: Filter, database: Database) -> list[ColumnElement[bool]]:
    """What must hold for a video to count; nothing for the empty filter."""
    row = videos.c
    found: list[ColumnElement[bool]] = []
    if where.archives:
        found.append(row.archive.in_(where.archives))
    if where.states:
        found.append(row.state.in_(where.states))
    found += [exists().where(tags.c.video_id == row.id, tags.c.tag == tag) for tag in where.tags]
    if where.path is not None:
        lies = _like_path(where.path, database)
        found.append(exists().where(locations.c.video_id == row.id, lies))
    if where.recorded_from is not None:
        found.append(row.recorded_us >= microseconds(where.recorded_from))
    if where.recorded_until is not None:
        found.append(row.recorded_us < microseconds(where.recorded_until))
    if where.shortest_s is not None:
        found.append(row.duration_s >= where.shortest_s)
    if where.longest_s is not None:
        found.append(row.duration_s <= where.longest_s)
    return found


def _like_path(pattern: str, database: Database) -> ColumnElement[bool]:
    if database.is_sqlite:
        return locations.c.url.op("GLOB", is_comparison=True)(_CLASS.sub(_glob_class, pattern))
    return locations.c.url.op("~", is_comparison=True)(_expression(pattern))


def _glob_class(match: re.Match[str]) -> str:
    return f"[{'^' if match[1] else ''}{match[2]}]"


def _expression(pattern: str) -> str:
    """The same pattern as a regular expression of PostgreSQL, for a whole URL."""
    parts, end = [], 0
    for match in _CLASS.finditer(pattern):
        members = match[2].replace("\\", "\\\\")
        parts += [_plain(pattern[end : match.start()]), f"[{'^' if match[1] else ''}{members}]"]
        end = match.end()
    return f"^{''.join(parts)}{_plain(pattern[end:])}$"


def _plain(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")
