"""The two things that fetching asks of the network: what a name means, and a connection."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from functools import cache
from threading import Thread
from typing import Protocol

from vidqa.errors import FetchAway


class Network(Protocol):
    """Names and connections; tests have one of their own."""

    def resolve(self, host: str, port: int, timeout_s: float) -> Sequence[str]:
        """All addresses of a name, as texts; none when it has none.

        Raises :class:`FetchAway` ``url_timeout``.
        """
        ...

    def connect(self, address: str, port: int, timeout_s: float) -> socket.socket:
        """A TCP connection to an address. Raises :class:`OSError`."""
        ...

    @property
    def tls(self) -> ssl.SSLContext:
        """How certificates are checked."""
        ...


class SystemNetwork:
    """The machine's own resolver and network; proxies of the environment are not asked."""

    def resolve(self, host: str, port: int, timeout_s: float) -> Sequence[str]:
        """See :meth:`Network.resolve`."""
        answer: Future[Sequence[str]] = Future()
        Thread(target=_resolve, args=(host, port, answer), name="resolve", daemon=True).start()
        try:
            return answer.result(timeout_s)
        except FutureTimeout as err:
            raise FetchAway(
                f"the name {host} was not resolved within {timeout_s:g} s",
                code="url_timeout",
                next_step="Try again later.",
            ) from err

    def connect(self, address: str, port: int, timeout_s: float) -> socket.socket:
        """See :meth:`Network.connect`."""
        return socket.create_connection((address, port), timeout_s)

    @property
    def tls(self) -> ssl.SSLContext:
        """See :attr:`Network.tls`."""
        return _tls()


@cache
def _tls() -> ssl.SSLContext:
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


def _resolve(host: str, port: int, answer: Future[Sequence[str]]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answer.set_result([str(each[4][0]) for each in found])
    except (OSError, UnicodeError):  # no such name: told like a name without public addresses
        answer.set_result([])
