"""First look at a file, in Python alone: which container its bytes are, before FFmpeg sees them.

The name and its ending are never used. FFmpeg opens playlists (HLS, ffconcat, DASH, SDP) whatever
they are called and then the files and hosts they name, so anything textual is refused here.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from vidqa.errors import VideoError

HEAD_BYTES = 65_536
_TS_PACKETS = 5
_MOV_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"})
_PLAYLIST = re.compile(rb"\s*(?:#EXTM3U|ffconcat|<\?xml|<MPD|v=0|\[playlist\])", re.IGNORECASE)
_TEXT = frozenset(range(0x20, 0x7F)) | {0x09, 0x0A, 0x0D}


def sniff(path: Path) -> str:
    """The FFmpeg demuxer for a file: mov, matroska, avi, mpegts, mpeg, flv or gif.

    Raises :class:`VideoError` when the path is not a readable, regular, non-empty file or when its
    first 64 KiB are none of these. Nothing but ``path`` itself is opened.
    """
    head = read_head(path)
    demuxer = _demuxer(head)
    if demuxer is not None:
        return demuxer
    if _PLAYLIST.match(head):
        raise VideoError(
            f"{path}: a text that names other files or hosts, not a video",
            code="playlist_refused",
            next_step="Give the video file itself, not a playlist.",
        )
    kind = "text" if _is_text(head) else "no known video container"
    raise VideoError(
        f"{path}: not a video ({kind})",
        code="not_a_video",
        next_step="Give an MP4, MOV, MKV, WebM, AVI, MPEG-TS, MPEG-PS, FLV or GIF file;"
        " ask also takes PNG, JPEG, WebP, BMP, TIFF and AVIF pictures.",
    )


def read_head(path: Path) -> bytes:
    """The first 64 KiB; raises :class:`VideoError` on no readable, regular, non-empty file."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise _not_a_file(path, "a directory", "file_is_directory")
        if not stat.S_ISREG(mode):  # a pipe or a device may never end
            raise _not_a_file(path, "not a regular file", "file_not_regular")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError as err:
        raise _not_a_file(path, "no such file", "file_missing") from err
    except (OSError, ValueError) as err:  # ValueError: a NUL in the name
        why = os.strerror(err.errno) if isinstance(err, OSError) and err.errno else str(err)
        raise _not_a_file(path, f"cannot be read ({why})", "file_unreadable") from err
    if not head:
        raise _not_a_file(path, "empty, 0 bytes", "file_empty")
    return head


def _not_a_file(path: Path, why: str, code: str) -> VideoError:
    return VideoError(
        f"{path}: {why}", code=code, next_step="Check the path and give one readable video file."
    )


def _demuxer(head: bytes) -> str | None:
    if head[4:8] in _MOV_BOXES:
        return "mov"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    if head.startswith(b"RIFF") and head[8:12] in (b"AVI ", b"AVIX"):
        return "avi"
    if head.startswith(b"FLV\x01"):
        return "flv"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith(b"\x00\x00\x01\xba"):
        return "mpeg"
    return "mpegts" if _is_transport_stream(head) else None


def _is_transport_stream(head: bytes) -> bool:
    """Whether the sync byte 0x47 recurs every 188 bytes, or 192 as in M2TS, from an early start."""
    return any(_synced(head, start, size) for size in (188, 192) for start in range(size))


def _synced(head: bytes, start: int, size: int) -> bool:
    at = range(start, min(len(head), start + size * _TS_PACKETS), size)
    return (
        len(at) >= min(_TS_PACKETS, max(1, len(head) // size))
        and all(head[i] == 0x47 for i in at)
        and len(head) >= size
    )


def _is_text(head: bytes) -> bool:
    return all(byte in _TEXT for byte in head[:4096])
