"""Jobs for tests of the store: made in a line, aged without waiting."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from vidqa.jobs.store import JobStore
from vidqa.service.records import Claim, Job
from vidqa.service.tables import jobs, workers

BOTH = ("cpu", "gpu")
VIDEO = {"path": "/films/door.mp4"}
GROUND: dict[str, Any] = {"video": VIDEO, "query": "person opens door"}
FOUND: dict[str, Any] = {"outcome": "found", "segments": [{"start": 1.0, "end": 2.5, "score": 1.0}]}


def a_job(store: JobStore, tenant: str = "ann", **given: Any) -> Job:
    return store.submit(tenant, "ground", GROUND, **given).job


def claimed(store: JobStore, worker: str = "w1", **given: Any) -> Claim:
    claim = store.claim(worker, **{"queues": BOTH, **given})
    assert claim is not None
    return claim


def set_row(store: JobStore, job_id: str, **values: Any) -> None:
    """Change a job's row behind the store's back: what time alone would do."""
    with store.database.writing() as db:
        db.execute(update(jobs).where(jobs.c.id == job_id).values(**values))


def expire(store: JobStore, job_id: str) -> None:
    """Its lease ran out just now."""
    set_row(store, job_id, lease_until=1.0)


def unlock(store: JobStore) -> None:
    """Whoever was elected has been silent for long."""
    with store.database.writing() as db:
        db.exec_driver_sql("DELETE FROM locks")


def unseen(store: JobStore, worker: str) -> None:
    """The worker said nothing for long."""
    with store.database.writing() as db:
        db.execute(update(workers).where(workers.c.id == worker).values(seen_at=1.0))


def kinds(store: JobStore, job: Job) -> list[str]:
    """What happened to it."""
    return [event.type for event in store.events(None, job.id)]
