"""Open one file with FFmpeg so that it can name no other file, use no other codec, and be no larger
than allowed. Everything of PyAV that needs a setting is set here and nowhere else.

Three lists (reliability: FFmpeg's ``protocol_whitelist`` alone does not stop a playlist, and its
``codec_whitelist`` is ignored by PyAV's decoders unless set on the codec context as well):

* formats: the one that :mod:`vidqa.video.sniff` found;
* protocols: ``file``;
* decoders: :data:`DECODERS`, the codecs that people's videos are in, plus FFV1, PNG and GIF, which
  archives and screen recorders write. Rare decoders are where FFmpeg's holes are found.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import av.logging
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from vidqa.errors import VideoError
from vidqa.video.limits import Limits
from vidqa.video.sniff import sniff

DECODERS = frozenset(
    {"h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "libaom-av1", "mpeg1video", "mpeg2video"}
    | {"mpeg4", "msmpeg4v2", "msmpeg4", "mjpeg", "prores", "ffv1", "png", "gif"}
)
_ALLOWED = ",".join(sorted(DECODERS))
_FORMATS = {"mov": "mov,mp4,m4a,3gp,3g2,mj2", "matroska": "matroska,webm"}
_PROBE = {"probesize": "5000000", "analyzeduration": "5000000"}

# FFmpeg writes its complaints to stderr from C; ours go through exceptions.
av.logging.set_level(None)


@contextmanager
def open_video(path: Path, limits: Limits) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its first real video stream, single-threaded and within ``limits``.

    Raises :class:`VideoError` for anything that cannot be opened or must not be decoded.
    """
    container = _open(path, sniff(path), limits)
    with container:
        yield container, _video_stream(path, container, limits)


def _open(path: Path, demuxer: str, limits: Limits) -> InputContainer:
    options = {
        "format_whitelist": _FORMATS.get(demuxer, demuxer),
        "protocol_whitelist": "file",
        "codec_whitelist": _ALLOWED,
        **_PROBE,
    }
    try:
        return av.open(
            f"file:{path.absolute()}",
            format=demuxer,
            options=options,
            timeout=limits.open_s,
            metadata_errors="replace",  # damaged tags are not our business
        )
    except (av.FFmpegError, ValueError, MemoryError) as err:
        raise VideoError(
            f"{path}: looks like {demuxer} but cannot be opened ({_reason(err)})",
            code="container_damaged",
            next_step="Check that the copy is complete; try ffmpeg -i IN -c copy OUT.mkv.",
        ) from err


def _video_stream(path: Path, container: InputContainer, limits: Limits) -> VideoStream:
    if len(container.streams) > limits.streams:
        raise VideoError(
            f"{path}: {len(container.streams)} streams, at most {limits.streams} are read",
            code="streams_too_many",
            next_step="Keep one video stream: ffmpeg -i IN -map 0:v:0 -c copy OUT.mkv",
        )
    streams = container.streams.video
    if not streams:
        raise VideoError(
            f"{path}: no video stream in it",
            code="no_video_stream",
            next_step="Give a file with pictures; this one holds sound or data only.",
        )
    stream = next((s for s in streams if not _is_cover(s)), streams[0])
    _check_codec(path, stream)
    check_size(path, stream.width, stream.height, limits)
    _restrain(stream, limits)
    return stream


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)


def _check_codec(path: Path, stream: VideoStream) -> None:
    context = getattr(stream, "codec_context", None)
    name = context.name if context is not None else "unknown"
    if name not in DECODERS:
        raise VideoError(
            f"{path}: video codec {name!r} is not read",
            code="codec_unsupported",
            next_step="Convert it: ffmpeg -i IN -c:v libx264 OUT.mp4",
        )


def check_size(path: Path, width: int, height: int, limits: Limits) -> None:
    """Raise ``frame_too_large`` past the limits and ``container_damaged`` for no size at all."""
    if width <= 0 or height <= 0:
        raise VideoError(
            f"{path}: the picture size {width}x{height} is impossible",
            code="container_damaged",
            next_step="Check that the copy is complete, or re-encode the file.",
        )
    if max(width, height) > limits.frame_side or width * height > limits.frame_pixels:
        raise VideoError(
            f"{path}: pictures of {width}x{height}; at most {limits.frame_side} a side"
            f" and {limits.frame_pixels / 1e6:.1f} megapixels are read",
            code="frame_too_large",
            next_step="Scale it down first: ffmpeg -i IN -vf scale=1920:-2 OUT.mp4",
        )


def _restrain(stream: VideoStream, limits: Limits) -> None:
    context = stream.codec_context
    # Threads of ours, one segment each, gain more than FFmpeg's: it gets one thread a decoder.
    context.thread_count = 1
    context.options = {
        **context.options,
        "codec_whitelist": _ALLOWED,
        "max_pixels": str(limits.frame_pixels),
    }


def _reason(err: BaseException) -> str:
    return getattr(err, "strerror", None) or str(err) or type(err).__name__
