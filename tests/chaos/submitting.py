"""The process that asks for jobs: it may be killed at any moment and goes on where it was.

``python -m tests.chaos.submitting ACCEPTED COUNT SECONDS SEED``: so many jobs within so many seconds,
each under an idempotency key of its own. A job whose acceptance was answered is written to the file
``ACCEPTED``; one that was accepted in the moment of a kill is asked for again under the same key.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from tests.chaos.asking import TENANT, short_job
from vidqa.errors import VidqaError
from vidqa.jobs.store import open_jobs
from vidqa.service_settings import load_service_settings


def accepted_ids(path: Path) -> dict[int, str]:
    """Number to id of every job whose acceptance was answered; a torn last line is none."""
    if not path.exists():
        return {}
    whole, _, _ = path.read_text().rpartition("\n")
    lines = (line.split() for line in whole.splitlines())
    return {int(words[0]): words[1] for words in lines if len(words) == 2}


def submit_all(path: Path, count: int, seconds: float, seed: int) -> None:
    """All that were not accepted yet, evenly over the time that is left for them."""
    done = accepted_ids(path)
    left = [number for number in range(count) if number not in done]
    store = open_jobs(load_service_settings())
    with path.open("a") as file:
        if path.stat().st_size and not path.read_text().endswith("\n"):
            file.write("\n")
        for number in left:
            kind, request = short_job(seed, number)
            key = f"{seed}-{number}"
            job = None
            while job is None:
                try:
                    job = store.submit(
                        TENANT, kind, request, idempotency_key=key, body_digest=key
                    ).job
                except VidqaError as err:
                    if not err.retryable:
                        raise
                    time.sleep(0.1)
            file.write(f"{number} {job.id}\n")
            file.flush()
            os.fsync(file.fileno())
            time.sleep(seconds / count)


if __name__ == "__main__":
    submit_all(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
