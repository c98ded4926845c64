"""Rings door bells from a thread of its own: who submits a job does not wait for a broker."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from vidqa.errors import VidqaError
from vidqa.jobs.bell import Bell
from vidqa.service.records import Rung

log = logging.getLogger(__name__)
_REST_S = 0.02
"""Between two rounds: of many submissions at once each would else cost a round of its own."""


class Ringer:
    """Rings what is to be rung whenever it is woken, many jobs at a time."""

    def __init__(
        self, bell: Bell, to_ring: Callable[[], Sequence[Rung]], rung: Callable[[list[str]], None]
    ) -> None:
        self._bell, self._to_ring, self._rung = bell, to_ring, rung
        self._wanted, self._over = threading.Event(), False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def wake(self) -> None:
        """There may be something to ring."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():  # first use, or after a fork
                self._thread = threading.Thread(target=self._run, name="vidqa-bell", daemon=True)
                self._thread.start()
        self._wanted.set()

    def ring(self) -> None:
        """Ring now. What cannot be heard is left for the next time."""
        try:
            due = self._to_ring()
            if due:
                self._bell.ring(due)
                self._rung([each.job_id for each in due])
        except VidqaError as err:
            log.warning("no bell was rung: %s", err)

    def close(self) -> None:
        """End the thread."""
        self._over = True
        self._wanted.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._over:
            self._wanted.wait()
            self._wanted.clear()
            if not self._over:
                self.ring()
                time.sleep(_REST_S)
