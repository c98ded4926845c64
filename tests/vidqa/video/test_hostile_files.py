"""Files that name others, lie, or break decoders: nothing but themselves is opened, and every one
ends in pictures or in one of twelve errors, isolated as in this process.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.errors import VideoError
from vidqa.video import FILE_CODES, media, open_reader, sniff

Row = dict[str, Any]
HLS = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:2.0,\n{}\n#EXT-X-ENDLIST\n"
DASH = (
    '<?xml version="1.0"?><MPD type="static" mediaPresentationDuration="PT2S"><Period>'
    '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{}'
    "</BaseURL></Representation></AdaptationSet></Period></MPD>"
)
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {} RTP/AVP 96\n"
NAMES = ("a.mp4", "a.m3u8", "a.mov", "a.avi", "a.ts", "a.mkv", "a.ffconcat", "a.mpd", "a")
BOX = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"


def references(place: str) -> list[bytes]:
    """Texts that FFmpeg would follow to a place, plain and with what might hide them."""
    plain = [
        HLS.format(place),
        HLS.format(f"concat:{place}|{place}"),
        HLS.format(f"subfile,,start,0,end,9,,:{place}"),
        HLS.format(f"crypto+file:{place}"),
        f"ffconcat version 1.0\nfile '{place}'\n",
        f"file '{place}'\n",
        DASH.format(place),
        SDP.format(50504),
        f"[playlist]\nFile1={place}\n",
        f"RTSPtextRTSP://{place}\n",
    ]
    texts = [text.encode() for text in plain]
    hidden = [b"\n \t" + texts[0], b"\xef\xbb\xbf" + texts[0], plain[0].encode("utf-16")]
    return [*texts, *hidden, BOX + texts[0], BOX + texts[4], b"GIF89a" + texts[0]]


def outcome(path: Path, reader: str) -> tuple[Any, ...]:
    """The code of the error, or the pictures and times of six moments."""
    try:
        opened = open_reader(path, reader=reader)
        asked = np.linspace(0, opened.info.duration_s, 6, endpoint=False)
        frames = opened.read_frames(asked, (28, 28))
    except VideoError as err:
        return (err.code,)
    return (frames.rgb_THWC.tobytes(), frames.pts_T.tobytes(), frames.unreadable_from_s)


# --- nothing but itself is opened -------------------------------------------------------------

READ_ALL = """
import sys
from pathlib import Path
from vidqa.errors import VideoError
from vidqa.video import open_reader
for path in sorted(Path(sys.argv[1]).iterdir()):
    if path.name.startswith("canary"):
        continue
    try:
        open_reader(path, reader="isolated").read_frames([0.0], (28, 28))
        print(path.name, "read")
    except VideoError as err:
        print(path.name, err.code)
"""
_CALL = re.compile(r'^\d+ +(?:open|openat|openat2)\([^"]*"([^"]*)".*= (\d+)')


@pytest.fixture
def upload(tmp_path: Path, clip: Callable[[str], Path]) -> tuple[Path, int]:
    """A folder of files that name a canary beside them and a server; and how many there are."""
    film = clip("b_frames.mp4").read_bytes()
    (tmp_path / "canary.ts").write_bytes(film)
    texts = [*references("canary.ts"), *references(str(tmp_path / "canary.ts"))]
    texts += references("http://127.0.0.1:1/canary")
    for number, text in enumerate(texts):
        name = NAMES[number % len(NAMES)]
        (tmp_path / f"{number:02d}{name}").write_bytes(text)
    (tmp_path / "film.mp4").write_bytes(film)
    return tmp_path, len(texts)


def test_a_read_opens_its_own_file_and_no_other_and_no_connection(
    upload: tuple[Path, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs the strace program")
    folder, count = upload
    log = tmp_path_factory.mktemp("strace") / "log"
    traced = [strace, "-f", "-qq", "-o", str(log), "-e", "trace=open,openat,openat2,%network"]
    done = subprocess.run(
        [*traced, sys.executable, "-c", READ_ALL, str(folder)],
        check=False,
        capture_output=True,
        text=True,
    )
    if "ptrace" in done.stderr:
        pytest.skip("nothing may be traced here")
    told = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())
    assert len(told) == count + 1, done.stderr
    assert told.pop("film.mp4") == "read"
    assert set(told.values()) <= set(FILE_CODES)
    calls = log.read_text(errors="replace").splitlines()
    opened = {found[1] for line in calls if (found := _CALL.match(line))}
    assert str(folder / "film.mp4") in opened
    assert [path for path in opened if "canary" in path] == []
    inside = {path for path in opened if path.startswith(str(folder)) and path != str(folder)}
    assert {Path(path).name for path in inside} <= {*told, "film.mp4"}
    assert [line for line in calls if "AF_INET" in line] == []


def test_references_are_refused_before_ffmpeg_and_nobody_is_called(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        port = server.getsockname()[1]
        for text in references(f"http://127.0.0.1:{port}/canary")[:13]:
            for name in NAMES:
                path = tmp_path / name
                path.write_bytes(text)
                with pytest.raises(VideoError) as caught:
                    sniff(path)
                assert caught.value.code in ("playlist_refused", "not_a_video")
        for text in references(f"http://127.0.0.1:{port}/canary")[13:]:
            (tmp_path / "a.mp4").write_bytes(text)
            assert outcome(tmp_path / "a.mp4", "isolated")[0] in FILE_CODES
        with pytest.raises(TimeoutError):
            server.accept()


@given(text=st.text(min_size=1, max_size=400).filter(lambda text: "\0" not in text))
def test_no_text_is_taken_for_a_video(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "text.mp4"
    for encoded in (text.encode(errors="replace"), b"#EXTM3U\n" + text.encode(errors="replace")):
        if encoded[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"):
            continue
        if encoded.startswith((b"GIF8", b"FLV\x01", b"RIFF", b"GGGG")):
            continue
        path.write_bytes(encoded)
        with pytest.raises(VideoError) as caught:
            sniff(path)
        assert caught.value.code in ("not_a_video", "playlist_refused", "file_empty")


@given(head=st.binary(max_size=300), magic=st.sampled_from([b"", b"\x1a\x45\xdf\xa3", b"GIF89a"]))
def test_any_bytes_have_one_kind_or_one_error(
    head: bytes, magic: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes"
    path.write_bytes(magic + head)
    try:
        kind = sniff(path)
    except VideoError as err:
        kind = err.code
    assert kind in {"mov", "matroska", "avi", "mpegts", "mpeg", "flv", "gif"} | set(FILE_CODES)


# --- the corpus of bad files ------------------------------------------------------------------


def chosen(rows: list[Row]) -> list[Row]:
    """All that is hostile or no video, and every sixth of the odd and damaged."""
    other = [row for row in rows if row["group"] in ("odd", "damaged")]
    return [row for row in rows if row["group"] in ("hostile", "notvideo")] + other[::6]


def test_a_bad_file_ends_isolated_as_it_ends_here(corpus: tuple[Path, list[Row]]) -> None:
    folder, rows = corpus
    codes = set()
    for row in chosen(rows):
        path = folder / row["name"]
        if path.is_dir():
            continue
        isolated = outcome(path, "isolated")
        assert isolated == outcome(path, "pyav"), row["name"]
        if len(isolated) == 1:
            codes.add(isolated[0])
        assert row["want"] != "reject" or len(isolated) == 1, row["name"]
    assert codes <= set(FILE_CODES)


def test_bombs_are_settled_at_once_and_in_little_memory(corpus: tuple[Path, list[Row]]) -> None:
    folder, rows = corpus
    bombs = [row for row in rows if row["name"].startswith("bomb")]
    assert len(bombs) > 6
    decoding = media("isolated")
    for row in bombs:
        began = time.process_time()
        try:
            film = decoding.study(folder / row["name"])
        except VideoError as err:
            assert err.code in FILE_CODES, row["name"]  # noqa: PT017
            continue
        assert film.size[0] * film.size[1] <= 33_200_000
        assert time.process_time() - began < 2
