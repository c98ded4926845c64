"""Jobs in, faults in between, and what must hold of every job at the end.

The parts are those of the service: its API, worker processes with all they start, Redis without a
disk; and a client that asks for jobs. Only the handler is a stub (:mod:`tests.chaos.stub`).
"""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos import faults, submitting
from tests.chaos.asking import TENANT, asked
from tests.chaos.front import add_api, free_port
from tests.chaos.parts import described, orphans_after
from tests.chaos.stage import Mode, Stage, stage
from vidqa.jobs.store import JobStore

_BEGINNING_S = 120.0
_ORPHAN_S = 3.0
_SINGLE = 0.7
"""Share of the faults after which the service may get over it before the next one."""
_LEFT = 3
"""It has, when no more jobs than these are left of those that were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One experiment; the same seed draws the same faults in the same order."""

    mode: Mode
    jobs: int
    faults: int
    seed: int = 0
    longest_gap_s: float = 10.0
    """How long after a fault the next one waits, in the main, for the jobs so far to have ended."""
    longest_job_s: float = 1.0
    workers: int = 2
    lease_s: float = 2.0
    patience_s: float = 120.0
    """How long after the last fault the jobs may take to end."""
    database: str | None = None
    """``postgresql://...``; a file of its own when not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it; :attr:`is_sound` is the claim."""

    jobs: int
    accepted: int
    lost: int
    """Accepted jobs that are missing, or had not ended when patience was over."""
    doubled: int
    """Jobs that ended more than once, or whose product is not exactly one."""
    changed: int
    """Jobs that had ended and were later seen otherwise."""
    strangers: int
    """Jobs that nobody asked for: accepted twice under one key."""
    orphans: int
    """Processes that outlived their killed worker by more than 3 s."""
    states: dict[str, int]
    faults: dict[str, int]
    runs: int
    """Runs of handlers: the jobs, and those that were begun anew."""
    ended_after_s: float
    """From the last fault until the last job had ended."""
    took_s: float

    @property
    def is_sound(self) -> bool:
        """Nothing lost, nothing twice, everything ended."""
        wrong = self.lost, self.doubled, self.changed, self.strangers, self.orphans
        return self.accepted == self.jobs and not any(wrong)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {"sound": self.is_sound}


def experiment(plan: Plan, folder: Path, say: Callable[[str], None] = lambda _: None) -> Outcome:
    """Run it in ``folder``, where logs, the database and traces are left."""
    beside = plan.workers - (plan.mode == "embedded")  # there vidqa serve has one itself
    with stage(plan.mode, folder, workers=beside, settings=_settings(plan)) as held:
        port = free_port()
        add_api(held, port)
        told = [str(each) for each in (folder, port, plan.jobs, plan.seed, plan.longest_job_s)]
        held.add("client", "tests.chaos.submitting", *told)
        return _World(plan=plan, stage=held).run(say)


def _settings(plan: Plan) -> dict[str, object]:
    """Short leases, and no poison stop that bad luck could reach."""
    given: dict[str, object] = {
        "lease_s": plan.lease_s,
        "heartbeat_s": plan.lease_s / 3,
        "attempts": 50,
        "claim_watch_s": 15,
        "media_roots": "/",
        "rate_per_minute": 0,
        "concurrent_jobs": 0,
    }
    return given if plan.database is None else given | {"service_url": plan.database}


@dataclass(slots=True, kw_only=True)
class _World:
    plan: Plan
    stage: Stage
    _ended: dict[str, tuple[str, float | None]] = field(default_factory=dict)
    _changed: set[str] = field(default_factory=set)
    _orphans: int = 0
    _opened: int = 0

    def run(self, say: Callable[[str], None]) -> Outcome:
        began = time.monotonic()
        hit = self._torment(say)
        last = time.monotonic()
        self.stage.until(self._all_ended, self.plan.patience_s, look_s=0.3)
        ended_after_s = time.monotonic() - last
        return self._judged(hit, ended_after_s, time.monotonic() - began)

    def _torment(self, say: Callable[[str], None]) -> Counter[str]:
        known = faults.CELERY if self.plan.mode == "celery" else faults.EMBEDDED
        api, client = self.stage.others
        whole = [api] if self.plan.mode == "embedded" else []
        victims = faults.Victims(
            workers=[*self.stage.workers, *whole],
            fronts=[api, client],
            redis=self.stage.redis,
            lease_s=self.plan.lease_s,
        )
        draw = random.Random(self.plan.seed)
        hit: Counter[str] = Counter()
        self._open(1)
        if not self.stage.until(self._something_ended, _BEGINNING_S):
            raise RuntimeError(f"no job ends, even undisturbed; see {self.stage.folder}/*.log")
        while hit.total() < self.plan.faults:
            self._open(hit.total() + 2)
            self.stage.keep(draw.uniform(0.2, 1.5))
            name = draw.choices(list(known), [weight for _, weight in known.values()])[0]
            trees = [part.tree() for part in victims.workers]
            if known[name][0](victims, draw):
                hit[name] += 1
                say(f"{hit.total()}/{self.plan.faults} {name}; ended {len(self._ended)}")
            if name == "worker killed":
                self._count_orphans([tree[1:] for tree in trees if not _alive(tree)], say)
            if draw.random() < _SINGLE:
                self.stage.until(self._caught_up, self.plan.longest_gap_s, look_s=0.2)
        self._open(self.plan.faults + 1)
        return hit

    def _open(self, step: int) -> None:
        """Let so much of the jobs be asked for that they last until the last fault."""
        share = min(step / (self.plan.faults + 1), 1.0)
        self._opened = math.ceil(self.plan.jobs * share)
        submitting.allow(self.stage.folder, self._opened)

    def _something_ended(self) -> bool:
        self._look()
        return bool(self._ended)

    def _caught_up(self) -> bool:
        self._look()
        return len(self._ended) >= self._opened - _LEFT

    def _count_orphans(self, trees: list[list[Any]], say: Callable[[str], None]) -> None:
        for tree in trees:
            for left in orphans_after(_running(tree), _ORPHAN_S):
                self._orphans += 1
                say(f"left behind after {_ORPHAN_S:g} s: {described(left)}")

    def _look(self) -> None:
        """What has ended must stay as it is."""
        for job in _all_jobs(self.stage.store):
            if not job.is_final:
                if job.id in self._ended:
                    self._changed.add(job.id)
                continue
            seen = (job.state, job.finished_at)
            if self._ended.setdefault(job.id, seen) != seen:
                self._changed.add(job.id)

    def _all_ended(self) -> bool:
        self._look()
        return len(
            submitting.accepted_ids(self.stage.folder / submitting.ACCEPTED)
        ) == self.plan.jobs and all(job.is_final for job in _all_jobs(self.stage.store))

    def _judged(self, hit: Counter[str], ended_after_s: float, took_s: float) -> Outcome:
        jobs = {job.id: job for job in _all_jobs(self.stage.store)}
        accepted = submitting.accepted_ids(self.stage.folder / submitting.ACCEPTED)
        lost = [each for each in accepted.values() if each not in jobs or not jobs[each].is_final]
        numbers = Counter(asked(job.request)[0] for job in jobs.values())
        runs = (self.stage.folder / "runs.txt").read_text().splitlines()
        return Outcome(
            jobs=self.plan.jobs,
            accepted=len(accepted),
            lost=len(lost),
            doubled=sum(not self._once(job) for job in jobs.values() if job.is_final),
            changed=len(self._changed),
            strangers=sum(count - 1 for count in numbers.values()),
            orphans=self._orphans,
            states=dict(Counter(job.state for job in jobs.values())),
            faults=dict(hit),
            runs=len(runs),
            ended_after_s=round(ended_after_s, 1),
            took_s=round(took_s, 1),
        )

    def _once(self, job: Any) -> bool:
        """One end, one result that is this job's own, one product."""
        events = self.stage.store.events(job.tenant, job.id)
        ends = [each for each in events if each.type in _ENDS]
        if len(ends) != 1 or ends[0].type != f"job.{job.state}":
            return False
        if job.state != "completed":
            return True
        number, _ = asked(job.request)
        result = self.stage.store.result(job.tenant, job.id)
        product = self.stage.folder / "products" / f"{number}.txt"
        return result["number"] == number and product.read_text() == str(number)


_ENDS = {"job.completed", "job.failed", "job.cancelled"}


def _all_jobs(store: JobStore) -> Iterator[Any]:
    token = None
    while True:
        page = store.page(TENANT, size=100, token=token)
        yield from page.jobs
        token = page.next_token
        if token is None:
            return


def _alive(tree: list[Any]) -> bool:
    return bool(_running(tree[:1]))


def _running(tree: list[Any]) -> list[Any]:
    return [each for each in tree if each.is_running() and each.status() != "zombie"]
