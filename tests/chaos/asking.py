"""Jobs for the stub: a number, and how long it takes, inside requests that the service accepts."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

TENANT = "local"
"""Of whoever asks from this machine, without a key."""
FILM = str(Path(__file__).resolve().parents[2] / "examples" / "door.mp4")
"""Only its being there matters: the stub never opens it."""
_WORDS = "job {number} of {seconds:.3f} s"
_READ = re.compile(r"job (\d+) of (\d+\.\d+) s")


def job_of(number: int, seconds: float) -> tuple[str, dict[str, Any]]:
    """Kind and request; every fourth is for the queue that needs no model."""
    words = _WORDS.format(number=number, seconds=seconds)
    if number % 4 == 3:
        return "index", {"videos": [{"path": FILM}], "tags": [words]}
    return "ground", {"video": {"path": FILM}, "query": words}


def asked(request: dict[str, Any]) -> tuple[int, float]:
    """Number and seconds of a request that :func:`job_of` made."""
    found = _READ.fullmatch(request["query"] if "query" in request else request["tags"][0])
    if found is None:
        raise ValueError(f"not a job for the stub: {request}")
    return int(found[1]), float(found[2])


def short_job(seed: int, number: int, longest_s: float) -> tuple[str, dict[str, Any]]:
    """One of 0.05 s or more, the same in every run of a seed."""
    return job_of(number, random.Random(f"{seed} {number}").uniform(0.05, longest_s))
