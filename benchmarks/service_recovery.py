"""How long until a job runs again after its worker, its process or the broker died."""

from __future__ import annotations

import itertools
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from psutil import Process

from benchmarks.service_rows import Journal, Row, quantile, spread
from tests.chaos.asking import TENANT, job_of
from tests.chaos.parts import Part, signal_process
from tests.chaos.stage import Mode, Stage, stage
from vidqa.service.records import Job

AT_ONCE = 4
"""Workers that run, each with a job, and are hurt in the same round: it shortens the waiting."""
LONG_S = 600.0
WANTED_S = {"worker killed": 45.0, "child killed": 10.0, "broker restarted": 15.0}
PATIENCE_S = 120.0
BROKER_AWAY_S = 1.0

Trial = Callable[[Stage, Iterator[int]], list[float]]
"""Seconds until it worked again, one for each that was hurt; infinite where it did not in time."""


def recovery(journal: Journal, modes: Sequence[Mode], *, trials: int) -> list[Row]:
    """So many trials of each kind of death, of each mode."""
    rows = []
    for mode in modes:
        for kind, trial in _TRIALS.items():
            if kind == "broker restarted" and mode == "embedded":
                continue
            key = {"part": "recovery", "mode": mode, "kind": kind}
            _fill(journal, key, mode, trial, trials)
            taken = [float(each["seconds"]) for each in journal.done(**key)][:trials]
            rows.append(_row(mode, kind, taken))
    return rows


def _fill(journal: Journal, key: dict[str, str], mode: Mode, trial: Trial, trials: int) -> None:
    if len(journal.done(**key)) >= trials:
        return
    numbers = itertools.count()
    with tempfile.TemporaryDirectory(prefix="vidqa-recovery-") as name:
        settings = {"attempts": 100}  # the lease and all else as they are for everybody
        with stage(mode, Path(name), workers=AT_ONCE, settings=settings) as held:
            while len(journal.done(**key)) < trials:
                for seconds in trial(held, numbers):
                    journal.add({"seconds": round(seconds, 2)}, **key)
                done = len(journal.done(**key))
                print(f"{mode}, {key['kind']}: {done} of {trials}", file=sys.stderr, flush=True)


def _row(mode: str, kind: str, taken: Sequence[float]) -> Row:
    wanted_s = WANTED_S[kind]
    good = sum(each <= wanted_s for each in taken)
    return Row(
        what=f"{kind}, {mode}: works again, s",
        measured=f"{spread(taken)}; {good} of {len(taken)} in time",
        wanted=f"<= {wanted_s:.0f} in {len(taken)} of {len(taken)}",
        reached=good == len(taken),
        facts={
            "part": "recovery",
            "mode": mode,
            "kind": kind,
            "trials": len(taken),
            "p50_s": quantile(taken, 0.5),
            "max_s": max(taken),
        },
    )


def _worker_killed(held: Stage, numbers: Iterator[int]) -> list[float]:
    return _hurt(held, numbers, lambda part: part.send(signal.SIGKILL))


def _child_killed(held: Stage, numbers: Iterator[int]) -> list[float]:
    def kill(part: Part) -> bool:
        hit = [signal_process(each, signal.SIGKILL) for each in _busy(held, part)]
        return any(hit)

    return _hurt(held, numbers, kill)


def _hurt(held: Stage, numbers: Iterator[int], hurt: Callable[[Part], bool]) -> list[float]:
    """Long jobs run on all workers; each worker is hurt; when does each job run again?"""
    jobs = [_submit(held, next(numbers), LONG_S) for _ in held.workers]
    if not held.until(lambda: all(_runs(held, each) for each in jobs), PATIENCE_S):
        raise SystemExit("jobs do not begin; see the workers' logs")
    before = {job.id: _now(held, job).attempts for job in jobs}
    hurt_at: dict[str, float] = {}
    for part in held.workers:
        mine = [job for job in jobs if _is_run_by(held, job, part)]
        if mine and hurt(part):
            hurt_at |= {job.id: time.monotonic() for job in mine}
    again: dict[str, float] = {}

    def all_again() -> bool:
        for job in jobs:
            now = _now(held, job)
            if job.id not in again and now.attempts > before[job.id] and _runs(held, job):
                again[job.id] = time.monotonic()
        return hurt_at.keys() <= again.keys()

    held.until(all_again, PATIENCE_S)
    for job in jobs:
        held.store.cancel(TENANT, job.id)
    held.until(lambda: all(_now(held, job).is_final for job in jobs), PATIENCE_S)
    return [again.get(each, float("inf")) - at for each, at in hurt_at.items()]


def _broker_restarted(held: Stage, numbers: Iterator[int]) -> list[float]:
    """Under a load of short jobs: from its start until a job submitted then has ended."""
    if held.redis is None:
        raise ValueError("this mode has no broker")
    load = [_submit(held, next(numbers), 0.2) for _ in range(3 * AT_ONCE)]
    if not held.until(lambda: any(_now(held, each).is_final for each in load), PATIENCE_S):
        raise SystemExit("jobs do not begin; see the workers' logs")
    held.redis.kill()
    held.keep(BROKER_AWAY_S)
    held.redis.start()
    began = time.monotonic()
    job = _submit(held, next(numbers), 0.05)
    worked = held.until(lambda: _now(held, job).is_final, PATIENCE_S)
    return [time.monotonic() - began if worked else float("inf")]


_TRIALS: dict[str, Trial] = {
    "worker killed": _worker_killed,
    "child killed": _child_killed,
    "broker restarted": _broker_restarted,
}


def _submit(held: Stage, number: int, seconds: float) -> Job:
    kind, request = job_of(4 * number, seconds)  # of the model's queue
    return held.store.submit(TENANT, kind, request).job


def _now(held: Stage, job: Job) -> Job:
    return held.store.get(TENANT, job.id)


def _runs(held: Stage, job: Job) -> bool:
    return _now(held, job).state == "in_progress"


def _is_run_by(held: Stage, job: Job, part: Part) -> bool:
    owner = _now(held, job).owner
    return any(pid in {each.pid for each in part.tree()} for pid in _pids(held, owner))


def _busy(held: Stage, part: Part) -> list[Process]:
    pids = {worker.pid for worker in held.store.workers() if worker.job_id is not None}
    return [each for each in part.leaves() if each.pid in pids]


def _pids(held: Stage, owner: str | None) -> list[int]:
    return [worker.pid for worker in held.store.workers() if worker.id == owner]
