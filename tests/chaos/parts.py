"""One process of the service, begun anew whenever it ends, as a service manager would."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from vidqa.jobs.orphans import die_with_parent


class Part:
    """A command that runs in a process group of its own and writes to a log of its own."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        folder: Path,
        environ: Mapping[str, str] | None = None,
        pause_s: float = 0.3,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.starts = 0
        self._command = list(command)
        self._environ = os.environ | dict(environ or {})
        self._pause_s = pause_s
        self._process: subprocess.Popen[bytes] | None = None
        self._may_start_at = 0.0

    def keep(self) -> None:
        """Start it unless it runs; not within a pause after it ended."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None
            self._may_start_at = time.monotonic() + self._pause_s
        if self._process is None and time.monotonic() >= self._may_start_at:
            self._start()

    def tree(self) -> list[psutil.Process]:
        """The process and all below it, parents first; empty while it is down."""
        if self._process is None or self._process.poll() is not None:
            return []
        try:
            top = psutil.Process(self._process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def leaves(self) -> list[psutil.Process]:
        """Those below it that have nobody below them: where jobs run."""
        tree = self.tree()[1:]
        try:
            parents = {each.ppid() for each in tree}
        except psutil.NoSuchProcess:
            return []
        return [each for each in tree if each.pid not in parents]

    def send(self, how: signal.Signals) -> bool:
        """Whether the process itself was there to get the signal."""
        if self._process is None or self._process.poll() is not None:
            return False
        self._process.send_signal(how)
        return True

    def end(self, patience_s: float = 40.0) -> int | None:
        """Politely, then at once; its exit code, ``None`` where it did not run."""
        if self._process is None:
            return None
        below = self.tree()[1:]
        self.send(signal.SIGTERM)
        try:
            code = self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        end_at_once(below)
        self._process = None
        return code

    def _start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environ,
                start_new_session=True,
                # Whoever is killed here leaves nothing running; it makes one system call.
                preexec_fn=die_with_parent,  # noqa: PLW1509
            )
        self.starts += 1


def signal_process(process: psutil.Process, how: signal.Signals) -> bool:
    """Whether it was there to get it; a pid that now belongs to another process gets nothing."""
    try:
        process.send_signal(how)
    except psutil.NoSuchProcess:
        return False
    return True


def end_at_once(processes: Sequence[psutil.Process]) -> None:
    """Those of the processes that are left."""
    for process in processes:
        signal_process(process, signal.SIGKILL)


def orphans_after(processes: Sequence[psutil.Process], wait_s: float) -> list[psutil.Process]:
    """Those that still run after so many seconds; ended ones that nobody has read count as gone.

    Those that were frozen are woken first: they cannot know that anybody died.
    """
    for process in processes:
        signal_process(process, signal.SIGCONT)
    _, left = psutil.wait_procs(list(processes), timeout=wait_s)
    return [each for each in left if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def described(process: psutil.Process) -> str:
    """Its pid, state and the end of its command; what is known of one that has just ended."""
    try:
        return f"{process.pid} {process.status()} ...{' '.join(process.cmdline())[-90:]}"
    except psutil.NoSuchProcess:
        return f"{process.pid}, which has ended by now"
