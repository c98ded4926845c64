"""What stands in for the model in chaos: it takes the time that it is told, and leaves traces.

Its effects are the two that a real handler has: what it gives back (a row, guarded by the fence), and
a product in a file under the job's own name, made aside and renamed. Every run also appends a line to
``runs.txt``, so that runs are counted however they end.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from tests.chaos.asking import asked

FOLDER = "VIDQA_CHAOS_FOLDER"
"""Names the folder for traces, in the environment of a worker's process."""


def run(kind: str, request: dict[str, Any], work: Any) -> dict[str, Any]:
    """Works for as long as the job says in ten steps, each of which may be halted."""
    number, seconds = asked(request)
    folder = Path(os.environ[FOLDER])
    _trace(folder / "runs.txt", f"{number} {os.getpid()}")
    for step in range(10):
        work.progress("chaos", step, 10)
        work.halt.check()
        time.sleep(seconds / 10)
    product = folder / "products" / f"{number}.txt"
    aside = product.with_name(f"{product.name}.{os.getpid()}")
    aside.write_text(str(number))
    aside.replace(product)
    return {"kind": kind, "outcome": "found", "number": number, "segments": []}


def _trace(path: Path, line: str) -> None:
    """One ``write`` to a file that is only appended to: lines of several processes never mix."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, f"{line}\n".encode())
    finally:
        os.close(handle)
