"""Under which names the service answers, and which pages may make a browser send to it.

A browser sends a page's requests to whatever address the page's own name resolves to. Without the
check of ``Host``, any page on the web could rebind its name to 127.0.0.1 and read a service there
that asks for no key (DNS rebinding); without the check of ``Origin``, it could send to it blindly.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from vidqa.errors import RequestError

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own, reached by nobody else."""
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Hosts:
    """Refuses foreign names where the service listens on loopback, and foreign pages everywhere."""

    def __init__(
        self, app: ASGIApp, *, host: str, allowed: Iterable[str] = (), origins: Iterable[str] = ()
    ) -> None:
        self.app = app
        self._allowed = frozenset(name.lower() for name in allowed)
        self._any_name = not is_loopback(host) and not self._allowed
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raise :class:`RequestError` for a name or an origin that is not ours."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            self._check_name(headers.get("host", ""))
            if scope["method"] not in _SAFE:
                self._check_origin(headers)
        await self.app(scope, receive, send)

    def _check_name(self, host: str) -> None:
        name = _without_port(host)
        if self._any_name or is_loopback(name) or name in self._allowed:
            return
        raise RequestError(
            f"this service does not answer to the name {name[:100]!r}",
            code="host_refused",
            next_step="Ask for it as localhost or 127.0.0.1, or add the name to allowed_hosts.",
        )

    def _check_origin(self, headers: Headers) -> None:
        """A browser says where a page is from; other clients say nothing, and have no cookies."""
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site", "none")
        if origin in self._origins:
            return
        foreign = site in ("cross-site", "same-site")
        if origin is not None:
            own = origin.partition("://")[2].lower() == headers.get("host", "").lower()
            foreign = foreign or not own
        if foreign:
            raise RequestError(
                f"a page from {(origin or 'another site')[:100]!r} may not send to this service",
                code="cross_site_refused",
                next_step="Add that origin to cors_origins, if the page is yours.",
            )


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0].strip("[]").lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()
