"""The service's tables, as the newest migration leaves them; the same on SQLite and PostgreSQL.

Their names are apart from the archive's, so that one PostgreSQL database may hold both. Times are
seconds since 1970 by the database's own clock (:class:`vidqa.database.now_s`). What is JSON is
text that ``json`` wrote, ASCII alone, which either database holds whatever is in it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA = "0003"
"""Revision of the newest migration."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _of_job(**options: Any) -> Column[str]:
    key = ForeignKey("jobs.id", ondelete="CASCADE")
    return Column("job_id", Text, key, nullable=False, **options)


jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("request", Text, nullable=False),  # JSON
    Column("queue", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("outcome", Text),
    Column("video_id", Text),
    Column("video_sha256", Text),  # where it is known before the job runs
    Column("content_key", Text, nullable=False),
    Column("webhook_url", Text),
    Column("progress", Text, nullable=False),  # JSON
    Column("progress_at", Double),
    Column("error", Text),  # JSON
    Column("attempts", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("owner", Text),
    Column("lease_until", Double),
    Column("cancel_requested", Boolean, nullable=False),
    Column("last_seq", BigInteger, nullable=False),  # of its events
    Column("created_at", Double, nullable=False),
    Column("queued_at", Double, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("rung_at", Double),  # when its door bell was rung; NULL is the outbox of the bell
    Column("started_at", Double),
    Column("finished_at", Double),
    Index(None, "state", "queue", "id"),
    Index(None, "state", "video_sha256"),
    Index(None, "tenant", "id"),
)

job_results = Table(
    "job_results",
    metadata,
    _of_job(primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("product_key", Text),  # what it was made of; NULL: it is no product for another job
    Column("made_at", Double, nullable=False),
    Column("body", Text, nullable=False),  # JSON
    Index(None, "tenant", "product_key"),
)

job_events = Table(
    "job_events",
    metadata,
    _of_job(primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("type", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON
)

segments = Table(
    "segments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    _of_job(index=True),
    Column("video_id", Text),
    Column("place", Text),  # a path or URL, where the video is not the library's
    Column("start_s", Double, nullable=False),
    Column("end_s", Double, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("job_id", Text, nullable=False),
    Column("body_digest", Text, nullable=False),
    Column("made_at", Double, nullable=False, index=True),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),  # evt_..., the receiver's key to drop duplicates
    Column("tenant", Text, nullable=False),
    _of_job(index=True),
    Column("url", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("due_at", Double, nullable=False, index=True),
    Column("tries", Integer, nullable=False),
    Column("trouble", Text),  # of the last try
)
"""Webhooks that have not been delivered."""

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("queues", Text, nullable=False),  # JSON
    Column("started_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False, index=True),
    Column("claimed_at", Double),
    Column("job_id", Text),  # NULL: it is free
)

worker_holds = Table(
    "worker_holds",
    metadata,
    Column("worker_id", Text, ForeignKey("workers.id", ondelete="CASCADE"), primary_key=True),
    Column("video_sha256", Text, primary_key=True, index=True),
)
"""Videos of which a worker has what it computed at hand."""

locks = Table(
    "locks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Double, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # JSON
    Column("prefix", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("revoked_at", Double),
    UniqueConstraint("prefix"),
)

media = Table(
    "media",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("bytes", BigInteger, nullable=False),
)
"""Files of the library: one row to each, locked by whoever adds or removes one of its videos."""

stored_videos = Table(
    "stored_videos",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("sha256", Text, ForeignKey("media.sha256"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("facts", Text),  # JSON
    Column("error", Text),  # JSON
    Column("created_at", Double, nullable=False),
    UniqueConstraint("tenant", "sha256"),
)

archives = Table(
    "archives",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("created_at", Double, nullable=False),
)
"""Archives that somebody made; what is in them lies in the archive's own database."""
