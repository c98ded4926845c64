"""What a stored video is: measured once on its way in, and why one that is no good is none.

``file -> facts {kind, duration, start_time, ...} | what is wrong with it``; names are those of the
``video`` part of results, times in seconds.
"""

from __future__ import annotations

from pathlib import Path

from vidqa.errors import VideoError
from vidqa.service.records import JsonDict
from vidqa.video import FILE_CODES, Media, StillInfo, VideoInfo, describe, is_still

NAME = "the video"
"""Stands for its place in what is told: where a file lies is nobody's business."""
LASTING: frozenset[str] = frozenset({*FILE_CODES, "not_a_picture"})
"""What is wrong with the bytes: the same again, whoever measures them, and when."""


def measure(path: Path, media: Media) -> JsonDict:
    """The facts of a film or a picture; raises :class:`VideoError` where it cannot be shown."""
    if is_still(path):
        return _of_still(media.probe_still(path))
    return _of_film(describe(media.study(path)))


def check_length(facts: JsonDict, longest_s: float, name: str = NAME) -> None:
    """Raise :class:`VideoError` ``video_too_long`` for one of more than ``longest_s`` seconds."""
    if facts["duration"] > longest_s:
        raise VideoError(
            f"{name} is {facts['duration']:g} s long; {longest_s:g} s are taken at most",
            code="video_too_long",
            next_step="Cut it into shorter ones; max_duration_s sets the limit.",
        )


def told(err: VideoError, path: Path) -> JsonDict:
    """The error as the video's JSON shows it."""
    return {**err.to_dict(), "message": str(err).replace(str(path), NAME)}


def _of_film(info: VideoInfo) -> JsonDict:
    tail_s = info.unreadable_from_s
    return {
        "kind": "video",
        "duration": round(info.duration_s, 3),
        "start_time": round(info.start_time_s, 3),
        "fps": round(info.fps, 3),
        "vfr": info.vfr,
        "width": info.width,
        "height": info.height,
        "rotation": info.rotation_deg,
        "frames": info.frame_count,
        "container": info.container,
        "codec": info.video_codec,
        "audio_codecs": list(info.audio_codecs),
        "unreadable_from": None if tail_s is None else round(tail_s, 3),
    }


def _of_still(info: StillInfo) -> JsonDict:
    return {
        "kind": "image",
        "duration": 0.0,
        "width": info.width,
        "height": info.height,
        "format": info.format,
    }
