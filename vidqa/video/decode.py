"""Decode a run of packets and paint the pictures wanted from it.

Which picture came out is decided by its presentation time, never by counting: decoders delay,
reorder and drop. A wanted picture that did not come out is left to :mod:`vidqa.video.recover`.
"""

from __future__ import annotations

from collections.abc import Sequence

from vidqa.video.canvas import Painter
from vidqa.video.cursor import PacketCursor
from vidqa.video.deadline import Deadline
from vidqa.video.film import Film, feed
from vidqa.video.runs import Run

_SKIPPING = frozenset({"h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4"})
"""Codecs whose decoders can be told, packet by packet, to drop pictures no other refers to."""


def paint_runs(film: Film, runs: Sequence[Run], brush: Painter) -> None:
    """Decode the runs in order, through one opening of the file."""
    deadline = film.decode_deadline()
    with PacketCursor(film) as cursor:
        for run in runs:
            paint_run(film, cursor, run, brush, deadline)


def paint_run(
    film: Film, cursor: PacketCursor, run: Run, brush: Painter, deadline: Deadline
) -> None:
    """Decode one run, skipping what neither is wanted nor helps to decode what is."""
    source_of = {int(film.index.pts_P[packet]): packet for packet in run.wanted}
    wanted = frozenset(run.wanted)
    skips = film.video_codec in _SKIPPING
    packets = cursor.packets(run.first, run.last)
    decoder = None
    for number, packet in packets:
        deadline.check()
        if decoder is None:  # going to the run may have reopened the file
            decoder = cursor.decoder
        if skips:
            decoder.skip_frame = "DEFAULT" if number in wanted else "NONREF"
        for frame in feed(film.path, decoder, packet, film.limits):
            if frame.pts in source_of:
                brush.paint(frame, source_of[frame.pts], frame.pts)
    if decoder is None:
        return
    for frame in feed(film.path, decoder, None, film.limits):
        if frame.pts in source_of:
            brush.paint(frame, source_of[frame.pts], frame.pts)
    decoder.flush_buffers()
