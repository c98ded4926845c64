"""How the page's files are sent: addresses, caching, the policy, what a wheel holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from vidqa.api.page import page_routes
from vidqa.api.page.site import ROOT, read_site


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    app.router.routes.extend(page_routes())
    return TestClient(app)


def test_every_file_that_the_index_names_is_there_to_be_kept_for_ever(client: TestClient) -> None:
    index = client.get("/")
    names = re.findall(r'(?:src|href)="(/page/[^"]+)"', index.text)
    assert len(names) > 10
    for name in names:
        answer = client.get(name)
        assert answer.status_code == 200, name
        assert "immutable" in answer.headers["cache-control"]


def test_every_import_of_a_script_names_a_script() -> None:
    scripts = {path.name: path.read_text() for path in (ROOT / "script").glob("*.js")}
    named = {name for text in scripts.values() for name in re.findall(r'from "\./([^"]+)"', text)}
    assert named <= set(scripts)
    assert set(scripts) - named == {"main.js", "theme.js"}


def test_an_index_that_has_not_changed_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/")
    again = client.get("/", headers={"If-None-Match": f'W/"x", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == again.headers["cache-control"] == "no-cache"


def test_a_file_under_an_old_version_is_sent_but_not_kept(client: TestClient) -> None:
    answer = client.get("/page/0123456789abcdef/script/main.js")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["/page/x/index.html", "/page/x/../site.py", "/page/x/%2e%2e/site.py", "/page/examples/x"],
)
def test_nothing_but_the_files_of_the_page_is_sent(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_policy_lets_nothing_in_from_elsewhere_and_nothing_inline(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_version_changes_with_any_byte_of_any_file(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_bytes(b'<script src="/page/VERSION/a.js"></script>')
    (tmp_path / "a.js").write_bytes(b"1")
    first = read_site(tmp_path)
    (tmp_path / "a.js").write_bytes(b"2")
    second = read_site(tmp_path)
    assert first.version != second.version
    assert second.index.content == f'<script src="/page/{second.version}/a.js"></script>'.encode()


def test_the_examples_of_a_checkout_are_offered_and_can_be_read(client: TestClient) -> None:
    listed = client.get("/page/examples").json()["examples"]
    assert [each["name"] for each in listed] == ["door.mp4", "car.mp4", "count.mp4"]
    assert len(client.get(listed[0]["url"]).content) == listed[0]["bytes"]


def test_no_file_of_the_page_makes_markup_of_text_or_fetches_from_elsewhere() -> None:
    for path in ROOT.rglob("*"):
        if path.is_file():
            text = path.read_text().replace("http://www.w3.org/2000/svg", "")
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(", text
            )
            assert not re.search(r"https?://", text), path
