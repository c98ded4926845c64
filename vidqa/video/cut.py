"""Cut one span out of a video, exact to the frame, by re-encoding it with the ffmpeg program.

In: a file, a span on the presentation timeline (0 = first displayed frame). Out: a new file that
shows, from its own 0 on, what a viewer of the original sees in ``[start, end)``: the first picture
is the one on screen at ``start`` even where its own time lies before, the last one holds until
``end``. Our reader finds those two pictures; ffmpeg is told their times on the container's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np

from vidqa.errors import ExportError
from vidqa.timeline import Span
from vidqa.video.clock import TOLERANCE_S
from vidqa.video.container import DECODERS
from vidqa.video.cut_output import Part, checked_output
from vidqa.video.film import Film
from vidqa.video.media import media
from vidqa.video.program import Run, run
from vidqa.video.sniff import sniff

Stream = Any
"""A node of ffmpeg-python, which gives its nodes their methods while it runs."""

_SEEK_MARGIN_S = 5.0
_SEEKABLE = ("mp4", "matroska")
"""Containers whose index can be trusted; others are decoded from their start (slow and right)."""
_CLOCK_HZ = 90_000
_LEAST_S, _TIMES_AS_LONG = 60.0, 10.0
"""How long ffmpeg may take: some times as long as the video lasts, and a minute at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edges:
    """Where a cut begins and ends; seconds on the container's own clock."""

    start_s: float
    end_s: float
    first_pts_s: float
    last_pts_s: float
    tick_s: float
    """The step of that clock: ffmpeg rounds the times it is given to it."""
    step_s: float
    """How long a player will show the last picture: as long as the one before it."""


def cut_clip(
    path: Path,
    span: Span,
    out: Path,
    *,
    overwrite: bool = False,
    reader: str = "pyav",
    within_s: float | None = None,
) -> Path:
    """Write ``span`` of ``path`` to ``out`` (.mp4, .m4v, .mov or .mkv; H.264, AAC) and return it.

    The span is clamped to the video. An existing ``out`` is kept unless ``overwrite``; a partly
    written file is never left under that name. With the reader ``isolated`` both we and ffmpeg look
    at the file in confined processes. ``within_s`` are the wall seconds that ffmpeg may take; by
    default ten times those of the video. Raises :class:`VideoError` for a video that cannot be read
    there, :class:`ExportError` for an empty span, an output that may not be written, a missing
    ffmpeg program or one that fails.
    """
    kind = checked_output(path, out, overwrite=overwrite)
    film = media(reader).study(path)
    edges = _find_edges(film, span)
    with Part(out) as part:
        run(
            Run(
                arguments=ffmpeg.get_args(_command(film, edges, part.path, kind), True),
                source=path,
                target=part.path,
                within_s=within_s or max(_LEAST_S, _TIMES_AS_LONG * film.clock.duration_s),
                confined=reader == "isolated",
            )
        )
        part.keep()
    return out


def _find_edges(film: Film, span: Span) -> _Edges:
    """The pictures on screen at the start and just before the end, by our own clock."""
    clock = film.clock
    window = span.clamp(Span(0.0, clock.duration_s))
    if window.length_s <= 0:
        raise _nothing(film, span)
    pts_F, zero_s = clock.seconds_each, clock.start_time_s
    first = clock.on_screen(film.path, [window.start_s])[0]
    last = max(first, np.searchsorted(pts_F, window.end_s - TOLERANCE_S, side="left") - 1)
    return _Edges(
        start_s=zero_s + window.start_s,
        end_s=zero_s + window.end_s,
        first_pts_s=zero_s + float(pts_F[first]),
        last_pts_s=zero_s + float(pts_F[last]),
        tick_s=float(clock.time_base),
        step_s=float(pts_F[last] - pts_F[last - 1]) if last > first else _lone_s(film),
    )


def _lone_s(film: Film) -> float:
    """How long one picture alone is shown: a frame of the film, or a tenth of a second if less."""
    return min(film.index.frame_ticks * float(film.clock.time_base), 0.1)


def _command(film: Film, edges: _Edges, part: Path, kind: str) -> Stream:
    source = ffmpeg.input(f"file:{film.path.resolve()}", **_input_options(film, edges))
    streams = [_picture(source[str(film.stream_number)], edges)]
    if film.audio_codecs:
        streams.append(_sound(source["a:0"], edges))
    target = ffmpeg.output(*streams, f"file:{part.resolve()}", **_output_options(kind))
    return target.global_args("-nostdin", "-hide_banner", "-loglevel", "error", "-copyts")


def _picture(stream: Stream, edges: _Edges) -> Stream:
    """The wanted pictures and no other, on a clock that starts at 0, in even sizes for H.264."""
    after_s = edges.last_pts_s + 0.75 * edges.tick_s
    stream = stream.filter(
        "trim", start=_us(edges.first_pts_s - edges.tick_s / 4), end=_us(after_s)
    )
    shift = f"max(T-{_us(edges.start_s)},0)/TB"
    if edges.end_s - edges.last_pts_s > 1.5 * edges.step_s:
        # A still picture: show it once more, late enough to last until the end.
        stream = stream.filter("tpad", stop=1, stop_mode="clone")
        again_s = edges.end_s - edges.start_s - edges.step_s
        shift = f"if(gt(T,{_us(after_s)}),{_us(again_s)}/TB,{shift})"
    stream = stream.filter("settb", f"1/{_CLOCK_HZ}").filter("setpts", shift)
    return stream.filter("pad", "ceil(iw/2)*2", "ceil(ih/2)*2").filter("format", "yuv420p")


def _sound(stream: Stream, edges: _Edges) -> Stream:
    stream = stream.filter("atrim", start=_us(edges.start_s), end=_us(edges.end_s))
    stream = stream.filter("asetpts", f"PTS-{_us(edges.start_s)}/TB")
    return stream.filter("aresample", **{"async": 1, "first_pts": 0})


def _input_options(film: Film, edges: _Edges) -> dict[str, str | int | None]:
    """Only local files, and a seek far enough ahead of the first picture to be safe."""
    demuxer = sniff(film.path)
    options: dict[str, str | int | None] = {
        "format": demuxer,
        "format_whitelist": demuxer,
        "protocol_whitelist": "file",
        "codec_whitelist:v": ",".join(sorted(DECODERS)),
    }
    seek_s = edges.first_pts_s - _SEEK_MARGIN_S
    if seek_s > film.clock.start_time_s and film.container in _SEEKABLE:
        # The trim filter picks the frames; seeking must not drop any on a clock of its own.
        options |= {"ss": _us(seek_s), "seek_timestamp": 1, "noaccurate_seek": None}
    return options


def _output_options(kind: str) -> dict[str, str | int]:
    return {
        "format": kind,
        "vcodec": "libx264",
        "crf": 18,
        "preset": "veryfast",
        # By default ffmpeg rounds times to the average frame rate and repeats or drops pictures.
        "fps_mode": "passthrough",
        "enc_time_base": f"1/{_CLOCK_HZ}",
        "acodec": "aac",
        "map_metadata": -1,
        "map_chapters": -1,
    }


def _us(seconds: float) -> str:
    """Seconds as ffmpeg reads them: to the microsecond, never with an exponent."""
    return f"{seconds:.6f}"


def _nothing(film: Film, span: Span) -> ExportError:
    return ExportError(
        f"{film.path}: nothing of {span.start_s:.3f} to {span.end_s:.3f} s can be cut out of a"
        f" video of {film.clock.duration_s:.3f} s",
        code="clip_empty",
        next_step="Give a span with some length inside the video.",
    )
