"""The worker of ``vidqa serve``: a process beside the API's, which goes when that one goes."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from vidqa.jobs.launching import launch
from vidqa.service.records import QUEUES, Queue
from vidqa.service_settings import ServiceSettings

_MARGIN_S = 10.0
"""Beyond the time that a running job and its process may take to end."""


class EmbeddedWorker:
    """A supervisor (:mod:`vidqa.jobs.worker`) in a process of its own."""

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        queues: Sequence[Queue] = QUEUES,
        session: Mapping[str, Any] | None = None,
    ) -> None:
        self._settings, self._queues, self._session = settings, queues, dict(session or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the supervisor; None where none runs."""
        return self._process.pid if self.alive and self._process is not None else None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, unless it runs."""
        if not self.alive:
            self._forget()
            self._process = launch(
                "vidqa.jobs.worker", self._settings, queues=self._queues, session=self._session
            )

    def stop(self) -> None:
        """End it in good order: a running job is done, or put back, within ``stop_grace_s``."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(self._settings.stop_grace_s + _MARGIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._forget()

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._forget()

    def __enter__(self) -> EmbeddedWorker:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _forget(self) -> None:
        if self._process is not None:
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
        self._process = None
