"""Uploads in parts, by tus 1.0.0: what was cut off goes on where it was."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from pathlib import Path

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.vidqa.api.conftest import Keys, changed, client_of, sent, video_bytes
from vidqa.api.app import make_app
from vidqa.api.intake.resumable import KEPT_S, Uploads
from vidqa.api.service import Service
from vidqa.errors import RequestError
from vidqa.service_settings import ServiceSettings

TUS = {"tus-resumable": "1.0.0"}
PART = {**TUS, "content-type": "application/offset+octet-stream"}


def b64(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def begun(http: TestClient, length: int, *, key: dict[str, str] | None = None, **names: str) -> str:
    """Path of a new upload."""
    told = ",".join(f"{name} {b64(value)}" for name, value in names.items())
    headers = {**TUS, **(key or {}), "upload-length": str(length), "upload-metadata": told}
    made = http.post("/v1/uploads", headers=headers)
    assert made.status_code == 201, made.text
    return made.headers["location"]


def part(http: TestClient, place: str, offset: int, data: bytes, **headers: str):
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return http.patch(place, content=data, headers={**PART, "upload-offset": str(offset), **more})


def test_parts_become_a_video(http: TestClient, service: Service) -> None:
    data = video_bytes(1, 200_000)
    place = begun(http, len(data), filename="long.mp4", sha256=hashlib.sha256(data).hexdigest())
    first = part(http, place, 0, data[:70_000])
    assert (first.status_code, first.headers["upload-offset"]) == (204, "70000")
    where = http.head(place, headers=TUS)
    assert where.headers["upload-offset"] == "70000"
    assert where.headers["upload-length"] == str(len(data))
    assert where.headers["cache-control"] == "no-store"
    assert where.headers["upload-metadata"].startswith("filename ")
    last = part(http, place, 70_000, data[70_000:])
    assert last.status_code == 204
    video = http.get(last.headers["content-location"]).json()
    assert (video["name"], video["bytes"]) == ("long.mp4", len(data))
    assert http.get(place).json()["video_id"] == video["id"]
    assert service.library.get("local", video["id"]).path.read_bytes() == data
    assert part(http, place, len(data), b"").status_code == 204


def test_an_upload_goes_on_after_the_service_was_started_anew(
    app: FastAPI, settings: ServiceSettings
) -> None:
    data = video_bytes(2, 100_000)
    with client_of(app) as http:
        place = begun(http, len(data))
        part(http, place, 0, data[:40_000])
    with client_of(make_app(settings)) as http:
        offset = int(http.head(place, headers=TUS).headers["upload-offset"])
        assert offset == 40_000
        assert "content-location" in part(http, place, offset, data[offset:]).headers


def test_what_arrived_of_a_part_that_was_cut_off_is_kept(app: FastAPI, http: TestClient) -> None:
    data = video_bytes(3, 300_000)
    place = begun(http, len(data))
    chunks = [data[:65_536], data[65_536:131_072]]
    cut = sent(app, "PATCH", place, chunks, {**PART, "upload-offset": "0"})
    assert json.loads(cut.body)["code"] == "body_cut_off"
    assert http.head(place, headers=TUS).headers["upload-offset"] == "131072"
    assert "content-location" in part(http, place, 131_072, data[131_072:]).headers


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_part_with_a_wrong_checksum_is_dropped(algorithm: str, http: TestClient) -> None:
    data = video_bytes(4, 50_000)
    place = begun(http, len(data))
    right = f"{algorithm} {b64(hashlib.new(algorithm, data[:20_000]).digest())}"
    wrong = part(http, place, 0, data[1:20_001], upload_checksum=right)
    assert (wrong.status_code, wrong.json()["code"]) == (460, "checksum_mismatch")
    assert http.head(place, headers=TUS).headers["upload-offset"] == "0"
    good = part(http, place, 0, data[:20_000], upload_checksum=right)
    assert (good.status_code, good.headers["upload-offset"]) == (204, "20000")


def test_a_cut_off_part_with_a_checksum_is_dropped(app: FastAPI, http: TestClient) -> None:
    data = video_bytes(4, 3_000_000)
    place = begun(http, len(data))
    headers = {**PART, "upload-offset": "0", "upload-checksum": f"sha1 {b64(bytes(20))}"}
    sent(app, "PATCH", place, [data[:1_500_000]], headers)
    assert http.head(place, headers=TUS).headers["upload-offset"] == "0"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"upload-offset": "5"}, 409, "offset_mismatch"),
        ({"upload-offset": "-1"}, 422, "request_invalid"),
        ({"upload-offset": "x"}, 422, "request_invalid"),
        ({"content-type": "video/mp4"}, 415, "media_type_unsupported"),
        ({"tus-resumable": "0.2.2"}, 412, "tus_version_unsupported"),
        ({"upload-checksum": "md5 AAAA"}, 400, "tus_header_invalid"),
        ({"upload-checksum": "sha1 AAAA"}, 400, "tus_header_invalid"),
        ({"upload-checksum": "sha1"}, 400, "tus_header_invalid"),
    ],
)
def test_a_part_that_does_not_fit_changes_nothing(
    headers: dict[str, str], status: int, code: str, http: TestClient
) -> None:
    place = begun(http, 10_000)
    refused = http.patch(
        place, content=b"x" * 100, headers={**PART, "upload-offset": "0", **headers}
    )
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert http.head(place, headers=TUS).headers["upload-offset"] == "0"


@pytest.mark.parametrize("declared", [True, False])
def test_more_than_was_announced_is_refused(declared: bool, http: TestClient) -> None:
    data = video_bytes(5, 10_000)
    place = begun(http, 10_000)
    body = data if declared else iter([data[:6_000], data[6_000:]])
    refused = http.patch(place, content=body, headers={**PART, "upload-offset": "0"})
    assert (refused.status_code, refused.json()["code"]) == (413, "upload_overflow")
    assert http.head(place, headers=TUS).headers["upload-offset"] == "0"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"upload-length": "0"}, 422, "request_invalid"),
        ({"upload-length": "99999999999999"}, 413, "file_too_large"),
        ({"upload-metadata": "filename ?"}, 400, "tus_header_invalid"),
        ({"upload-metadata": "filename /w=="}, 400, "tus_header_invalid"),
        ({"tus-resumable": "2"}, 412, "tus_version_unsupported"),
    ],
)
def test_an_upload_that_cannot_be_is_not_begun(
    headers: dict[str, str], status: int, code: str, http: TestClient
) -> None:
    refused = http.post("/v1/uploads", headers={**TUS, "upload-length": "100", **headers})
    assert (refused.status_code, refused.json()["code"]) == (status, code)


def test_what_is_no_video_is_refused_with_its_first_part(http: TestClient) -> None:
    place = begun(http, 10_000_000, filename="a.mp4")
    refused = part(http, place, 0, bytes(2_000_000))
    assert (refused.status_code, refused.json()["code"]) == (415, "not_a_video")
    assert http.head(place, headers=TUS).status_code == 404


def test_a_whole_file_that_is_not_what_was_announced_is_not_kept(http: TestClient) -> None:
    data = video_bytes(6)
    place = begun(http, len(data), sha256="0" * 64)
    refused = part(http, place, 0, data)
    assert (refused.status_code, refused.json()["code"]) == (422, "checksum_differs")
    assert http.get("/v1/videos").json()["videos"] == []
    assert http.head(place, headers=TUS).status_code == 404


def test_an_upload_may_bring_its_first_part(http: TestClient) -> None:
    data = video_bytes(7)
    headers = {**PART, "upload-length": str(len(data))}
    made = http.post("/v1/uploads", content=data, headers=headers)
    assert (made.status_code, made.headers["upload-offset"]) == (201, str(len(data)))
    assert made.headers["content-location"].startswith("/v1/videos/vid_")


def test_an_upload_can_be_ended(http: TestClient, service: Service) -> None:
    place = begun(http, 10_000)
    part(http, place, 0, b"x" * 100)
    assert http.delete(place, headers=TUS).status_code == 204
    assert http.head(place, headers=TUS).status_code == 404
    assert list(service.uploads.folder.iterdir()) == []


def test_the_server_says_what_it_understands(http: TestClient) -> None:
    told = http.options("/v1/uploads").headers
    assert told["tus-version"] == "1.0.0"
    assert "checksum" in told["tus-extension"].split(",")
    assert told["tus-checksum-algorithm"] == "sha1,sha256"
    assert told["tus-max-size"] == "4000000000"


def test_another_tenants_upload_is_404(http: TestClient, keys: Keys) -> None:
    mine, theirs = keys.add("write", tenant="one"), keys.add("write", tenant="two")
    place = begun(http, 10_000, key=mine)
    for method in ("HEAD", "GET", "PATCH", "DELETE"):
        headers = {**PART, "upload-offset": "0", **theirs}
        assert http.request(method, place, headers=headers).status_code == 404
    assert http.head(place, headers={**TUS, **mine}).status_code == 200


@pytest.mark.parametrize("name", ["upl_x", "..", "%2e%2e", "upl_" + "0" * 26, "x" * 200])
def test_an_id_that_is_none_opens_nothing(name: str, http: TestClient) -> None:
    assert http.head(f"/v1/uploads/{name}", headers=TUS).status_code in (404, 405, 422)


def test_two_writers_at_once_do_not_mix(service: Service, http: TestClient) -> None:
    place = begun(http, 10_000)
    upload = service.uploads.get("local", place.rpartition("/")[2])
    with service.uploads.lock(upload):
        refused = part(http, place, 0, b"x" * 100)
        assert (refused.status_code, refused.json()["code"]) == (423, "upload_busy")
    assert part(http, place, 0, b"x" * 100).status_code == 204


def test_a_tenant_has_so_many_unfinished_uploads_and_no_more(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    for _ in range(100):
        uploads.create("one", 10, metadata="", name="a", sha256=None)
    with pytest.raises(RequestError) as caught:
        uploads.create("one", 10, metadata="", name="a", sha256=None)
    assert caught.value.code == "too_many_uploads"
    uploads.create("two", 10, metadata="", name="a", sha256=None)


def test_an_upload_expires_a_day_after_its_last_part(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    upload = uploads.create("one", 10, metadata="", name="a", sha256=None)
    assert uploads.sweep() == 0
    old = time.time() - KEPT_S - 1
    os.utime(tmp_path / upload.id / "body", (old, old))
    with pytest.raises(RequestError):
        uploads.get("one", upload.id)
    assert uploads.sweep() == 1
    assert list(tmp_path.iterdir()) == []


def test_a_tenants_room_holds_for_parts_too(settings: ServiceSettings) -> None:
    app = make_app(changed(settings, tenant_bytes=10_000))
    with client_of(app) as http:
        key = Keys(app.state.service.keys).add("write")
        refused = http.post("/v1/uploads", headers={**TUS, **key, "upload-length": "10001"})
        assert (refused.status_code, refused.json()["code"]) == (413, "quota_exceeded")


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 5_000), max_size=6), seed=st.integers(0, 255))
def test_however_it_is_cut_the_same_file_comes_together(
    cuts: list[int], seed: int, http: TestClient
) -> None:
    data = video_bytes(seed, 5_000)
    ends = [*sorted(cuts), len(data)]
    place, at = begun(http, len(data)), 0
    for end in ends:
        answer = part(http, place, at, data[at:end])
        assert answer.headers["upload-offset"] == str(end)
        at = end
    video = http.get(answer.headers["content-location"]).json()
    assert video["sha256"] == hashlib.sha256(data).hexdigest()
