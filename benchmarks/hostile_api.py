"""The corpus of :mod:`benchmarks.hostile` through a whole service: ``vidqa serve`` with nano.

``file -> POST /v1/videos -> (taken) a ground job -> a result, or a documented code``. Every file
has 30 s for that. Processes must be the same at the end as at the beginning, and the worker no
more than 50 MB larger, after the same question about a good video.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.chaos.front import HOST, api
from tests.chaos.stage import Stage, stage
from vidqa.video import FILE_CODES

LIMIT_S, GROWN_MB, MOST_CODES = 30.0, 50.0, 12
CODES = frozenset(FILE_CODES) | {"video_too_long"}
"""What the service says of a file: what is wrong with its bytes, or with its length (a flipped bit
in a time stamp makes hours of seconds)."""
GOOD = Path(__file__).resolve().parents[1] / "examples" / "door.mp4"
_QUERY = "person opens door"
_DEADLINE_S = 10.0
"""Of the search: a flipped bit makes hours of seconds, through which a search may take minutes."""
_PATIENCE_S = 120.0
"""For an answer: a file that takes longer than :data:`LIMIT_S` is to be seen as such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Through:
    """What became of one file."""

    path: str
    end: str
    """``result``, or where it ended: ``upload``, ``job``."""
    code: str | None
    """Of its error; None with a result."""
    state: str | None
    """Of the video, once it was measured; None where it was not taken."""
    measured: str | None
    """The code of what was measured to be wrong with it."""
    statuses: tuple[int, ...]
    """Of all answers, each once."""
    wall_s: float

    @property
    def wanted(self) -> bool:
        """Whether this is how a file may end."""
        known = self.code is None or self.code in CODES
        studied = self.measured is None or self.measured in CODES
        calm = all(status < 500 for status in self.statuses)
        return known and studied and calm and self.state != "arrived" and self.wall_s <= LIMIT_S


@dataclass(frozen=True, slots=True)
class Line:
    """A client of the service."""

    http: httpx.Client

    def send(self, path: Path) -> Through:
        """One file, from its upload to its end."""
        began_s = time.monotonic()
        statuses: list[int] = []
        taken = self._asked(statuses, "POST", "/v1/videos", content=path.read_bytes(), headers=_RAW)
        video, end, code = taken, "upload", taken.get("code")
        if code is None:
            end, code = self._ground(statuses, taken["id"])
            video = self._measured(statuses, taken["id"])
        return Through(
            path=path.name,
            end=end,
            code=code,
            state=video.get("state"),
            measured=(video.get("error") or {}).get("code"),
            statuses=tuple(sorted(set(statuses))),
            wall_s=round(time.monotonic() - began_s, 3),
        )

    def warm(self) -> None:
        """A good video and a question about it, which must be answered."""
        through = self.send(GOOD)
        if through.end != "result":
            raise SystemExit(f"a good video is not answered about: {through}")

    def _ground(self, statuses: list[int], video_id: str) -> tuple[str, str | None]:
        asked = {
            "kind": "ground",
            "video": {"video_id": video_id},
            "query": f"{_QUERY} {time.monotonic_ns()}",  # no other job's product
            "deadline_s": _DEADLINE_S,
        }
        job = self._asked(statuses, "POST", "/v1/jobs", json=asked)
        job = self._asked(statuses, "GET", f"/v1/jobs/{job['id']}") if "id" in job else job
        while job.get("state") in ("queued", "in_progress"):
            time.sleep(0.02)
            job = self._asked(statuses, "GET", f"/v1/jobs/{job['id']}")
        if job.get("state") == "completed" and job.get("result"):
            return "result", None
        return "job", str((job.get("error") or job).get("code"))

    def _measured(self, statuses: list[int], video_id: str) -> dict[str, Any]:
        ends_s = time.monotonic() + LIMIT_S
        while True:
            video = self._asked(statuses, "GET", f"/v1/videos/{video_id}")
            if video.get("state") != "arrived" or time.monotonic() > ends_s:
                return video
            time.sleep(0.05)

    def _asked(self, statuses: list[int], method: str, path: str, **how: Any) -> dict[str, Any]:
        answer = self.http.request(method, path, **how)
        statuses.append(answer.status_code)
        body: dict[str, Any] = answer.json()
        return body


_RAW = {"content-type": "application/octet-stream"}


@contextmanager
def line_to(held: Stage) -> Iterator[Line]:
    """A running service of this stage, and a client of it."""
    with (
        api(held) as port,
        httpx.Client(base_url=f"http://{HOST}:{port}", timeout=_PATIENCE_S) as http,
    ):
        yield Line(http)


def run_api(files: Iterable[Path], *, warm: int = 3) -> dict[str, Any]:
    """All files through one service: how they ended, and how it is afterwards. Before them come
    ``warm`` questions about a good video, for a worker grows with its first ones."""
    with tempfile.TemporaryDirectory(prefix="vidqa-hostile-") as name:
        settings = {
            "model": "nano",
            "rate_per_minute": 0,
            "min_free_bytes": 0,
            "heartbeat_s": 10,
            "cache_dir": f"{name}/cache",
            "prefix_bytes": 0,  # what it keeps on purpose is not what it fails to give back
        }
        with (
            stage("embedded", Path(name), workers=0, settings=settings, stubbed=False) as held,
            line_to(held) as line,
        ):
            for _ in range(warm):
                line.warm()
            before, before_mb = _pids(held), _worker_mb(held)
            ended = [line.send(path) for path in _counted(files)]
            line.warm()
            return report_of(ended) | _kept(held, before, before_mb)


def _counted(files: Iterable[Path]) -> Iterator[Path]:
    for number, path in enumerate(files):
        if number and number % 50 == 0:
            print(f"{number} files are through", file=sys.stderr, flush=True)
        yield path


def report_of(ended: list[Through]) -> dict[str, Any]:
    """The figures of all files."""
    return {
        "files": len(ended),
        "results": sum(each.code is None for each in ended),
        "codes": dict(Counter(each.code for each in ended if each.code)),
        "states": dict(Counter(str(each.state) for each in ended)),
        "server_errors": sum(status >= 500 for each in ended for status in each.statuses),
        "longest_s": max((each.wall_s for each in ended), default=0.0),
        "longest": max(ended, key=lambda each: each.wall_s).path if ended else "",
        "unwanted": [asdict(each) for each in ended if not each.wanted],
        "ended": [asdict(each) for each in ended],
    }


def is_good(report: dict[str, Any]) -> bool:
    """Whether all is as it is wanted."""
    calm = not report["unwanted"] and not report["server_errors"]
    kept: bool = report["same_processes"] and report["worker_grown_mb"] <= GROWN_MB
    return calm and kept and len(report["codes"]) <= MOST_CODES


def _kept(held: Stage, before: tuple[int, ...], before_mb: float) -> dict[str, Any]:
    grown_mb = _worker_mb(held) - before_mb
    return {
        "same_processes": _pids(held) == before,
        "worker_mb": round(before_mb, 1),
        "worker_grown_mb": round(grown_mb, 1),
    }


def _pids(held: Stage) -> tuple[int, ...]:
    """The API's, and those of the workers."""
    [part] = held.others
    return (part.tree()[0].pid, *(worker.pid for worker in held.store.workers()))


def _worker_mb(held: Stage) -> float:
    """Resident memory of the process that runs jobs."""
    [worker] = held.store.workers()
    lines = Path(f"/proc/{worker.pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def told(report: dict[str, Any]) -> str:
    """For a terminal."""
    shown = {name: value for name, value in report.items() if name != "ended"}
    return "\n".join(f"{name.replace('_', ' '):24}{json.dumps(v)}" for name, v in shown.items())
