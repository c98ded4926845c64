"""Subtitles that lie beside a video: files found by name, lines read whatever their encoding.

Their times count from the video's first frame, as players have it: they are taken as they stand.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pysubs2
from charset_normalizer import from_bytes

from vidqa.archive.records import Line
from vidqa.errors import ArchiveError
from vidqa.timeline import Span

SUFFIXES = (".srt", ".vtt")
LARGEST = 20_000_000
"""Bytes of a subtitle file at most; a film's have some 100 kB."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""The longer first: UTF-32's mark begins with UTF-16's."""
_LANGUAGE = re.compile(r"(\.[A-Za-z][A-Za-z-]*){0,2}")
"""``.en``, ``.pt-BR``, ``.en.forced``, or nothing."""


class Sidecars:
    """Finds subtitle files by their videos' names; lists each folder once."""

    def __init__(self) -> None:
        self._names: dict[Path, list[str]] = {}

    def of(self, video: Path) -> list[Path]:
        """Those of a video, sorted: ``name.srt``, ``name.en.vtt``, ``name.mp4.srt``."""
        folder, stem = video.parent, video.stem
        if folder not in self._names:
            self._names[folder] = _subtitle_names(folder)
        names = self._names[folder]
        return [
            folder / name for name in names if name.startswith(f"{stem}.") and _fits(name, video)
        ]


def read_lines(path: Path, duration_s: float) -> list[Line]:
    """The lines of a subtitle file inside ``[0, duration_s)``, in order of time, without markup.

    Raises :class:`ArchiveError` ``subtitles_unreadable`` when the file cannot be read or no text
    can be made of it, ``subtitles_malformed`` when it holds no lines with times.
    """
    text = _decoded(path, _bytes_of(path))
    try:
        found = pysubs2.SSAFile.from_string(text, format_=path.suffix.lower()[1:])
    except (pysubs2.Pysubs2Error, ValueError, KeyError, IndexError, ArithmeticError) as err:
        raise _malformed(path, str(err) or type(err).__name__) from err
    if not found.events and text.strip().upper() not in ("", "WEBVTT"):
        raise _malformed(path, "no line with times in it")
    return _lines(found.events, Span(0.0, duration_s))


def _subtitle_names(folder: Path) -> list[str]:
    try:
        names = os.listdir(folder)  # noqa: PTH208  (a path for each of thousands is slow)
    except OSError:
        return []  # whoever reads the video itself will be told
    return sorted(name for name in names if name.lower().endswith(SUFFIXES))


def _fits(name: str, video: Path) -> bool:
    """Whether nothing but a language, or the video's own ending, stands between: the subtitles of
    ``party.2.mp4`` are not those of ``party.mp4``."""
    between = os.path.splitext(name[len(video.stem) :])[0]  # noqa: PTH122
    own = between.removeprefix(video.suffix)
    return _LANGUAGE.fullmatch(own) is not None


def _lines(events: Sequence[pysubs2.SSAEvent], whole: Span) -> list[Line]:
    lines = []
    for event in events:
        words = " ".join(event.plaintext.split())
        start_s, end_s = sorted((event.start / 1000, event.end / 1000))
        span = Span(start_s, end_s)
        if words and span.overlaps(whole):
            lines.append(Line(span=span.clamp(whole), text=words))
    return sorted(lines, key=lambda line: (line.span, line.text))


def _bytes_of(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise _unreadable(path, f"larger than {LARGEST / 1e6:.0f} MB")
        return path.read_bytes()
    except OSError as err:
        raise _unreadable(path, err.strerror or str(err)) from err


def _decoded(path: Path, data: bytes) -> str:
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(marked)
    except UnicodeDecodeError:
        pass  # no Unicode: an older encoding, told by how often its letters occur
    guess = from_bytes(data).best()
    if guess is None:
        raise _unreadable(path, "in no known encoding")
    return str(guess)


def _unreadable(path: Path, why: str) -> ArchiveError:
    return ArchiveError(
        f"{path}: subtitles cannot be read ({why})",
        code="subtitles_unreadable",
        next_step="Save the file as UTF-8, correct its permissions, or move it away.",
    )


def _malformed(path: Path, why: str) -> ArchiveError:
    return ArchiveError(
        f"{path}: no subtitles ({why})",
        code="subtitles_malformed",
        next_step="Open it in a subtitle editor and save it again, or move it away.",
    )
