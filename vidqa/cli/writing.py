"""A result to everything the command line can make of it: text, files, a sheet, clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vidqa.cli.outputs import JOINT_FORMATS, Outputs
from vidqa.cli.progress import Report
from vidqa.cli.streams import show
from vidqa.cli.table import answer_lines, below_headline, headline
from vidqa.errors import ExportError
from vidqa.export import export_result, export_results
from vidqa.results import AskResult, GroundResult, Mark, Result
from vidqa.video import (
    choose_sheet_times,
    cut_clip,
    describe,
    draw_sheet,
    draw_still_sheet,
    media,
    open_reader,
    sheet_frame_size,
)

SHEET_FRAMES = 12


def write_texts(
    file: Path,
    results: Sequence[Result],
    outputs: Outputs,
    report: Report,
    *,
    spoken: bool = False,
) -> None:
    """Print every format, or write each to its file; of an answer already ``spoken``, the rest."""
    if spoken:
        show(below_headline(results[0]))
        return
    for name in outputs.formats:
        if outputs.questions == 1 or name in JOINT_FORMATS:
            _put(file, name, _text_of(file, results, name, outputs.reader), outputs, report)
            continue
        for result, own in zip(results, outputs.for_each(), strict=True):
            _put(file, name, _text_of(file, [result], name, outputs.reader), own, report)


def write_pictures(file: Path, results: Sequence[Result], outputs: Outputs, report: Report) -> None:
    """Draw the sheets and cut the clips that were asked for."""
    for result, own in zip(results, outputs.for_each(), strict=True):
        if own.sheet_path:
            report.step("sheet", 0, 1)
            _draw(file, result, own.sheet_path, own.reader)
            report.step("sheet", 1, 1)
            report.say(f"wrote {own.sheet_path}")
        if own.clip:
            _cut(file, result, own, report)


def _put(file: Path, name: str, text: str, outputs: Outputs, report: Report) -> None:
    if outputs.folder is None:
        show(text.rstrip("\n"))
        return
    path = outputs.path_of(file, name)
    write_file(path, text)
    report.say(f"wrote {path}")


def _text_of(file: Path, results: Sequence[Result], name: str, reader: str) -> str:
    if name == "txt":
        return "\n\n".join(answer_lines(result) for result in results) + "\n"
    if name == "edl":  # the one format that counts frames
        rate = describe(media(reader).study(file)).fps
        return export_result(results[0], name, frame_rate=rate, clip_name=file.name)
    return export_results(results, name) if len(results) > 1 else export_result(results[0], name)


def write_file(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as err:
        raise ExportError(
            f"{path} cannot be written: {err.strerror}",
            code="output_unwritable",
            next_step="Choose a folder that you may write to with -o.",
        ) from err


def _draw(file: Path, result: Result, out: Path, reader: str) -> None:
    marks = result.marks if isinstance(result, AskResult) else ()
    if result.provenance.video.kind == "image":
        rgb_HWC, title = media(reader).read_still(file).rgb_HWC, result.asked
        draw_still_sheet(rgb_HWC, title=title, answer=headline(result), out=out, marks=marks)
        return
    source = open_reader(file, reader=reader)
    info = source.info
    spans = [segment.span for segment in result.segments]
    times = _sheet_times(result, marks, info.duration_s)
    frames = source.read_frames(times, sheet_frame_size(info.width, info.height, len(times)))
    draw_sheet(
        frames,
        duration_s=info.duration_s,
        spans=spans,
        title=result.asked,
        answer=None if isinstance(result, GroundResult) and spans else headline(result),
        out=out,
        marks=marks,
        source=(info.width, info.height),
    )


def _sheet_times(result: Result, marks: Sequence[Mark], duration_s: float) -> list[float]:
    """The frames that bear marks first; others that tell of the spans fill what room is left."""
    marked = list(dict.fromkeys(mark.pts_s for mark in marks if mark.pts_s is not None))
    marked = marked[:SHEET_FRAMES]
    room = SHEET_FRAMES - len(marked)
    spans = [segment.span for segment in result.segments]
    end_s = result.provenance.coverage.span.end_s
    others = choose_sheet_times(duration_s, spans, room) if room else []
    return [*marked, *(t for t in others if t < end_s)]


def _cut(file: Path, result: Result, outputs: Outputs, report: Report) -> None:
    segments = result.segments
    for k, segment in enumerate(segments, start=1):
        report.step("clip", k - 1, len(segments))
        out = outputs.clip_of(file, k)
        cut_clip(file, segment.span, out, overwrite=outputs.overwrite, reader=outputs.reader)
        report.say(f"wrote {out}")
        report.step("clip", k, len(segments))
