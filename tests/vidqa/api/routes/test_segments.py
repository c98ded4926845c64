"""Clips and frames of what a result tells of: exact, made once, each tenant's own, bounded."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.vidqa.api.routes.conftest import FILM, Stand
from vidqa.api.pieces import Pieces
from vidqa.errors import ExportError, VideoError
from vidqa.video.piece import Piece, make_piece

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the ffmpeg program")


def ground(stand: Stand, tenant: str = "local") -> str:
    """A job on the film, done; the id of its segment, [2, 3.5)."""
    video = stand.video(tenant, FILM)
    job_id = stand.submit(tenant=tenant, video={"video_id": video.id}, query="x")
    stand.worker.finish()
    found = stand.store.result(tenant, job_id)
    return str(found["segments"][0]["id"])


def grey_of(jpeg: bytes) -> float:
    return float(np.asarray(Image.open(io.BytesIO(jpeg)).convert("L")).mean())


@needs_ffmpeg
def test_a_clip_is_cut_exactly_and_once_and_bytes_of_it_may_be_asked_for(stand: Stand) -> None:
    path = f"/v1/segments/{ground(stand)}/clip.mp4"
    clip = stand.http.get(path)
    assert (clip.status_code, clip.headers["content-type"]) == (200, "video/mp4")
    with av.open(io.BytesIO(clip.content)) as container:
        greys = [frame.to_ndarray(format="gray").mean() for frame in container.decode(video=0)]
    assert len(greys) == 15
    assert [round(grey / 10) for grey in (greys[0], greys[9], greys[10])] == [12, 12, 16]
    [made] = stand.settings.folder.glob("pieces/??/[0-9a-f]*.mp4")
    again = stand.http.get(path, headers={"range": "bytes=4-7"})
    assert (again.status_code, again.content) == (206, clip.content[4:8])
    assert again.headers["content-range"] == f"bytes 4-7/{len(clip.content)}"
    assert stand.http.get(path, headers={"range": "bytes=999999999-"}).status_code == 416
    assert [made] == list(stand.settings.folder.glob("pieces/??/[0-9a-f]*.mp4"))


def test_a_frame_is_the_one_on_screen(stand: Stand) -> None:
    path = f"/v1/segments/{ground(stand)}/frame.jpg"
    for pts, grey in ((None, 120), (0, 40), (1.05, 80), (3.99, 160), (99, 160)):
        told = stand.http.get(path, params={} if pts is None else {"pts": pts})
        assert (told.status_code, told.headers["content-type"]) == (200, "image/jpeg")
        assert abs(grey_of(told.content) - grey) < 6


@pytest.mark.parametrize("pts", ["-1", "x", "nan", "inf"])
def test_a_frame_that_cannot_be_is_refused(stand: Stand, pts: str) -> None:
    told = stand.http.get(f"/v1/segments/{ground(stand)}/frame.jpg", params={"pts": pts})
    assert told.status_code == 422


@pytest.mark.parametrize("name", ["", "/clip.mp4", "/frame.jpg"])
def test_another_tenants_segment_is_not_there(stand: Stand, name: str) -> None:
    path = f"/v1/segments/{ground(stand, 'one')}{name}"
    two = stand.key(tenant="two")
    told = stand.http.get(path, headers=two)
    assert (told.status_code, told.json()["code"]) == (404, "segment_missing")
    assert stand.http.get(path).status_code == 401


def test_a_segment_of_a_video_that_was_deleted_is_told(stand: Stand) -> None:
    segment = ground(stand)
    stand.library.delete("local", stand.store.segment("local", segment).video_id or "")
    told = stand.http.get(f"/v1/segments/{segment}/frame.jpg")
    assert (told.status_code, told.json()["code"]) == (404, "video_missing")


def test_a_segment_of_a_file_below_a_root_can_be_shown(stand: Stand, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    place = tmp_path / "films" / "a.mp4"
    place.write_bytes(FILM)
    job_id = stand.submit(video={"path": str(place)}, query="x")
    stand.worker.finish()
    segment = stand.store.result("local", job_id)["segments"][0]["id"]
    told = stand.http.get(f"/v1/segments/{segment}/frame.jpg", params={"pts": 1})
    assert abs(grey_of(told.content) - 80) < 6
    place.rename(tmp_path / "elsewhere.mp4")
    gone = stand.http.get(f"/v1/segments/{segment}/frame.jpg", params={"pts": 0})
    assert gone.headers["content-type"] == "application/problem+json"
    assert gone.status_code < 500


def test_a_damaged_video_is_the_videos_fault_and_leaves_no_piece(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(FILM[:200] + bytes(2_000))
    pieces = Pieces(tmp_path / "pieces")
    with pytest.raises(VideoError):
        pieces.piece(path, Piece(start_s=0.0, end_s=None), sha256="aa")
    assert list((tmp_path / "pieces").glob("??/[!.]*")) == []


def test_a_process_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(FILM)
    monkeypatch.setattr(Piece, "within_s", lambda _: 0.01)
    with pytest.raises(ExportError) as told:
        make_piece(path, Piece(start_s=0.0, end_s=None), tmp_path / "out.jpg")
    assert told.value.code == "piece_timeout"


def test_the_least_lately_used_pieces_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(_video: Path, _piece: Piece, out: Path) -> None:
        out.write_bytes(bytes(10))

    monkeypatch.setattr("vidqa.api.pieces.make_piece", make)
    pieces = Pieces(tmp_path / "pieces", budget_bytes=25)
    at = [Piece(start_s=float(n), end_s=None) for n in range(3)]
    first, second = (pieces.piece(tmp_path, each, sha256="aa") for each in at[:2])
    os.utime(second, (1, 1))
    third = pieces.piece(tmp_path, at[2], sha256="aa")
    assert [path.exists() for path in (first, second, third)] == [True, False, True]
