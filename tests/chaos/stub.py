"""What stands in for the model in chaos: it takes the time that it is told, and leaves traces.

Its effects are the two that a real handler has: what it gives back (a row, guarded by the fence),
and a product in a file under the job's own name, made aside and renamed. Every run also appends a
line to ``runs.txt``, so that runs are counted however they end. ``VIDQA_HANDLER`` tells workers.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.chaos.asking import asked
from vidqa.jobs.work import Made, Work
from vidqa.service.requests import Request

FOLDER = "VIDQA_CHAOS_FOLDER"
"""Names the folder for traces, in the environment of a worker's process."""
NAME = "tests.chaos.stub:run"
_STEP_S = 0.05


def run(request: Request, work: Work) -> Made:
    """Works for as long as the job says, in steps, between which it may be ended."""
    number, seconds = asked(request.to_dict())
    folder = Path(os.environ[FOLDER])
    _trace(folder / "runs.txt", f"{number} {os.getpid()}")
    steps = round(seconds / _STEP_S)
    for step in range(steps):
        work.meter("chaos", step, steps)
        time.sleep(_STEP_S)
    product = folder / "products" / f"{number}.txt"
    aside = product.with_name(f"{product.name}.{os.getpid()}")
    aside.write_text(str(number))
    aside.replace(product)
    return Made({"kind": request.kind, "outcome": "found", "number": number}, "found", None)


def _trace(path: Path, line: str) -> None:
    """One ``write`` to a file that is only appended to: lines of several processes never mix."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, f"{line}\n".encode())
    finally:
        os.close(handle)
