"""A network of the tests' own: names answer what a test says, connections end at its servers."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class FakeNetwork:
    """Names by a table; every address leads to ``port`` on loopback, and is written down."""

    port: int
    names: dict[str, list[str]] = field(default_factory=dict)
    dialled: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    then: dict[str, list[str]] = field(default_factory=dict)
    """What a name answers from the second time on."""

    def resolve(self, host: str, port: int, timeout_s: float) -> Sequence[str]:
        again = host in self.asked
        self.asked.append(host)
        if again and host in self.then:
            return self.then[host]
        return self.names.get(host, [])

    def connect(self, address: str, port: int, timeout_s: float) -> socket.socket:
        self.dialled.append(address)
        return socket.create_connection(("127.0.0.1", self.port), timeout_s)


Handler = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Server:
    """A web server on loopback that counts who connects."""

    port: int
    paths: dict[str, Handler] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server whose answers a test sets by path."""
    made = Server(0)

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            made.paths[self.path.split("?")[0]](self)

        def do_POST(self) -> None:
            made.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    http.daemon_threads = True
    made.port = http.server_port
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def network(server: Server) -> FakeNetwork:
    """A network in which ``media.example.org`` is a public host: the test's server."""
    return FakeNetwork(server.port, {"media.example.org": ["93.184.216.34"]})
