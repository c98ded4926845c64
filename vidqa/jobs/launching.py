"""Starts our own processes: told their settings through a pipe, which stays open as a life line."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import IO, Any

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
    handler = logging.StreamHandler()
    as_json = settings.log_format == "json"
    handler.setFormatter(_JsonLines() if as_json else logging.Formatter("vidqa: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("vidqa").setLevel(settings.log_level.upper())


class _JsonLines(logging.Formatter):
    """A JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time in seconds since 1970, level, logger, message, and the traceback of an error."""
        told = {
            "at": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told)
