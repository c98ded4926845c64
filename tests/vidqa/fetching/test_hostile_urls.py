"""URLs that want into the network we run in: none of them gets a connection.

The witness is a real server on loopback that counts; the resolver and the network are the system's
own, but for names that a test gives an answer.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.errors import FetchError, VidqaError
from vidqa.fetching import ANY_PUBLIC_HOST, FetchRules, SystemNetwork, check, fetch, post
from vidqa.fetching.addresses import is_public, may_connect

HOSTS = [
    # loopback and this network, plainly and in the spellings that C libraries take
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "0.0.0.0", "0", "2130706433", "0x7f000001",  # noqa: S104
    "0x7f.1", "017700000001", "0177.0.0.1", "127.0.0.1.", "00127.0.0.1", "localhost", "LOCALHOST.",
    "localhost.localdomain", "ip6-localhost",
    # private networks, link-local, the metadata of clouds
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.100.100.200",
    "169.254.169.254", "169.254.170.2", "0xa9fea9fe", "2852039166", "168.63.129.16", "192.0.0.192",
    "metadata.google.internal",
    # reserved, documentation, benchmarking, multicast, broadcast
    "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "192.88.99.1", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255",
    # IPv6: loopback, IPv4 inside, translation, local scopes, multicast, documentation, ISATAP
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[::ffff:0:7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::7f00:1]", "[2002:7f00:1::1]", "[2002:a9fe:a9fe::1]", "[fe80::1]", "[fe80::1%25lo]",
    "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]", "[2001::1]",
    "[100::1]", "[3fff::1]", "[5f00::1]", "[2606:4700::5efe:7f00:1]",
]  # fmt: skip
ADDRESSES = [
    host.strip("[]").replace("%25", "%")
    for host in HOSTS
    if host.startswith("[") or (host.count(".") == 3 and host[-1].isdigit() and host[0] != "0")
]
FORMS = [
    *("http://127.0.0.1@public.example/", "http://public.example@127.0.0.1/", "http://a:b@[::1]/"),
    *("http://public.example#@127.0.0.1/", "http://127.0.0.1\\@public.example/"),
    *("http://127.0.0.1%2f@public.example/", "http://127.0.0.1%00.public.example/"),
    *("http:\\\\127.0.0.1\\", "http:/127.0.0.1/", "http:127.0.0.1", "http:///127.0.0.1/"),
    *("//127.0.0.1/", "HTTP://127.0.0.1/", "http://127.0.0.1:0/", "http://127.0.0.1:99999/"),
    *("http://127.0.0.1:/", "http://127.0.0.1:22/", "http://[::1/", "http://[127.0.0.1]/"),
    *("file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:80/_GET", "data:,x"),
    *("unix:///var/run/docker.sock", "jar:http://127.0.0.1!/", "concat:/etc/passwd"),
    *("http://\u2460\u2461\u2466.0.0.1/", "http://127\u30020\u30020\u30021/", "http://\uff11\uff12\uff17.0.0.1/"),
    *("http://127.0.0.1\t/", " http://127.0.0.1/", "http://127.0.0.1\r\nHost: x/", "http://127.0.0.1\0/"),
    *("http://./", "http://../", "http://-/", "http://a..b/", "http://*/", "http://%31%32%37.0.0.1/"),
    *("", "http://", "http://?", "x" * 10_000, "http://" + "a." * 200 + "example/"),
]  # fmt: skip


class Witness:
    """Listens on loopback, both families, and counts who comes."""

    def __init__(self) -> None:
        self.port, self.count, self._stop = 0, 0, Event()
        self._sockets: list[socket.socket] = []
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            made = socket.socket(family)
            with suppress(OSError):  # no IPv6 here
                made.bind((address, self.port))
                made.listen()
                made.settimeout(0.05)
                self.port = made.getsockname()[1]
                self._sockets.append(made)
                continue
            made.close()
        self._threads = [Thread(target=self._listen, args=(each,)) for each in self._sockets]
        for thread in self._threads:
            thread.start()

    def _listen(self, made: socket.socket) -> None:
        while not self._stop.is_set():
            with suppress(TimeoutError):
                made.accept()[0].close()
                self.count += 1

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for made in self._sockets:
            made.close()


class Witnessed(SystemNetwork):
    """The system's network, which writes down what is connected to, and some names of a test's."""

    def __init__(self, port: int) -> None:
        self.dialled: list[str] = []
        self.names: dict[str, Sequence[str]] = {}
        self._port = port

    def resolve(self, host: str, port: int, timeout_s: float) -> Sequence[str]:
        if host in self.names:
            return self.names[host]
        return super().resolve(host, port, timeout_s)

    def connect(self, address: str, port: int, timeout_s: float) -> socket.socket:
        self.dialled.append(address)
        return super().connect(address, self._port, timeout_s)


@pytest.fixture(scope="module")
def witness() -> Iterator[Witness]:
    made = Witness()
    yield made
    made.close()


@pytest.fixture
def network(witness: Witness) -> Witnessed:
    return Witnessed(witness.port)


@pytest.fixture
def rules(witness: Witness) -> FetchRules:
    """As open as rules can be: the guard alone stands in the way."""
    return FetchRules(
        allowed_domains=(ANY_PUBLIC_HOST,), ports=frozenset({80, 443, witness.port}), connect_s=2
    )


def test_there_are_more_than_sixty_of_them() -> None:
    assert len(set(HOSTS)) + len(set(FORMS)) > 100


@pytest.mark.parametrize("host", HOSTS)
def test_no_host_of_this_network_is_connected_to(
    host: str, witness: Witness, network: Witnessed, rules: FetchRules, tmp_path: Path
) -> None:
    for url in (f"http://{host}:{witness.port}/", f"https://{host}/"):
        with pytest.raises(FetchError) as caught:
            fetch(url, tmp_path, rules, network=network)
        assert caught.value.code in ("url_invalid", "url_host_refused")
        with pytest.raises(FetchError):
            post(url, b"{}", {}, rules, network=network)
    assert (network.dialled, witness.count) == ([], 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_url_gets_past_the_guard(
    form: str, witness: Witness, network: Witnessed, rules: FetchRules, tmp_path: Path
) -> None:
    network.names["public.example"] = ["127.0.0.1"]
    with pytest.raises(FetchError) as caught:
        fetch(form, tmp_path, rules, network=network)
    assert caught.value.code in ("url_invalid", "url_host_refused", "url_refused")
    assert (network.dialled, witness.count) == ([], 0)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_name_that_leads_there_is_connected_to(
    address: str, witness: Witness, network: Witnessed, rules: FetchRules, tmp_path: Path
) -> None:
    for answer in ([address], ["93.184.216.34", address], [address, "2606:4700::1111"]):
        network.names["rebound.example"] = answer
        with pytest.raises(FetchError) as caught:
            fetch("http://rebound.example/", tmp_path, rules, network=network)
        assert caught.value.code == "url_host_refused"
        assert address not in str(caught.value)
    assert (network.dialled, witness.count) == ([], 0)


def test_the_witness_would_have_seen_a_connection(witness: Witness, tmp_path: Path) -> None:
    before = witness.count
    network = Witnessed(witness.port)
    rules = FetchRules(
        allowed_domains=("127.0.0.1",),
        private_networks=("127.0.0.0/8",),
        ports=frozenset({witness.port}),
    )
    with pytest.raises(FetchError) as caught:
        fetch(f"http://127.0.0.1:{witness.port}/", tmp_path, rules, network=network)
    assert caught.value.code == "url_unreachable"
    assert network.dialled == ["127.0.0.1"]
    while witness.count == before:
        pass
    witness.count = before


# --- properties -------------------------------------------------------------------------------

FOUR = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
SIX = st.one_of(
    st.integers(0, 2**128 - 1),
    st.integers(0, 2**125 - 1).map(lambda n: n + (1 << 125)),
).map(ipaddress.IPv6Address)


@given(address=FOUR | SIX)
def test_nothing_that_the_library_calls_private_is_public(address: Any) -> None:
    if is_public(address):
        mapped = getattr(address, "ipv4_mapped", None) or address
        assert not mapped.is_private
        assert not mapped.is_loopback
        assert not mapped.is_link_local
        assert not mapped.is_multicast
        assert not mapped.is_unspecified


@given(inner=FOUR)
def test_an_address_inside_another_is_as_public_as_it_is_alone(inner: Any) -> None:
    for prefix in (0xFFFF << 32, 0x64FF9B << 96):
        assert is_public(ipaddress.IPv6Address(prefix | int(inner))) is is_public(inner)
    assert not is_public(ipaddress.IPv6Address(int(inner)))  # IPv4-compatible
    assert not is_public(ipaddress.IPv6Address(0x2002 << 112 | int(inner) << 80 | 1))  # 6to4
    assert not is_public(ipaddress.IPv6Address(0x20010000 << 96 | int(inner)))  # Teredo
    isatap = ipaddress.IPv6Address(0x26064700 << 96 | 0x5EFE << 32 | int(inner))
    assert is_public(isatap) is is_public(inner)


@given(address=FOUR)
def test_a_network_let_through_lets_through_itself_alone(address: Any) -> None:
    network = ipaddress.ip_network("10.1.0.0/16")
    assert may_connect(address, [network]) is (is_public(address) or address in network)


URL = st.text(st.sampled_from("htps:/@.[]127%0axX#?\\ \t\u2460localhost-_"), max_size=40)


@given(url=st.one_of(st.text(max_size=60), URL, URL.map(lambda tail: "http://" + tail)))
def test_every_text_is_a_target_of_plain_parts_or_an_error_of_ours(url: str) -> None:
    try:
        target = check(url, FetchRules(allowed_domains=(ANY_PUBLIC_HOST,)))
    except VidqaError as err:
        if err.code in ("url_invalid", "url_refused"):
            return
        raise
    assert target.scheme in ("http", "https")
    assert target.port in (80, 443)
    assert not set(target.host) & set("@/\\%# []")
    assert target.path.startswith("/")
    assert target.path.isascii()
    assert check(target.url, FetchRules(allowed_domains=(target.host,))) == target
