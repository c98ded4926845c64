"""``vidqa serve`` as a process: its start, its end, and what it says when it cannot start."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.vidqa.api.conftest import video_bytes
from vidqa.cli.main import app
from vidqa.service.keys import ApiKeys
from vidqa.service.owner import open_database

Refused = Callable[..., Result]
LONG_S = 60.0
"""Patience with a busy machine; nothing here is measured."""


class Served:
    """A ``vidqa serve`` that takes requests."""

    def __init__(self, process: subprocess.Popen[str], text: str) -> None:
        self.process, self.text = process, text
        self.url = re.search(r"serves (http://\S+)", text)[1]  # type: ignore[index]

    def get(self, path: str, **options: object) -> httpx.Response:
        return httpx.get(self.url + path, timeout=LONG_S, trust_env=False, **options)  # type: ignore[arg-type]

    def post(self, path: str, content: object) -> httpx.Response:
        headers = {"content-type": "video/mp4"}
        place = self.url + path
        return httpx.post(place, content=content, headers=headers, timeout=LONG_S, trust_env=False)  # type: ignore[arg-type]


def command(folder: Path, *arguments: str) -> list[str]:
    code = "from vidqa.cli.main import main; main()"
    return [sys.executable, "-c", code, "serve", "--data-dir", str(folder), *arguments]


def environment(**more: str) -> dict[str, str]:
    """Jobs are done by nobody, so that no model is loaded."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {**os.environ, "PYTHONPATH": path, "HOME": "/nonexistent", **more}


@contextmanager
def served(folder: Path, *arguments: str, **env: str) -> Iterator[Served]:
    process = subprocess.Popen(
        command(folder, "--port", "0", *arguments),
        env=environment(**env),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Served(process, _start_text(process))
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def _start_text(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("Ctrl-C"):
            return "".join(lines)
    raise AssertionError("it did not start:\n" + "".join(lines))


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Refused:
    """A start that must fail; in this process, for it fails before anything is started."""
    monkeypatch.setattr("vidqa.logs.configure_logs", lambda *_, **__: None)

    def run(folder: Path, *arguments: str) -> Result:
        result = CliRunner().invoke(app, ["serve", "--data-dir", str(folder), *arguments])
        assert "Traceback" not in result.stderr
        return result

    return run


def descendants(pid: int) -> set[int]:
    """Every process below one, by /proc."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                told = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if told[0] != "Z":
                parents[int(entry.name)] = int(told[1])
    found, layer = set(), {pid}
    while layer:
        layer = {child for child, parent in parents.items() if parent in layer} - found
        found |= layer
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that still run."""
    found = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            found.add(pid)
    return found


def _command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG_S
    while not what():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop_and_leaves_nothing(
    number: signal.Signals, tmp_path: Path
) -> None:
    with served(tmp_path) as service:
        assert service.get("/healthz").json() == {"status": "ok"}
        assert service.get("/version").json()["ffmpeg"]
        until(lambda: service.get("/readyz").status_code == 200)
        below = descendants(service.process.pid)
        assert len(below) >= 2  # the worker's supervisor, and its child
        os.kill(service.process.pid, number)
        assert service.process.wait(LONG_S) == 0
        until(lambda: not alive(below))


@needs_proc
def test_of_several_api_processes_one_that_dies_is_started_anew_and_none_is_orphaned(
    tmp_path: Path,
) -> None:
    with served(tmp_path, "--workers", "2") as service:
        until(lambda: service.get("/readyz").status_code == 200)
        before = descendants(service.process.pid)
        replicas = {pid for pid in before if b"spawn_main" in _command_line(pid)}
        assert len(replicas) == 2
        os.kill(min(replicas), signal.SIGKILL)
        until(lambda: len(descendants(service.process.pid) - before) == 1)
        figures = service.get("/metrics").text
        assert "vidqa_http_request_seconds_bucket" in figures
        assert "vidqa_queue_depth" in figures
        below = descendants(service.process.pid)
        service.process.kill()
        service.process.wait()
        until(lambda: not alive(below))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with a small limit, for tests that change nothing of it."""
    folder = tmp_path_factory.mktemp("running")
    with served(folder, VIDQA_MAX_UPLOAD_BYTES="4000000") as service:
        yield service


def test_a_video_goes_in_and_comes_out_over_a_real_socket(running: Served) -> None:
    data = video_bytes(1, 3_000_000)
    made = running.post("/v1/videos", iter([data[:1_000_000], data[1_000_000:]]))
    assert made.status_code == 201
    place = f"{made.headers['location']}/content"
    played = running.get(place, headers={"range": "bytes=5-9"})
    assert (played.status_code, played.content) == (206, data[5:10])


def test_a_client_that_is_refused_early_still_reads_why(running: Served) -> None:
    """The rest of the body must not make the system throw the answer away."""
    for _ in range(10):
        refused = running.post("/v1/videos", video_bytes(1, 20_000_000))
        assert refused.json()["code"] == "file_too_large"


def test_it_does_not_listen_to_others_without_a_key(refused: Refused, tmp_path: Path) -> None:
    told = refused(tmp_path, "--host", "0.0.0.0", "--port", "0")  # noqa: S104
    assert told.exit_code == 2
    assert "there is no key" in told.stderr
    assert "vidqa keys add" in told.stderr


def test_it_listens_to_others_with_a_key(tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "service.db"))
    _, key = ApiKeys(database).create(name="test")
    database.close()
    with served(tmp_path, "--host", "0.0.0.0") as service:  # noqa: S104
        assert "keys  needed" in service.text
        assert service.get("/v1/videos").status_code == 401
        headers = {"authorization": f"Bearer {key}"}
        assert service.get("/v1/videos", headers=headers).status_code == 200


def test_a_port_in_use_is_a_plain_message(refused: Refused, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = refused(tmp_path, "--port", str(port))
    assert told.exit_code == 2
    assert told.stderr == (
        f"vidqa: port {port} of 127.0.0.1 is in use\n  Give another with --port, or --port 0 for a"
        " free one; or end the program that has it.  [port_in_use]\n"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_a_plain_message(
    host: str, refused: Refused, tmp_path: Path
) -> None:
    database = open_database(str(tmp_path / "service.db"))
    ApiKeys(database).create(name="test")
    database.close()
    told = refused(tmp_path, "--host", host, "--port", "0")
    assert told.exit_code == 2
    assert "[host_unavailable]" in told.stderr


def test_a_folder_that_cannot_be_written_is_a_plain_message(
    refused: Refused, tmp_path: Path
) -> None:
    if os.geteuid() == 0:
        place = Path("/proc/vidqa")  # where root may not write, either
    else:
        place = tmp_path / "locked"
        place.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    told = refused(place, "--port", "0")
    assert told.exit_code == 2
    assert told.stderr.startswith("vidqa: ")


def test_a_file_in_place_of_the_folder_is_a_plain_message(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    told = refused(tmp_path / "data" / "below", "--port", "0")
    assert told.exit_code == 2


def test_a_database_of_a_newer_vidqa_is_a_plain_message(refused: Refused, tmp_path: Path) -> None:
    open_database(str(tmp_path / "service.db")).close()
    with sqlite3.connect(tmp_path / "service.db") as db:
        db.execute("UPDATE service_version SET version_num = '9999'")
    db.close()
    told = refused(tmp_path, "--port", "0")
    assert told.exit_code == 2
    assert "newer" in told.stderr
    with sqlite3.connect(tmp_path / "service.db") as db:
        assert db.execute("SELECT version_num FROM service_version").fetchall() == [("9999",)]
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()
