"""Starts our own processes: told their settings through a pipe, which stays open as a life line."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import IO, Any

from vidqa.logs import configure_logs
from vidqa.service_settings import ServiceSettings

_UNSAID = {"webhook_secrets"}
"""What a worker has no use for."""


def launch(module: str, settings: ServiceSettings, **told: Any) -> subprocess.Popen[bytes]:
    """Start ``module.main()`` in a new process, of a process group of its own: a Ctrl-C reaches it
    only through us. Modules are found where this process finds them, never in the folder it is
    started in."""
    code = f"import sys; sys.path[:] = {sys.path!r}; from {module} import main; main()"
    process = subprocess.Popen(  # noqa: S603  (our own interpreter, our own code)
        [sys.executable, "-c", code], stdin=subprocess.PIPE, start_new_session=True
    )
    line = {"settings": settings.model_dump(mode="json", exclude=_UNSAID), **told}
    if process.stdin is not None:
        process.stdin.write(json.dumps(line).encode() + b"\n")
        process.stdin.flush()
    return process


def told(pipe: IO[bytes]) -> tuple[ServiceSettings, dict[str, Any]]:
    """What :func:`launch` was given, read by the new process."""
    line: dict[str, Any] = json.loads(pipe.readline())
    settings = line.pop("settings")
    return ServiceSettings(**{k: v for k, v in settings.items() if v is not None}), line


def log_to_stderr(settings: ServiceSettings) -> None:
    """What vidqa logs, as the settings say; of other libraries only warnings."""
    configure_logs(settings.log_format, level=settings.log_level)
