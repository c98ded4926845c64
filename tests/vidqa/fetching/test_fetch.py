"""Fetching: what arrives whole, and what does not arrive at all."""

from __future__ import annotations

import hashlib
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from vidqa.errors import FetchAway, FetchError, SettingsError
from vidqa.fetching import FetchRules, fetch, post

RULES = FetchRules(allowed_domains=("media.example.org", "*.other.example"))
DATA = bytes(range(256)) * 1000


def gives(body: bytes, status: int = 200, **headers: str) -> Any:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def leads_to(url: str, status: int = 302) -> Any:
    return gives(b"", status, Location=url)


def code_of(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(FetchError) as caught:
        fetch(*args, **kwargs)
    assert caught.value.next_step
    assert "93.184" not in str(caught.value)
    return caught.value.code


def test_a_file_arrives_whole_with_its_digest(server: Any, network: Any, tmp_path: Path) -> None:
    server.paths["/film.mp4"] = gives(DATA, Content_Type="video/mp4")
    got = fetch("http://media.example.org/film.mp4?token=1", tmp_path, RULES, network=network)
    assert got.path.read_bytes() == DATA
    assert got.sha256 == hashlib.sha256(DATA).hexdigest()
    assert (got.bytes, got.content_type) == (len(DATA), "video/mp4")
    assert got.path.stat().st_mode & 0o777 == 0o600
    assert network.dialled == ["93.184.216.34"]
    path, headers = server.requests[0]
    assert (path, headers["host"]) == ("/film.mp4?token=1", "media.example.org")


def test_nothing_is_fetched_before_a_domain_is_allowed(network: Any, tmp_path: Path) -> None:
    assert code_of("http://media.example.org/", tmp_path, FetchRules(), network=network) == (
        "url_refused"
    )
    assert (network.asked, network.dialled) == ([], [])


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("media.example.org", True),
        ("MEDIA.example.org.", True),
        ("a.other.example", True),
        ("other.example", False),
        ("evilother.example", False),
        ("media.example.org.evil.example", False),
        ("xmedia.example.org", False),
        ("sub.media.example.org", False),
    ],
)
def test_a_domain_names_one_host_and_a_star_those_below(host: str, allowed: bool) -> None:
    from vidqa.fetching import check

    if allowed:
        assert check(f"http://{host}/", RULES).host == host.lower().removesuffix(".")
        return
    with pytest.raises(FetchError) as caught:
        check(f"http://{host}/", RULES)
    assert caught.value.code == "url_refused"


def test_three_redirects_are_followed_and_a_fourth_is_not(
    server: Any, network: Any, tmp_path: Path
) -> None:
    for k in range(4):
        server.paths[f"/{k}"] = leads_to(f"/{k + 1}")
    server.paths["/4"] = gives(DATA)
    got = fetch("http://media.example.org/1", tmp_path, RULES, network=network)
    assert got.bytes == len(DATA)
    assert code_of("http://media.example.org/0", tmp_path, RULES, network=network) == (
        "url_redirects"
    )
    assert [path.name for path in tmp_path.iterdir()] == [got.path.name]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://internal.example.org/", "url_refused"),
        ("http://127.0.0.1/", "url_refused"),
        ("file:///etc/passwd", "url_invalid"),
        ("//internal.example.org/", "url_refused"),
        ("http://media.example.org:22/", "url_refused"),
        ("http://user@media.example.org/", "url_invalid"),
        ("http://x.other.example/", "url_host_refused"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_redirect_is_checked_like_the_first_url(
    server: Any, network: Any, tmp_path: Path, url: str, code: str, status: int
) -> None:
    network.names["x.other.example"] = ["10.0.0.1"]
    network.names["internal.example.org"] = ["93.184.216.35"]
    server.paths["/"] = leads_to(url, status)
    assert code_of("http://media.example.org/", tmp_path, RULES, network=network) == code
    assert network.dialled == ["93.184.216.34"]
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(
    server: Any, network: Any, tmp_path: Path
) -> None:
    """Rebinding: connected is to what was checked; and what a redirect needs is checked anew."""
    network.then["media.example.org"] = ["127.0.0.1"]
    server.paths["/"] = leads_to("/film.mp4")
    server.paths["/film.mp4"] = gives(DATA)
    assert code_of("http://media.example.org/", tmp_path, RULES, network=network) == (
        "url_host_refused"
    )
    assert network.dialled == ["93.184.216.34"]


def test_one_bad_answer_condemns_a_name(network: Any, tmp_path: Path) -> None:
    network.names["media.example.org"] = ["93.184.216.34", "10.0.0.1"]
    assert code_of("http://media.example.org/", tmp_path, RULES, network=network) == (
        "url_host_refused"
    )
    assert network.dialled == []


def test_a_network_that_is_named_is_let_through(server: Any, network: Any, tmp_path: Path) -> None:
    network.names["media.example.org"] = ["10.1.2.3"]
    server.paths["/"] = gives(DATA)
    rules = FetchRules(allowed_domains=("media.example.org",), private_networks=("10.1.0.0/16",))
    assert fetch("http://media.example.org/", tmp_path, rules, network=network).bytes == len(DATA)


def test_a_file_larger_than_allowed_is_not_read_to_its_end(
    server: Any, network: Any, tmp_path: Path
) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(DATA)
        except OSError:  # hung up on
            pass

    server.paths["/stated"] = gives(DATA)
    server.paths["/endless"] = endless
    rules = FetchRules(allowed_domains=("*",), largest_bytes=1000)
    for name in ("stated", "endless"):
        url = f"http://media.example.org/{name}"
        assert code_of(url, tmp_path, rules, network=network) == "url_too_large"
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_drips_is_left_when_time_is_up(
    server: Any, network: Any, tmp_path: Path
) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        try:
            for _ in range(100):
                handler.wfile.write(b"H")
                time.sleep(0.05)
        except OSError:
            pass

    server.paths["/"] = drip
    rules = FetchRules(allowed_domains=("*",), total_s=0.3)
    with pytest.raises(FetchAway) as caught:
        fetch("http://media.example.org/", tmp_path, rules, network=network)
    assert caught.value.code in ("url_timeout", "url_unreachable")
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("status", "later"), [(404, False), (403, False), (503, True), (429, True)]
)
def test_another_status_is_told(
    server: Any, network: Any, tmp_path: Path, status: int, later: bool
) -> None:
    server.paths["/"] = gives(b"no", status)
    with pytest.raises(FetchError, match=str(status)) as caught:
        fetch("http://media.example.org/", tmp_path, RULES, network=network)
    assert (caught.value.code, caught.value.retryable) == ("url_status", later)


def test_what_comes_compressed_is_refused(server: Any, network: Any, tmp_path: Path) -> None:
    server.paths["/"] = gives(b"\x1f\x8b", Content_Encoding="gzip")
    assert code_of("http://media.example.org/", tmp_path, RULES, network=network) == "url_encoding"


def test_an_answer_that_breaks_off_leaves_no_file(
    server: Any, network: Any, tmp_path: Path
) -> None:
    server.paths["/"] = gives(b"half", Content_Length="1000")
    with pytest.raises(FetchAway) as caught:
        fetch("http://media.example.org/", tmp_path, RULES, network=network)
    assert caught.value.code == "url_unreachable"
    assert list(tmp_path.iterdir()) == []


def test_a_webhook_is_sent_and_its_answer_told(server: Any, network: Any) -> None:
    server.paths["/hook"] = gives(b"x" * 100_000, 410, Retry_After="7")
    answer = post(
        "http://media.example.org/hook", b"{}", {"webhook-id": "evt_1"}, RULES, network=network
    )
    assert (answer.status, answer.headers["retry-after"]) == (410, "7")
    assert len(answer.body) == 65_536
    assert server.bodies == [b"{}"]
    assert server.requests[0][1]["webhook-id"] == "evt_1"


def test_a_webhook_follows_no_redirect(server: Any, network: Any) -> None:
    server.paths["/"] = leads_to("http://127.0.0.1/")
    assert post("http://media.example.org/", b"{}", {}, RULES, network=network).status == 302
    assert network.dialled == ["93.184.216.34"]


@pytest.mark.parametrize("domain", ["http://x", "a/b", "*", "*.", "A.example", "*.*.x", ""])
def test_what_is_no_domain_is_refused_as_a_setting(domain: str) -> None:
    if domain == "*":
        assert FetchRules(allowed_domains=(domain,)).allows("any.example")
        return
    with pytest.raises(SettingsError):
        FetchRules(allowed_domains=(domain,))
