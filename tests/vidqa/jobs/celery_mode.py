"""The Celery mode for the suite of ``test_modes``: a broker without a disk, one worker on it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.redis_server import a_redis
from tests.vidqa.jobs.services import WAIT_S, Base
from vidqa.jobs.launching import launch
from vidqa.jobs.store import open_jobs
from vidqa_workers.bell import celery_bell


class CeleryService(Base):
    """``vidqa worker --broker``, of the queue that the suite's jobs are of."""

    def __init__(self, folder: Path, settings: dict[str, Any] | None = None) -> None:
        self._redis = a_redis()
        super().__init__(folder, {**(settings or {}), "broker": self._redis.url})
        self.store.close()
        self.store = open_jobs(self.settings, bell=celery_bell(self._redis.url, self.settings))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._redis.start()
        self._process = launch("vidqa_workers.serving", self.settings, queues=["gpu"], session={})

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._ended()
        self._redis.stop()

    def kill_worker(self) -> None:
        busy = [worker for worker in self.store.workers() if worker.job_id is not None]
        os.kill(busy[0].pid, signal.SIGKILL)

    def kill_all(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._ended()
        self._redis.stop()

    def _ended(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.wait(WAIT_S)
        self._process.stdin.close()
        self._process = None
