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
from vidqa.video.piece import KEPT, Piece, PieceMaker

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
    pieces = Pieces(tmp_path / "pieces", PieceMaker("isolated"))
    with pytest.raises(VideoError, match=r"^the video: "):
        pieces.piece(path, Piece(start_s=0.0, end_s=None), sha256="aa")
    assert list((tmp_path / "pieces").glob("??/[!.]*")) == []


@pytest.mark.parametrize(
    ("limit", "end_s", "code"),
    [("FRAME_S", None, "decoder_timeout"), ("_clip_s", 3.0, "ffmpeg_timeout")],
)
@needs_ffmpeg
def test_what_takes_too_long_is_ended_and_leaves_nothing(
    limit: str, end_s: float | None, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(FILM)
    hurried = 1e-9 if limit == "FRAME_S" else lambda *_: 1e-9
    monkeypatch.setattr(f"vidqa.video.piece.{limit}", hurried)
    pieces = Pieces(tmp_path / "pieces", PieceMaker("isolated"))
    with pytest.raises((VideoError, ExportError)) as told:
        pieces.piece(path, Piece(start_s=0.0, end_s=end_s), sha256="aa")
    assert told.value.code == code
    assert [each.suffix for each in (tmp_path / "pieces").glob("??/*")] in ([], [".lock"])


def test_films_stay_open_for_more_frames_until_others_or_the_end(tmp_path: Path) -> None:
    films = [tmp_path / f"{n}.mp4" for n in range(KEPT + 1)]
    maker = PieceMaker("isolated")
    for film in films:
        film.write_bytes(FILM)
        for at_s in (0.05, 1.05, 2.05):
            out = film.with_name(f"{film.stem}-{at_s}.jpg")
            maker.make(film, Piece(start_s=at_s, end_s=None), out)
            assert abs(grey_of(out.read_bytes()) - (40 + 40 * int(at_s))) < 6
    assert len(maker._films._opened) == KEPT
    first = [opened.reader.child for opened in maker._films._opened.values()]  # type: ignore[attr-defined]
    assert len(set(first)) == KEPT
    assert None not in first
    maker.make(films[-1], Piece(start_s=3.05, end_s=None), tmp_path / "again.jpg")
    last = [opened.reader.child for opened in maker._films._opened.values()]  # type: ignore[attr-defined]
    assert last == first
    films[-1].write_bytes(FILM + b"\0" * 8)
    maker.make(films[-1], Piece(start_s=0.05, end_s=None), tmp_path / "changed.jpg")
    maker.close()
    assert not any(Path(f"/proc/{pid}").exists() for pid in first)


def test_films_that_nobody_asks_for_are_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidqa.video.piece.KEPT_S", -1.0)
    path = tmp_path / "a.mp4"
    path.write_bytes(FILM)
    maker = PieceMaker("isolated")
    maker.make(path, Piece(start_s=0.05, end_s=None), tmp_path / "a.jpg")
    assert not maker._films._opened


def test_the_least_lately_used_pieces_make_room(tmp_path: Path) -> None:
    class Maker(PieceMaker):
        def make(self, path: Path, piece: Piece, out: Path) -> None:
            out.write_bytes(bytes(10))

    pieces = Pieces(tmp_path / "pieces", Maker("pyav"), budget_bytes=25)
    at = [Piece(start_s=float(n), end_s=None) for n in range(3)]
    first, second = (pieces.piece(tmp_path, each, sha256="aa") for each in at[:2])
    os.utime(second, (1, 1))
    third = pieces.piece(tmp_path, at[2], sha256="aa")
    assert [path.exists() for path in (first, second, third)] == [True, False, True]
