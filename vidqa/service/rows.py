"""Rows of the service's tables to records."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vidqa.service.records import (
    ApiKey,
    Job,
    JobEvent,
    OutboxLine,
    Progress,
    StoredSegment,
    StoredVideo,
    Worker,
)


def to_text(value: Any) -> str:
    """JSON as the tables hold it: ASCII, short."""
    return json.dumps(value, separators=(",", ":"))


def progress_text(progress: Progress) -> str:
    """Progress as its column holds it."""
    return to_text(progress.to_dict())


def job_of(row: Any) -> Job:
    """A row of ``jobs``."""
    return Job(
        id=row.id,
        tenant=row.tenant,
        kind=row.kind,
        request=json.loads(row.request),
        state=row.state,
        queue=row.queue,
        content_key=row.content_key,
        created_at=row.created_at,
        outcome=row.outcome,
        video_id=row.video_id,
        video_sha256=row.video_sha256,
        progress=Progress(**json.loads(row.progress)),
        attempts=row.attempts,
        fence=row.fence,
        owner=row.owner,
        cancel_requested=bool(row.cancel_requested),
        error=None if row.error is None else json.loads(row.error),
        started_at=row.started_at,
        finished_at=row.finished_at,
        webhook_url=row.webhook_url,
    )


def event_of(row: Any) -> JobEvent:
    """A row of ``job_events``."""
    return JobEvent(seq=row.seq, at=row.at, type=row.type, data=json.loads(row.data))


def outbox_line_of(row: Any) -> OutboxLine:
    """A row of ``outbox``."""
    return OutboxLine(
        id=row.id,
        tenant=row.tenant,
        job_id=row.job_id,
        url=row.url,
        type=row.type,
        made_at=row.made_at,
        tries=row.tries,
    )


def segment_of(row: Any) -> StoredSegment:
    """A row of ``segments``."""
    return StoredSegment(
        id=row.id,
        tenant=row.tenant,
        job_id=row.job_id,
        video_id=row.video_id,
        place=row.place,
        start_s=row.start_s,
        end_s=row.end_s,
    )


def worker_of(row: Any, holds: Iterable[str]) -> Worker:
    """A row of ``workers``."""
    return Worker(
        id=row.id,
        host=row.host,
        pid=row.pid,
        queues=tuple(json.loads(row.queues)),
        holds=frozenset(holds),
        job_id=row.job_id,
        started_at=row.started_at,
        seen_at=row.seen_at,
        claimed_at=row.claimed_at,
    )


def key_of(row: Any) -> ApiKey:
    """A row of ``api_keys``."""
    return ApiKey(
        id=row.id,
        tenant=row.tenant,
        name=row.name,
        scopes=frozenset(json.loads(row.scopes)),
        prefix=row.prefix,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )


def video_of(row: Any, path: Path) -> StoredVideo:
    """A row of ``stored_videos``, joined with its ``media``."""
    return StoredVideo(
        id=row.id,
        tenant=row.tenant,
        sha256=row.sha256,
        name=row.name,
        bytes=row.bytes,
        state=row.state,
        created_at=row.created_at,
        facts=None if row.facts is None else json.loads(row.facts),
        error=None if row.error is None else json.loads(row.error),
        path=path,
    )
