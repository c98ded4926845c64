"""One film, measured but not yet read: its packets, its clock, its looks. What every reader starts
from, and all that ``probe`` reports.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vidqa.errors import VideoError
from vidqa.video.clock import FrameClock, clock_from_frames, clock_from_packets
from vidqa.video.container import check_size, open_video
from vidqa.video.deadline import Deadline
from vidqa.video.index import PacketIndex, scan_packets
from vidqa.video.limits import DEFAULT_LIMITS, Limits
from vidqa.video.orient import Orientation, orientation_of
from vidqa.video.pulse import PULSE

CONTAINERS = frozenset({"mp4", "matroska", "mpegts", "mpeg", "avi", "flv", "gif"})
_FAMILIES = {"mov": "mp4"}
_HONEST_LENGTHS = frozenset({"mp4", "avi"})  # elsewhere the header counts offsets or sound as well
_MISSING_TAIL_S = 0.5


@dataclass(frozen=True, slots=True)
class Film:
    """Facts of one video file; holds no open file and can be handed to threads and processes."""

    path: Path
    limits: Limits
    container: str
    """Short name: mp4 (also MOV), matroska (also WebM), mpegts, mpeg, avi, flv or gif."""
    video_codec: str
    audio_codecs: tuple[str, ...]
    pixel_format: str
    coded_width: int
    coded_height: int
    stream_number: int
    """Which of the container's streams is shown: covers and second angles are passed over."""
    orientation: Orientation
    index: PacketIndex
    clock: FrameClock
    unreadable_from_s: float | None
    """Where the pictures stop although the container promises more, in seconds; else None."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as displayed."""
        return self.orientation.displayed_size(self.coded_width, self.coded_height)

    def decode_deadline(self, work: str = "decoding") -> Deadline:
        """A deadline from now, in proportion to the film's length."""
        allowed_s = self.limits.decode_seconds(self.index.pts_P.size)
        return Deadline.after(allowed_s, self.path, work)


def study_film(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> Film:
    """Demux the whole file and decode its first picture (all of them if packets have no times).

    Raises :class:`VideoError` when there is nothing to show or it may not be shown.
    """
    path = Path(path)
    with open_video(path, limits) as (container, stream):
        name = _FAMILIES.get(container.format.name, container.format.name)
        declared_s = _declared_seconds(stream) if name in _HONEST_LENGTHS else None
        index = scan_packets(path, container, stream, limits)
        codec, number = stream.codec_context.name, stream.index
        guessed = _times_are_guessed(name, stream, index)
        sounds = tuple(a.codec_context.name for a in container.streams.audio if a.codec_context)
    if not index.shown_P.any():
        raise _nothing_shown(path)
    index, clock, first = _clock_and_first(path, index, limits, guessed=guessed)
    return Film(
        path=path,
        limits=limits,
        container=name,
        video_codec="av1" if codec == "libdav1d" else codec,
        audio_codecs=sounds,
        pixel_format=first.format.name,
        coded_width=first.width,
        coded_height=first.height,
        stream_number=number,
        orientation=orientation_of(first),
        index=index,
        clock=clock,
        unreadable_from_s=_missing_tail(index, clock, declared_s),
    )


def key_times(film: Film) -> NDArray[np.float64]:
    """Seconds of the displayed key frames; of all frames where only decoding told the times."""
    seconds, clock = film.clock.seconds_each, film.clock
    return seconds if clock.decoded else seconds[film.index.key_P[clock.source_F]]


def decoded_frames(path: Path, limits: Limits, deadline: Deadline) -> Iterator[VideoFrame]:
    """All frames from the first packet on, in output order; undecodable packets are passed over."""
    with open_video(path, limits) as (container, stream):
        for packet in packets_until_error(container, stream):
            deadline.check()
            yield from feed(path, stream.codec_context, packet, limits)
        yield from feed(path, stream.codec_context, None, limits)


def packets_until_error(
    container: InputContainer, stream: VideoStream
) -> Iterator[Packet[VideoStream]]:
    """The stream's packets to the end, or to where the container can give no more."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (av.FFmpegError, MemoryError):
            return  # the index, made by the same rule, promises no more either
        if packet is None:
            return
        if packet.size:  # the last, empty packet only says that the file is over
            yield packet


def feed(
    path: Path, context: VideoCodecContext, packet: Packet[VideoStream] | None, limits: Limits
) -> Iterator[VideoFrame]:
    """The frames that come out for one packet, or out of the end (None); none if it is damaged."""
    try:
        frames = context.decode(packet)
    except MemoryError:  # FFmpeg's word also for sizes that cannot be: damage, in most files
        PULSE.short()
        return
    except av.FFmpegError:
        return
    for frame in frames:
        check_size(path, frame.width, frame.height, limits)
        yield frame


def _clock_and_first(
    path: Path, index: PacketIndex, limits: Limits, *, guessed: bool
) -> tuple[PacketIndex, FrameClock, VideoFrame]:
    deadline = Deadline.after(limits.decode_seconds(index.pts_P.size), path, "decoding")
    frames = decoded_frames(path, limits, deadline)
    first = next(frames, None)
    if first is None:
        raise VideoError(
            f"{path}: none of its {index.pts_P.size} pictures can be decoded",
            code="undecodable",
            next_step="Check that the copy is complete, or re-encode the file.",
        )
    if guessed:
        return index, _counted_clock(index, [first.pts, *(frame.pts for frame in frames)]), first
    if index.sound and first.pts is not None:
        led = index.without_leaders(first.pts)
        clock = clock_from_packets(led)
        if clock.pts_F[0] == first.pts:
            return led, clock, first
    times = [first.pts, *(frame.pts for frame in frames)]
    return index, clock_from_frames(index, times), first


def _times_are_guessed(container: str, stream: VideoStream, index: PacketIndex) -> bool:
    """Whether presentation times are FFmpeg's guesses, which can be in decoding order or repeat.

    AVI stores none, nor does Matroska for codecs in its AVI compatibility mode (they keep their
    four-letter tag): that matters where pictures are reordered. MPEG-PS stores one for several
    small pictures; the guesses for the others are wrong where decoding times go back.
    """
    if container == "mpeg":
        return bool((np.diff(index.dts_P) <= 0).any())
    tagged = container == "matroska" and stream.codec_context.codec_tag.strip("\0") != ""
    return (container == "avi" or tagged) and bool(stream.codec_context.has_b_frames)


def _counted_clock(index: PacketIndex, times: Sequence[int | None]) -> FrameClock:
    """The guessed times, handed out anew in the order in which the decoder shows the pictures.

    Where they repeat or are missing, pictures follow the first at their usual distance.
    """
    known = sorted({time for time in times if time is not None})
    if len(known) == len(times):
        return clock_from_frames(index, known)
    return clock_from_frames(index, [*known[:1], *[None] * (len(times) - 1)])


def _declared_seconds(stream: VideoStream) -> float | None:
    """Length of the video stream by its header, where the container has one for it alone."""
    if stream.duration is None or stream.time_base is None:
        return None
    return float(stream.duration * stream.time_base)


def _missing_tail(index: PacketIndex, clock: FrameClock, declared_s: float | None) -> float | None:
    """Where pictures stop too early: an error ended the packets, or the header promised more."""
    short = declared_s is not None and declared_s - index.extent_s > _MISSING_TAIL_S
    return clock.duration_s if index.ended_early or short else None


def _nothing_shown(path: Path) -> VideoError:
    return VideoError(
        f"{path}: the container opens but holds no picture to show",
        code="undecodable",
        next_step="Check that the copy is complete; the pictures may have been cut away.",
    )
