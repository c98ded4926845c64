"""What a Celery worker's first process is told on its standard input, one line of JSON.

Not by its command line, which every user of the machine may read, and which would not say when the
process that gave the orders is gone: the end of that input does.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from vidqa.service.records import JsonDict, Queue

HANDLERS = "vidqa.jobs.handlers:run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """One worker: a queue, a number of processes, a name."""

    node: str
    """Of this run of this worker, unlike any other's."""
    queue: Queue
    processes: int
    settings: JsonDict = field(default_factory=dict)
    """Settings of the service that were given beside the environment and the file."""
    handlers: str = HANDLERS
    """``module:function``; another than ours only where tests say so."""

    def to_line(self) -> bytes:
        """One line."""
        return json.dumps(asdict(self)).encode() + b"\n"


def read_orders(line: bytes) -> Orders:
    """The orders of such a line."""
    return Orders(**json.loads(line))
