"""The image and the compose files: lints, the schema, and what they promise, read from them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

DOCKER = Path(__file__).resolve().parents[2] / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yml").read_text())
GPU = yaml.safe_load((DOCKER / "compose.gpu.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def program(name: str) -> Path:
    """One that lies beside this Python, or on the PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}, which pip has not for this Python or system")
    return Path(found)


def test_the_image_passes_hadolint() -> None:
    done = subprocess.run(
        [program("hadolint"), DOCKER / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", ["compose.yml", "compose.gpu.yml"])
def test_the_compose_files_are_what_the_schema_says(name: str) -> None:
    asked = ["--builtin-schema", "vendor.compose-spec", DOCKER / name]
    done = subprocess.run(
        [program("check-jsonschema"), *asked], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", list(SERVICES))
def test_every_service_has_a_health_check_and_time_to_end(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"
    assert int(service["stop_grace_period"].removesuffix("s")) >= 30


@pytest.mark.parametrize("name", list(SERVICES))
def test_no_service_runs_as_root_or_may_become_it(name: str) -> None:
    service = SERVICES[name]
    user = service.get("user") or _user_of_the_image()
    assert user not in ("root", "0")
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def _user_of_the_image() -> str:
    return re.findall(r"^USER (\S+)$", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)[-1]


def test_only_the_api_is_reached_from_outside_and_only_from_this_machine() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {"api": ["127.0.0.1:8000:8000"]}
    inside = [name for name, service in SERVICES.items() if service["networks"] == ["inside"]]
    assert inside == ["redis", "postgres"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_no_password_stands_in_the_files() -> None:
    for path in (each for each in DOCKER.iterdir() if each.suffix in (".yml", ".env")):
        text = re.sub(r"\$\{[^}]*\}", "", path.read_text())  # what comes from the environment
        assert not re.search(r"(?:PASSWORD|AUTH)[:=][ ]*\S", text)
        assert not re.search(r"://[^@\s/]*:[^@\s/]+@", text)


def test_the_broker_keeps_every_key_and_says_so_to_nobody_without_the_password() -> None:
    words = SERVICES["redis"]["command"]
    told = dict(zip(words[1::2], words[2::2], strict=True))
    assert told["--maxmemory-policy"] == "noeviction"
    assert told["--appendfsync"] == "everysec"
    assert told["--requirepass"].startswith("${REDIS_PASSWORD")


def test_api_and_worker_are_one_image_until_a_card_is_asked_for() -> None:
    assert SERVICES["api"]["image"] == SERVICES["worker"]["image"]
    assert GPU["services"].keys() == {"worker"}
    device = GPU["services"]["worker"]["deploy"]["resources"]["reservations"]["devices"][0]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
