"""Archives over HTTP: made, listed, searched, emptied; each tenant sees its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.vidqa.api.routes.conftest import Stand
from vidqa.archive.records import Facts, Location
from vidqa.archive.store import open_store
from vidqa.jobs.archive_handlers import filter_of, named
from vidqa.service.archive_requests import SearchRequest
from vidqa.service.requests import read_request
from vidqa.service.scoping import archive_id_of, archive_name

FACTS = Facts(
    duration_s=8.0,
    start_time_s=0.0,
    width=64,
    height=48,
    variable_rate=False,
    container="mp4",
    codec="h264",
    recorded_at=None,
    recorded_from="unknown",
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the archive's database lies; its folder is there, as when something was indexed."""
    (tmp_path / "archive").mkdir()
    return tmp_path / "archive" / "archive.db"


def index(place: Path, collection: str, *digests: str) -> None:
    with open_store(place) as store:
        for digest in digests:
            location = Location(url=f"/films/{digest[:4]}.mp4", size=1, modified_ns=1)
            store.enter(collection, f"sha256:{digest}", location, FACTS, tags=["yard"])


def test_without_anything_indexed_there_are_no_archives(stand: Stand, place: Path) -> None:
    assert stand.http.get("/v1/archives").json() == {"archives": []}
    assert not place.exists()


def test_an_archive_is_made_once(stand: Stand) -> None:
    made = stand.http.post("/v1/archives", json={"name": "yard"})
    assert made.status_code == 201
    assert made.headers["location"] == "/v1/archives/yard"
    assert stand.http.post("/v1/archives", json={"name": "yard"}).status_code == 200
    [archive] = stand.http.get("/v1/archives").json()["archives"]
    assert archive == made.json() == stand.http.get("/v1/archives/yard").json()
    assert (archive["id"], archive["videos"], archive["created_at"] > 0) == ("yard", 0, True)


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", "x" * 65, ".hidden", "ä", None, 3])
def test_a_name_that_could_be_anothers_is_refused(stand: Stand, name: Any) -> None:
    assert stand.http.post("/v1/archives", json={"name": name}).status_code == 422


def test_what_was_indexed_is_listed_in_pages(stand: Stand, place: Path) -> None:
    stored = stand.video(data=b"one", name="one.mp4")
    digests = [stored.sha256, *(f"{n:064x}" for n in range(4))]
    index(place, "yard", *digests)
    [archive] = stand.http.get("/v1/archives").json()["archives"]
    assert (archive["id"], archive["videos"], archive["indexing"]) == ("yard", 0, 5)
    assert archive["created_at"] is None
    path = "/v1/archives/yard/videos"
    first = stand.http.get(path, params={"page_size": 3}).json()
    rest = stand.http.get(path, params={"page_token": first["next_page_token"]}).json()
    assert [v["sha256"] for v in first["videos"] + rest["videos"]] == digests
    assert rest["next_page_token"] is None
    assert first["videos"][0] == {
        "sha256": stored.sha256,
        "video_id": stored.id,
        "name": "one.mp4",
        "state": "indexing",
        "reason": None,
        "duration": 8.0,
        "recorded_at": None,
        "tags": ["yard"],
    }
    assert (first["videos"][1]["video_id"], first["videos"][1]["name"]) == (None, None)


@pytest.mark.parametrize("token", ["x", "AAAA", "é", "a" * 200])
def test_a_token_of_another_list_is_refused(stand: Stand, token: str) -> None:
    stand.http.post("/v1/archives", json={"name": "yard"})
    told = stand.http.get("/v1/archives/yard/videos", params={"page_token": token})
    assert (told.status_code, told.json()["code"]) == (400, "page_token_invalid")


def test_an_archive_goes_with_what_was_indexed_and_the_videos_stay(
    stand: Stand, place: Path
) -> None:
    stored = stand.video()
    index(place, "yard", stored.sha256)
    index(place, "other", stored.sha256)
    assert stand.http.delete("/v1/archives/yard").status_code == 204
    assert stand.http.get("/v1/archives/yard").status_code == 404
    assert [a["id"] for a in stand.http.get("/v1/archives").json()["archives"]] == ["other"]
    assert stand.http.get(f"/v1/videos/{stored.id}").status_code == 200


def test_one_video_is_taken_out_of_an_archive(stand: Stand, place: Path) -> None:
    digests = [f"{n:064x}" for n in range(2)]
    index(place, "yard", *digests)
    path = f"/v1/archives/yard/videos/{digests[0]}"
    assert stand.http.delete(path).status_code == 204
    assert stand.http.delete(path).status_code == 404
    left = stand.http.get("/v1/archives/yard/videos").json()["videos"]
    assert [video["sha256"] for video in left] == digests[1:]


ROUTES = [
    ("GET", "/v1/archives/yard", None),
    ("GET", "/v1/archives/yard/videos", None),
    ("DELETE", "/v1/archives/yard", None),
    ("DELETE", f"/v1/archives/yard/videos/{0:064x}", None),
    ("POST", "/v1/archives/yard:reindex", None),
    ("POST", "/v1/search", {"archive_id": "yard", "query": "x"}),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_another_tenants_archive_is_not_there(
    stand: Stand, place: Path, method: str, path: str, body: Any
) -> None:
    index(place, "one/yard", f"{0:064x}")
    index(place, "yard", f"{0:064x}")
    one = stand.key("read", "write", "admin", tenant="one")
    two = stand.key("read", "write", "admin", tenant="two")
    told = stand.http.request(method, path, json=body, headers=two)
    assert (told.status_code, told.json()["code"]) == (404, "archive_missing")
    assert stand.http.get("/v1/archives", headers=two).json() == {"archives": []}
    assert len(stand.http.get("/v1/archives", headers=one).json()["archives"]) == 1


def test_embedding_anew_takes_an_admin(stand: Stand) -> None:
    stand.http.post("/v1/archives", json={"name": "yard"})
    told = stand.http.post("/v1/archives/yard:reindex")
    assert (told.status_code, told.json()["kind"]) == (202, "reindex")
    writer = stand.key(tenant="local")
    assert stand.http.post("/v1/archives/yard:reindex", headers=writer).status_code == 403


def found(archive: str, *videos: tuple[str, str]) -> dict[str, Any]:
    """What a session's search says of two videos."""
    hits = [
        {
            "rank": rank,
            "video": {
                "id": f"sha256:{digest}",
                "archive": archive,
                "path": path,
                "paths": [path],
                "there": True,
                "duration": 8.0,
                "recorded_at": None,
                "recorded_from": "unknown",
                "tags": [],
            },
            "start": 0.0,
            "end": 8.0,
            "start_tc": "00:00:00.000",
            "end_tc": "00:00:08.000",
            "score": 0.5,
            "found_by": ["vector"],
            "lines": [],
            "clip": 1,
            "key": 4.0,
            "thumbnail": None,
            "also_in": [],
            "more_in_video": 0,
            "segments": [],
        }
        for rank, (digest, path) in enumerate(videos, start=1)
    ]
    return {
        "outcome": "found",
        "query": "a door",
        "query_kind": "text",
        "hits": hits,
        "total": len(hits),
        "next_page_token": None,
        "considered": {"videos": 2, "clips": 2, "ranked_clips": 2},
        "model": "nano@sha256:11",
        "timings": {},
        "ended_early": None,
        "notes": [],
    }


def test_a_search_is_answered_at_once_and_its_hits_can_be_shown(stand: Stand) -> None:
    stored = stand.video(name="yard.mp4")
    stand.http.post("/v1/archives", json={"name": "yard"})
    told = found("yard", (stored.sha256, str(stored.path)), ("b" * 64, "/films/b.mp4"))
    working = stand.worker.later(0.05, named(told, stand.library, "local"))
    answer = stand.http.post("/v1/search", json={"archive_id": "yard", "query": "a door"})
    working.join()
    assert answer.status_code == 200
    ours, other = answer.json()["hits"]
    assert (ours["video"]["video_id"], ours["video"]["name"]) == (stored.id, "yard.mp4")
    assert "path" not in ours["video"]
    assert (other["video"]["video_id"], other["video"]["path"]) == (None, "/films/b.mp4")
    segment = stand.http.get(f"/v1/segments/{ours['id']}").json()
    assert (segment["video_id"], segment["start"], segment["end"]) == (stored.id, 0.0, 8.0)


def test_no_other_tenant_learns_where_files_lie(stand: Stand) -> None:
    told = named(found("one/yard", ("b" * 64, "/films/b.mp4")), stand.library, "one")
    assert "/films" not in str(told).replace("b.mp4", "")
    assert told["hits"][0]["video"]["archive"] == "yard"
    assert told["hits"][0]["video"]["name"] == "b.mp4"


def test_an_answer_in_words_calls_a_video_by_its_name(stand: Stand) -> None:
    stored = stand.video(name="yard.mp4")
    [hit] = found("default", (stored.sha256, str(stored.path)))["hits"]
    words = f"Yes: {stored.sha256} at 00:00:06.700."
    told = named({"answer": words, "citations": [{**hit, "answer": words}]}, stand.library, "local")
    assert told["answer"] == told["citations"][0]["answer"] == "Yes: yard.mp4 at 00:00:06.700."


def test_a_search_goes_in_front_of_the_queue(stand: Stand) -> None:
    stand.submit()
    sought = stand.submit("search", query="x")
    assert stand.worker.claim().job.id == sought


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": "x", "image": {"video_id": "vid_01jd9x4kq2r8w5y1n3b6d9f0sc"}},
        {"query": "x", "page_size": 0},
        {"query": "x", "group_by": "tag"},
        {"query": "x", "filter": {"colour": "red"}},
        {"image": {"video_id": "vid_01jd9x4kq2r8w5y1n3b6d9f0sc"}, "verify": True},
    ],
)
def test_a_search_that_cannot_be_is_refused(stand: Stand, body: Any) -> None:
    assert stand.http.post("/v1/search", json=body).status_code == 422


def test_a_filter_stays_within_the_tenants_collection() -> None:
    body = {"query": "x", "filter": {"tags": ["a"], "recorded_from": "2026-11-02T00:00:00Z"}}
    request = read_request("search", body)
    assert isinstance(request, SearchRequest)
    assert read_request("search", request.to_dict()) == request
    where = filter_of(request.filter, archive_name("one", request.archive_id))
    assert (where.archives, where.tags) == (["one/default"], ("a",))
    assert where.recorded_from is not None


@pytest.mark.parametrize("tenant", ["local", "one", "a/b"])
def test_a_collection_leads_back_to_its_tenant_alone(tenant: str) -> None:
    assert archive_id_of(tenant, archive_name(tenant, "yard")) == "yard"
    assert archive_id_of("two", archive_name(tenant, "yard")) is None
    assert archive_id_of("local", archive_name("one", "yard")) is None
