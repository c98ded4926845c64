"""What arrived, looked at by its first bytes alone: a video, or nothing that is kept."""

from __future__ import annotations

from pathlib import Path

from vidqa.errors import VideoError
from vidqa.video.sniff import HEAD_BYTES, read_head, sniff

ENOUGH_BYTES = HEAD_BYTES
"""So many first bytes are all that is looked at; whatever comes behind them changes nothing."""
_TYPES = {
    "mov": "video/mp4",
    "matroska": "video/x-matroska",
    "avi": "video/x-msvideo",
    "mpegts": "video/mp2t",
    "mpeg": "video/mpeg",
    "flv": "video/x-flv",
    "gif": "image/gif",
}


def check_video(path: Path, name: str) -> None:
    """Raise :class:`VideoError` where the file is no video; ``name`` stands for its place.

    The client's name and type are not believed; where the file lies is not told.
    """
    try:
        sniff(path)
    except VideoError as err:
        told = str(err).replace(str(path), repr(name[:100]))
        raise VideoError(told, code=err.code, next_step=err.next_step) from err


def media_type(path: Path) -> str:
    """The media type of a video by its first bytes: what a browser is told that it is."""
    container = sniff(path)
    if container == "matroska" and b"webm" in read_head(path)[:128]:
        return "video/webm"
    return _TYPES[container]
