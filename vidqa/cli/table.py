"""Results as text for people: plain aligned columns that read the same in a terminal and a file."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten

from vidqa.provenance import Pass, Provenance
from vidqa.results import AskResult, Chapter, DescribeResult, GroundResult, Mark, Result, Segment
from vidqa.timeline import format_timecode

_MODEL_CHARS = 40
"""A name and the head of a digest: enough to tell two checkpoints apart."""
_REPLY_CHARS = 200


def answer_lines(result: Result) -> str:
    """The answer, its spans, and one line on what was looked at."""
    return f"{headline(result)}\n{below_headline(result)}"


def below_headline(result: Result) -> str:
    """The same without the answer, for a screen that shows it already."""
    marks = result.marks if isinstance(result, AskResult) else ()
    spans = _segment_lines(result.segments)
    if isinstance(result, DescribeResult):
        spans = _chapter_lines(result.chapters)
    tables = [*spans, *_mark_lines(marks, result.provenance)]
    gap = [""] if tables else []
    return "\n".join([*tables, *gap, *_footer(result.provenance)])


def headline(result: Result) -> str:
    """The answer in one line."""
    if isinstance(result, GroundResult):
        return _ground_headline(result)
    if isinstance(result, DescribeResult):
        return _describe_headline(result)
    return _ask_headline(result)


def columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows as left-aligned columns two spaces apart."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))] if rows else []
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _ground_headline(result: GroundResult) -> str:
    if result.outcome == "found":
        times = "once" if len(result.segments) == 1 else f"{len(result.segments)} times"
        return f'"{result.query}" happens {times}:'
    if result.outcome == "not_found":
        return f'"{result.query}" does not happen.'
    return f'"{result.query}": no clear answer.{_said(result.provenance)}'


def _describe_headline(result: DescribeResult) -> str:
    if result.outcome == "found":
        count = len(result.chapters)
        return f"{count} thing{'s' if count != 1 else ''} happen{'s' if count == 1 else ''}:"
    if result.outcome == "not_found":
        return "Nothing happens."
    return f"No clear answer.{_said(result.provenance)}"


def _ask_headline(result: AskResult) -> str:
    if result.outcome == "found":
        return _pointed_out(result.marks) if _is_markup(result) else result.answer
    if result.outcome == "not_found":
        return result.answer or "The video does not show it."
    return f"No clear answer.{_said(result.provenance)}"


def _is_markup(result: AskResult) -> bool:
    """Whether the answer is nothing but the JSON or XML that its marks were read from."""
    return bool(result.marks) and result.answer.lstrip().startswith(("[", "{", "<", "```"))


def _pointed_out(marks: Sequence[Mark]) -> str:
    labels = dict.fromkeys(" ".join(mark.label.split()) for mark in marks)
    named = ", ".join(label for label in labels if label)
    places = "one place" if len(marks) == 1 else f"{len(marks)} places"
    return shorten(f"{places}: {named}" if named else places, _REPLY_CHARS, placeholder=" ...")


def _said(provenance: Provenance) -> str:
    """The model's words, where it came to say any."""
    if not provenance.reply:
        return ""
    words = repr(shorten(provenance.reply, _REPLY_CHARS, placeholder=" ..."))
    return f" The model said: {words}"


def _segment_lines(segments: tuple[Segment, ...]) -> list[str]:
    if not segments:
        return []
    head = ("start", "end", "length", "precision", "confidence")
    rows = [
        (
            format_timecode(segment.span.start_s),
            format_timecode(segment.span.end_s),
            f"{segment.span.length_s:.1f} s",
            f"{segment.precision_s:.3g} s",
            _surety(segment.confidence),
        )
        for segment in segments
    ]
    return ["", *(f"  {line}" for line in columns([head, *rows]))]


def _surety(confidence: float | None) -> str:
    """A probability where the checkpoint has been calibrated, and no number where it has not."""
    return "not calibrated" if confidence is None else f"{confidence:.0%}"


def _chapter_lines(chapters: tuple[Chapter, ...]) -> list[str]:
    if not chapters:
        return []
    rows = [
        (
            format_timecode(chapter.span.start_s),
            format_timecode(chapter.span.end_s),
            f"{chapter.precision_s:.3g} s",
            shorten(" ".join(chapter.text.split()), _REPLY_CHARS, placeholder=" ..."),
        )
        for chapter in chapters
    ]
    return ["", *(f"  {line}" for line in columns([("start", "end", "precision", "what"), *rows]))]


def _mark_lines(marks: tuple[Mark, ...], provenance: Provenance) -> list[str]:
    """Boxes as left, top, right, bottom, points as x, y: pixels of the source as displayed."""
    if not marks:
        return []
    timed = provenance.video.kind == "video"
    head = ("mark", "pixels", *(("at",) if timed else ()), "label")
    rows = [
        (
            mark.kind,
            ", ".join(f"{x:.0f}" for x in mark.xy),
            *((_moment(mark.pts_s),) if timed else ()),
            " ".join(mark.label.split()),
        )
        for mark in marks
    ]
    return ["", *(f"  {line}" for line in columns([head, *rows]))]


def _moment(seconds: float | None) -> str:
    return "unknown" if seconds is None else format_timecode(seconds)


def _footer(provenance: Provenance) -> list[str]:
    return [_seen_line(provenance), *(f"note: {note}" for note in provenance.notes)]


def _seen_line(provenance: Provenance) -> str:
    span = provenance.coverage.span
    if not provenance.passes:
        return f"looked at nothing, model {provenance.model[:_MODEL_CHARS]}"
    looked = provenance.passes[-1]
    took = f"{sum(provenance.timings.values()):.1f} s"
    model = f"model {provenance.model[:_MODEL_CHARS]}"
    if provenance.video.kind == "image":
        cost = f"{looked.width} x {looked.height} pixels, {looked.video_tokens} image tokens"
        return f"looked at the image, {cost}, {took}, {model}"
    seen = (
        f"looked at {format_timecode(span.start_s)} to {format_timecode(span.end_s)}"
        f" ({provenance.coverage.fraction:.0%} of the video)"
    )
    kept = {"hit": " (cached)", "partial": " (partly cached)"}.get(
        provenance.cache.get("features", "off"), ""
    )
    if len(provenance.passes) > 1:
        return f"{seen}, {_passes_text(provenance.passes)}{kept}, {took}, {model}"
    cost = (
        f"{looked.frames} frames at {looked.fps:.3g} fps, {looked.video_tokens} video tokens{kept},"
        f" {took}"
    )
    return f"{seen}, {cost}, {model}"


def _passes_text(passes: Sequence[Pass]) -> str:
    """How often the model ran, by stage: ``skim 29, scan 2, zoom 3 passes``."""
    counts: dict[str, int] = {}
    for each in passes:
        counts[each.stage] = counts.get(each.stage, 0) + each.count
    named = ", ".join(f"{stage} {count}" for stage, count in counts.items())
    return f"{named} passes, {sum(each.frames for each in passes)} frames"
