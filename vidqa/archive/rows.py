"""Rows of the database to records, and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Connection, select

from vidqa.archive import tables
from vidqa.archive.records import Clip, Facts, Generation, Location, Video
from vidqa.database import batches
from vidqa.timeline import Span

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MANY = 500
"""Rows asked for by id in one statement."""


def microseconds(moment: datetime) -> int:
    """Since 1970; a time without a zone is taken for UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def facts_row(facts: Facts) -> dict[str, Any]:
    """Values of the columns of ``videos``."""
    recorded_at = facts.recorded_at
    return {
        "duration_s": facts.duration_s,
        "start_time_s": facts.start_time_s,
        "width": facts.width,
        "height": facts.height,
        "variable_rate": facts.variable_rate,
        "container": facts.container,
        "codec": facts.codec,
        "recorded_us": None if recorded_at is None else microseconds(recorded_at),
        "recorded_utc": recorded_at is not None and recorded_at.tzinfo is not None,
        "recorded_from": facts.recorded_from,
    }


def facts_of(row: Any) -> Facts | None:
    """What was measured; None where nothing was."""
    if row.duration_s is None:
        return None
    return Facts(
        duration_s=row.duration_s,
        start_time_s=row.start_time_s,
        width=row.width,
        height=row.height,
        variable_rate=row.variable_rate,
        container=row.container,
        codec=row.codec,
        recorded_at=_moment(row.recorded_us, utc=row.recorded_utc),
        recorded_from=row.recorded_from,
    )


def _moment(recorded_us: int | None, *, utc: bool) -> datetime | None:
    if recorded_us is None:
        return None
    moment = _EPOCH + timedelta(microseconds=recorded_us)
    return moment if utc else moment.replace(tzinfo=None)


def videos_of(db: Connection, rows: Sequence[Any]) -> list[Video]:
    """Records of rows of ``videos``, in their order, with tags and locations looked up."""
    ids = [row.id for row in rows]
    tags: dict[int, list[str]] = {}
    places: dict[int, list[Location]] = {}
    for some in batches(ids, _MANY):
        tag = tables.tags.c
        for row in db.execute(select(tables.tags).where(tag.video_id.in_(some)).order_by(tag.tag)):
            tags.setdefault(row.video_id, []).append(row.tag)
        place = tables.locations.c
        for row in db.execute(
            select(tables.locations).where(place.video_id.in_(some)).order_by(place.id)
        ):
            location = Location(url=row.url, size=row.size, modified_ns=row.modified_ns)
            places.setdefault(row.video_id, []).append(location)
    return [_video(row, tags.get(row.id, ()), places.get(row.id, ())) for row in rows]


def _video(row: Any, tags: Sequence[str], places: Sequence[Location]) -> Video:
    return Video(
        id=row.id,
        digest=row.digest,
        archive=row.archive,
        facts=facts_of(row),
        tags=tuple(tags),
        state=row.state,
        reason=row.reason,
        locations=tuple(places),
    )


def clip_of(row: Any) -> Clip:
    """A row of ``clips``."""
    return Clip(
        id=row.id,
        video_id=row.video_id,
        number=row.number,
        span=Span(row.start_s, row.end_s),
        key_s=row.key_s,
        caption=row.caption,
    )


def generation_of(row: Any) -> Generation:
    """A row of ``generations``."""
    return Generation(
        id=row.id,
        model=row.model,
        recipe=row.recipe,
        dimension=row.dimension,
        centred=row.centred,
        state=row.state,
    )
