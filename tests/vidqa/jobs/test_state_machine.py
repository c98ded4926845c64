"""Whatever order things come in, the store does what a small model of it says."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.vidqa.jobs.drawn import BOTH, FOUND, a_job, expire, unlock
from vidqa.errors import JobError, LeaseLost
from vidqa.jobs.part import Rules
from vidqa.jobs.store import JobStore
from vidqa.service.owner import open_database
from vidqa.service.records import Claim

ATTEMPTS = 2


@dataclass
class Known:
    """A job as the model knows it."""

    state: str = "queued"
    attempts: int = 0
    fence: int = 0
    cancelling: bool = False
    ends: int = 0


class Jobs(RuleBasedStateMachine):
    """Submit, cancel, retry, claim, finish, fail, release, lose a lease: in any order."""

    template: ClassVar[Path]
    ids, claims = Bundle("ids"), Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="vidqa-machine-"))
        place = shutil.copy(self.template, self.folder / "service.db")
        self.store = JobStore(open_database(str(place)), Rules(attempts=ATTEMPTS))
        self.known: dict[str, Known] = {}

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    @rule(target=ids)
    def submit(self) -> str:
        job = a_job(self.store, webhook_url="https://x/y")
        self.known[job.id] = Known()
        return job.id

    @rule(target=claims, worker=st.sampled_from(["w1", "w2"]))
    def claim(self, worker: str) -> object:
        claim = self.store.claim(worker, queues=BOTH)
        waiting = sorted(k for k, each in self.known.items() if each.state == "queued")
        if claim is None:
            assert not waiting
            return multiple()
        assert claim.job.id == waiting[0]
        job = self.known[claim.job.id]
        job.state, job.attempts, job.fence = "in_progress", job.attempts + 1, job.fence + 1
        return claim

    @rule(job_id=ids)
    def cancel(self, job_id: str) -> None:
        self.store.cancel("ann", job_id)
        job = self.known[job_id]
        if job.state == "queued":
            self._end(job, "cancelled")
        elif job.state == "in_progress":
            job.cancelling = True

    @rule(job_id=ids)
    def retry(self, job_id: str) -> None:
        job = self.known[job_id]
        if job.state not in ("failed", "cancelled"):
            with pytest.raises(JobError):
                self.store.retry("ann", job_id)
            return
        self.store.retry("ann", job_id)
        job.state, job.attempts, job.cancelling = "queued", 0, False

    @rule(claim=claims)
    def heartbeat(self, claim: Claim) -> None:
        if not self._is_good(claim):
            with pytest.raises(LeaseLost):
                self.store.heartbeat(claim)
            return
        assert self.store.heartbeat(claim).cancel_requested == self.known[claim.job.id].cancelling

    @rule(claim=consumes(claims))
    def finish(self, claim: Claim) -> None:
        if not self._is_good(claim):
            with pytest.raises(LeaseLost):
                self.store.finish(claim, FOUND, "found")
            return
        self.store.finish(claim, FOUND, "found")
        job = self.known[claim.job.id]
        self._end(job, "cancelled" if job.cancelling else "completed")

    @rule(claim=claims)
    def fail(self, claim: Claim) -> None:
        if not self._is_good(claim):
            with pytest.raises(LeaseLost):
                self.store.fail(claim, {"code": "x"})
            return
        self.store.fail(claim, {"code": "x"})
        job = self.known[claim.job.id]
        self._end(job, "cancelled" if job.cancelling else "failed")

    @rule(claim=claims)
    def release(self, claim: Claim) -> None:
        if not self._is_good(claim):
            with pytest.raises(LeaseLost):
                self.store.release(claim)
            return
        self.store.release(claim)
        job = self.known[claim.job.id]
        job.attempts -= 1
        self._end(job, "cancelled" if job.cancelling else "queued")

    @rule(claim=claims)
    def lose(self, claim: Claim) -> None:
        if not self._is_good(claim):
            return
        expire(self.store, claim.job.id)
        unlock(self.store)
        self.store.redispatch("r")
        job = self.known[claim.job.id]
        if job.cancelling:
            self._end(job, "cancelled")
        elif job.attempts >= ATTEMPTS:
            self._end(job, "failed")
        else:
            job.state = "queued"

    @invariant()
    def the_store_is_as_the_model(self) -> None:
        for job_id, known in self.known.items():
            job = self.store.get("ann", job_id)
            assert (job.state, job.attempts, job.fence) == (
                known.state,
                known.attempts,
                known.fence,
            )

    @invariant()
    def every_end_was_told_once(self) -> None:
        ends = sum(each.ends for each in self.known.values())
        assert self.store.counts().webhooks_due == ends

    def _is_good(self, claim: Claim) -> bool:
        job = self.known[claim.job.id]
        return job.state == "in_progress" and job.fence == claim.fence

    def _end(self, job: Known, state: str) -> None:
        job.state = state
        job.ends += state != "queued"


def test_the_store_does_what_the_model_says(service_template: Path) -> None:
    Jobs.template = service_template
    how = settings(max_examples=20, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(Jobs, settings=how)
