"""The first schema: jobs and what belongs to them, workers, keys, uploaded videos."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """From a database without tables of the service."""
    _jobs()
    _of_jobs()
    _delivery()
    _workers()
    _keys()
    _library()


def _jobs() -> None:
    op.create_table(
        "jobs",
        _text("id"),
        _text("tenant"),
        _text("kind"),
        _text("request"),
        _text("queue"),
        _text("state"),
        _text("outcome", nullable=True),
        _text("video_id", nullable=True),
        _text("video_sha256", nullable=True),
        _text("content_key"),
        _text("webhook_url", nullable=True),
        _text("progress"),
        _time("progress_at", nullable=True),
        _text("error", nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        _text("owner", nullable=True),
        _time("lease_until", nullable=True),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        _time("created_at"),
        _time("queued_at"),
        _time("not_before"),
        _time("rung_at", nullable=True),
        _time("started_at", nullable=True),
        _time("finished_at", nullable=True),
        _primary("jobs", "id"),
    )
    _index("jobs", "state", "queue", "id")
    _index("jobs", "state", "video_sha256")
    _index("jobs", "tenant", "id")


def _of_jobs() -> None:
    op.create_table(
        "job_results",
        _text("job_id"),
        _text("tenant"),
        _text("product_key", nullable=True),
        _time("made_at"),
        _text("body"),
        _primary("job_results", "job_id"),
        _of_job("job_results"),
    )
    _index("job_results", "tenant", "product_key")
    op.create_table(
        "job_events",
        _text("job_id"),
        sa.Column("seq", sa.BigInteger, nullable=False, autoincrement=False),
        _time("at"),
        _text("type"),
        _text("data"),
        _primary("job_events", "job_id", "seq"),
        _of_job("job_events"),
    )
    op.create_table(
        "segments",
        _text("id"),
        _text("tenant"),
        _text("job_id"),
        _text("video_id", nullable=True),
        _text("place", nullable=True),
        _time("start_s"),
        _time("end_s"),
        _primary("segments", "id"),
        _of_job("segments"),
    )
    _index("segments", "job_id")


def _delivery() -> None:
    op.create_table(
        "idempotency",
        _text("tenant"),
        _text("key"),
        _text("job_id"),
        _text("body_digest"),
        _time("made_at"),
        _primary("idempotency", "tenant", "key"),
    )
    _index("idempotency", "made_at")
    op.create_table(
        "outbox",
        _text("id"),
        _text("tenant"),
        _text("job_id"),
        _text("url"),
        _text("type"),
        _time("made_at"),
        _time("due_at"),
        sa.Column("tries", sa.Integer, nullable=False),
        _text("trouble", nullable=True),
        _primary("outbox", "id"),
        _of_job("outbox"),
    )
    _index("outbox", "job_id")
    _index("outbox", "due_at")


def _workers() -> None:
    op.create_table(
        "workers",
        _text("id"),
        _text("host"),
        sa.Column("pid", sa.Integer, nullable=False),
        _text("queues"),
        _time("started_at"),
        _time("seen_at"),
        _time("claimed_at", nullable=True),
        _text("job_id", nullable=True),
        _primary("workers", "id"),
    )
    _index("workers", "seen_at")
    op.create_table(
        "worker_holds",
        _text("worker_id"),
        _text("video_sha256"),
        _primary("worker_holds", "worker_id", "video_sha256"),
        _foreign("worker_holds", "worker_id", "workers.id", ondelete="CASCADE"),
    )
    _index("worker_holds", "video_sha256")
    op.create_table(
        "locks", _text("name"), _text("holder"), _time("until"), _primary("locks", "name")
    )
    op.create_table(
        "counters",
        _text("name"),
        sa.Column("value", sa.BigInteger, nullable=False),
        _primary("counters", "name"),
    )


def _keys() -> None:
    op.create_table(
        "api_keys",
        _text("id"),
        _text("tenant"),
        _text("name"),
        _text("scopes"),
        _text("prefix"),
        _text("digest"),
        _time("created_at"),
        _time("revoked_at", nullable=True),
        _primary("api_keys", "id"),
        sa.UniqueConstraint("prefix", name="uq_api_keys_prefix"),
    )


def _library() -> None:
    op.create_table(
        "media",
        _text("sha256"),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        _primary("media", "sha256"),
    )
    op.create_table(
        "stored_videos",
        _text("id"),
        _text("tenant"),
        _text("sha256"),
        _text("name"),
        _text("state"),
        _text("facts", nullable=True),
        _time("created_at"),
        _primary("stored_videos", "id"),
        _foreign("stored_videos", "sha256", "media.sha256"),
        sa.UniqueConstraint("tenant", "sha256", name="uq_stored_videos_tenant_sha256"),
    )
    _index("stored_videos", "sha256")


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Double, nullable=nullable)


def _primary(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _foreign(table: str, column: str, parent: str, **options: Any) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [parent], name=f"fk_{table}_{column}", **options)


def _of_job(table: str) -> sa.ForeignKeyConstraint:
    return _foreign(table, "job_id", "jobs.id", ondelete="CASCADE")


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
