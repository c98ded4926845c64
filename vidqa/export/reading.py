"""Results read back from their JSON: the very ``to_dict()`` in, the frozen value out.

The service keeps results as JSON and exports them later, maybe by a newer version than the one that
wrote them: fields that are not known are passed over, those that are needed and missing are told.
Times were rounded to milliseconds when they were written, and stay so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from vidqa.errors import ExportError
from vidqa.hits import Hit, Verdict, VideoRef
from vidqa.provenance import Coverage, Pass, Provenance, VideoFacts
from vidqa.results import (
    AskResult,
    Chapter,
    DescribeResult,
    Evidence,
    GroundResult,
    Mark,
    Result,
    Segment,
)
from vidqa.search_results import ArchiveAnswer, Citation, Scope, SearchResult
from vidqa.timeline import Span

Body = Mapping[str, Any]
T = TypeVar("T")


def read_result(body: Body) -> Result:
    """A ground, ask or describe result; raises :class:`ExportError` for anything else."""
    if "query" in body and "segments" in body:
        return _told(_grounded, body)
    if "chapters" in body:
        return _told(_described, body)
    if "question" in body and "evidence" in body:
        return _told(_asked, body)
    raise _unreadable("no kind of result that is about one video")


def read_found(body: Body) -> SearchResult | ArchiveAnswer:
    """What was found in an archive; raises :class:`ExportError` for anything else."""
    if "hits" in body:
        return _told(_searched, body)
    if "citations" in body:
        return _told(_answered, body)
    raise _unreadable("no kind of result that is about an archive")


def is_about_archive(body: Body) -> bool:
    """Whether :func:`read_found` reads it, and not :func:`read_result`."""
    return "hits" in body or "citations" in body


def _told(read: Callable[[Body], T], body: Body) -> T:
    try:
        return read(body)
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise _unreadable(f"{type(err).__name__}: {err}") from err


def _unreadable(why: str) -> ExportError:
    return ExportError(
        f"a result cannot be read: {why}",
        code="result_unreadable",
        next_step="Ask again with this version; its results can be exported.",
    )


def _grounded(body: Body) -> GroundResult:
    return GroundResult(
        outcome=body["outcome"],
        query=body["query"],
        segments=tuple(map(_segment, body["segments"])),
        provenance=_provenance(body),
    )


def _asked(body: Body) -> AskResult:
    return AskResult(
        outcome=body["outcome"],
        question=body["question"],
        answer=body["answer"],
        evidence=tuple(map(_segment, body["evidence"])),
        marks=tuple(map(_mark, body.get("marks", ()))),
        provenance=_provenance(body),
    )


def _described(body: Body) -> DescribeResult:
    return DescribeResult(
        outcome=body["outcome"],
        chapters=tuple(map(_chapter, body["chapters"])),
        provenance=_provenance(body),
    )


def _searched(body: Body) -> SearchResult:
    return SearchResult(
        outcome=body["outcome"],
        kind=body["query_kind"],
        query=body["query"],
        hits=tuple(map(_hit, body["hits"])),
        total=body["total"],
        scope=_scope(body["considered"]),
        model=body["model"],
        next_page=body.get("next_page_token"),
        timings=body.get("timings", {}),
        ended_early=body.get("ended_early"),
        notes=tuple(body.get("notes", ())),
    )


def _answered(body: Body) -> ArchiveAnswer:
    return ArchiveAnswer(
        outcome=body["outcome"],
        question=body["question"],
        answer=body["answer"],
        citations=tuple(map(_citation, body["citations"])),
        others=tuple(map(_citation, body.get("others", ()))),
        count=body.get("count"),
        at_least=body.get("at_least", False),
        scope=_scope(body["considered"]),
        model=body["model"],
        timings=body.get("timings", {}),
        ended_early=body.get("ended_early"),
        notes=tuple(body.get("notes", ())),
    )


def _span(body: Body) -> Span:
    return Span(float(body["start"]), float(body["end"]))


def _evidence(told: Sequence[Body]) -> tuple[Evidence, ...]:
    return tuple(Evidence(pts_s=each["pts"], sha256=each["sha256"]) for each in told)


def _segment(body: Body) -> Segment:
    return Segment(
        span=_span(body),
        score=body["score"],
        precision_s=body["precision_s"],
        evidence=_evidence(body.get("evidence", ())),
        confidence=body.get("confidence"),
    )


def _chapter(body: Body) -> Chapter:
    return Chapter(
        span=_span(body),
        text=body["text"],
        score=body["score"],
        precision_s=body["precision_s"],
        evidence=_evidence(body.get("evidence", ())),
    )


def _mark(body: Body) -> Mark:
    return Mark(
        kind=body["kind"],
        label=body["label"],
        xy=tuple(body["xy"]),
        pts_s=body.get("pts"),
        sha256=body.get("sha256"),
    )


def _provenance(body: Body) -> Provenance:
    video, coverage = body["video"], body["coverage"]
    return Provenance(
        video=VideoFacts(
            id=video["id"],
            duration_s=video["duration"],
            start_time_s=video["start_time"],
            vfr=video["vfr"],
            width=video["width"],
            height=video["height"],
            kind=video.get("kind", "video"),
        ),
        coverage=Coverage(
            span=_span(coverage),
            fraction=coverage["fraction"],
            unreadable_from_s=coverage.get("unreadable_from"),
        ),
        passes=tuple(map(_pass, body.get("passes", ()))),
        model=body["model"],
        reply=body["reply"]["text"],
        reply_kind=body["reply"]["kind"],
        reply_tokens=body["reply"].get("tokens"),
        reply_cut_short=body["reply"].get("cut_short", False),
        cache=body.get("cache", {}),
        timings=body.get("timings", {}),
        familiar=body.get("familiar"),
        ended_early=body.get("ended_early"),
        notes=tuple(body.get("notes", ())),
    )


def _pass(body: Body) -> Pass:
    return Pass(
        stage=body["stage"],
        span=_span(body),
        fps=body["fps"],
        frames=body["frames"],
        height=body["height"],
        width=body["width"],
        video_tokens=body["video_tokens"],
        windows=body.get("windows", 1),
        count=body.get("count", 1),
    )


def _scope(body: Body) -> Scope:
    return Scope(
        videos=body["videos"],
        clips=body["clips"],
        ranked=body["ranked_clips"],
        looked_at=body.get("looked_at", 0),
        looked_at_videos=body.get("looked_at_videos", 0),
    )


def _citation(body: Body) -> Citation:
    return Citation(hit=_hit(body), answer=body["answer"])


def _hit(body: Body) -> Hit:
    return Hit(
        rank=body["rank"],
        video=_video(body["video"]),
        span=_span(body),
        clip_id=body["clip"],
        key_s=body["key"],
        score=body["score"],
        found_by=tuple(body["found_by"]),
        lines=tuple(body.get("lines", ())),
        more=body.get("more_in_video", 0),
        verdict=_verdict(body),
        refined=body.get("refined"),
        segments=tuple(map(_segment, body.get("segments", ()))),
        thumbnail=body.get("thumbnail"),
    )


def _verdict(body: Body) -> Verdict | None:
    if "verdict" not in body:
        return None
    error = body.get("error") or {}
    return Verdict(
        decision=body["verdict"],
        probability=body.get("probability"),
        code=error.get("code"),
        reason=error.get("message"),
        next_step=error.get("next_step"),
    )


def _video(body: Body) -> VideoRef:
    """``id`` is the digest in JSON; the number in the archive's database is not told, and 0 would
    make all videos one where they are grouped, so the digest stands for it."""
    recorded = body.get("recorded_at")
    return VideoRef(
        id=int(str(body["id"]).removeprefix("sha256:") or "0", 16),
        digest=body["id"],
        archive=body["archive"],
        paths=tuple(body.get("paths", ())),
        there=body.get("there", False),
        duration_s=body.get("duration"),
        size=None,
        variable_rate=False,
        start_time_s=0.0,
        recorded_at=None if recorded is None else datetime.fromisoformat(recorded),
        recorded_from=body.get("recorded_from", "unknown"),
        tags=tuple(body.get("tags", ())),
    )
