"""Who is let in: keys, scopes, names, origins, rates."""

from __future__ import annotations

import base64
import re

import anyio
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.vidqa.api.conftest import Keys, changed, client_of
from vidqa.api.app import make_app
from vidqa.api.doors import PUBLIC, Guard
from vidqa.api.limits import Limits
from vidqa.api.scopes import routes_of
from vidqa.api.service import Service
from vidqa.errors import NotNow, RequestError
from vidqa.service_settings import ServiceSettings


def _asked(app: FastAPI) -> list[tuple[str, str]]:
    return sorted(
        (method, re.sub(r"\{[^}]*\}", "x", str(route.path)))
        for route in routes_of(app)
        for method in (route.methods or ("GET",))
    )


def test_every_route_without_a_key_is_401_except_two_and_the_files_of_the_page(
    app: FastAPI, http: TestClient, keys: Keys
) -> None:
    keys.add("read")
    open_to_all = set()
    for method, path in _asked(app):
        answer = http.request(method, path)
        if answer.status_code != 401 and path != "/" and not path.startswith("/page/"):
            open_to_all.add((method, path))
    assert open_to_all == PUBLIC
    assert {path for _, path in PUBLIC} == {"/healthz", "/version"}


@pytest.mark.parametrize(
    "path", ["/nothing", "/page", "/v1", "/healthz/", "http://127.0.0.1:8000//healthz", "/HEALTHZ"]
)
def test_a_path_that_is_no_route_is_401_too(path: str, http: TestClient, keys: Keys) -> None:
    keys.add("read")
    assert http.get(path).status_code == 401


def test_without_keys_this_machine_is_let_in_and_others_are_not(app: FastAPI) -> None:
    assert client_of(app, host="127.0.0.1").get("/v1/problems").status_code == 200
    assert client_of(app, host="10.0.0.7").get("/v1/problems").status_code == 401


def test_a_service_that_listens_to_others_needs_a_key_although_there_is_none(
    settings: ServiceSettings,
) -> None:
    outside = changed(settings, host="0.0.0.0")  # noqa: S104
    app = make_app(outside)
    with client_of(app) as client:
        assert client.get("/v1/problems").status_code == 401


def _basic(pair: bytes) -> str:
    return "Basic " + base64.b64encode(pair).decode()


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("Bearer KEY", 200),
        ("bearer KEY", 200),
        ("Bearer  KEY ", 200),
        ("Basic anybody:KEY", 200),
        ("Basic KEY", 401),
        ("Basic ???", 401),
        ("Basic \xff:\xff", 401),
        ("Bearer", 401),
        ("Bearer KEYs", 401),
        ("Token KEY", 401),
        ("Bearer " + "x" * 5_000, 401),
        ("Bearer vidqa_zz_zz", 401),
    ],
)
def test_a_key_comes_as_bearer_or_as_a_browsers_password(
    form: str, status: int, http: TestClient, keys: Keys
) -> None:
    authorization = form.replace("KEY", keys.text("read"))
    if form.startswith("Basic") and "?" not in form:
        authorization = _basic(authorization.removeprefix("Basic ").encode("latin-1"))
    assert http.get("/v1/problems", headers={"authorization": authorization}).status_code == status


def test_a_browser_is_asked_for_a_password_and_a_program_is_not(
    http: TestClient, keys: Keys
) -> None:
    keys.add("read")
    program = http.get("/v1/problems", headers={"accept": "application/json"})
    browser = http.get("/v1/problems", headers={"accept": "text/html,*/*"})
    assert program.headers["www-authenticate"] == 'Bearer realm="vidqa"'
    assert browser.headers["www-authenticate"].startswith("Basic ")


def test_a_key_is_good_for_its_scopes_alone(http: TestClient, keys: Keys) -> None:
    reader, writer, admin = keys.add("read"), keys.add("write"), keys.add("admin")
    for key in (reader, writer, admin):
        assert http.get("/v1/videos", headers=key).status_code == 200
    assert http.get("/metrics", headers=admin).status_code == 200
    refused = http.get("/metrics", headers=writer)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert http.delete("/v1/videos/x", headers=reader).status_code == 403
    assert http.delete("/v1/videos/x", headers=writer).status_code == 404


def test_a_revoked_key_is_refused_two_seconds_later(service: Service) -> None:
    now = [0.0]
    guard = Guard(service.keys, host="127.0.0.1", clock=lambda: now[0])
    key, text = service.keys.create(name="test")
    scope = {"type": "http", "headers": [(b"authorization", f"Bearer {text}".encode())]}

    assert anyio.run(guard.caller, scope).key_id == key.id
    service.keys.revoke(key.id)
    assert anyio.run(guard.caller, scope).key_id == key.id
    now[0] = 2.1
    with pytest.raises(RequestError) as caught:
        anyio.run(guard.caller, scope)
    assert caught.value.code == "key_invalid"


def test_a_service_that_had_keys_and_has_none_lets_only_this_machine_in(service: Service) -> None:
    guard = Guard(service.keys, host="0.0.0.0")  # noqa: S104
    with pytest.raises(RequestError) as caught:
        anyio.run(guard.caller, {"type": "http", "headers": [], "client": ("127.0.0.1", 1)})
    assert caught.value.code == "key_required"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("[::1]:8000", 200),
        ("127.8.8.8", 200),
        ("evil.example", 400),
        ("127.0.0.1.evil.example:8000", 400),
        ("localhost.evil.example", 400),
        ("", 400),
    ],
)
def test_a_rebound_name_is_refused_on_loopback(host: str, status: int, http: TestClient) -> None:
    answer = http.get("/healthz", headers={"host": host})
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["code"] == "host_refused"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "route_unknown"),
        ({"origin": "http://127.0.0.1:8000"}, "route_unknown"),
        ({"origin": "http://evil.example"}, "cross_site_refused"),
        ({"origin": "http://127.0.0.1:9999"}, "cross_site_refused"),
        ({"origin": "null"}, "cross_site_refused"),
        ({"sec-fetch-site": "cross-site"}, "cross_site_refused"),
        ({"sec-fetch-site": "same-origin"}, "route_unknown"),
    ],
)
def test_a_foreign_page_may_not_send(headers: dict[str, str], code: str, http: TestClient) -> None:
    assert http.post("/nothing", headers=headers).json()["code"] == code


def test_pages_of_other_origins_are_let_in_by_settings_alone(
    settings: ServiceSettings, http: TestClient
) -> None:
    origin = {"origin": "https://page.example"}
    asked = {**origin, "access-control-request-method": "POST"}
    assert http.options("/v1/videos", headers=asked).status_code in (404, 405)
    assert "access-control-allow-origin" not in http.get("/healthz", headers=origin).headers

    app = make_app(changed(settings, cors_origins=("https://page.example",)))
    with client_of(app) as client:
        allowed = client.options("/v1/videos", headers=asked)
        assert allowed.headers["access-control-allow-origin"] == "https://page.example"
        missing = client.post("/nothing", headers=origin)
        assert missing.status_code == 404
        assert missing.headers["access-control-allow-origin"] == "https://page.example"


def test_a_key_that_asks_too_often_is_told_when_to_come_back(keys: Keys) -> None:
    now = [0.0]
    limits = Limits(60, clock=lambda: now[0])
    for _ in range(10):
        with limits.admit("key_a"):
            pass
    with pytest.raises(NotNow) as caught, limits.admit("key_a"):
        pass
    assert (caught.value.code, caught.value.retry_after_s) == ("rate_limited", 1.0)
    with limits.admit("key_b"):
        pass
    now[0] = 1.0
    with limits.admit("key_a"):
        pass


def test_a_key_has_so_many_requests_open_at_once() -> None:
    limits = Limits(6_000, at_once=2)
    with limits.admit("key_a"), limits.admit("key_a"):
        with pytest.raises(NotNow) as caught, limits.admit("key_a"):
            pass
        assert caught.value.code == "too_many_requests"
        with limits.admit("key_b"):
            pass
    with limits.admit("key_a"):
        pass


def test_a_limit_is_429_with_retry_after(http: TestClient, keys: Keys) -> None:
    key = keys.add("read")
    answers = [http.get("/v1/problems", headers=key) for _ in range(150)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert int(refused[0].headers["retry-after"]) >= 1
    assert refused[0].json()["retryable"] is True
