"""Taking jobs: many that come at the same time in one transaction.

A job is taken when its row and its first event are committed; whoever is told so will see it run,
whatever dies in between. Its door bell needs no line of its own: ``rung_at`` of the row is NULL
until the bell was rung.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, tuple_

from vidqa.errors import JobError, QueueFull
from vidqa.jobs.part import Part, Values, now_of, waiting_from
from vidqa.service.ids import new_id
from vidqa.service.records import Job, JsonDict, Submitted
from vidqa.service.requests import Request, content_key, read_request
from vidqa.service.rows import job_of, to_text
from vidqa.service.tables import idempotency, job_events, jobs, stored_videos

KEY_MAX = 255
"""Characters of an idempotency key."""
_INSERT_JOB = insert(jobs)
_INSERT_EVENT = insert(job_events)
_VIDEOS = select(stored_videos.c.id, stored_videos.c.tenant, stored_videos.c.sha256).where(
    stored_videos.c.id.in_(bindparam("ids", expanding=True))
)
_WAITING = select(func.count()).select_from(jobs).where(jobs.c.state == "queued")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A job that somebody wants taken."""

    id: str
    tenant: str
    request: Request
    body: JsonDict
    idempotency_key: str | None
    body_digest: str
    webhook_url: str | None


def submission(
    tenant: str,
    kind: str,
    request: Mapping[str, Any],
    idempotency_key: str | None,
    body_digest: str | None,
    webhook_url: str | None,
) -> Submission:
    """Check it, before it costs a transaction; raises :class:`JobError`."""
    read = read_request(kind, request)
    key = idempotency_key
    if key is not None and not (0 < len(key) <= KEY_MAX and key.isascii() and key.isprintable()):
        raise JobError(
            f"{key[:60]!r} cannot be an idempotency key",
            code="idempotency_key_invalid",
            next_step=f"Give 1 to {KEY_MAX} printable ASCII characters.",
        )
    return Submission(
        id=new_id("job"),
        tenant=tenant,
        request=read,
        body=read.to_dict(),
        idempotency_key=key,
        body_digest=body_digest if body_digest is not None else content_key(read, None),
        webhook_url=webhook_url,
    )


class Accepting(Part):
    """The transaction behind ``submit``."""

    def _accept(self, wanted: Sequence[Submission]) -> list[Submitted | Exception]:
        """What became of each, in order."""
        with self._db.writing() as db:
            now = now_of(db)
            standing = self._standing(db, wanted, now)
            new = [each for each in wanted if _is_first(each, standing)]
            taken = self._new_jobs(db, new, now)
            _keep(db, [each for each in taken.values() if isinstance(each, Job)], now)
            _forget_keys(db, [name for name, each in taken.items() if isinstance(each, JobError)])
            earlier = _earlier(db, {entry.job_id for entry in standing.values()} - set(taken))
            return [_told(each, standing, taken | earlier) for each in wanted]

    def _standing(
        self, db: Connection, wanted: Sequence[Submission], now: float
    ) -> dict[tuple[str, str], Any]:
        """What stands under each idempotency key, with the keys that are new entered."""
        rows = {
            (each.tenant, each.idempotency_key): {
                "tenant": each.tenant,
                "key": each.idempotency_key,
                "job_id": each.id,
                "body_digest": each.body_digest,
                "made_at": now,
            }
            for each in reversed(wanted)  # of two with one key the first counts
            if each.idempotency_key is not None
        }
        if not rows:
            return {}
        in_order = [rows[at] for at in sorted(rows)]  # so that nobody waits in a circle
        db.execute(self._db.insert(idempotency).on_conflict_do_nothing(), in_order)
        at = tuple_(idempotency.c.tenant, idempotency.c.key)
        found = db.execute(select(idempotency).where(at.in_(list(rows)))).all()
        return {(row.tenant, row.key): row for row in found}

    def _new_jobs(
        self, db: Connection, new: Sequence[Submission], now: float
    ) -> dict[str, Job | JobError]:
        """By id: the job, or why it is not taken."""
        sums, room = _sums(db, new), self._room(db)
        taken: dict[str, Job | JobError] = {}
        for each in new:
            outcome = _job(each, sums, now) if room > 0 else _full(self._rules.queue_cap)
            taken[each.id] = outcome
            room -= isinstance(outcome, Job)
        return taken

    def _room(self, db: Connection) -> float:
        """How many more jobs may wait."""
        cap = self._rules.queue_cap
        return cap - db.execute(_WAITING).scalar_one() if cap else math.inf


def _is_first(each: Submission, standing: Mapping[tuple[str, str], Any]) -> bool:
    if each.idempotency_key is None:
        return True
    return bool(standing[each.tenant, each.idempotency_key].job_id == each.id)


def _sums(db: Connection, new: Sequence[Submission]) -> dict[tuple[str, str], str]:
    """Digests of the library's videos that are named, by tenant and id."""
    ids = {ref.video_id for each in new for ref in each.request.refs if ref.video_id is not None}
    if not ids:
        return {}
    found = db.execute(_VIDEOS, {"ids": sorted(ids)}).all()
    return {(row.tenant, row.id): row.sha256 for row in found}


def _job(each: Submission, sums: Mapping[tuple[str, str], str], now: float) -> Job | JobError:
    """The job; or the error, where a video that it names is not there, or not this tenant's."""
    for ref in each.request.refs:
        if ref.video_id is not None and (each.tenant, ref.video_id) not in sums:
            return JobError(
                f"there is no video {ref.video_id}",
                code="video_missing",
                next_step="Upload it, or list videos to see those there are.",
            )
    single = each.request.refs[0].video_id if len(each.request.refs) == 1 else None
    sha256 = None if single is None else sums[each.tenant, single]
    return Job(
        id=each.id,
        tenant=each.tenant,
        kind=each.request.kind,
        request=each.body,
        state="queued",
        queue=each.request.queue,
        content_key=content_key(each.request, sha256),
        created_at=now,
        video_id=single,
        video_sha256=sha256,
        webhook_url=each.webhook_url,
    )


def _keep(db: Connection, taken: Sequence[Job], now: float) -> None:
    if not taken:
        return
    db.execute(_INSERT_JOB, [_row(job, now) for job in taken])
    news = {"seq": 1, "at": now, "type": "job.queued", "data": "{}"}
    db.execute(_INSERT_EVENT, [{"job_id": job.id, **news} for job in taken])


def _row(job: Job, now: float) -> Values:
    return waiting_from(
        now,
        id=job.id,
        tenant=job.tenant,
        kind=job.kind,
        request=to_text(job.request),
        queue=job.queue,
        video_id=job.video_id,
        video_sha256=job.video_sha256,
        content_key=job.content_key,
        webhook_url=job.webhook_url,
        attempts=0,
        fence=0,
        cancel_requested=False,
        last_seq=1,
        created_at=now,
    )


def _forget_keys(db: Connection, refused: Sequence[str]) -> None:
    """A key of a job that was not taken may be used again."""
    if refused:
        db.execute(delete(idempotency).where(idempotency.c.job_id.in_(refused)))


def _earlier(db: Connection, ids: set[str]) -> dict[str, Job]:
    """Jobs that were taken before, for the same keys."""
    if not ids:
        return {}
    return {row.id: job_of(row) for row in db.execute(select(jobs).where(jobs.c.id.in_(ids)))}


def _told(
    each: Submission,
    standing: Mapping[tuple[str, str], Any],
    known: Mapping[str, Job | JobError],
) -> Submitted | Exception:
    if _is_first(each, standing):
        outcome = known[each.id]
        return outcome if isinstance(outcome, JobError) else Submitted(job=outcome, created=True)
    entry = standing[each.tenant, str(each.idempotency_key)]
    if entry.body_digest != each.body_digest:
        return JobError(
            f"the idempotency key {each.idempotency_key!r} was used for another request",
            code="idempotency_mismatch",
            next_step="Take a new key for every new request; repeat a request unchanged.",
        )
    outcome = known[entry.job_id]
    return outcome if isinstance(outcome, JobError) else Submitted(job=outcome, created=False)


def _full(cap: int) -> JobError:
    return QueueFull(
        f"{cap} jobs are waiting, and no more may",
        code="queue_full",
        next_step="Try again later, or start more workers.",
    )
