"""A thousand short jobs and two hundred faults, for each of the two modes."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.service_rows import Journal, Row
from tests.chaos.experiment import Outcome, Plan, experiment
from tests.chaos.stage import Mode

WANTED_END_S = 120.0


def chaos(
    journal: Journal, modes: Sequence[Mode], *, jobs: int, faults: int, seed: int
) -> list[Row]:
    """One experiment for each mode; folders of those that go wrong are kept, and named."""
    rows = []
    for mode in modes:
        plan = Plan(mode=mode, jobs=jobs, faults=faults, seed=seed)
        key = {"part": "chaos", "mode": mode, "jobs": jobs, "faults": faults, "seed": seed}
        done = journal.done(**key)
        found = done[0] if done else journal.add({"outcome": _run(plan).to_dict()}, **key)
        rows.append(_row(mode, found["outcome"]))
    return rows


def _run(plan: Plan) -> Outcome:
    folder = tempfile.TemporaryDirectory(prefix=f"vidqa-chaos-{plan.mode}-")
    outcome = experiment(plan, Path(folder.name) / "service", _say)
    if outcome.is_sound:
        folder.cleanup()
    else:
        kept = Path(f"{folder.name}-kept")
        Path(folder.name).rename(kept)
        _say(f"not sound; logs and database are in {kept}")
    return outcome


def _row(mode: str, found: dict[str, Any]) -> Row:
    hit: dict[str, int] = found["faults"]
    ended_s = float(found["ended_after_s"])
    wrong = {name: found[name] for name in ("lost", "doubled", "changed", "strangers", "orphans")}
    told = ", ".join(f"{number} {name}" for name, number in wrong.items())
    return Row(
        what=f"chaos, {mode}: {found['accepted']} jobs, {sum(hit.values())} faults",
        measured=f"{told}; ended {ended_s:.0f} s after the last; {found['runs']} runs",
        wanted=f"0 of each; <= {WANTED_END_S:.0f} s",
        reached=bool(found["sound"]) and ended_s <= WANTED_END_S,
        facts={"part": "chaos", "mode": mode, **found},
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
