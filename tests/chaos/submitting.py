"""The client that asks the API for jobs: it may be killed at any moment and goes on where it was.

``python -m tests.chaos.submitting FOLDER PORT COUNT SEED LONGEST``: so many jobs of up to
so many seconds, each under an idempotency key
of its own, no more than the file ``allowed.txt`` says by then. A job whose acceptance was answered
is written to ``accepted.txt``; one that was accepted in the moment of a kill, of this process or of
the API, is asked for again under the same key.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from tests.chaos.asking import short_job
from tests.chaos.front import post_job

ACCEPTED = "accepted.txt"


def accepted_ids(path: Path) -> dict[int, str]:
    """Number to id of every job whose acceptance was answered; a torn last line is none."""
    if not path.exists():
        return {}
    whole, _, _ = path.read_text().rpartition("\n")
    lines = (line.split() for line in whole.splitlines())
    return {int(words[0]): words[1] for words in lines if len(words) == 2}


def allow(folder: Path, count: int) -> None:
    """Jobs up to this number may be asked for."""
    aside = folder / "allowed.tmp"
    aside.write_text(str(count))
    aside.replace(folder / "allowed.txt")


def submit_all(folder: Path, port: int, count: int, seed: int, longest_s: float) -> None:
    """All that were not accepted yet, as they are allowed."""
    path = folder / ACCEPTED
    done = accepted_ids(path)
    with path.open("a") as file:
        if path.stat().st_size and not path.read_text().endswith("\n"):
            file.write("\n")
        for number in (each for each in range(count) if each not in done):
            while number >= int((folder / "allowed.txt").read_text()):
                time.sleep(0.02)
            file.write(f"{number} {_accepted(port, seed, number, longest_s)}\n")
            file.flush()
            os.fsync(file.fileno())


def _accepted(port: int, seed: int, number: int, longest_s: float) -> str:
    kind, request = short_job(seed, number, longest_s)
    while True:
        try:
            return str(post_job(port, kind, request, f"{seed}-{number}")["id"])
        except OSError:  # noqa: PERF203  no API, half an answer, or "busy"
            time.sleep(0.1)


if __name__ == "__main__":
    _port, _count, _seed = map(int, sys.argv[2:5])
    submit_all(Path(sys.argv[1]), _port, _count, _seed, float(sys.argv[5]))
