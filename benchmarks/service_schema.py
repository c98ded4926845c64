"""schemathesis against the service's own OpenAPI document: ``python benchmarks/service_schema.py``.

A whole service on a port of its own (SQLite, uploads, keys; a worker without a model that ends
every job at once), and cases made from the document by every phase of schemathesis with all of its
checks: no status of 500 and above, no answer that the document does not describe, nothing that is
answered without a key. Ids in paths are those of a real video, job and segment, or of none, so that
cases go deeper than 404.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import structlog
import uvicorn
from pydantic import ByteSize, SecretStr

from vidqa.api.app import make_app
from vidqa.jobs.signing import new_secret
from vidqa.jobs.store import JobStore, open_jobs
from vidqa.service.library import open_library
from vidqa.service.records import Claim, JsonDict
from vidqa.service_settings import ServiceSettings

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
)
"""All but two: that whatever fits its schema is accepted (a schema cannot say that a start lies
before an end, or that a token is one that was given out), and what needs two users' keys, which
``tests/vidqa/api`` tries at every route."""
_CONFIG = """\
[checks]
negative_data_rejection.expected-statuses = [
    400, 401, 403, 404, 405, 406, 409, 410, 411, 412, 413, 415, 422, 428, 429, 460,
]
"""
_HOOKS = """\
import schemathesis
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
"""
NOBODYS = "0" * 26
_PATIENCE_S = 3_600


@dataclass(frozen=True, slots=True)
class Report:
    """What schemathesis found."""

    cases: int
    failures: int
    seconds: float
    text: str
    """What it printed."""


@dataclass(frozen=True, slots=True)
class Running:
    """A service that listens."""

    url: str
    key: str
    document: JsonDict
    """Its OpenAPI document, with ids that are there."""


def check(examples: int, *, seed: int = 1, workers: int = 1, phases: str | None = None) -> Report:
    """Run ``examples`` cases of each operation in each phase that makes them at random, and all
    that the other phases make."""
    with tempfile.TemporaryDirectory() as made, running(Path(made)) as service:
        folder = Path(made)
        file, report = folder / "openapi.json", folder / "report.json"
        file.write_text(json.dumps(service.document))
        (folder / "schemathesis.toml").write_text(_CONFIG)
        (folder / "service_schema_hooks.py").write_text(_HOOKS)
        environment = {
            **os.environ,
            "SCHEMATHESIS_HOOKS": "service_schema_hooks",
            "PYTHONPATH": str(folder),
        }
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            str(file),
            f"--url={service.url}",
            f"--header=Authorization: Bearer {service.key}",
            f"--checks={','.join(CHECKS)}",
            "--continue-on-failure",
            f"--max-examples={examples}",
            f"--seed={seed}",
            f"--workers={workers}",
            "--request-timeout=70",
            "--suppress-health-check=all",
            "--warnings=off",
            "--report=json",
            f"--report-json-path={report}",
            *([f"--phases={phases}"] if phases else []),
        ]
        began_s = time.monotonic()
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
            cwd=folder,
            env=environment,
        )
        took_s = time.monotonic() - began_s
        if not report.exists():
            raise RuntimeError(f"schemathesis did not run: {done.stdout}{done.stderr}")
        if keep := os.environ.get("VIDQA_SCHEMA_REPORT"):
            shutil.copy(report, keep)
        told = json.loads(report.read_text())
    return Report(*_counts(told), took_s, done.stdout + done.stderr)


def _counts(report: JsonDict) -> tuple[int, int]:
    """Cases that were sent, and kinds of failures with errors of schemathesis's own."""
    failures = sum(each["count"] for each in (*report["failures"], *report["errors"]))
    return report["test_cases"]["generated"], failures


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """A service below ``folder``, with one video, one finished job and one archive in it."""
    os.environ["VIDQA_ARCHIVE_DIR"] = str(folder / "archive")
    settings = ServiceSettings(
        data_dir=folder / "data",
        rate_per_minute=0,
        concurrent_jobs=0,
        queue_cap=0,
        min_free_bytes=ByteSize(0),
        webhook_secrets=(SecretStr(new_secret()),),
        log_level="error",
    )
    settings.folder.mkdir(parents=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with open_jobs(settings) as store, working(store):
        library = open_library(store.database, settings.folder)
        app = make_app(settings, store=store, library=library)
        scopes = ("read", "write", "admin")
        _, key = app.state.service.keys.create(name="schema", tenant="schema", scopes=scopes)
        film = library.incoming / "film"
        film.write_bytes(_film())
        digest = hashlib.sha256(film.read_bytes()).hexdigest()
        video = library.adopt("schema", film, digest, "film.mp4")
        request = {"video": {"video_id": video.id}, "query": "a door"}
        job = store.submit("schema", "ground", request).job
        store.wait("schema", job.id, 30)
        segment = store.result("schema", job.id)["segments"][0]["id"]
        app.state.service.archives.make("schema", "default")
        ids = {"video_id": video.id, "job_id": job.id, "segment_id": segment}
        with _listening(app) as url:
            yield Running(url, key, _with_ids(app.openapi(), ids))


def _with_ids(document: JsonDict, ids: dict[str, str]) -> JsonDict:
    """The document with examples that name what is there; ids in paths do so or are nobody's."""
    text = json.dumps(document)
    kinds = {each.partition("_")[0]: each for each in ids.values()}
    for example in _examples(document):
        text = text.replace(example, kinds.get(example.partition("_")[0], example))
    told: JsonDict = json.loads(text)
    for path in told["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                known = ids.get(parameter["name"])
                if parameter["in"] == "path" and known is not None:
                    kind = known.partition("_")[0]
                    parameter["schema"] = {"type": "string", "enum": [known, f"{kind}_{NOBODYS}"]}
    return told


def _examples(document: Any) -> set[str]:
    """Every id that the document shows."""
    if isinstance(document, dict):
        return set().union(*map(_examples, document.values())) if document else set()
    if isinstance(document, list):
        return set().union(*map(_examples, document)) if document else set()
    is_id = isinstance(document, str) and len(document) == 30 and document[3] == "_"
    return {document} if is_id and document[:3] in ("vid", "job", "seg") else set()


@contextmanager
def working(store: JobStore) -> Iterator[None]:
    """A worker that ends every job at once, with a result of the right shape."""
    stop = threading.Event()
    store.register("wrk_schema", host="here", pid=os.getpid(), queues=("cpu", "gpu"))

    def work() -> None:
        while not stop.is_set():
            store.beat("wrk_schema")
            claim = store.claim("wrk_schema", queues=("cpu", "gpu"))
            if claim is None:
                stop.wait(0.01)
            else:
                _end(store, claim)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _end(store: JobStore, claim: Claim) -> None:
    result = result_of(claim.job.kind, claim.job.request)
    store.finish(claim, result, result.get("outcome"))


@contextmanager
def _listening(app: Any) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    url = f"http://127.0.0.1:{port}"
    try:
        while thread.is_alive():
            try:
                httpx.get(f"{url}/healthz")
                break
            except httpx.ConnectError:
                time.sleep(0.02)
        yield url
    finally:
        server.should_exit = True
        thread.join()


def _film() -> bytes:
    """Two seconds of grey."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(40):
            grey = np.full((48, 64, 3), 40 + number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


_SEGMENT: JsonDict = {
    "start": 0.5,
    "end": 1.5,
    "start_tc": "00:00:00.500",
    "end_tc": "00:00:01.500",
    "score": 0.9,
    "confidence": None,
    "precision_s": 0.5,
    "evidence": [{"pts": 0.5, "sha256": "aa"}],
}
_HOW: JsonDict = {
    "video": {
        "id": "sha256:00",
        "kind": "video",
        "duration": 4.0,
        "start_time": 0.0,
        "vfr": False,
        "width": 64,
        "height": 48,
    },
    "coverage": {"start": 0.0, "end": 4.0, "fraction": 1.0},
    "passes": [],
    "cache": {"features": "miss"},
    "model": "none@sha256:00",
    "reply": {"text": "0.5 - 1.5", "kind": "range", "tokens": 7, "cut_short": False},
    "timings": {},
    "familiar": None,
    "ended_early": None,
    "notes": [],
}
_FOUND: JsonDict = {
    "outcome": "not_found",
    "hits": [],
    "total": 0,
    "next_page_token": None,
    "considered": {"videos": 0, "clips": 0, "ranked_clips": 0},
    "model": "none@sha256:00",
    "notes": [],
}


def result_of(kind: str, request: JsonDict) -> JsonDict:
    """What a worker with a model might say."""
    if kind == "ground":
        told = {"query": request["query"], "segments": [_SEGMENT], "considered": []}
        return {"outcome": "found", **told, **_HOW}
    if kind == "ask" and "archive_id" in request:
        told = {"question": request["question"], "answer": "", "citations": [], "others": []}
        shared = {name: _FOUND[name] for name in ("considered", "model", "notes")}
        return {"outcome": "not_found", **told, "count": None, **shared}
    if kind == "ask":
        told = {"question": request["question"], "answer": "A door.", "evidence": [_SEGMENT]}
        return {"outcome": "found", **told, "marks": [], **_HOW}
    if kind == "describe":
        return {"outcome": "found", "chapters": [{**_SEGMENT, "text": "a door opens"}], **_HOW}
    if kind == "search":
        return {**_FOUND, "query": request.get("query", "a picture"), "query_kind": "text"}
    return {"files": [], "counts": {}} if kind == "index" else {"archives": {}, "switched": True}


def main() -> None:
    """Print what was found; exit code 1 where anything was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--examples", type=int, default=60, help="random cases of each operation (60)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="requests at the same time (2)")
    parser.add_argument("--phases", help="of schemathesis; all unless given")
    given = parser.parse_args()
    report = check(given.examples, seed=given.seed, workers=given.workers, phases=given.phases)
    print(report.text)
    print(f"{report.cases} cases in {report.seconds:.0f} s: {report.failures} failures")
    sys.exit(1 if report.failures else 0)


if __name__ == "__main__":
    main()
