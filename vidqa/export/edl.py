"""Spans as a CMX 3600 edit list: the moments cut from the video, one after the other.

Edit lists count frames. Times become frame numbers at the rate given, and those are written as
non-drop timecode, whose seconds hold the nearest whole number of frames: at 29.97 frames a second
a written second is 1.001 s long, as editing programs expect of non-drop material.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vidqa.errors import ExportError
from vidqa.export.cues import title_of, told_of
from vidqa.results import Result
from vidqa.timeline import Span

FRAME_RATE = 30.0
"""Frames per second of the timecode unless said."""
_EVENTS_MAX = 999
_DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class _Rate:
    """Frames per second, and the whole number of them that a written second holds."""

    fps: float

    @property
    def base(self) -> int:
        return max(1, round(self.fps))

    def frames(self, span: Span) -> tuple[int, int]:
        """First frame and the one after the last; at least one frame."""
        first, after = round(span.start_s * self.fps), round(span.end_s * self.fps)
        return first, max(after, first + 1)

    def timecode(self, frame: int) -> str:
        """``HH:MM:SS:FF``."""
        seconds, frames = divmod(frame, self.base)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours:02d}:{minutes:02d}:{seconds:02d}:{frames:02d}"


@dataclass(frozen=True, slots=True)
class Cut:
    """One event of an edit list."""

    clip: str
    """Name of the source."""
    span: Span
    words: str


def to_edl(result: Result, *, frame_rate: float, clip_name: str) -> str:
    """The edit list; each event is named after the clip and carries its words as a comment.

    Raises :class:`ExportError` as :func:`edit_list`.
    """
    name = " ".join((clip_name or result.provenance.video.id).split())
    cuts = [Cut(name, segment.span, words) for segment, words in told_of(result)]
    return edit_list(cuts, title=title_of(result)[:70] or name, frame_rate=frame_rate)


def edit_list(cuts: Sequence[Cut], *, title: str, frame_rate: float) -> str:
    """Moments of any number of sources, cut one after the other.

    Raises :class:`ExportError` for a rate no timecode has, more than 999 events, or a span beyond
    the 24 hours a timecode can tell.
    """
    _check([cut.span for cut in cuts], frame_rate)
    rate, record = _Rate(frame_rate), 0
    lines = [f"TITLE: {title}", "FCM: NON-DROP FRAME", ""]
    for number, cut in enumerate(cuts, start=1):
        first, after = rate.frames(cut.span)
        times = (first, after, record, record + after - first)
        lines.append(
            f"{number:03d}  AX       V     C        " + " ".join(map(rate.timecode, times))
        )
        lines += [f"* FROM CLIP NAME: {cut.clip}", f"* COMMENT: {cut.words}", ""]
        record += after - first
    return "\n".join(lines) + "\n"


def _check(spans: list[Span], frame_rate: float) -> None:
    if not (math.isfinite(frame_rate) and 1 <= frame_rate <= 99):
        raise ExportError(
            f"no edit list counts {frame_rate} frames per second",
            code="frame_rate_impossible",
            next_step="Give a frame rate from 1 to 99, such as 25 or 29.97.",
        )
    if len(spans) > _EVENTS_MAX or any(span.end_s >= _DAY_S for span in spans):
        raise ExportError(
            f"an edit list holds {_EVENTS_MAX} events within 24 hours; here are {len(spans)}",
            code="edit_list_full",
            next_step="Choose another format, or a shorter window with --start and --end.",
        )
