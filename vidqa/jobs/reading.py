"""Looking at jobs: one, a page of them, results, events; and waiting for one to end."""

from __future__ import annotations

import json
import time
from collections.abc import Collection

from sqlalchemy import select

from vidqa.errors import JobError
from vidqa.jobs.part import Part, job_row
from vidqa.service.paging import check_size, id_before, list_key, token_behind
from vidqa.service.records import Job, JobEvent, JobPage, JsonDict, StoredSegment
from vidqa.service.rows import event_of, job_of, segment_of
from vidqa.service.tables import job_events, job_results, jobs, segments

_LOOK_S = (0.02, 0.25)
"""Shortest and longest time between two looks at a job that is waited for."""
_PATIENT = 0.1
"""Of the time waited so far, the part that may pass until the next look."""


class Reading(Part):
    """What can be asked of jobs. ``tenant=None``, a worker's, sees those of all."""

    def get(self, tenant: str | None, job_id: str) -> Job:
        """Raises :class:`JobError`, code ``job_missing``, also for another tenant's."""
        with self._db.reading() as db:
            return job_row(db, tenant, job_id)

    def page(
        self,
        tenant: str | None,
        *,
        states: Collection[str] = (),
        kinds: Collection[str] = (),
        size: int = 20,
        token: str | None = None,
    ) -> JobPage:
        """Jobs in these states and of these kinds (none given: all), newest first.

        Raises :class:`JobError` for a page of 0 or more than 200, and for a token of another list.
        """
        check_size(size, JobError)
        key = list_key("jobs", tenant, sorted(states), sorted(kinds))
        asked = select(jobs).order_by(jobs.c.id.desc()).limit(size + 1)
        if tenant is not None:
            asked = asked.where(jobs.c.tenant == tenant)
        if states:
            asked = asked.where(jobs.c.state.in_(sorted(states)))
        if kinds:
            asked = asked.where(jobs.c.kind.in_(sorted(kinds)))
        if token is not None:
            asked = asked.where(jobs.c.id < id_before("job", token, key, JobError))
        with self._db.reading() as db:
            found = [job_of(row) for row in db.execute(asked)]
        more = len(found) > size
        shown = tuple(found[:size])
        return JobPage(jobs=shown, next_token=token_behind(shown[-1].id, key) if more else None)

    def result(self, tenant: str | None, job_id: str) -> JsonDict:
        """What a completed job found; raises :class:`JobError`, code ``job_unfinished`` before."""
        with self._db.reading() as db:
            job = job_row(db, tenant, job_id)
            asked = select(job_results.c.body).where(job_results.c.job_id == job_id)
            body = db.execute(asked).scalar_one_or_none()
        if job.state != "completed" or body is None:
            raise JobError(
                f"{job_id} has no result: it is {job.state}",
                code="job_unfinished",
                next_step="Look at its error, and retry it."
                if job.is_final
                else "Wait until its state is completed.",
            )
        found: JsonDict = json.loads(body)
        return found

    def events(self, tenant: str | None, job_id: str, *, after: int = 0) -> list[JobEvent]:
        """What happened to it, in order, behind number ``after``."""
        seen = job_events.c
        with self._db.reading() as db:
            job_row(db, tenant, job_id)
            asked = select(job_events).where(seen.job_id == job_id, seen.seq > after)
            return [event_of(row) for row in db.execute(asked.order_by(seen.seq))]

    def wait(self, tenant: str | None, job_id: str, timeout_s: float) -> Job:
        """The job once it has ended, or as it is when the time is up."""
        began_s = time.monotonic()
        while True:
            job = self.get(tenant, job_id)
            waited_s = time.monotonic() - began_s
            if job.is_final or waited_s >= timeout_s:
                return job
            pause_s = min(max(waited_s * _PATIENT, _LOOK_S[0]), _LOOK_S[1])
            time.sleep(min(pause_s, timeout_s - waited_s))

    def unfinished(self, tenant: str) -> int:
        """How many of the tenant's jobs wait or run."""
        with self._db.reading() as db:
            asked = select(jobs.c.id).where(
                jobs.c.tenant == tenant, jobs.c.state.in_(("queued", "in_progress"))
            )
            return len(db.execute(asked).all())

    def product(self, tenant: str, product_key: str) -> JsonDict | None:
        """The newest result that the tenant has of the same making; None where there is none."""
        made = job_results.c
        asked = (
            select(made.body)
            .where(made.tenant == tenant, made.product_key == product_key)
            .order_by(made.made_at.desc())
            .limit(1)
        )
        with self._db.reading() as db:
            body = db.execute(asked).scalar_one_or_none()
        return None if body is None else json.loads(body)

    def segment(self, tenant: str | None, segment_id: str) -> StoredSegment:
        """A stretch of video of some result; raises :class:`JobError`, code ``segment_missing``."""
        asked = select(segments).where(segments.c.id == segment_id)
        if tenant is not None:
            asked = asked.where(segments.c.tenant == tenant)
        with self._db.reading() as db:
            row = db.execute(asked).one_or_none()
        if row is None:
            raise JobError(
                f"there is no segment {segment_id[:60]!r}",
                code="segment_missing",
                next_step="Take an id from the segments of a job's result.",
            )
        return segment_of(row)
