"""The API as a process, beside the rest of a stage."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

from tests.chaos.parts import Part
from tests.chaos.stage import Stage

HOST = "127.0.0.1"
_READY_S = 60.0


@contextlib.contextmanager
def api(held: Stage) -> Iterator[int]:
    """``vidqa serve`` over the stage's database, on the port that comes back; without a broker it
    has a worker."""
    port = free_port()
    part = add_api(held, port)
    try:
        if not held.until(lambda: answers(port), _READY_S):
            raise RuntimeError(f"the API does not answer: {part.log.read_text()[-2000:]}")
        yield port
    finally:
        held.others.remove(part)
        part.end()


def add_api(held: Stage, port: int) -> Part:
    """The same, kept running by the stage until its end."""
    command = [sys.executable, "-m", "vidqa", "serve", "--host", HOST, "--port", str(port)]
    part = Part("api", command, folder=held.folder, environ=held.environ, pause_s=0.1)
    held.others.append(part)
    return part


def answers(port: int) -> bool:
    """Whether it says that it is healthy."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def post_job(port: int, kind: str, request: dict[str, Any], key: str) -> dict[str, Any]:
    """The job as the API took it.

    Raises :class:`OSError` where asking again may help, :class:`ValueError` where it will not.
    """
    status, body = call(port, "POST", "/v1/jobs", {"kind": kind, **request}, key=key)
    if status in (200, 202):
        return dict(body)
    if status >= 500 or status == 429:
        raise OSError(f"POST /v1/jobs: {status} {body}")
    raise ValueError(f"POST /v1/jobs: {status} {body}")


def call(
    port: int,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    key: str | None = None,
    secret: str | None = None,
) -> tuple[int, Any]:
    """Status and JSON (or text) of one request, under an idempotency key and an API key."""
    line = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        if secret is not None:
            headers["Authorization"] = f"Bearer {secret}"
        line.request(method, path, None if body is None else json.dumps(body), headers)
        answer = line.getresponse()
        text = answer.read().decode()
        is_json = "json" in (answer.getheader("Content-Type") or "")
        return answer.status, json.loads(text) if is_json else text
    except http.client.HTTPException as err:
        raise OSError(str(err)) from err
    finally:
        line.close()
