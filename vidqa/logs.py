"""Log lines: one a request, one an event of a job; JSON for machines, columns for a terminal."""

from __future__ import annotations

import logging
import sys
from typing import Literal, TextIO

import structlog
from structlog.typing import Processor

Format = Literal["text", "json"]


def configure_logs(form: Format, *, level: str = "info", stream: TextIO | None = None) -> None:
    """Send our lines, and other libraries' warnings, to ``stream``.

    ``stream`` is standard error when not given. For shells: the application never calls this.
    Tracebacks are plain, for the values of local variables are nobody's business.
    """
    out = stream or sys.stderr
    as_json = form == "json"
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info if as_json else _as_it_is,
            _renderer(as_json, out),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info if as_json else _as_it_is,
                _renderer(as_json, out),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("vidqa", "vidqa_workers"):
        logging.getLogger(name).setLevel(level.upper())


def _renderer(as_json: bool, out: TextIO) -> Processor:
    if as_json:
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(
        colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def _as_it_is(
    _logger: object, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """The console's renderer draws exceptions itself."""
    return event
