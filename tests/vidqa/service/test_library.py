"""Uploaded videos: one file for equal bytes, gone with the last who has it, and nobody else's."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from vidqa.database import Database
from vidqa.errors import ServiceError
from vidqa.service.library import Library, open_library
from vidqa.service.records import StoredVideo


@pytest.fixture
def library(database: Database, tmp_path: Path) -> Library:
    return open_library(database, tmp_path / "data")


def uploaded(
    library: Library, data: bytes = b"film", tenant: str = "ann", name: str = "a.mp4"
) -> StoredVideo:
    file = library.incoming / f"{tenant}-{len(data)}"
    file.write_bytes(data)
    video = library.adopt(tenant, file, hashlib.sha256(data).hexdigest(), name)
    assert not file.exists()
    return video


def files(library: Library) -> list[bytes]:
    return sorted(
        path.read_bytes() for path in (library.folder / "media").rglob("*") if path.is_file()
    )


def missing(library: Library, tenant: str, video_id: str) -> str:
    with pytest.raises(ServiceError) as caught:
        library.get(tenant, video_id)
    return caught.value.code


def test_an_adopted_file_lies_under_its_digest(library: Library) -> None:
    video = uploaded(library, b"film")
    sha256 = hashlib.sha256(b"film").hexdigest()
    assert video.path == library.folder / "media" / sha256[:2] / sha256
    assert (video.path.read_bytes(), video.bytes, video.sha256) == (b"film", 4, sha256)
    assert library.get("ann", video.id) == video


def test_the_same_bytes_are_the_same_video_of_a_tenant(library: Library) -> None:
    first, again = uploaded(library), uploaded(library, name="b.mp4")
    assert again == first
    assert library.page("ann").videos == (first,)


def test_bytes_go_when_the_last_tenant_lets_go_of_them(library: Library) -> None:
    anns, bobs = uploaded(library), uploaded(library, tenant="bob")
    assert anns.id != bobs.id
    assert files(library) == [b"film"]
    library.delete("ann", anns.id)
    assert files(library) == [b"film"]
    library.delete("bob", bobs.id)
    assert files(library) == []
    assert list((library.folder / "going").iterdir()) == []


def test_another_tenants_video_is_not_there(library: Library) -> None:
    video = uploaded(library)
    assert missing(library, "bob", video.id) == "video_missing"
    with pytest.raises(ServiceError, match="no video"):
        library.delete("bob", video.id)
    assert library.get("ann", video.id) == video
    assert library.page("bob").videos == ()


def test_pages_lead_through_all_videos_newest_first(library: Library) -> None:
    videos = [uploaded(library, bytes(n + 1)) for n in range(5)]
    first = library.page("ann", size=2)
    second = library.page("ann", size=2, token=first.next_token)
    third = library.page("ann", size=2, token=second.next_token)
    found = [*first.videos, *second.videos, *third.videos]
    assert sorted(found, key=lambda each: each.id) == sorted(videos, key=lambda each: each.id)
    assert [each.id for each in found] == sorted((each.id for each in videos), reverse=True)
    assert third.next_token is None


@pytest.mark.parametrize("token", ["", "%", "a", "AAAA", "é", "x" * 3000])
def test_what_is_no_token_is_refused(library: Library, token: str) -> None:
    with pytest.raises(ServiceError) as caught:
        library.page("ann", token=token)
    assert caught.value.code == "page_token_invalid"


def test_a_token_is_good_for_its_own_list_alone(library: Library) -> None:
    for n in range(3):
        uploaded(library, bytes(n + 1))
    token = library.page("ann", size=1).next_token
    with pytest.raises(ServiceError, match="no page token of this list"):
        library.page("bob", token=token)


def test_a_name_is_text_to_be_shown_and_no_path(library: Library) -> None:
    assert uploaded(library, name="../../etc/pass\x00wd\n").name == "passwd"
    assert uploaded(library, b"b", name="").name == "video"
    assert len(uploaded(library, b"cc", name="x" * 999).name) == 255


def test_what_was_measured_of_bytes_is_kept_for_all_who_have_them(library: Library) -> None:
    anns, bobs = uploaded(library), uploaded(library, tenant="bob")
    other = uploaded(library, b"other")
    assert [each.id for each in library.unmeasured()] == sorted((anns.id, bobs.id, other.id))
    library.describe(anns.sha256, facts={"duration": 2.5})
    for tenant, video in (("ann", anns), ("bob", bobs)):
        known = library.get(tenant, video.id)
        assert (known.facts, known.state, known.error) == ({"duration": 2.5}, "ready", None)
    assert library.unmeasured() == [other]


def test_what_is_wrong_with_a_video_is_kept(library: Library) -> None:
    video = uploaded(library)
    error = {"code": "undecodable"}
    library.describe(video.sha256, facts=None, state="unreadable", error=error)
    assert library.get("ann", video.id).to_dict()["error"] == error
    assert library.unmeasured() == []


def test_a_file_put_aside_by_a_process_that_died_is_brought_back(
    library: Library, database: Database
) -> None:
    video = uploaded(library)
    video.path.rename(library.folder / "going" / f"{video.sha256}.evt_x")
    (library.folder / "going" / f"{'0' * 64}.evt_y").write_bytes(b"of nobody")
    again = open_library(database, library.folder)
    assert again.get("ann", video.id).path.read_bytes() == b"film"
    assert list((library.folder / "going").iterdir()) == []


def test_a_tenants_bytes_are_counted(library: Library) -> None:
    uploaded(library, b"1234")
    uploaded(library, b"123456")
    uploaded(library, b"12", tenant="bob")
    assert library.total_bytes("ann") == 10


def test_a_folder_that_cannot_be_made_is_named(database: Database, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServiceError, match="cannot be used") as caught:
        open_library(database, tmp_path / "file" / "data")
    assert caught.value.code == "service_folder"
