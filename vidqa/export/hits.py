"""Hits of an archive as the text of a file: JSON, a table, an edit list, subtitles of each video.

What a format does with words is as in the exports of one video's result.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence

from vidqa.errors import ExportError
from vidqa.export.cues import one_line
from vidqa.export.edl import FRAME_RATE, Cut, edit_list
from vidqa.export.subtitles import to_chapters, to_srt, to_vtt
from vidqa.export.tables import not_a_formula
from vidqa.hits import Hit, VideoRef
from vidqa.provenance import Coverage, Provenance, VideoFacts
from vidqa.results import GroundResult, Segment
from vidqa.search_results import ArchiveAnswer, SearchResult
from vidqa.timeline import Span, format_timecode

HIT_COLUMNS = (
    "video",
    "start",
    "end",
    "start_tc",
    "end_tc",
    "score",
    "found_by",
    "verdict",
    "probability",
    "text",
)
TIMED: Mapping[str, Callable[[GroundResult], str]] = {
    "srt": to_srt,
    "vtt": to_vtt,
    "chapters": to_chapters,
}
"""Formats that hold the moments of one video."""
Found = SearchResult | ArchiveAnswer


def told_hits(found: Found) -> list[tuple[Hit, str]]:
    """What is exported: every hit that was not denied with the query, or every citation with its
    answer."""
    if isinstance(found, ArchiveAnswer):
        return [(each.hit, one_line(each.answer or found.answer)) for each in found.citations]
    words = one_line(found.query)
    return [(hit, words) for hit in found.hits if not hit.denied]


def export_found(found: Found, name: str, *, frame_rate: float = FRAME_RATE) -> str:
    """``found`` as the text of a file in the format ``name``; it ends in a line break.

    Raises :class:`ExportError` for an unknown format, for one that holds the moments of one video
    where there are several, or hits that an edit list cannot hold.
    """
    if name in TIMED:
        texts = export_by_video(found, name)
        if len(texts) > 1:
            raise ExportError(
                f"{name!r} holds the moments of one video, and here are {len(texts)}",
                code="format_of_one",
                next_step="Give a folder with -o for a file each, or json, jsonl, csv, edl.",
            )
        return next((text for _, text in texts), "WEBVTT\n" if name == "vtt" else "")
    if name not in _WRITERS and name != "edl":
        raise ExportError(
            f"there is no output format {name!r}",
            code="format_unknown",
            next_step=f"Choose from {', '.join([*_WRITERS, 'edl', *TIMED])}.",
        )
    text = _edl(found, frame_rate) if name == "edl" else _WRITERS[name](found)
    return text.encode("utf-8", "replace").decode("utf-8")


def export_by_video(found: Found, name: str) -> list[tuple[VideoRef, str]]:
    """One of :data:`TIMED` for each video with moments, in the order of its best hit."""
    by_video: dict[int, list[tuple[Hit, str]]] = {}
    for hit, words in told_hits(found):
        by_video.setdefault(hit.video.id, []).append((hit, words))
    return [
        (own[0][0].video, TIMED[name](_as_grounded(own, found.model))) for own in by_video.values()
    ]


def _json(found: Found) -> str:
    return json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _jsonl(found: Found) -> str:
    return json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False) + "\n"


def _csv(found: Found) -> str:
    sheet = io.StringIO()
    table = csv.writer(sheet, lineterminator="\n")
    table.writerow(HIT_COLUMNS)
    for hit, words in told_hits(found):
        table.writerows(_cells(hit, span, words) for span in hit.spans)
    return sheet.getvalue()


def _cells(hit: Hit, span: Span, words: str) -> list[str]:
    verdict, probability = "", ""
    if hit.verdict is not None:
        verdict = hit.verdict.decision
        known = hit.verdict.probability
        probability = "" if known is None else f"{known:.4f}"
    return [
        not_a_formula(hit.video.path),
        f"{span.start_s:.3f}",
        f"{span.end_s:.3f}",
        format_timecode(span.start_s),
        format_timecode(span.end_s),
        f"{hit.score:.4f}",
        " ".join(hit.found_by),
        verdict,
        probability,
        not_a_formula(words),
    ]


def _edl(found: Found, frame_rate: float) -> str:
    cuts = [
        Cut(one_line(hit.video.name), span, words)
        for hit, words in told_hits(found)
        for span in hit.spans
    ]
    asked = found.question if isinstance(found, ArchiveAnswer) else found.query
    return edit_list(cuts, title=one_line(asked)[:70], frame_rate=frame_rate)


def _as_grounded(own: Sequence[tuple[Hit, str]], model: str) -> GroundResult:
    """The moments of one video as a result about that video, which the formats know."""
    video, words = own[0][0].video, own[0][1]
    duration_s = video.duration_s or 0.0
    width, height = video.size or (0, 0)
    facts = VideoFacts(
        id=video.digest,
        duration_s=duration_s,
        start_time_s=video.start_time_s,
        vfr=video.variable_rate,
        width=width,
        height=height,
    )
    segments = [segment for hit, _ in own for segment in hit.segments or (_clip_segment(hit),)]
    return GroundResult(
        outcome="found",
        query=words,
        segments=tuple(segments),
        provenance=Provenance(
            video=facts,
            coverage=Coverage(span=Span(0.0, duration_s), fraction=1.0),
            passes=(),
            model=model,
            reply="",
            reply_kind="none",
        ),
    )


def _clip_segment(hit: Hit) -> Segment:
    return Segment(span=hit.span, score=max(0.0, hit.score), precision_s=hit.span.length_s)


_WRITERS: dict[str, Callable[[Found], str]] = {"json": _json, "jsonl": _jsonl, "csv": _csv}
