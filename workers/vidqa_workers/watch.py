"""The watchdog: a free worker that claims nothing while jobs of its queue wait is begun anew.

For a worker that has lost its broker without knowing, whatever the reason; none of it can be seen
from outside but that nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence

from vidqa.service.records import Counts, Queue, Worker


class ClaimWatch:
    """For how long one queue has had both waiting jobs and a free worker, and no claim."""

    def __init__(self, queue: Queue, limit_s: float) -> None:
        self._queue: Queue = queue
        self._limit_s = limit_s
        self._since: float | None = None
        self._claims: dict[str, float | None] = {}

    def hangs(self, counts: Counts, workers: Sequence[Worker], now: float) -> bool:
        """What is seen ``now`` (seconds of a clock of the caller's); True starts it anew."""
        claims = {worker.id: worker.claimed_at for worker in workers}
        free = any(worker.job_id is None for worker in workers)
        if not counts.depth[self._queue] or not free or claims != self._claims:
            self._since, self._claims = None, claims
            return False
        if self._since is None:
            self._since = now
        if now - self._since < self._limit_s:
            return False
        self._since = None
        return True
