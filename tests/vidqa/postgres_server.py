"""A PostgreSQL server of the tests' own: a free port, a folder that goes with it, no privileges."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

_CLUSTER = "-U vidqa -A trust -E UTF8 --locale=C.UTF-8 --no-sync"


def postgres_folder() -> Path | None:
    """Where ``initdb`` and ``postgres`` lie, on the PATH or where Debian puts them."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return homes[-1].parent if homes else None


@contextmanager
def running_server(binaries: Path) -> Iterator[str]:
    """URL, without a database's name, of a server that ends with the block."""
    folder = Path(tempfile.mkdtemp(prefix="vidqa-pg-"))
    as_user = _unprivileged(folder)
    try:
        _make_cluster(binaries, folder / "data", as_user)
        port = _free_port()
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", folder / "data", "-k", folder, *_options(port)],
                stdout=log,
                stderr=log,
                cwd=folder,
                **as_user,
            )
        try:
            _await_answer(binaries, server, port, folder / "log")
            yield f"postgresql://vidqa@127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGINT)  # PostgreSQL's "fast": ends sessions, then itself
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: arguments that start it as somebody else there."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _make_cluster(binaries: Path, data: Path, as_user: dict[str, Any]) -> None:
    subprocess.run(
        [binaries / "initdb", "-D", data, *_CLUSTER.split()],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=data.parent,
        **as_user,
    )


def _options(port: int) -> list[str]:
    return f"-p {port} -h 127.0.0.1 -c fsync=off -c max_connections=60".split()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_answer(binaries: Path, server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    asked = [binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "vidqa"]
    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended at once: {log.read_text()}")
        if subprocess.run(asked, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError("PostgreSQL does not answer after a minute")


def create_database(server: str, name: str) -> None:
    """A new database on the tests' server."""
    execute(f"{server}/postgres", f"CREATE DATABASE {name}")


def execute(url: str, statement: str) -> None:
    """Run one statement, which commits by itself."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(statement.encode())
