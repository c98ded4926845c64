"""What the compose files start, started without Docker: the same commands, settings and checks."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chaos import stub
from tests.chaos.asking import job_of
from tests.chaos.front import call, free_port
from tests.chaos.parts import Part
from tests.redis_server import redis_program
from tests.vidqa.postgres_server import create_database

COMPOSE = Path(__file__).resolve().parents[2] / "docker" / "compose.yml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
PASSWORDS = {"REDIS_PASSWORD": "r3dis", "POSTGRES_PASSWORD": "none-asked-for"}
WAIT_S = 120.0


def filled(text: str) -> str:
    """With what ``.env`` would have in place of ``${NAME:?why}`` and ``${NAME:-default}``."""

    def value(found: re.Match[str]) -> str:
        return PASSWORDS.get(found[1], found[3] if found[2] == ":-" else "")

    return re.sub(r"\$\{(\w+)(:[-?])?([^}]*)\}", value, text)


class Composed:
    """The four services on this machine: other ports and folders, all else as it is written."""

    def __init__(self, folder: Path, postgres: str) -> None:
        self.folder, self.port, self._redis_port = folder, free_port(), free_port()
        create_database(postgres, "vidqa")
        at = {
            "@redis:6379": f"@127.0.0.1:{self._redis_port}",
            "postgresql://vidqa:none-asked-for@postgres:5432": postgres,
        }
        self.environ = {
            name: self._moved(filled(value), at)
            for name, value in SERVICES["api"]["environment"].items()
        }
        self.environ |= {
            "VIDQA_DATA_DIR": str(folder / "data"),
            "VIDQA_MEDIA_ROOTS": "/",
            "VIDQA_HANDLER": stub.NAME,  # no model: what is tried here is how things start and end
            stub.FOLDER: str(folder),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "REDISCLI_AUTH": PASSWORDS["REDIS_PASSWORD"],
        }
        (folder / "products").mkdir()
        self.parts = {name: self._part(name) for name in ("redis", "api", "worker")}

    @staticmethod
    def _moved(text: str, at: dict[str, str]) -> str:
        for there, here in at.items():
            text = text.replace(there, here)
        return text

    def _part(self, name: str) -> Part:
        words = [filled(word) for word in SERVICES[name]["command"]]
        if name == "redis":
            program = redis_program()
            if program is None:
                pytest.skip("needs redis-server (apt install redis-server)")
            place = ["--port", str(self._redis_port), "--bind", "127.0.0.1"]
            words = [program, *words[1:], *place, "--dir", str(self.folder)]
        else:
            words = [sys.executable, "-m", "vidqa", *self._port_of_ours(words)]
        return Part(name, words, folder=self.folder, environ=self.environ)

    def _port_of_ours(self, words: list[str]) -> list[str]:
        return [str(self.port) if word == "8000" else word for word in words]

    def check(self, name: str) -> int:
        """The service's own health check."""
        words = [filled(word) for word in SERVICES[name]["healthcheck"]["test"][1:]]
        words = [word.replace(":8000/", f":{self.port}/") for word in words]
        if words[0] == "python":
            words[0] = sys.executable
        if words[0] == "redis-cli":
            words[1:1] = ["-p", str(self._redis_port)]
        return self.run(words).returncode

    def run(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        """A command beside the services, as ``docker compose run`` would."""
        return subprocess.run(
            words,
            env=os.environ | self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT_S,
        )

    def until(self, true: Callable[[], bool]) -> None:
        """Keep all services running until something is so."""
        deadline_s = time.monotonic() + WAIT_S
        while not true():
            assert time.monotonic() < deadline_s, "it did not come about"
            for part in self.parts.values():
                part.keep()
            time.sleep(0.2)


@pytest.fixture
def composed(tmp_path: Path, postgres_server: str) -> Iterator[Composed]:
    made = Composed(tmp_path, postgres_server)
    with ExitStack() as ending:
        for part in made.parts.values():
            ending.callback(part.end)
        yield made


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("redis-cli") is None, reason="needs Linux and redis-cli"
)
def test_the_services_start_do_a_job_and_end_as_the_compose_file_says(composed: Composed) -> None:
    made = composed.run(
        [sys.executable, "-m", "vidqa", "keys", "add", "first", "--json"]
        + [word for scope in ("read", "write", "admin") for word in ("--scope", scope)]
    )
    assert made.returncode == 0, made.stderr
    secret = json.loads(made.stdout)["key"]

    composed.until(lambda: all(composed.check(name) == 0 for name in ("redis", "api", "worker")))

    kind, request = job_of(0, 0.2)
    asked = {"kind": kind, **request}
    assert call(composed.port, "POST", "/v1/jobs", asked)[0] == 401
    status, job = call(composed.port, "POST", "/v1/jobs", asked, secret=secret)
    assert status == 202
    path = f"/v1/jobs/{job['id']}"
    composed.until(
        lambda: call(composed.port, "GET", path, secret=secret)[1]["state"] == "completed"
    )

    for name in ("worker", "api", "redis"):
        assert SERVICES[name].get("stop_signal", "SIGTERM") == signal.SIGTERM.name
        patience_s = float(SERVICES[name]["stop_grace_period"].removesuffix("s"))
        part = composed.parts[name]
        assert part.end(patience_s) == 0, part.log.read_text()[-2000:]
