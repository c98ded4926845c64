"""Workers: who there is, what each has at hand; and the service in numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, func, insert, select, update

from vidqa.database import now_s
from vidqa.jobs.part import WORKER_SEEN_S, Part, now_of
from vidqa.service.records import QUEUES, STATES, Counts, Queue, Worker
from vidqa.service.rows import to_text, worker_of
from vidqa.service.tables import counters, jobs, outbox, worker_holds, workers


class Staffing(Part):
    """What workers say of themselves."""

    def register(self, worker: str, *, host: str, pid: int, queues: Sequence[Queue]) -> None:
        """A worker is there, and free."""
        with self._db.writing() as db:
            now = now_of(db)
            row = {
                "host": host,
                "pid": pid,
                "queues": to_text(list(queues)),
                "started_at": now,
                "seen_at": now,
                "job_id": None,
            }
            entered = self._db.insert(workers).values(id=worker, **row)
            db.execute(entered.on_conflict_do_update(index_elements=["id"], set_=row))

    def beat(self, worker: str, *, holds: Collection[str] | None = None) -> None:
        """It is still there; ``holds``, where given, are the videos that it has at hand now."""
        with self._db.writing() as db:
            alive = update(workers).where(workers.c.id == worker).values(seen_at=now_s())
            if db.execute(alive).rowcount and holds is not None:
                mine = worker_holds.c.worker_id == worker
                db.execute(delete(worker_holds).where(mine))
                rows = [{"worker_id": worker, "video_sha256": each} for each in sorted(holds)]
                if rows:
                    db.execute(insert(worker_holds), rows)

    def leave(self, worker: str) -> None:
        """It is gone in good order."""
        with self._db.writing() as db:
            db.execute(delete(workers).where(workers.c.id == worker))

    def workers(self) -> list[Worker]:
        """Those that were seen in the last half minute, the oldest first."""
        with self._db.reading() as db:
            recent = workers.c.seen_at > now_s() - WORKER_SEEN_S
            rows = db.execute(select(workers).where(recent).order_by(workers.c.id)).all()
            held: dict[str, list[str]] = {row.id: [] for row in rows}
            mine = worker_holds.c.worker_id.in_(list(held))
            for row in db.execute(select(worker_holds).where(mine)):
                held[row.worker_id].append(row.video_sha256)
        return [worker_of(row, held[row.id]) for row in rows]

    def counts(self) -> Counts:
        """The service in numbers."""
        with self._db.reading() as db:
            by_state = select(jobs.c.state, func.count()).group_by(jobs.c.state)
            states = {state: int(n) for state, n in db.execute(by_state)}
            now = now_of(db)
            waiting = (
                select(jobs.c.queue, func.count(), func.min(jobs.c.queued_at))
                .where(jobs.c.state == "queued", jobs.c.not_before <= now)
                .group_by(jobs.c.queue)
            )
            queues = {queue: (int(n), float(first)) for queue, n, first in db.execute(waiting)}
            numbers = {name: int(n) for name, n in db.execute(select(counters))}
            live = workers.c.seen_at > now - WORKER_SEEN_S
            staff = db.execute(select(func.count()).select_from(workers).where(live)).scalar_one()
            due = db.execute(select(func.count()).select_from(outbox)).scalar_one()
        return Counts(
            states={state: states.get(state, 0) for state in STATES},
            depth={queue: queues.get(queue, (0, now))[0] for queue in QUEUES},
            oldest_s={queue: max(now - queues.get(queue, (0, now))[1], 0.0) for queue in QUEUES},
            workers=staff,
            leases_lost=numbers.get("leases_lost", 0),
            duplicates_dropped=numbers.get("duplicates_dropped", 0),
            webhooks_due=due,
        )
