"""Celery workers of one machine, kept running: one for each queue, begun anew when it ends.

A worker has a process group of its own (Ctrl-C on a terminal must not reach the processes in which
jobs run), and its standard input is a pipe from here: when this process is gone, so is the worker.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from vidqa.service.ids import new_id
from vidqa.service.records import Queue
from vidqa_workers.orders import Orders

log = logging.getLogger(__name__)

_PAUSES_S = (0.2, 1.0, 5.0, 15.0, 30.0)
"""Before a worker is begun anew, the longer the more often it ended early."""
_STEADY_S = 60.0
"""A worker that lasted so long had begun well."""


class Member:
    """One Celery worker: its first process, and through its group all others."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._process: subprocess.Popen[bytes] | None = None
        self._began_at, self._early_ends, self._not_before = 0.0, 0, 0.0

    @property
    def queue(self) -> Queue:
        """Whose jobs it runs."""
        return self._orders.queue

    @property
    def node(self) -> str:
        """The name of its present run: the ids of its processes begin with it."""
        return self._orders.node

    @property
    def is_running(self) -> bool:
        """Whether its first process is there."""
        return self._process is not None and self._process.poll() is None

    def keep(self) -> None:
        """Begin it unless it runs, or ended too shortly ago."""
        if self.is_running:
            return
        now = time.monotonic()
        if self._process is not None:
            self._after_its_end(now)
        if now >= self._not_before:
            self._begin(now)

    def ask_to_end(self) -> None:
        """Take no more jobs, finish what runs; with ``REMAP_SIGTERM`` that is a soft shutdown."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def ask_to_hand_back(self) -> None:
        """The processes in which jobs run put them back as soon as they can be halted."""
        self._signal_group(signal.SIGUSR2)

    def end_now(self) -> None:
        """The whole group, at once."""
        self._signal_group(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def close(self) -> None:
        """End it, and let go of the pipe."""
        self.end_now()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def _begin(self, now: float) -> None:
        self._orders = replace(self._orders, node=new_node())
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vidqa_workers"],
            stdin=subprocess.PIPE,
            start_new_session=True,
            env=os.environ | {"REMAP_SIGTERM": "SIGQUIT"},  # read when billiard is imported
        )
        self._began_at = now
        assert self._process.stdin is not None  # noqa: S101  (asked for above)
        with suppress(BrokenPipeError):  # it has ended at once, which the next look will see
            self._process.stdin.write(self._orders.to_line())
            self._process.stdin.flush()

    def _after_its_end(self, now: float) -> None:
        assert self._process is not None  # noqa: S101  (the caller has looked)
        code = self._process.returncode
        self.close()  # children that outlived it must not run beside the next one's
        self._process = None
        self._early_ends = 0 if now - self._began_at > _STEADY_S else self._early_ends + 1
        pause_s = _PAUSES_S[min(self._early_ends, len(_PAUSES_S) - 1)]
        self._not_before = now + pause_s
        log.warning(
            "the worker of queue %s ended with code %s; begun anew in %g s",
            self.queue,
            code,
            pause_s,
        )

    def _signal_group(self, how: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, how)


def new_node() -> str:
    """A name that no run of a worker had before."""
    return new_id("job").replace("job_", "w-")


def is_alive(pid: int) -> bool:
    """Whether there is such a process on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's by now
        return False
    return True


def stop(
    members: Sequence[Member], is_idle: Callable[[Member], bool], *, grace_s: float, hand_back_s: float
) -> None:
    """End them softly: they take no more jobs, and what runs may end within ``grace_s``.

    A job that has not ended ``hand_back_s`` before that is halted and put back, to run elsewhere.
    """
    for member in members:
        member.ask_to_end()
    began = time.monotonic()
    told = False
    while any(member.is_running for member in members):
        for member in members:
            # Celery itself would wait for its whole time however soon the last job ends; the rows
            # know better.
            if member.is_running and is_idle(member):
                member.end_now()
        passed_s = time.monotonic() - began
        if passed_s > grace_s - hand_back_s and not told:
            told = True
            for member in members:
                member.ask_to_hand_back()
        if passed_s > grace_s:
            break
        time.sleep(0.1)
    for member in members:
        member.close()
