"""What one process of an installation sees to, elected by a row: jobs that lost their worker go
back, or end after too many attempts; bells that nobody heard ring again; old rows go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, func, or_, select, update

from vidqa.database import now_s
from vidqa.jobs.part import (
    WORKER_SEEN_S,
    Part,
    add_event,
    announce_end,
    count,
    ended_as,
    job_row,
    now_of,
    waiting_from,
)
from vidqa.service.records import FINAL, Job, Queue, Report, Rung
from vidqa.service.rows import job_of, to_text
from vidqa.service.tables import idempotency, jobs, locks, outbox, workers

_LOCK_S = 10.0
"""How long an elected process may stay silent before another is elected."""
_GONE_S = 3_600.0
"""A worker that was not seen for so long is forgotten."""
_FORGOTTEN_AT_ONCE = 200
"""Jobs that are looked at, the oldest first, each time."""


class Redispatching(Part):
    """The re-dispatcher's work."""

    def redispatch(self, holder: str) -> Report:
        """See to everything once, unless another process than ``holder`` was elected for it."""
        with self._db.writing() as db:
            now = now_of(db)
            if not self._elected(db, holder, now):
                return Report(elected=False)
            lost = select(jobs).where(jobs.c.state == "in_progress", jobs.c.lease_until < now)
            rows = db.execute(lost.with_for_update(skip_locked=True)).all()
            report = self._after_losses(db, rows, now)
            keep_s = self._rules.idempotency_keep_s
            db.execute(delete(idempotency).where(idempotency.c.made_at < now - keep_s))
            db.execute(delete(workers).where(workers.c.seen_at < now - _GONE_S))
            self._forget_jobs(db, now)
        return report

    def give_up(self, worker: str) -> Report:
        """The worker is known to be dead: its jobs need not wait for their leases to run out."""
        with self._db.writing() as db:
            now = now_of(db)
            held = select(jobs).where(jobs.c.state == "in_progress", jobs.c.owner == worker)
            ends = self._after_losses(db, db.execute(held.with_for_update()).all(), now)
            db.execute(delete(workers).where(workers.c.id == worker))
        return ends

    def to_ring(self) -> list[Rung]:
        """Jobs that wait and whose bell was not rung, or not lately; the oldest first.

        No more than a few for each worker: a job is found without a bell once a worker is free.
        """
        again = now_s() - self._rules.ring_again_s
        waiting = and_(jobs.c.state == "queued", jobs.c.not_before <= now_s())
        with self._db.reading() as db:
            heard = select(func.count()).select_from(jobs).where(waiting, jobs.c.rung_at >= again)
            live = select(func.count()).select_from(workers)
            seen = live.where(workers.c.seen_at > now_s() - WORKER_SEEN_S)
            most = self._rules.outstanding * max(db.execute(seen).scalar_one(), 1)
            room = most - db.execute(heard).scalar_one()
            if room <= 0:
                return []
            unheard = or_(jobs.c.rung_at.is_(None), jobs.c.rung_at < again)
            asked = select(jobs.c.id, jobs.c.queue).where(waiting, unheard)
            first = jobs.c.kind != "search"  # which somebody waits for within a request
            rows = db.execute(asked.order_by(first, jobs.c.id).limit(room)).all()
        return [Rung(job_id=row.id, queue=row.queue) for row in rows]

    def rung(self, job_ids: list[str]) -> None:
        """Their bells were rung just now."""
        if job_ids:
            with self._db.writing() as db:
                change = update(jobs).where(jobs.c.id.in_(job_ids), jobs.c.state == "queued")
                db.execute(change.values(rung_at=now_s()))

    def forget_bells(self, queue: Queue) -> None:
        """Bells of this queue that were rung over a second ago were not heard, as when a broker
        lost what it held: they are to be rung again."""
        with self._db.writing() as db:
            heard = and_(jobs.c.state == "queued", jobs.c.rung_at < now_s() - 1)
            change = update(jobs).where(jobs.c.queue == queue, heard)
            db.execute(change.values(rung_at=None))

    def _forget_jobs(self, db: Connection, now: float) -> None:
        """Remove the oldest jobs that ended long ago, with results, events and segments: a few each
        time, so that no writer waits for it. A job stays while a webhook about it is on its way."""
        if not self._rules.jobs_keep_s:
            return
        oldest = select(jobs).order_by(jobs.c.id).limit(_FORGOTTEN_AT_ONCE).subquery()
        ended_before = now - self._rules.jobs_keep_s
        old = select(oldest.c.id).where(
            oldest.c.state.in_(FINAL),
            oldest.c.finished_at < ended_before,
            ~exists().where(outbox.c.job_id == oldest.c.id),
        )
        db.execute(delete(jobs).where(jobs.c.id.in_(old)))

    def _elected(self, db: Connection, holder: str, now: float) -> bool:
        row = {"name": "redispatch", "holder": holder, "until": now + _LOCK_S}
        entered = self._db.insert(locks).values(**row)
        changed = db.execute(
            entered.on_conflict_do_update(
                index_elements=["name"],
                set_={"holder": holder, "until": now + _LOCK_S},
                where=or_(locks.c.holder == holder, locks.c.until < now),
            ).returning(locks.c.holder)
        ).one_or_none()
        return changed is not None

    def _after_losses(self, db: Connection, rows: Sequence[Any], now: float) -> Report:
        ends: dict[str, list[str]] = {"queued": [], "failed": [], "cancelled": []}
        for row in rows:
            job = job_of(row)
            ends[self._after_loss(db, job, now)].append(job.id)
        if rows:
            count(db, self._db, "leases_lost", len(rows))
        return Report(
            elected=True,
            requeued=tuple(ends["queued"]),
            failed=tuple(ends["failed"]),
            cancelled=tuple(ends["cancelled"]),
        )

    def _after_loss(self, db: Connection, job: Job, now: float) -> str:
        free = update(workers).where(workers.c.id == job.owner, workers.c.job_id == job.id)
        db.execute(free.values(job_id=None))
        if not job.cancel_requested and job.attempts < self._rules.attempts:
            again = waiting_from(now)
            db.execute(update(jobs).where(jobs.c.id == job.id).values(**again))
            add_event(db, job.id, now, "job.queued", {"again": True, "lost": job.owner})
            return "queued"
        values = (
            ended_as("cancelled", now)
            if job.cancel_requested
            else ended_as("failed", now, error=to_text(_worker_lost(job)))
        )
        db.execute(update(jobs).where(jobs.c.id == job.id).values(**values))
        announce_end(db, job_row(db, None, job.id), now)
        return str(values["state"])


def _worker_lost(job: Job) -> dict[str, object]:
    return {
        "code": "worker_lost",
        "stage": job.progress.stage,
        "message": f"its worker died or fell silent {job.attempts} times",
        "next_step": "Try a shorter window, or see the workers' log for what ends them.",
        "retryable": True,
    }
