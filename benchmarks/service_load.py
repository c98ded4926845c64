"""Mixed load for minutes: does memory stay, does anything fail?

``vidqa serve`` and its worker with nano; four clients that each ask for a job of a kind drawn at
random about one of three videos, follow it to its end, and in between list jobs, read results and
metrics. Every five seconds the resident memory of every process is written down. Flat is: the
median of the last third within 5 % of that of the third before it (the first warms caches up).
"""

from __future__ import annotations

import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.service_rows import Journal, Row
from tests.chaos.front import api, call, post_job
from tests.chaos.stage import Mode, Stage, stage

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
CLIENTS = 4
LOOK_S = 5.0
WANTED_GROWTH = 0.05
_QUERIES = ("person opens door", "car drives left", "person sits down", "light turns on")


def load(journal: Journal, mode: Mode, *, minutes: float) -> list[Row]:
    """One run of so many minutes."""
    key = {"part": "load", "mode": mode, "minutes": minutes}
    done = journal.done(**key)
    found = done[0]["found"] if done else _measured(mode, minutes)
    if not done:
        journal.add({"found": found}, **key)
    return _rows(mode, minutes, found)


@dataclass(slots=True)
class _Tally:
    ended: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


def _measured(mode: Mode, minutes: float) -> dict[str, Any]:
    tally = _Tally()
    with tempfile.TemporaryDirectory(prefix="vidqa-load-") as name:
        shutil.copytree(EXAMPLES, Path(name) / "videos")
        workers = 0 if mode == "embedded" else 1  # vidqa serve has one itself without a broker
        settings = {
            "media_roots": name,
            "concurrent_jobs": 0,
            "cache_dir": f"{name}/cache",
            "rate_per_minute": 0,
            "heartbeat_s": 10,
        }
        with (
            stage(mode, Path(name), workers=workers, settings=settings, stubbed=False) as held,
            api(held) as port,
        ):
            clients = [
                threading.Thread(target=_client, args=(port, Path(name) / "videos", k, tally))
                for k in range(CLIENTS)
            ]
            for client in clients:
                client.start()
            memory = _watched(held, minutes * 60, tally)
            tally.over.set()
            for client in clients:
                client.join()
    return {"memory": memory, "ended": dict(tally.ended), "wrong": tally.wrong[:20]}


def _watched(held: Stage, seconds: float, tally: _Tally) -> dict[str, list[float]]:
    """Megabytes of each part, all its processes together, over time."""
    memory: dict[str, list[float]] = {}
    end = time.monotonic() + seconds
    told = time.monotonic()
    while time.monotonic() < end:
        held.keep(LOOK_S)
        for part in (*held.workers, *held.others):
            total = sum(_resident(process) for process in part.tree())
            memory.setdefault(part.name, []).append(round(total / 1e6, 1))
        if time.monotonic() - told > 60:
            told = time.monotonic()
            now = {name: values[-1] for name, values in memory.items()}
            print(f"load: {dict(tally.ended)}, MB {now}", file=sys.stderr, flush=True)
    return memory


def _resident(process: Any) -> int:
    try:
        return int(process.memory_info().rss)
    except OSError:  # it has just ended
        return 0


def _client(port: int, videos: Path, number: int, tally: _Tally) -> None:
    draw = random.Random(number)  # noqa: S311  (a load, not a secret)
    asked = 0
    while not tally.over.is_set():
        asked += 1
        try:
            _one(port, videos, draw, f"load-{number}-{asked}", tally)
        except OSError as err:
            tally.wrong.append(str(err)[:300])


def _one(port: int, videos: Path, draw: random.Random, key: str, tally: _Tally) -> None:
    kind, request = _drawn(videos, draw, key)
    job = post_job(port, kind, request, key)
    while job["state"] in ("queued", "in_progress"):
        if tally.over.wait(0.2):
            return
        _good(call(port, "GET", "/v1/jobs?page_size=20"))
        job = _good(call(port, "GET", f"/v1/jobs/{job['id']}"))
    tally.ended[f"{kind} {job['state']}"] += 1
    if job["state"] != "completed":
        tally.wrong.append(f"{kind}: {job['state']} {job['error']}"[:300])
        return
    _good(call(port, "GET", "/metrics"))


def _drawn(videos: Path, draw: random.Random, key: str) -> tuple[str, dict[str, Any]]:
    video = {"path": str(draw.choice(sorted(videos.glob("*.mp4"))))}
    kind = draw.choice(("ground", "ground", "ask", "describe"))
    if kind == "ground":
        return kind, {"video": video, "query": f"{draw.choice(_QUERIES)} {key}"}
    if kind == "ask":
        return kind, {"video": video, "question": f"What happens? {key}"}
    return kind, {"video": video, "start": draw.randrange(4), "end": 8 + draw.randrange(4)}


def _good(answer: tuple[int, Any]) -> Any:
    status, body = answer
    if status != 200:
        raise OSError(f"{status} {body}")
    return body


def _rows(mode: str, minutes: float, found: dict[str, Any]) -> list[Row]:
    wrong: list[str] = found["wrong"]
    rows = [
        Row(
            what=f"{minutes:g} minutes of mixed load, {mode}",
            measured=", ".join(f"{n} {what}" for what, n in sorted(found["ended"].items())),
            wanted="no error",
            reached=not wrong,
            facts={"part": "load", "mode": mode, "wrong": wrong, "ended": found["ended"]},
        )
    ]
    for name, values in found["memory"].items():
        third = max(1, len(values) // 3)
        before = statistics.median(values[third : 2 * third] or values)
        after = statistics.median(values[-third:])
        growth = after / before - 1
        rows.append(
            Row(
                what=f"memory of {name}, {mode}, MB: second third, last third",
                measured=f"{before:.0f}, {after:.0f} ({growth:+.1%})",
                wanted=f"within {WANTED_GROWTH:.0%}",
                reached=growth <= WANTED_GROWTH,
                facts={"part": "load", "mode": mode, "name": name, "growth": growth},
            )
        )
    return rows
