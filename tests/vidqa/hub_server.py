"""A model hub of one repository on a free port: the few addresses its client asks for.

Every commit holds the files of one folder. ``cut`` maps a file to how many of its bytes are sent
before the connection is closed, once.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REPOSITORY = "owner/model"
_API = re.compile(rf"/api/models/{REPOSITORY}(?:/(revision|tree)/([^/?]+))?")
_FILE = re.compile(rf"/{REPOSITORY}/resolve/([^/]+)/([^?]+)")


@dataclass
class Hub:
    """What the server serves, and what it was asked for."""

    commits: dict[str, Path]
    branches: dict[str, str]
    gated: bool = False
    cut: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """File name and Range header of every GET of a file, in order."""
    address: str = ""

    def commit(self, revision: str) -> str | None:
        known = {**self.branches, **{commit: commit for commit in self.commits}}
        return known.get(revision)


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        if self.hub.gated:
            self.fail(403, "GatedRepo")
        elif found := _API.fullmatch(self.path.split("?")[0]):
            self.describe(found[1], found[2] or "main")
        elif found := _FILE.fullmatch(self.path):
            self.file(found[1], found[2])
        else:
            self.fail(404, "RepoNotFound")

    def fail(self, status: int, code: str) -> None:
        self.reply(status, b"", {"X-Error-Code": code, "X-Error-Message": code})

    def describe(self, what: str | None, revision: str) -> None:
        commit = self.hub.commit(revision)
        if commit is None:
            return self.fail(404, "RevisionNotFound")
        files = [p for p in sorted(self.hub.commits[commit].rglob("*")) if p.is_file()]
        names = [path.relative_to(self.hub.commits[commit]).as_posix() for path in files]
        tree = [
            {"type": "file", "path": name, "size": path.stat().st_size, "oid": _etag(path)}
            for name, path in zip(names, files, strict=True)
        ]
        info = {"id": REPOSITORY, "sha": commit, "siblings": [{"rfilename": n} for n in names]}
        body = json.dumps(tree if what == "tree" else info).encode()
        return self.reply(200, body, {"Content-Type": "application/json"})

    def file(self, revision: str, name: str) -> None:
        commit = self.hub.commit(revision)
        path = self.hub.commits[commit] / name if commit else None
        if path is None or not path.is_file():
            return self.fail(404, "EntryNotFound")
        heads = {"ETag": f'"{_etag(path)}"', "X-Repo-Commit": str(commit)}
        return self.send_part(name, path.read_bytes(), heads)

    def send_part(self, name: str, data: bytes, heads: dict[str, str]) -> None:
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
        if asked:
            heads["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if self.command == "GET":
            self.hub.asked.append((name, asked))
        cut = self.hub.cut.pop(name, None) if self.command == "GET" else None
        self.reply(206 if asked else 200, data[start:], heads, cut)

    def reply(
        self, status: int, body: bytes, heads: dict[str, str], cut: int | None = None
    ) -> None:
        self.send_response(status)
        for key, value in {**heads, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _etag(path: Path) -> str:
    return hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()
