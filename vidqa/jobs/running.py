"""Runs claimed jobs, one at a time: the same in an embedded worker's child and in a Celery one.

The job runs in the calling thread. Whatever becomes of it is written behind its fence, or dropped
where the lease was lost meanwhile.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from vidqa.effort import Halt
from vidqa.errors import LeaseLost, ServiceBusy, ServiceError, VidqaError
from vidqa.heap import give_back
from vidqa.interrupts import Interrupted
from vidqa.jobs.faults import Faults
from vidqa.jobs.fetched import Fetching
from vidqa.jobs.heart import Heart
from vidqa.jobs.orphans import leave_at_once
from vidqa.jobs.store import JobStore
from vidqa.jobs.work import Fetch, Made, Meter, Work
from vidqa.service.library import Library
from vidqa.service.measuring import NAME, measure
from vidqa.service.records import Claim, Job, JsonDict
from vidqa.service.requests import Request, read_request
from vidqa.service_settings import ServiceSettings
from vidqa.settings import load_settings, strangers_reader
from vidqa.video import media

if TYPE_CHECKING:  # it loads torch
    from vidqa.session import Session

log = logging.getLogger(__name__)
_events = structlog.get_logger("vidqa.jobs")
Handler = Callable[[Request, Work], Made]
HELD = 8
"""Videos of which a worker says that it has them at hand: as many as were asked about lately."""
_WRITE_S = 60.0
"""How long an end is tried to be written while the database is away."""


class Runner:
    """One worker's way to run jobs; loads the model at the first that needs it."""

    def __init__(
        self,
        store: JobStore,
        library: Library,
        settings: ServiceSettings,
        *,
        given: dict[str, Any] | None = None,
        handler: Handler | None = None,
        faults: Faults | None = None,
        overdue: tuple[type[Exception], ...] = (),
    ) -> None:
        """``overdue`` is what whoever runs this process throws into a job that took too long."""
        self._store, self._library, self._settings = store, library, settings
        self._given, self._handler, self._overdue = given or {}, handler, overdue
        self._faults = faults or Faults()
        self._meter = Meter()
        self._session: Session | None = None
        self._held: OrderedDict[str, None] = OrderedDict()
        self.stop = threading.Event()
        """Set by whoever wants no further job to be run, and a running one to end or be put
        back."""

    @property
    def holds(self) -> frozenset[str]:
        """Digests of the videos that were asked about lately."""
        return frozenset(self._held)

    def run(self, claim: Claim) -> None:
        """Run the job and write down what became of it."""
        _events.info("job.started", job_id=claim.job.id, kind=claim.job.kind, worker=claim.worker)
        self._faults.at("after_claim")
        self._meter, halt = Meter(), Halt()
        heart = Heart(
            self._store,
            claim,
            self._settings,
            meter=self._meter,
            halt=halt,
            stop=self.stop,
            faults=self._faults,
            abandon=lambda heart: self._abandon(claim, heart),
        )
        try:
            with heart:
                end = self._outcome(claim, heart, halt)
            self._faults.at("before_finish")
            self._write(end)
            self._faults.at("after_finish")
        except LeaseLost as err:
            log.warning("%s", err)
            return
        finally:
            give_back()  # a large video's memory is not the next job's
        self._hold(claim.job.video_sha256)

    def close(self) -> None:
        """Let go of the model's archives."""
        if self._session is not None:
            self._session.close()

    def _outcome(self, claim: Claim, heart: Heart, halt: Halt) -> Callable[[], object]:
        """Do the job; what is to be written of it."""
        try:
            made = self._made(claim, halt)
        except Interrupted:
            return self._broken(claim, heart)
        except VidqaError as err:
            return self._broken(claim, heart) if heart.why else self._failed(claim, err)
        except self._overdue:
            return lambda: self._store.fail(claim, _late(self._settings.max_job_seconds))
        except Exception:
            log.exception("%s failed", claim.job.id)
            return lambda: self._store.fail(claim, _bug())
        if heart.why in ("stopped", "late", "stuck", "lost"):
            return self._broken(claim, heart)
        return lambda: self._store.finish(
            claim, made.result, made.outcome, product_key=made.product_key
        )

    def _made(self, claim: Claim, halt: Halt) -> Made:
        job = claim.job
        with Fetching(self._settings, self._library.incoming) as fetch:
            return self._handled(job, self._work(job, halt, fetch))

    def _handled(self, job: Job, work: Work) -> Made:
        self._faults.at("while_working")
        handler = self._handler or _own_handler()
        return handler(read_request(job.kind, job.request), work)

    def _work(self, job: Job, halt: Halt, fetch: Fetch) -> Work:
        return Work(
            job=job,
            meter=self._meter,
            halt=halt,
            session=self._opened,
            library=self._library,
            media_roots=tuple(Path(root) for root in self._settings.media_roots),
            fetch=fetch,
            product=lambda key: self._store.product(job.tenant, key),
            longest_s=self._settings.max_duration_s,
            measured=self._measured,
        )

    def _measured(self, path: Path) -> JsonDict:
        given = self._given.get("reader")
        return measure(path, media(given or strangers_reader(load_settings())))

    def _opened(self) -> Session:
        if self._session is None:
            from vidqa import interrupts
            from vidqa.session import open_session

            self._faults.at("while_loading")
            given = {"reader": strangers_reader(load_settings()), **self._given}
            self._session = open_session(progress=self._progress, **given)
            self._session.context.engine.before_each_layer(interrupts.check)
        return self._session

    def _progress(self, stage: str, done: int, total: int) -> None:
        """The session outlives a job: what it tells is of the job that runs now."""
        self._meter(stage, done, total)

    def _broken(self, claim: Claim, heart: Heart) -> Callable[[], object]:
        """What is to be written of a job that was ended before it was done."""
        store = self._store
        if heart.why == "cancelled":
            return lambda: store.acknowledge_cancel(claim)
        if heart.why == "late":
            return lambda: store.fail(claim, _late(self._settings.max_job_seconds))
        if heart.why == "stuck":
            return lambda: self._again_or(claim, _stuck(self._meter.now.stage))
        return lambda: store.release(claim)

    def _abandon(self, claim: Claim, heart: Heart) -> None:
        """The job heeds nothing: write down what becomes of it, and leave it with this process."""
        with suppress(LeaseLost, ServiceError):  # else its lease runs out
            self._broken(claim, heart)()
        leave_at_once()

    def _failed(self, claim: Claim, err: VidqaError) -> Callable[[], object]:
        told: JsonDict = {**err.to_dict(), "message": self._untold(str(err))}
        if not err.retryable:
            return lambda: self._store.fail(claim, told)
        return lambda: self._again_or(claim, told)

    def _untold(self, message: str) -> str:
        """Without where in the service's own folder a file lies, which is nobody's business."""
        return re.sub(re.escape(f"{self._library.folder}{os.sep}") + r"[^\s:,;]+", NAME, message)

    def _again_or(self, claim: Claim, told: JsonDict) -> object:
        """Put the job back for a while, or fail where it was tried often enough."""
        if claim.job.attempts >= self._settings.attempts:
            return self._store.fail(claim, told)
        return self._store.release(claim, delay_s=2.0**claim.job.attempts, counted=True)

    def _write(self, end: Callable[[], object]) -> None:
        """Write an end, which is guarded by the fence: trying again does no harm."""
        deadline_s = time.monotonic() + _WRITE_S
        while not self._written(end, patient=time.monotonic() < deadline_s):
            time.sleep(1)

    def _written(self, end: Callable[[], object], *, patient: bool) -> bool:
        try:
            _tell(end())
        except ServiceBusy as err:
            if not patient:
                raise
            log.warning("an end cannot be written yet: %s", err)
            return False
        return True

    def _hold(self, sha256: str | None) -> None:
        if sha256 is not None:
            self._held[sha256] = None
            self._held.move_to_end(sha256)
            while len(self._held) > HELD:
                self._held.popitem(last=False)


def _tell(job: object) -> None:
    """A line in the log for what became of a job."""
    if isinstance(job, Job):
        code = None if job.error is None else job.error.get("code")
        told = {"job_id": job.id, "kind": job.kind, "outcome": job.outcome, "code": code}
        _events.info(f"job.{job.state}", attempts=job.attempts, **told)


def _own_handler() -> Handler:
    from vidqa.jobs.handlers import run  # late: it imports torch

    return run


def _bug() -> JsonDict:
    return {
        "code": "job_crashed",
        "stage": "job",
        "message": "the worker met an error that it does not know",
        "next_step": "Report it, with what the worker's log says.",
        "retryable": False,
    }


def _late(limit_s: float) -> JsonDict:
    return {
        "code": "job_timeout",
        "stage": "job",
        "message": f"it was not done after {limit_s:g} s",
        "next_step": "Ask about a shorter window, or raise VIDQA_MAX_JOB_SECONDS.",
        "retryable": False,
    }


def _stuck(stage: str) -> JsonDict:
    return {
        "code": "job_stuck",
        "stage": stage,
        "message": "nothing moved for too long",
        "next_step": "Try again; should it last, re-encode the video.",
        "retryable": True,
    }
