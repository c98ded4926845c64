"""One request and its answer over a connection to an address that was checked.

httpcore speaks HTTP; what it connects to is ours: the address, whatever the URL's host, while the
``Host`` header and the name in TLS stay the URL's. Every wait is cut at one moment for all of it.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore

from vidqa.errors import FetchAway, FetchError
from vidqa.fetching.guard import Target, addresses_of
from vidqa.fetching.network import Network
from vidqa.fetching.rules import FetchRules

AGENT = "vidqa"


@dataclass(frozen=True, slots=True)
class Clock:
    """When everything must be over."""

    rules: FetchRules
    ends_at: float
    now: Callable[[], float] = time.monotonic

    @classmethod
    def start(cls, rules: FetchRules) -> Clock:
        """A clock that begins now."""
        return cls(rules, time.monotonic() + rules.total_s)

    def wait_s(self, most_s: float) -> float:
        """How long the next wait may be; raises :class:`httpcore.ReadTimeout` when time is up."""
        left_s = self.ends_at - self.now()
        if left_s <= 0:
            raise httpcore.ReadTimeout
        return min(most_s, left_s)


@contextmanager
def exchange(
    target: Target,
    rules: FetchRules,
    network: Network,
    clock: Clock,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Iterator[httpcore.Response]:
    """The answer to one request, its body still to be read; redirects are not followed.

    Raises :class:`FetchError` as :func:`vidqa.fetching.guard.addresses_of`, and :class:`FetchAway`
    ``url_unreachable`` or ``url_timeout`` also from within the block.
    """
    addresses = [str(each) for each in addresses_of(target, rules, network)]
    backend = _Backend(addresses, rules, network, clock)
    told = {"Host": target.netloc, "User-Agent": AGENT, "Accept": "*/*", **(headers or {})}
    if method == "GET":
        told["Accept-Encoding"] = "identity"
    origin = httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port)
    url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
    tls = network.tls if target.scheme == "https" else None
    with (
        _told(target),
        httpcore.HTTPConnection(origin, tls, network_backend=backend) as connection,
        connection.stream(method, url, headers=list(told.items()), content=body) as answer,
    ):
        yield answer


def header(answer: httpcore.Response, name: str) -> str | None:
    """The first header of this name (lower case)."""
    for key, value in answer.headers:
        if key.decode("ascii", "replace").lower() == name:
            return value.decode("latin-1")
    return None


@contextmanager
def _told(target: Target) -> Iterator[None]:
    """What httpcore raises as our own error, without an address in it."""
    try:
        yield
    except httpcore.TimeoutException as err:
        raise FetchAway(
            f"{target.url.split('?')[0]}: no answer in time",
            code="url_timeout",
            next_step="Try again later, or upload the file.",
        ) from err
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as err:
        raise FetchAway(
            f"{target.url.split('?')[0]}: cannot be reached ({_why(err)})",
            code="url_unreachable",
            next_step="Check the URL and its host, or upload the file.",
        ) from err


def _why(err: Exception) -> str:
    if isinstance(err, httpcore.ConnectError):
        return "no connection"
    if isinstance(err, httpcore.ProtocolError):
        return "no proper HTTP"
    return "the connection broke"


class _Backend(httpcore.NetworkBackend):
    """Connects to the checked addresses in turn, whatever host is asked for."""

    def __init__(
        self, addresses: list[str], rules: FetchRules, network: Network, clock: Clock
    ) -> None:
        self._addresses, self._rules, self._network, self._clock = addresses, rules, network, clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        last: OSError | None = None
        for address in self._addresses:
            wait_s = self._clock.wait_s(self._rules.connect_s)
            try:
                made = self._network.connect(address, port, wait_s)
            except OSError as err:
                last = err
                continue
            return _Stream(made, self._rules.silence_s, self._clock)
        if isinstance(last, TimeoutError):
            raise httpcore.ConnectTimeout from last
        raise httpcore.ConnectError from last

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        raise FetchError(
            "no socket of this machine is fetched from",
            code="url_refused",
            next_step="Give an http or https URL.",
        )


class _Stream(httpcore.NetworkStream):
    """A connection on which no wait is longer than the rules allow."""

    def __init__(self, made: socket.socket, silence_s: float, clock: Clock) -> None:
        self._socket, self._silence_s, self._clock = made, silence_s, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with self._waiting(httpcore.ReadTimeout, httpcore.ReadError):
            return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with self._waiting(httpcore.WriteTimeout, httpcore.WriteError):
            self._socket.sendall(buffer)

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        with self._waiting(httpcore.ConnectTimeout, httpcore.ConnectError):
            wrapped = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        return _Stream(wrapped, self._silence_s, self._clock)

    def get_extra_info(self, info: str) -> Any:
        return None

    @contextmanager
    def _waiting(self, late: type[Exception], broken: type[Exception]) -> Iterator[None]:
        self._socket.settimeout(self._clock.wait_s(self._silence_s))
        try:
            yield
        except TimeoutError as err:
            raise late from err
        except OSError as err:  # ssl.SSLError is one
            raise broken from err
