"""One request, one id: taken from the client or made, in the answer, in every log line, in a trace.

Also what is done once for every answer: security headers, one log line, the latency metric. Pure
ASGI, the outermost layer: also what the layers inside refuse is counted and logged.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vidqa.api.metrics import Metrics

_log = structlog.get_logger("vidqa.api")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_random = random.Random()  # noqa: S311  (ids tell requests apart; nothing is guarded by them)
_SILENT = frozenset({"/healthz"})
"""Asked every few seconds by a supervisor: counted, but no line in the log while it is well."""
_SECURITY = (
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cache-control", "no-store"),
)
"""A route that knows better, as the page, sets its own."""


class Correlation:
    """``X-Request-Id`` and ``traceparent`` in and out; ``scope["vidqa.request_id"]`` for inside."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, shared_with: Iterable[str] = ()) -> None:
        self.app = app
        self._metrics = metrics
        resource = "cross-origin" if tuple(shared_with) else "same-origin"
        self._headers = (*_SECURITY, ("cross-origin-resource-policy", resource))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its ids; log and count it at its end."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers.get("x-request-id"))
        traceparent = _traceparent(headers.get("traceparent"))
        scope["vidqa.request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id, trace_id=traceparent[3:35])
        status, began = 0, time.perf_counter()

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._mark(MutableHeaders(scope=message), request_id, traceparent)
            await send(message)

        self._metrics.requests_now.inc()
        try:
            await self.app(scope, receive, marked)
        finally:
            self._metrics.requests_now.dec()
            self._tell(scope, status, time.perf_counter() - began)

    def _mark(self, headers: MutableHeaders, request_id: str, traceparent: str) -> None:
        headers["x-request-id"] = request_id
        headers["traceparent"] = traceparent
        for name, value in self._headers:
            headers.setdefault(name, value)

    def _tell(self, scope: Scope, status: int, took_s: float) -> None:
        """``status`` 0: the client left, or the connection was cut, before an answer began."""
        route = route_of(scope)
        code = scope.get("vidqa.code")
        self._metrics.saw_request(scope["method"], route, status, took_s, code)
        if scope["path"] in _SILENT and status == 200:
            return
        caller = scope.get("vidqa.caller")
        told = {"key_id": caller.key_id, "tenant": caller.tenant} if caller is not None else {}
        if code is not None:
            told["code"] = code
        _log.info(
            "request",
            method=scope["method"],
            path=scope["path"],
            route=route,
            status=status,
            ms=round(took_s * 1000, 2),
            **told,
        )


def route_of(scope: Scope) -> str:
    """The template of the route that answered, as ``/v1/jobs/{job_id}``; few, unlike paths."""
    return str(getattr(scope.get("route"), "path", "") or "unmatched")


def _hex(count: int) -> str:
    """``count`` random bytes in hexadecimal, without asking the system for each."""
    return f"{_random.getrandbits(8 * count):0{2 * count}x}"


def _request_id(given: str | None) -> str:
    """The client's, where it is harmless in a log and a header; otherwise a new one."""
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given
    return f"req_{_hex(12)}"


def _traceparent(given: str | None) -> str:
    """W3C trace context: the client's trace with a span of our own, or a new trace."""
    match = _TRACEPARENT.fullmatch(given or "")
    if match and not given.startswith("ff") and set(match[1]) != {"0"} and set(match[2]) != {"0"}:  # type: ignore[union-attr]
        return f"00-{match[1]}-{_hex(8)}-{match[3]}"
    return f"00-{_hex(16)}-{_hex(8)}-00"
