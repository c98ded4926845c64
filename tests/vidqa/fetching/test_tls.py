"""TLS: the certificate is checked against the URL's host, though an address is connected to."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Thread

import pytest

from vidqa.errors import FetchAway
from vidqa.fetching import FetchRules, fetch

RULES = FetchRules(allowed_domains=("*",))


class Secure:
    """A network whose every address is one TLS server with a certificate for one name."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.tls = ssl.create_default_context(cafile=certificate)
        self.asked_for: list[str] = []
        self._server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.load_cert_chain(certificate, key)
        self._server.sni_callback = lambda _, name, __: self.asked_for.append(str(name))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def resolve(self, host: str, port: int, timeout_s: float) -> Sequence[str]:
        return ["93.184.216.34"]

    def connect(self, address: str, port: int, timeout_s: float) -> socket.socket:
        return socket.create_connection(self._listener.getsockname(), timeout_s)

    def _serve(self) -> None:
        while True:
            made, _ = self._listener.accept()
            with made:
                try:
                    with self._server.wrap_socket(made, server_side=True) as secure:
                        if not secure.recv(10_000):
                            return
                        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
                except OSError:  # the other side does not like the certificate
                    if self._stopped:
                        return

    _stopped = False

    def close(self) -> None:
        self._stopped = True
        with socket.create_connection(self._listener.getsockname()):
            pass
        self._thread.join()
        self._listener.close()


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl program")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    name = ("-subj", "/CN=media.example.org", "-addext", "subjectAltName=DNS:media.example.org")
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    out = ("-days", "2", "-keyout", str(key), "-out", str(certificate))
    subprocess.run([openssl, *new, *name, *out], check=True, capture_output=True)
    made = Secure(certificate, key)
    yield made
    made.close()


def test_the_name_in_tls_is_the_urls(secure: Secure, tmp_path: Path) -> None:
    assert fetch("https://media.example.org/", tmp_path, RULES, network=secure).bytes == 2
    assert secure.asked_for == ["media.example.org"]


def test_a_certificate_for_another_host_is_no_answer(secure: Secure, tmp_path: Path) -> None:
    with pytest.raises(FetchAway) as caught:
        fetch("https://other.example.org/", tmp_path, RULES, network=secure)
    assert caught.value.code == "url_unreachable"
    assert list(tmp_path.iterdir()) == []
