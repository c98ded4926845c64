"""How soon a job is accepted over HTTP, and how many in a second; no worker runs meanwhile.

Sixteen clients keep one connection each. *Paced*: each asks at its turns of a common clock, and an
answer's time counts from that turn, so that a server which stalls is charged for those who wait.
*As fast as they can*: each asks again when it was answered; then a client's time is 16 / rate.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.service_rows import Journal, Row, quantile
from tests.chaos.asking import FILM
from tests.chaos.front import api
from tests.chaos.stage import stage

CLIENTS = 16
RATES = (50, 100, 200)
WANTED_P50_MS, WANTED_P99_MS, WANTED_RATE = 10.0, 50.0, 300.0


def accept(journal: Journal, *, seconds: float) -> list[Row]:
    """Paced at several rates, then as fast as they can."""
    done = journal.done(part="accept", seconds=seconds)
    found = done[0]["found"] if done else _measured(seconds)
    if not done:
        journal.add({"found": found}, part="accept", seconds=seconds)
    return _rows(found)


@dataclass(slots=True)
class _Taken:
    ms: list[float]
    refused: int
    took_s: float

    def to_dict(self) -> dict[str, float]:
        return {
            "accepted": len(self.ms),
            "refused": self.refused,
            "rate": len(self.ms) / self.took_s,
            "p50_ms": statistics.median(self.ms),
            "p99_ms": quantile(self.ms, 0.99),
            "max_ms": max(self.ms),
        }


def _measured(seconds: float) -> dict[str, dict[str, float]]:
    found = {}
    settings = {"rate_per_minute": 0, "concurrent_jobs": 0, "queue_cap": 0, "media_roots": "/"}
    with (
        tempfile.TemporaryDirectory(prefix="vidqa-accept-") as name,
        stage("celery", Path(name), workers=0, settings=settings) as held,
        api(held) as port,
    ):
        asyncio.run(_load(port, 3.0, None))  # warm: the first request of a server imports
        for rate in RATES:
            print(f"accept: {rate} a second", file=sys.stderr, flush=True)
            found[str(rate)] = asyncio.run(_load(port, seconds, rate)).to_dict()
        print("accept: as fast as they can", file=sys.stderr, flush=True)
        found["full"] = asyncio.run(_load(port, seconds, None)).to_dict()
    return found


def _rows(found: dict[str, dict[str, float]]) -> list[Row]:
    rows = [
        Row(
            what=f"accepted over HTTP, {CLIENTS} clients, {rate} a second: p50 / p99, ms",
            measured=f"{each['p50_ms']:.1f} / {each['p99_ms']:.1f}",
            wanted=f"<= {WANTED_P50_MS:.0f} / {WANTED_P99_MS:.0f}",
            reached=each["p50_ms"] <= WANTED_P50_MS and each["p99_ms"] <= WANTED_P99_MS,
            facts={"part": "accept", "paced": rate, **each},
        )
        for rate, each in found.items()
        if rate != "full"
    ]
    full = found["full"]
    rows.append(
        Row(
            what=f"submissions a second, {CLIENTS} clients as fast as they can",
            measured=f"{full['rate']:.0f} (p50 {full['p50_ms']:.0f}, p99 {full['p99_ms']:.0f} ms)",
            wanted=f">= {WANTED_RATE:.0f}",
            reached=full["rate"] >= WANTED_RATE and not full["refused"],
            facts={"part": "accept", "paced": None, **full},
        )
    )
    return rows


async def _load(port: int, seconds: float, rate: float | None) -> _Taken:
    taken = _Taken([], 0, 0.0)
    began = time.perf_counter()
    turns = [_client(port, k, began, seconds, rate, taken) for k in range(CLIENTS)]
    await asyncio.gather(*turns)
    taken.took_s = time.perf_counter() - began
    return taken


async def _client(
    port: int, number: int, began: float, seconds: float, rate: float | None, taken: _Taken
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    turn = 0
    while True:
        asked = time.perf_counter()
        if rate is not None:
            due = began + (turn * CLIENTS + number) / rate
            await asyncio.sleep(max(0.0, due - asked))
            asked = due
        if asked - began > seconds:
            break
        writer.write(_request(port, f"{began}-{number}-{turn}"))
        status = await _status(reader)
        turn += 1
        if status == 202:
            taken.ms.append((time.perf_counter() - asked) * 1000)
        else:
            taken.refused += 1
    writer.close()
    await writer.wait_closed()


def _request(port: int, words: str) -> bytes:
    job = {"kind": "ground", "video": {"path": FILM}, "query": f"job {words}"}
    body = json.dumps(job).encode()
    head = (
        f"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Idempotency-Key: {words}\r\n\r\n"
    )
    return head.encode() + body


async def _status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    lines: Sequence[bytes] = head.split(b"\r\n")
    lengths = [line.split(b":")[1] for line in lines if line.lower().startswith(b"content-length")]
    await reader.readexactly(int(lengths[0]))
    return int(lines[0].split()[1])
