"""``python -m vidqa_workers.health``: exit code 0 where a worker of this host was seen lately.

For health checks of containers: a worker that hangs, or cannot reach the database, says nothing.
"""

from __future__ import annotations

import socket
import sys

from vidqa.errors import VidqaError
from vidqa.jobs.store import open_jobs
from vidqa.service_settings import load_service_settings


def main() -> int:
    """The exit code."""
    host = socket.gethostname()
    try:
        with open_jobs(load_service_settings()) as store:
            here = [worker for worker in store.workers() if worker.host == host]
    except VidqaError as err:
        sys.stderr.write(f"{err}\n")
        return 1
    if not here:
        sys.stderr.write(f"no worker of {host} was seen in the last half minute\n")
    return int(not here)


if __name__ == "__main__":
    raise SystemExit(main())
