"""The whole service from one command: one socket, the API, and a worker that does the jobs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from types import FrameType

from vidqa.api.app import make_app
from vidqa.api.hosts import is_loopback
from vidqa.api.intake.arrival import disk_errors
from vidqa.api.service import Service
from vidqa.api.serving import server
from vidqa.api.serving.children import Child, Kept, WorkerProcess
from vidqa.api.serving.listening import listen, url_of
from vidqa.errors import SettingsError
from vidqa.jobs.embedded import EmbeddedWorker
from vidqa.service.keys import ApiKeys
from vidqa.service_settings import ServiceSettings

TEND_S = 0.5
LAST_S = 28.0
"""After so long everything ends by force: who stops services waits 30 seconds, mostly."""
JOB_S = 20.0
"""Of them, the most that a running job has to end or be put back."""


def serve(
    settings: ServiceSettings,
    *,
    replicas: int,
    tell: Callable[[str, int], None],
) -> None:
    """Serve until SIGTERM or SIGINT, then end within 30 seconds.

    Without a broker one worker process does the jobs. ``tell`` is given the URL and the number of
    keys when requests are taken. Raises :class:`SettingsError` ``key_required``, and
    :class:`vidqa.errors.ServiceError` where socket, folder or database will not do; nothing is left
    running then.
    """
    app = make_app(settings)  # opens everything: what cannot be opened is told before anything runs
    service: Service = app.state.service
    with closing(service), listen(settings.host, settings.port) as listener:
        keys = _check_keys(settings, service.keys)
        if replicas > 1:
            _share_metrics(settings)
        url = url_of(listener, settings.host)
        children: list[Kept] = [] if settings.broker else [_worker(settings)]
        if replicas > 1:
            children += [_replica(n, settings, listener) for n in range(replicas)]
        with _Family(children) as family:
            if replicas > 1:
                _await_signal(lambda: tell(url, keys), family)
            else:
                server.run(
                    app, listener, started=lambda: tell(url, keys), stopping=family.ask_to_end
                )


class _Family:
    """The children, kept running until they are asked to end."""

    def __init__(self, children: Sequence[Kept]) -> None:
        self._children = children
        self._ending = threading.Event()
        self._asked_at = 0.0
        self._hurry = False
        self._thread = threading.Thread(target=self._tend, name="children", daemon=True)

    def __enter__(self) -> _Family:
        for child in self._children:
            child.start()
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if not self._ending.is_set():
            self.ask_to_end()
        self._thread.join()
        for child in self._children:
            child.await_end(self._asked_at + (0.0 if self._hurry else LAST_S))

    def ask_to_end(self) -> None:
        """The first time in good order; the second time at once."""
        if self._ending.is_set():
            self._hurry = True
            return
        self._asked_at = time.monotonic()
        self._ending.set()
        for child in self._children:
            child.ask_to_end()

    def _tend(self) -> None:
        while not self._ending.wait(TEND_S):
            for child in self._children:
                child.tend()


def _worker(settings: ServiceSettings) -> WorkerProcess:
    hasty = settings.model_copy(update={"stop_grace_s": min(settings.stop_grace_s, JOB_S)})
    return WorkerProcess(EmbeddedWorker(hasty))


def _replica(number: int, settings: ServiceSettings, listener: socket.socket) -> Child:
    return Child(f"api-{number}", server.replica, settings, listener)


def _await_signal(started: Callable[[], None], family: _Family) -> None:
    """Of several API processes this one answers nothing itself."""
    heard = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        family.ask_to_end()
        heard.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    started()
    heard.wait()


def _check_keys(settings: ServiceSettings, keys: ApiKeys) -> int:
    """The number of keys; raises ``key_required`` where others than this machine can reach us."""
    live = sum(key.revoked_at is None for key in keys.all())
    if not live and not is_loopback(settings.host):
        raise SettingsError(
            f"on {settings.host} other machines reach the service, and there is no key",
            code="key_required",
            next_step="Make one with: vidqa keys add NAME; or serve this machine alone, on"
            " 127.0.0.1.",
        )
    return live


def _share_metrics(settings: ServiceSettings) -> None:
    """A folder in which API processes add up their figures, empty at the start."""
    folder = settings.folder / "metrics"
    with disk_errors(folder):
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True, mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
