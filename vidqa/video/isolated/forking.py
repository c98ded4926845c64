"""The parent's side of the fork server: one for each process, started when first needed."""

from __future__ import annotations

import atexit
import json
import os
import select
import socket
import subprocess
import sys
import time
from contextlib import suppress
from threading import Lock
from typing import Any

from vidqa.errors import VideoError
from vidqa.video.isolated.wire import Broken, Json, receive, send

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from vidqa.video.isolated.server import main; main(int(sys.argv[2]))"
)
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
"""All that the server inherits: passwords and keys of a service are in its environment."""
_START_S, _ANSWER_S = 60.0, 20.0


class ForkServer:
    """Asks one server for children, and for what became of them. Threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = _started(theirs.fileno())
        if self._receive(_START_S).get("ready") is not True:
            self.close()
            raise _unavailable("it did not start")

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def fork(self, order: Json, files: tuple[int, ...]) -> int:
        """The process id of a new child, which was handed these descriptors."""
        answer = self._ask({"do": "fork", **order}, files)
        return int(answer["pid"])

    def reap(self, pid: int) -> int:
        """What a child ended with, as :func:`os.waitpid` tells it; it must be ending."""
        return int(self._ask({"do": "reap", "pid": pid}, ())["status"])

    def close(self) -> None:
        """End it, and with it its children."""
        self._control.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, order: Json, files: tuple[int, ...]) -> Json:
        with self._lock:
            try:
                send(self._control, order, files=files)
                return self._receive(_ANSWER_S)
            except (Broken, KeyError) as err:
                self._process.kill()
                raise _unavailable("its fork server ended") from err

    def _receive(self, within_s: float) -> Json:
        ends_at = time.monotonic() + within_s

        def wait() -> None:
            left_s = max(0.0, ends_at - time.monotonic())
            if not select.select([self._control], [], [], left_s)[0]:
                raise Broken("no answer")

        return receive(self._control, wait=wait).head


class _Servers:
    """The server of this process; a forked process has none yet."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._server: ForkServer | None = None
        self._inherited: list[Any] = []  # of the process that forked this one: never touched

    def get(self) -> ForkServer:
        """The server, started or started anew if need be."""
        with self._lock:
            if self._server is None or not self._server.alive:
                if self._server is not None:
                    self._server.close()
                self._server = ForkServer()
            return self._server

    def close(self) -> None:
        with self._lock:
            if self._server is not None:
                self._server.close()
                self._server = None

    def forget(self) -> None:
        """In a forked process: the server is the other process's."""
        if self._server is not None:
            self._inherited.append(self._server)
            with suppress(OSError):
                self._server._control.close()  # noqa: SLF001  (or it would outlive its owner)
        self._lock, self._server = Lock(), None


SERVERS = _Servers()
atexit.register(SERVERS.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SERVERS.forget)


def _started(handle: int) -> subprocess.Popen[bytes]:
    if not hasattr(os, "fork") or not sys.executable:
        raise _unavailable("this system cannot fork")
    paths = [os.path.abspath(path) for path in sys.path]  # noqa: PTH100  ("" is the folder we are in)
    named = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-c", _START, json.dumps(paths), str(handle)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(handle,),
        env={**named, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
        start_new_session=True,  # Ctrl-C is for us; we end it
    )


def _unavailable(why: str) -> VideoError:
    return VideoError(
        f"the isolated reader cannot run: {why}",
        code="isolation_unavailable",
        next_step="Run on Linux or macOS with a python program; or choose the reader pyav for"
        " files that you trust.",
    )
