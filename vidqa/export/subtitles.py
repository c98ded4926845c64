"""Cues as subtitles (SubRip, WebVTT) and as chapters (ffmpeg's metadata file)."""

from __future__ import annotations

import html
import re

from vidqa.export.cues import cues_of
from vidqa.results import Result
from vidqa.timeline import format_timecode

_NO_MARKUP = str.maketrans("<>{}", "‹›()")


def to_srt(result: Result) -> str:
    """SubRip. It has no escapes, so the signs that players take for markup become lookalikes."""
    blocks = [
        f"{number}\n{_at(cue.start_ms, ',')} --> {_at(cue.end_ms, ',')}\n"
        f"{cue.text.translate(_NO_MARKUP)}\n"
        for number, cue in enumerate(cues_of(result), start=1)
    ]
    return "\n".join(blocks)


def to_vtt(result: Result) -> str:
    """WebVTT; ``&``, ``<`` and ``>`` as entities."""
    blocks = [
        f"\n{_at(cue.start_ms)} --> {_at(cue.end_ms)}\n{html.escape(cue.text, quote=False)}\n"
        for cue in cues_of(result)
    ]
    return "".join(["WEBVTT\n", *blocks])


def to_chapters(result: Result) -> str:
    """``ffmpeg -i in.mp4 -i FILE -map_metadata 1 -c copy out.mp4`` adds them to a video."""
    blocks = [
        f"\n[CHAPTER]\nTIMEBASE=1/1000\nSTART={cue.start_ms}\nEND={cue.end_ms}\n"
        f"title={_escaped(cue.text)}\n"
        for cue in cues_of(result)
    ]
    return "".join([";FFMETADATA1\n", *blocks])


def _at(time_ms: int, point: str = ".") -> str:
    return format_timecode(time_ms / 1000).replace(".", point)


def _escaped(text: str) -> str:
    """A backslash before each of ``= ; # \\``."""
    return re.sub(r"([=;#\\])", r"\\\1", text)
