"""Waiting for a job without holding a thread: asked again and again, ever more slowly."""

from __future__ import annotations

import anyio

from vidqa.api.service import Service
from vidqa.api.threads import aside
from vidqa.service.records import Job

LOOK_S = (0.02, 0.5)
"""Shortest and longest time between two looks; a look comes after a tenth of what has passed."""


async def until_final(service: Service, tenant: str, job_id: str, timeout_s: float) -> Job:
    """The job once it has ended, or as it is when the time is up or the service stops; raises
    :class:`JobError`."""
    began_s = anyio.current_time()
    while True:
        job = await aside(service.jobs.get, tenant, job_id)
        left_s = timeout_s - (anyio.current_time() - began_s)
        if job.is_final or left_s <= 0 or service.stopping.is_set():
            return job
        await rest(service, min(left_s, pause_s(timeout_s - left_s)))


async def rest(service: Service, seconds: float) -> None:
    """Sleep, unless the service stops meanwhile."""
    with anyio.move_on_after(seconds):
        await service.stopping.wait()


def pause_s(waited_s: float) -> float:
    """How long to sleep after having waited for so long."""
    shortest_s, longest_s = LOOK_S
    return min(max(waited_s / 10, shortest_s), longest_s)
