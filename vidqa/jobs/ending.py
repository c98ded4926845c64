"""How a job ends, guarded by its claim's fence: state, result, segments, event and webhook in one
transaction, so that nobody sees one without the others, and an end happens once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, update

from vidqa.errors import JobError, VidqaError
from vidqa.jobs.part import (
    Part,
    add_event,
    announce_end,
    change_claimed,
    end_job,
    ended_as,
    free_worker,
    job_row,
    now_of,
    waiting_from,
)
from vidqa.service.ids import new_id
from vidqa.service.records import Claim, Job, JsonDict
from vidqa.service.requests import read_request
from vidqa.service.rows import to_text
from vidqa.service.tables import job_results, jobs, segments

_PLACES = ("segments", "evidence", "chapters")
"""Lists of stretches that a result of one video may have."""


_FOUND = ("hits", "citations", "others")
"""Lists of stretches of many videos, each of which says which."""


class Ending(Part):
    """Ends of claimed jobs, cancelling, and trying again."""

    def finish(
        self,
        claim: Claim,
        result: Mapping[str, Any],
        outcome: str | None,
        *,
        product_key: str | None = None,
    ) -> Job:
        """Completed, with this result; cancelled, without it, where that was asked for meanwhile.

        Stretches in the result get ids of their own (``seg_...``). Raises :class:`LeaseLost`.
        """
        with self._db.writing() as db:
            now = now_of(db)
            job = change_claimed(db, claim, ended_as("completed", now, outcome=outcome))
            if job.cancel_requested:
                return end_job(db, claim.worker, job.id, now, "cancelled", outcome=None)
            body, rows = _numbered(job, result)
            db.execute(
                insert(job_results).values(
                    job_id=job.id,
                    tenant=job.tenant,
                    product_key=product_key,
                    made_at=now,
                    body=to_text(body),
                )
            )
            if rows:
                db.execute(insert(segments), rows)
            free_worker(db, claim.worker)
            announce_end(db, job, now)
        return job

    def fail(self, claim: Claim, error: VidqaError | JsonDict) -> Job:
        """Failed, for a reason that is told; cancelled where that was asked for meanwhile.

        Raises :class:`LeaseLost`.
        """
        told = error.to_dict() if isinstance(error, VidqaError) else error
        with self._db.writing() as db:
            now = now_of(db)
            job = change_claimed(db, claim, {"progress_at": now})
            if job.cancel_requested:
                return end_job(db, claim.worker, job.id, now, "cancelled")
            return end_job(db, claim.worker, job.id, now, "failed", error=to_text(told))

    def acknowledge_cancel(self, claim: Claim) -> Job:
        """The worker has stopped as it was asked to; raises :class:`LeaseLost`."""
        with self._db.writing() as db:
            now = now_of(db)
            job = change_claimed(db, claim, {"progress_at": now})
            return end_job(db, claim.worker, job.id, now, "cancelled")

    def cancel(self, tenant: str | None, job_id: str) -> Job:
        """A job that waits is cancelled at once, one that runs as soon as its worker notices; one
        that has ended stays as it is. Raises :class:`JobError`, code ``job_missing``."""
        with self._db.writing() as db:
            job = job_row(db, tenant, job_id, lock=True)
            now = now_of(db)
            if job.state == "queued":
                return end_job(db, None, job.id, now, "cancelled", cancel_requested=True)
            if job.state == "in_progress" and not job.cancel_requested:
                db.execute(update(jobs).where(jobs.c.id == job_id).values(cancel_requested=True))
                add_event(db, job_id, now, "job.cancelling", {})
            return job_row(db, tenant, job_id)

    def retry(self, tenant: str | None, job_id: str) -> Job:
        """A job that failed or was cancelled waits again, as new.

        Raises :class:`JobError`, code ``job_not_retryable``, for any other.
        """
        with self._db.writing() as db:
            job = job_row(db, tenant, job_id, lock=True)
            if job.state not in ("failed", "cancelled"):
                raise JobError(
                    f"{job_id} is {job.state}, and cannot be tried again",
                    code="job_not_retryable",
                    next_step="Only jobs that failed or were cancelled can; submit another.",
                )
            now = now_of(db)
            fresh = {"attempts": 0, "error": None, "outcome": None, "cancel_requested": False}
            unmade = {"started_at": None, "finished_at": None}
            values = waiting_from(now, **fresh, **unmade)
            db.execute(update(jobs).where(jobs.c.id == job_id).values(**values))
            add_event(db, job_id, now, "job.queued", {"again": True})
            return job_row(db, tenant, job_id)


def _numbered(job: Job, result: Mapping[str, Any]) -> tuple[JsonDict, list[JsonDict]]:
    """The result with an id in each of its stretches, and their rows."""
    refs = read_request(job.kind, job.request).refs
    place = refs[0].place if len(refs) == 1 else None
    body, rows = dict(result), []
    for name in _PLACES:
        if len(refs) == 1 and _are_stretches(body.get(name)):
            named = [{**each, "id": new_id("seg")} for each in body[name]]
            body[name] = named
            rows += [
                {
                    "id": each["id"],
                    "tenant": job.tenant,
                    "job_id": job.id,
                    "video_id": job.video_id,
                    "place": place,
                    "start_s": each["start"],
                    "end_s": each["end"],
                }
                for each in named
            ]
    for name in _FOUND:
        if _are_stretches(body.get(name)):
            body[name] = [{**each, "id": new_id("seg")} for each in body[name]]
            rows += [_found_row(job, each) for each in body[name]]
    return body, rows


def _found_row(job: Job, hit: Mapping[str, Any]) -> JsonDict:
    """Each hit of an archive is in a video of its own."""
    video = hit.get("video", {})
    video_id = video.get("video_id")
    return {
        "id": hit["id"],
        "tenant": job.tenant,
        "job_id": job.id,
        "video_id": video_id,
        "place": video.get("path") if video_id is None else None,
        "start_s": hit["start"],
        "end_s": hit["end"],
    }


def _are_stretches(value: Any) -> bool:
    return isinstance(value, Sequence) and all(
        isinstance(each, Mapping) and {"start", "end"} <= set(each) for each in value
    )
