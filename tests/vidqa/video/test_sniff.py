"""The first look: by bytes, never by name, and nothing textual gets past it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vidqa.errors import VideoError
from vidqa.video.sniff import sniff

TS = b"".join(b"\x47" + bytes(187) for _ in range(8))
HEADS = {
    "mov": b"\x00\x00\x00\x18ftypisom",
    "matroska": b"\x1a\x45\xdf\xa3\x00",
    "avi": b"RIFF\x00\x00\x00\x00AVI LIST",
    "flv": b"FLV\x01\x05",
    "gif": b"GIF89a",
    "mpeg": b"\x00\x00\x01\xba\x44",
    "mpegts": TS,
}


@pytest.mark.parametrize(("demuxer", "head"), HEADS.items())
def test_the_bytes_decide_not_the_name(tmp_path: Path, demuxer: str, head: bytes) -> None:
    path = tmp_path / "playlist.m3u8"
    path.write_bytes(head)
    assert sniff(path) == demuxer


def test_a_transport_stream_may_start_in_mid_packet_or_carry_stamps(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(100) + TS)
    assert sniff(path) == "mpegts"
    path.write_bytes(b"".join(bytes(4) + b"\x47" + bytes(187) for _ in range(8)))
    assert sniff(path) == "mpegts"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"#EXTM3U\n#EXTINF:2.0,\n/etc/passwd\n", "playlist_refused"),
        (b"ffconcat version 1.0\nfile other.ts\n", "playlist_refused"),
        (b'<?xml version="1.0"?><MPD></MPD>', "playlist_refused"),
        (b"v=0\no=- 0 0 IN IP4 127.0.0.1\n", "playlist_refused"),
        (b"hello world\n", "not_a_video"),
        (b"\x7fELF" + bytes(500), "not_a_video"),
        (bytes(4096), "not_a_video"),
        (b"G", "not_a_video"),
        (b"", "file_empty"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path: Path, text: bytes, code: str) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(text)
    with pytest.raises(VideoError) as caught:
        sniff(path)
    assert caught.value.code == code
    assert str(path) in str(caught.value)
    assert caught.value.next_step


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "no.mp4", "file_missing"), (tmp_path, "file_is_directory")):
        with pytest.raises(VideoError) as caught:
            sniff(path)
        assert caught.value.code == code


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(VideoError) as caught:
        sniff(tmp_path / "pipe.mp4")
    assert caught.value.code == "file_not_regular"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(HEADS["mov"])
    path.chmod(0)
    with pytest.raises(VideoError, match="Permission denied") as caught:
        sniff(path)
    assert caught.value.code == "file_unreadable"


def test_a_name_no_file_can_have_is_an_error_of_ours() -> None:
    with pytest.raises(VideoError) as caught:
        sniff(Path("a\0b.mp4"))
    assert caught.value.code == "file_unreadable"
