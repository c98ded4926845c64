"""The service under faults and under load, by its real processes.

``python -m benchmarks.service [--quick] [--json]``
``[--only chaos,recovery,accept,overhead,load] [--mode embedded,celery]``
``[--jobs 1000] [--faults 200] [--trials 50] [--minutes 30] [--log FILE]``

``chaos``: short jobs while the API, its client, workers, the processes that jobs run in and Redis
(with nothing on disk) are killed, Redis is emptied, and processes stand still past their lease; the
handler is a stub. ``recovery``: how long until a job runs again, with everybody's settings.
``accept``: answers of the API. ``overhead``: a ground job over the same call in Python. ``load``:
memory over time.

With ``--log`` every trial is written down, and what is there already is not run again: a long run
may be ended at any time and goes on from there. Exit code 1: something wanted was not reached.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from rich.console import Console

from benchmarks.service_accept import accept
from benchmarks.service_chaos import chaos
from benchmarks.service_load import load
from benchmarks.service_overhead import overhead
from benchmarks.service_recovery import recovery
from benchmarks.service_rows import Journal, Row, table_of
from tests.chaos.stage import MODES, Mode

PARTS = ("chaos", "recovery", "accept", "overhead", "load")


def main() -> int:
    """Print the table; returns the exit code."""
    args = _arguments()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    journal = Journal(args.log)
    modes = tuple(cast("Mode", mode) for mode in args.mode)
    work: dict[str, Callable[[], list[Row]]] = {
        "chaos": lambda: chaos(journal, modes, jobs=args.jobs, faults=args.faults, seed=args.seed),
        "recovery": lambda: recovery(journal, modes, trials=args.trials),
        "accept": lambda: accept(journal, seconds=5.0 if args.quick else 20.0),
        "overhead": lambda: overhead(journal, modes, rounds=5 if args.quick else 25),
        "load": lambda: load(journal, modes[0], minutes=args.minutes),
    }
    rows = [row for part in args.only for row in work[part]()]
    if args.json:
        print(json.dumps({"rows": [row.to_dict() for row in rows]}, indent=2))
    else:
        Console(width=150).print(table_of(rows))
    return int(any(row.reached is False for row in rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a little of everything but recovery")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", type=_some(PARTS))
    parser.add_argument("--mode", type=_some(MODES), default=list(MODES))
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--faults", type=int)
    parser.add_argument("--trials", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, help="JSON lines; goes on from what is there")
    args = parser.parse_args()
    long: dict[str, Any] = {
        "jobs": 1000,
        "faults": 200,
        "trials": 50,
        "minutes": 30.0,
        "only": list(PARTS),
    }
    quick: dict[str, Any] = {"jobs": 40, "faults": 8, "trials": 4, "minutes": 0.3}
    quick["only"] = ["chaos", "accept", "overhead"]
    for name, value in (quick if args.quick else long).items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    return args


def _some(known: tuple[str, ...]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = text.split(",")
        unknown = set(names) - set(known)
        if unknown:
            raise argparse.ArgumentTypeError(f"no such {unknown}; there are {', '.join(known)}")
        return names

    return read


if __name__ == "__main__":
    raise SystemExit(main())
