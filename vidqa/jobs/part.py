"""What the parts of a job store share: database, rules, how a job's news are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from vidqa.database import Database, now_s
from vidqa.errors import JobError, LeaseLost
from vidqa.service.ids import new_id
from vidqa.service.records import Claim, Job, JsonDict, Progress
from vidqa.service.rows import job_of, progress_text, to_text
from vidqa.service.tables import counters, job_events, jobs, outbox, workers

Values = dict[str, Any]
WORKER_SEEN_S = 30.0
"""A worker that said nothing for so long does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The numbers that jobs live by; see :class:`vidqa.service_settings.ServiceSettings`."""

    lease_s: float = 30.0
    attempts: int = 3
    queue_cap: int = 0
    idempotency_keep_s: float = 86_400.0
    jobs_keep_s: float = 0.0
    ring_again_s: float = 30.0
    """A job whose bell nobody heard for so long is announced again."""
    outstanding: int = 4
    """Most announcements that may wait for each worker."""
    patience_s: float = 20.0
    """A job that waited so long is next, whatever videos a worker has at hand."""
    courtesy_s: float = 1.0
    """For so long a job is left to a free worker that has its video at hand."""


class Part:
    """One concern of a job store."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._db, self._rules = database, rules


def now_of(db: Connection) -> float:
    """Seconds since 1970 by the database's clock."""
    return float(db.execute(select(now_s())).scalar_one())


def job_row(db: Connection, tenant: str | None, job_id: str, *, lock: bool = False) -> Job:
    """The job, of this tenant or of any; raises :class:`JobError`."""
    asked = select(jobs).where(jobs.c.id == job_id)
    if tenant is not None:
        asked = asked.where(jobs.c.tenant == tenant)
    row = db.execute(asked.with_for_update() if lock else asked).one_or_none()
    if row is None:
        raise JobError(
            f"there is no job {job_id[:60]!r}",
            code="job_missing",
            next_step="List jobs to see those there are.",
        )
    return job_of(row)


def change_claimed(db: Connection, claim: Claim, values: Mapping[str, Any]) -> Job:
    """Change a job that is still this claim's; raises :class:`LeaseLost`."""
    row = db.execute(
        update(jobs)
        .where(
            jobs.c.id == claim.job.id,
            jobs.c.fence == claim.fence,
            jobs.c.owner == claim.worker,
            jobs.c.state == "in_progress",
        )
        .values(**values)
        .returning(*jobs.c)
    ).one_or_none()
    if row is None:
        raise lease_lost(claim)
    return job_of(row)


def lease_lost(claim: Claim) -> LeaseLost:
    """The claim counts no more."""
    return LeaseLost(
        f"{claim.job.id} is no longer {claim.worker}'s (fence {claim.fence})",
        code="lease_lost",
        next_step="Drop what was done for it: another worker has it, or it has ended.",
    )


def add_event(db: Connection, job_id: str, now: float, kind: str, data: JsonDict) -> None:
    """Write down what happened to a job, in the transaction in which it did."""
    seq = db.execute(
        update(jobs)
        .where(jobs.c.id == job_id)
        .values(last_seq=jobs.c.last_seq + 1)
        .returning(jobs.c.last_seq)
    ).scalar_one()
    event = {"job_id": job_id, "seq": seq, "at": now, "type": kind, "data": to_text(data)}
    db.execute(insert(job_events).values(**event))


def add_progress(db: Connection, job_id: str, now: float, progress: Progress) -> None:
    """An event that takes the place of the earlier ones of its kind: a job of hours has
    thousands."""
    seen = job_events.c
    db.execute(delete(job_events).where(seen.job_id == job_id, seen.type == "job.progress"))
    add_event(db, job_id, now, "job.progress", progress.to_dict())


def announce_end(db: Connection, job: Job, now: float) -> None:
    """Event and webhook of a job that has just ended."""
    kind = f"job.{job.state}"
    add_event(db, job.id, now, kind, {"outcome": job.outcome, "error": job.error})
    if job.webhook_url is not None:
        db.execute(
            insert(outbox).values(
                id=new_id("evt"),
                tenant=job.tenant,
                job_id=job.id,
                url=job.webhook_url,
                type=kind,
                made_at=now,
                due_at=now,
                tries=0,
            )
        )


def ended_as(state: str, now: float, **values: Any) -> Values:
    """Columns of a job that ends now."""
    stage = Progress(stage=state, done=1, total=1)
    return {
        "state": state,
        "finished_at": now,
        "lease_until": None,
        "owner": None,
        "rung_at": None,
        "progress": progress_text(stage),
        "progress_at": now,
        **values,
    }


def waiting_from(now: float, **values: Any) -> Values:
    """Columns of a job that waits (again) from now on."""
    return {
        "state": "queued",
        "owner": None,
        "lease_until": None,
        "queued_at": now,
        "not_before": now,
        "rung_at": None,
        "progress": progress_text(Progress(stage="queued")),
        "progress_at": None,
        **values,
    }


def free_worker(db: Connection, worker: str) -> None:
    """It works on nothing now."""
    db.execute(update(workers).where(workers.c.id == worker).values(job_id=None))


def count(db: Connection, database: Database, name: str, by: int = 1) -> None:
    """Add to a number that metrics show."""
    added = database.insert(counters).values(name=name, value=by)
    db.execute(
        added.on_conflict_do_update(
            index_elements=["name"], set_={"value": counters.c.value + added.excluded.value}
        )
    )


def end_job(
    db: Connection, worker: str | None, job_id: str, now: float, state: str, **values: Any
) -> Job:
    """Write an end of a job, and everything that goes with it; ``worker`` is free then."""
    db.execute(update(jobs).where(jobs.c.id == job_id).values(**ended_as(state, now, **values)))
    if worker is not None:
        free_worker(db, worker)
    job = job_row(db, None, job_id)
    announce_end(db, job, now)
    return job
