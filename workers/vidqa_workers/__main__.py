"""``python -m vidqa_workers``: a Celery worker's first process; :mod:`vidqa_workers.crew` starts it.

It never imports torch, so that what it forks may use a card; jobs run in its children. It ends, with
all of them, when whoever started it is gone.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from vidqa.service_settings import load_service_settings
from vidqa_workers import process
from vidqa_workers.app import make_app, queue_name
from vidqa_workers.orders import read_orders


def main() -> None:
    """Serve one queue until told to stop."""
    orders = read_orders(_line())
    _end_with_who_started_us()
    # To the whole group: children hand back what they run. This process has nothing to hand back.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    settings = load_service_settings(**orders.settings)
    assert settings.broker is not None  # noqa: S101  (whoever gives orders has one)
    app = make_app(settings.broker, settings)
    process.prepare(app, orders, settings)
    app.worker_main(
        [
            "--quiet",
            "worker",
            "--pool=prefork",
            f"--concurrency={orders.processes}",
            f"--queues={queue_name(orders.queue)}",
            f"--hostname={orders.node}@%h",
            f"--loglevel={settings.log_level}",
        ]
    )


def _line() -> bytes:
    """Byte by byte: what comes behind it must stay in the pipe."""
    line = b""
    while not line.endswith(b"\n"):
        got = os.read(sys.stdin.fileno(), 1)
        if not got:
            raise SystemExit("started by vidqa worker --broker, not by hand")
        line += got
    return line


def _end_with_who_started_us() -> None:
    """The pipe's other end closes with that process, however it ends, on every system."""

    def watch(pipe: int) -> None:
        os.read(pipe, 1)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, args=(os.dup(sys.stdin.fileno()),), daemon=True).start()


if __name__ == "__main__":
    main()
