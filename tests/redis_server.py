"""A Redis server of the tests' own: a free port, nothing on disk, ended by its pid.

It may be killed and started again on the same port, as a broker that dies and comes back empty.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import pytest

from vidqa.jobs.orphans import die_with_parent

HOST = "127.0.0.1"


def redis_program() -> str | None:
    """``redis-server`` or its sister ``valkey-server``, on the PATH."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


class RedisServer:
    """One server on one port, which stays its own over kills and starts."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of its first database."""
        return f"redis://{HOST}:{self._port}/0"

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Returns when it answers."""
        options = ["--port", str(self._port), "--bind", HOST, "--save", "", "--appendonly", "no"]
        for _ in range(5):  # the port may be held for a moment by a connection that is closing
            self._process = subprocess.Popen(
                [self._program, *options],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=die_with_parent,  # noqa: PLW1509  (one system call)
            )
            if self._answers():
                return
        raise RuntimeError(f"{self._program} does not answer on port {self._port}")

    def kill(self) -> None:
        """At once, with all that it holds."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Politely."""
        self._end(signal.SIGTERM)

    def call(self, *words: str) -> bytes:
        """The raw answer to one command, up to 64 kB."""
        with socket.create_connection((HOST, self._port), timeout=5) as line:
            parts = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
            line.sendall(f"*{len(words)}\r\n{parts}".encode())
            return line.recv(65536)

    def __enter__(self) -> RedisServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    def _answers(self) -> bool:
        assert self._process is not None
        until = time.monotonic() + 20
        while self._process.poll() is None and time.monotonic() < until:
            try:
                if self.call("PING") == b"+PONG\r\n":
                    return True
            except OSError:  # noqa: PERF203
                time.sleep(0.02)
        self.kill()
        return False

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None


def a_redis() -> RedisServer:
    """One that is not started; the test is skipped where there is no program."""
    program = redis_program()
    if program is None:
        pytest.skip("needs redis-server or valkey-server (apt install redis-server)")
    return RedisServer(program)


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    """One for as long as the block, or the test is skipped."""
    with a_redis() as server:
        yield server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
