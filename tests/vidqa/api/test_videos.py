"""Videos: taken in whole or not at all, shown to their owner alone, played in stretches."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from tests.vidqa.api.conftest import Keys, changed, client_of, sent, video_bytes
from vidqa.api.app import make_app
from vidqa.api.intake.body import Patience, chunks_of
from vidqa.api.service import Service
from vidqa.errors import RequestError
from vidqa.service_settings import ServiceSettings

MP4 = {"content-type": "video/mp4"}


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def nothing_left(service: Service) -> bool:
    """Whether no upload left a file behind."""
    return list(service.library.incoming.iterdir()) == []


def test_a_body_that_is_the_file_becomes_a_video(http: TestClient, service: Service) -> None:
    data = video_bytes(1)
    made = http.post("/v1/videos", params={"name": "kitchen.mp4"}, content=data, headers=MP4)
    video = made.json()
    assert made.status_code == 201
    assert made.headers["location"] == f"/v1/videos/{video['id']}"
    assert video["sha256"] == sha256_of(data)
    assert (video["name"], video["bytes"], video["state"]) == ("kitchen.mp4", len(data), "arrived")
    assert http.get(made.headers["location"]).json() == video
    assert service.library.get("local", video["id"]).path.read_bytes() == data
    assert nothing_left(service)


def test_the_file_of_a_form_becomes_a_video(http: TestClient) -> None:
    data = video_bytes(2, 200_000)
    made = http.post(
        "/v1/videos",
        files={"file": ("holiday.mp4", data, "text/plain")},
        data={"sha256": sha256_of(data)},
    )
    assert made.status_code == 201
    assert made.json()["name"] == "holiday.mp4"
    assert made.json()["sha256"] == sha256_of(data)


def test_the_same_bytes_are_the_same_video(http: TestClient, service: Service) -> None:
    data = video_bytes(3)
    first = http.post("/v1/videos", content=data, headers=MP4)
    again = http.post("/v1/videos", params={"name": "other"}, content=data, headers=MP4)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert nothing_left(service)


@pytest.mark.parametrize(
    ("data", "code", "status"),
    [
        (b"", "file_empty", 422),
        (b"hello, this is text", "not_a_video", 415),
        (b"#EXTM3U\n/etc/passwd\n", "playlist_refused", 415),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "playlist_refused", 415),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not_a_video", 415),
        (bytes(5_000_000), "not_a_video", 415),
    ],
)
def test_what_is_no_video_is_refused_and_not_kept(
    data: bytes, code: str, status: int, http: TestClient, service: Service
) -> None:
    refused = http.post("/v1/videos", params={"name": "a.mp4"}, content=data, headers=MP4)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert "incoming" not in refused.text
    assert http.get("/v1/videos").json()["videos"] == []
    assert nothing_left(service)


def test_what_is_no_video_is_refused_before_it_has_all_come(app: FastAPI) -> None:
    refused = sent(app, "POST", "/v1/videos", [bytes(65_536)] * 200, MP4)
    assert (refused.status, json.loads(refused.body)["code"]) == (415, "not_a_video")
    assert refused.taken == 16


def test_an_upload_that_is_cut_off_leaves_nothing(app: FastAPI, service: Service) -> None:
    cut = sent(app, "POST", "/v1/videos", [video_bytes(1, 65_536)] * 20, MP4)
    assert json.loads(cut.body)["code"] == "body_cut_off"
    assert nothing_left(service)
    assert service.library.page("local").videos == ()


def test_a_body_that_comes_too_slowly_is_cut_off() -> None:
    async def slow() -> None:
        now = [0.0]

        async def receive() -> dict[str, object]:
            now[0] += 30
            return {"type": "http.request", "body": b"x" * 1_000, "more_body": True}

        request = Request({"type": "http", "headers": []}, receive)
        async for _ in chunks_of(request, Patience(), clock=lambda: now[0]):
            pass

    with pytest.raises(RequestError) as caught:
        anyio.run(slow)
    assert (caught.value.code, str(caught.value)) == ("body_too_slow", "3,000 bytes came in 90 s")


def test_a_client_that_falls_silent_is_cut_off() -> None:
    async def silent() -> None:
        async def receive() -> dict[str, object]:
            await anyio.sleep_forever()
            return {}

        request = Request({"type": "http", "headers": []}, receive)
        async for _ in chunks_of(request, Patience(silence_s=0.01)):
            pass

    with pytest.raises(RequestError) as caught:
        anyio.run(silent)
    assert caught.value.code == "body_too_slow"


@pytest.mark.parametrize("declared", [True, False])
def test_a_file_that_is_too_large_is_413_and_not_kept(
    declared: bool, settings: ServiceSettings
) -> None:
    app = make_app(changed(settings, max_upload_bytes=10_000))
    data = video_bytes(4, 2_000_000)
    body = data if declared else iter([data[:9_000], data[9_000:]])
    with client_of(app) as http:
        refused = http.post("/v1/videos", content=body, headers=MP4)
        assert (refused.status_code, refused.json()["code"]) == (413, "file_too_large")
        assert refused.headers["connection"] == "close"
        assert nothing_left(app.state.service)


def test_a_file_that_is_not_what_it_was_said_to_be_is_not_kept(
    http: TestClient, service: Service
) -> None:
    wrong = http.post("/v1/videos", params={"sha256": "0" * 64}, content=video_bytes(), headers=MP4)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "checksum_differs")
    assert nothing_left(service)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\clip.mp4", "clip.mp4"),
        ("a\x00b\nc.mp4", "abc.mp4"),
        ("/", "video"),
        ("<script>alert(1)</script>", "script>"),
        ("\u202egpj.mp4", "gpj.mp4"),
        ("имя.mp4", "имя.mp4"),
        ("x" * 250, "x" * 250),
    ],
)
def test_a_hostile_name_is_shown_harmless_and_names_no_file(
    name: str, shown: str, http: TestClient, service: Service
) -> None:
    made = http.post("/v1/videos", params={"name": name}, content=video_bytes(), headers=MP4)
    assert made.json()["name"] == shown
    stored = service.library.get("local", made.json()["id"]).path
    assert stored == service.library.path_of(sha256_of(video_bytes()))
    played = http.get(f"/v1/videos/{made.json()['id']}/content")
    assert "\n" not in played.headers["content-disposition"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"--b\r\n\r\nx\r\n--b--\r\n", "multipart_invalid"),
        (b"", "multipart_invalid"),
        (b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc', "multipart_invalid"),
        (
            b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nabc\r\n--b--\r\n',
            "multipart_invalid",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc\r\n' * 2 + b"--b--\r\n",
            "multipart_invalid",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + b"x" * 5_000,
            "multipart_invalid",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n' + b"x" * 9_000,
            "multipart_invalid",
        ),
        (b"no boundary at all", "multipart_invalid"),
    ],
)
def test_a_form_that_cannot_be_read_is_400(
    body: bytes, code: str, http: TestClient, service: Service
) -> None:
    kind = {"content-type": "multipart/form-data; boundary=b"}
    refused = http.post("/v1/videos", content=body, headers=kind)
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert nothing_left(service)


def test_a_form_with_a_field_that_is_not_known_is_422(http: TestClient, service: Service) -> None:
    refused = http.post("/v1/videos", files={"file": ("a", video_bytes())}, data={"nmae": "x"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/nmae"
    assert nothing_left(service)


@pytest.mark.parametrize("kind", ["text/html", "", "application/x-www-form-urlencoded"])
def test_a_body_of_another_type_is_415(kind: str, http: TestClient) -> None:
    refused = http.post("/v1/videos", content=video_bytes(), headers={"content-type": kind})
    assert (refused.status_code, refused.json()["code"]) == (415, "media_type_unsupported")


def test_an_idempotency_key_stands_for_one_file(http: TestClient) -> None:
    headers = {**MP4, "idempotency-key": "upload-1"}
    first = http.post("/v1/videos", content=video_bytes(5), headers=headers)
    again = http.post("/v1/videos", content=video_bytes(5), headers=headers)
    other = http.post("/v1/videos", content=video_bytes(6), headers=headers)
    assert again.json() == first.json()
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert len(http.get("/v1/videos").json()["videos"]) == 1


def test_paths_and_urls_are_off_until_they_are_allowed(http: TestClient, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(video_bytes())
    path = http.post("/v1/videos", json={"path": str(tmp_path / "a.mp4")})
    url = http.post("/v1/videos", json={"url": "https://example.org/a.mp4"})
    assert (path.status_code, path.json()["code"]) == (403, "path_refused")
    assert url.status_code == 403


@pytest.mark.parametrize(
    "body", [{}, {"url": "x", "path": "y"}, {"path": "x", "other": 1}, [], "x", {"path": 3}]
)
def test_a_place_that_is_none_is_422(body: object, http: TestClient) -> None:
    assert http.post("/v1/videos", json=body).status_code == 422


def test_a_path_below_a_root_is_copied_in(settings: ServiceSettings, tmp_path: Path) -> None:
    root = tmp_path / "films"
    root.mkdir()
    (root / "a.mp4").write_bytes(video_bytes(7))
    (root / "out.mp4").symlink_to("/etc/hostname")
    app = make_app(changed(settings, media_roots=(str(root),)))
    with client_of(app) as http:
        made = http.post("/v1/videos", json={"path": str(root / "a.mp4")})
        assert (made.status_code, made.json()["name"]) == (201, "a.mp4")
        assert (root / "a.mp4").exists()
        for place in (root / "out.mp4", "/etc/hostname", root / ".." / "films2" / "a.mp4"):
            assert http.post("/v1/videos", json={"path": str(place)}).status_code == 403
        missing = http.post("/v1/videos", json={"path": str(root / "none.mp4")})
        assert (missing.status_code, missing.json()["code"]) == (404, "path_missing")
        assert nothing_left(app.state.service)


def test_another_tenants_video_is_404(http: TestClient, keys: Keys) -> None:
    mine, theirs = keys.add("write", tenant="one"), keys.add("write", tenant="two")
    made = http.post("/v1/videos", content=video_bytes(), headers={**MP4, **mine}).json()
    place = f"/v1/videos/{made['id']}"
    asked = [("GET", place), ("PATCH", place), ("DELETE", place), ("GET", f"{place}/content")]
    for method, path in asked:
        body = {"name": "x"} if method == "PATCH" else None
        refused = http.request(method, path, headers=theirs, json=body)
        assert (refused.status_code, refused.json()["code"]) == (404, "video_missing")
    assert http.get("/v1/videos", headers=theirs).json()["videos"] == []
    params = {"sha256": made["sha256"]}
    assert http.get("/v1/videos", params=params, headers=theirs).json()["videos"] == []
    same = http.post("/v1/videos", content=video_bytes(), headers={**MP4, **theirs})
    assert same.status_code == 201
    assert same.json()["id"] != made["id"]
    assert http.delete(place, headers=mine).status_code == 204
    assert http.get(f"/v1/videos/{same.json()['id']}/content", headers=theirs).status_code == 200


def test_a_tenant_keeps_so_many_bytes_and_no_more(settings: ServiceSettings) -> None:
    app = make_app(changed(settings, tenant_bytes=10_000))
    with client_of(app) as http:
        key = {**MP4, **Keys(app.state.service.keys).add("write")}
        assert http.post("/v1/videos", content=video_bytes(1), headers=key).status_code == 201
        refused = http.post("/v1/videos", content=video_bytes(2, 8_000), headers=key)
        assert (refused.status_code, refused.json()["code"]) == (413, "quota_exceeded")
        unsaid = http.post("/v1/videos", content=iter([video_bytes(2, 8_000)]), headers=key)
        assert unsaid.json()["code"] == "quota_exceeded"
        assert nothing_left(app.state.service)


def test_a_disk_without_room_to_spare_takes_nothing(settings: ServiceSettings) -> None:
    app = make_app(changed(settings, min_free_bytes=10**18))
    with client_of(app) as http:
        refused = http.post("/v1/videos", content=video_bytes(1), headers=MP4)
        assert (refused.status_code, refused.json()["code"]) == (507, "disk_full")


def test_videos_are_listed_renamed_and_removed(http: TestClient, service: Service) -> None:
    made = [
        http.post("/v1/videos", content=video_bytes(n), headers=MP4).json()["id"] for n in range(5)
    ]
    first = http.get("/v1/videos", params={"page_size": 3}).json()
    token = {"page_size": 3, "page_token": first["next_page_token"]}
    second = http.get("/v1/videos", params=token).json()
    assert [v["id"] for v in first["videos"] + second["videos"]] == made[::-1]
    assert second["next_page_token"] is None

    renamed = http.patch(f"/v1/videos/{made[0]}", json={"name": "garden.mp4"})
    assert renamed.json()["name"] == "garden.mp4"
    assert http.patch(f"/v1/videos/{made[0]}", json={"bytes": 3}).status_code == 422

    stored = service.library.get("local", made[0]).path
    assert http.delete(f"/v1/videos/{made[0]}").status_code == 204
    assert not stored.exists()
    assert http.delete(f"/v1/videos/{made[0]}").status_code == 404


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"page_size": 0}, 422, "request_invalid"),
        ({"page_size": 101}, 422, "request_invalid"),
        ({"page_token": "nonsense"}, 400, "page_token_invalid"),
        ({"sha256": "x"}, 422, "request_invalid"),
    ],
)
def test_a_page_that_cannot_be_is_refused(
    params: dict[str, object], status: int, code: str, http: TestClient
) -> None:
    refused = http.get("/v1/videos", params=params)
    assert (refused.status_code, refused.json()["code"]) == (status, code)


def test_a_client_can_ask_whether_it_need_upload(http: TestClient) -> None:
    data = video_bytes(8)
    asked = {"sha256": sha256_of(data).upper()}
    assert http.get("/v1/videos", params=asked).json()["videos"] == []
    made = http.post("/v1/videos", content=data, headers=MP4).json()
    assert http.get("/v1/videos", params=asked).json()["videos"] == [made]


PLAYED = video_bytes(9)


@dataclass
class Player:
    http: TestClient
    place: str

    def get(self, headers: dict[str, str]):
        return self.http.get(self.place, headers=headers)


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory, service_template: Path) -> Iterator[Player]:
    """The content of one video, and who asks for it."""
    folder = tmp_path_factory.mktemp("player")
    shutil.copyfile(service_template, folder / "service.db")
    with client_of(make_app(ServiceSettings(data_dir=folder, min_free_bytes=0))) as client:
        made = client.post("/v1/videos", content=PLAYED, headers=MP4).json()
        yield Player(client, f"/v1/videos/{made['id']}/content")


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        (None, 200, 0, None),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=10-19", 206, 10, 20),
        ("bytes=100-", 206, 100, None),
        ("bytes=-7", 206, -7, None),
        ("bytes=10-99999999", 206, 10, None),
        ("bytes=-99999999", 206, 0, None),
        ("bytes=5-2", 200, 0, None),
        ("bytes=0-1,4-5", 200, 0, None),
        ("bytes=x-", 200, 0, None),
        ("lines=0-1", 200, 0, None),
        ("bytes=-", 200, 0, None),
    ],
)
def test_a_player_gets_the_stretch_it_asks_for(
    asked: str | None, status: int, start: int, end: int | None, player: Player
) -> None:
    got = player.get({} if asked is None else {"range": asked})
    assert (got.status_code, got.content) == (status, PLAYED[start:end])
    assert got.headers["content-type"] == "video/mp4"
    assert got.headers["etag"] == f'"{sha256_of(PLAYED)}"'
    assert got.headers["accept-ranges"] == "bytes"
    assert got.headers["content-length"] == str(len(got.content))


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=99999-999999", "bytes=-0"])
def test_a_stretch_behind_the_end_is_416(asked: str, player: Player) -> None:
    refused = player.get({"range": asked})
    assert (refused.status_code, refused.json()["code"]) == (416, "range_impossible")
    assert refused.headers["content-range"] == f"bytes */{len(PLAYED)}"


def test_what_a_browser_has_is_not_sent_again(player: Player) -> None:
    etag = f'"{sha256_of(PLAYED)}"'
    assert player.get({"if-none-match": etag}).status_code == 304
    assert player.get({"if-range": etag, "range": "bytes=0-0"}).status_code == 206
    assert player.get({"if-range": '"x"', "range": "bytes=0-0"}).status_code == 200
    head = player.http.head(player.place)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(PLAYED))


def test_a_stored_file_is_there_again_after_a_restart(
    app: FastAPI, settings: ServiceSettings
) -> None:
    with client_of(app) as http:
        made = http.post("/v1/videos", content=video_bytes(9), headers=MP4).json()
    with client_of(make_app(settings)) as http:
        found = http.get(f"/v1/videos/{made['id']}").json()
    measured = {"state", "facts", "error"}  # told in the background, sooner or later
    assert {k: v for k, v in found.items() if k not in measured} == {
        k: v for k, v in made.items() if k not in measured
    }
